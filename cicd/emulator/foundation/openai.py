"""OpenAI's chat and embeddings API, as Azure and the models on AI Core itself speak it. Pure."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cicd.emulator.foundation import echo
from cicd.emulator.foundation.answers import Answer, Handler, ModelRequest
from cicd.emulator.foundation.catalogue import Offer
from cicd.emulator.foundation.echo import BadRequest, Message

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MOST_DIMENSIONS = 4096


def refusing(handler: Handler) -> Handler:
    """The same handler, what it refuses in the shape of this API."""

    def answer(offer: Offer, asked: ModelRequest) -> Answer:
        try:
            return handler(offer, asked)
        except BadRequest as error:
            return refusal(error)

    return answer


def refusal(error: BadRequest) -> Answer:
    """The 400 of this API."""
    return Answer(
        400,
        {
            "error": {
                "message": error.message,
                "type": "invalid_request_error",
                "param": error.field or None,
                "code": None,
            }
        },
    )


def chat(offer: Offer, asked: ModelRequest) -> Answer:
    """``/chat/completions``"""
    body = asked.json()
    said = conversation(body.get("messages"), "messages")
    generates(offer)
    streams = flag(body, "stream")
    answer_id = f"chatcmpl-{echo.identity(asked.raw)}"
    if not streams:
        return Answer(body=completion(offer, said, answer_id))
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and options.get("include_usage") is True
    return Answer(events=tuple(stream(offer, said, answer_id, wants_usage=wants_usage)))


def conversation(found: Any, field: str) -> list[Message]:
    """The messages of a request; BadRequest also for a role that there is not."""
    said = echo.turns(found, field)
    for number, turn in enumerate(said):
        if turn.role not in ROLES:
            where = f"{field}[{number}].role"
            raise BadRequest(f"'{where}' must be one of {', '.join(ROLES)}", where)
    return said


def generates(offer: Offer) -> None:
    """BadRequest for a model that makes no texts."""
    if offer.embeds:
        raise BadRequest(f"the chatCompletion operation does not work with model {offer.name}")


def completion(offer: Offer, said: Sequence[Message], answer_id: str) -> dict[str, Any]:
    """A whole answer."""
    text = echo.reply(said)
    return {
        "id": answer_id,
        "object": "chat.completion",
        "created": echo.CREATED,
        "model": offer.label,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        "usage": usage(said, text),
    }


def usage(said: Sequence[Message], text: str) -> dict[str, int]:
    """The tokens of a question and its answer."""
    asked, answered = echo.prompt_tokens(said), echo.tokens(text)
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }


def stream(
    offer: Offer, said: Sequence[Message], answer_id: str, *, wants_usage: bool
) -> list[dict[str, Any]]:
    """The same answer in pieces: the role, the words, the end, and what it cost if wanted."""
    text = echo.reply(said)
    deltas = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in echo.pieces(text)]
    events = [chunk(offer, answer_id, delta) for delta in deltas]
    events.append(chunk(offer, answer_id, {}, "stop"))
    if wants_usage:
        events.append({**chunk(offer, answer_id, {}), "choices": [], "usage": usage(said, text)})
    return events


def chunk(
    offer: Offer, answer_id: str, delta: Mapping[str, str], end: str | None = None
) -> dict[str, Any]:
    """One piece of a streamed answer."""
    return {
        "id": answer_id,
        "object": "chat.completion.chunk",
        "created": echo.CREATED,
        "model": offer.label,
        "choices": [{"index": 0, "delta": dict(delta), "finish_reason": end}],
    }


def embeddings(offer: Offer, asked: ModelRequest) -> Answer:
    """``/embeddings``"""
    body = asked.json()
    texts = inputs(body.get("input"), "input")
    return Answer(body=embedded(offer, texts, body))


def inputs(found: Any, field: str) -> list[str]:
    """The texts to make vectors of: one, several, or tokens, which are as good as a text."""
    if isinstance(found, str):
        found = [found]
    if isinstance(found, list) and found:
        if all(isinstance(item, str) for item in found):
            return found
        if all(isinstance(item, int) for item in found):
            return [str(found)]
        if all(isinstance(item, list) for item in found):
            return [str(item) for item in found]
    raise BadRequest(f"'{field}' must be a text or a list of texts, at least one", field)


def embedded(offer: Offer, texts: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """The vectors of texts, in the encoding and length that were asked for."""
    if not offer.embeds:
        raise BadRequest(f"the embeddings operation does not work with model {offer.name}")
    encode = encoding(options.get("encoding_format"))
    dimensions = options.get("dimensions", echo.DIMENSIONS)
    if not is_number(dimensions) or not 0 < dimensions <= MOST_DIMENSIONS:
        raise BadRequest(f"'dimensions' must be from 1 to {MOST_DIMENSIONS}", "dimensions")
    count = echo.tokens(*texts)
    return {
        "object": "list",
        "model": offer.label,
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": encode(echo.vector(text, dimensions)),
            }
            for index, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }


def encoding(name: Any) -> Callable[[list[float]], Any]:
    """How a vector is written. The official Python client asks for base64 unless told others."""
    if name in (None, "float"):
        return list
    if name == "base64":
        return lambda vector: base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    raise BadRequest("'encoding_format' must be float or base64", "encoding_format")


def is_number(value: Any) -> bool:
    """Whether it is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def flag(body: Mapping[str, Any], field: str) -> bool:
    """A true/false field, false when absent."""
    value = body.get(field)
    if value not in (None, True, False):
        raise BadRequest(f"'{field}' must be true or false", field)
    return value is True


API: Mapping[str, Handler] = {
    "/chat/completions": refusing(chat),
    "/embeddings": refusing(embeddings),
}
