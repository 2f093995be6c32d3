"""The chat APIs of AWS Bedrock and GCP Vertex AI, as far as they are simple. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.emulator.foundation import echo, openai
from cicd.emulator.foundation.answers import Answer, Handler, ModelRequest, not_emulated
from cicd.emulator.foundation.catalogue import Offer
from cicd.emulator.foundation.echo import BadRequest


def converse(offer: Offer, asked: ModelRequest) -> Answer:
    """Bedrock's ``/converse``, the same for every model."""
    try:
        openai.generates(offer)
        said = echo.turns(asked.json().get("messages"), "messages")
    except BadRequest as error:
        return Answer(400, {"message": error.message})
    text = echo.reply(said)
    spent = openai.usage(said, text)
    body = {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": "end_turn",
        "usage": {
            "inputTokens": spent["prompt_tokens"],
            "outputTokens": spent["completion_tokens"],
            "totalTokens": spent["total_tokens"],
        },
        "metrics": {"latencyMs": 1},
    }
    return Answer(body=body)


def invoke(offer: Offer, asked: ModelRequest) -> Answer:
    """Bedrock's ``/invoke``, in the shape of the model's maker: Anthropic, or Titan embeddings."""
    try:
        if offer.embeds:
            return Answer(body=titan(asked.json()))
        if offer.name.startswith("anthropic--"):
            return Answer(body=anthropic(offer, asked))
    except BadRequest as error:
        return Answer(400, {"message": error.message})
    return not_emulated(f"/invoke for model {offer.name}", {"/converse": converse})


def titan(body: Mapping[str, Any]) -> dict[str, Any]:
    """Amazon's embeddings."""
    text = body.get("inputText")
    if not isinstance(text, str) or not text:
        raise BadRequest("inputText must be a text")
    return {"embedding": echo.vector(text), "inputTextTokenCount": echo.tokens(text)}


def anthropic(offer: Offer, asked: ModelRequest) -> dict[str, Any]:
    """Anthropic's messages."""
    said = echo.turns(asked.json().get("messages"), "messages")
    text = echo.reply(said)
    spent = openai.usage(said, text)
    return {
        "id": f"msg_{echo.identity(asked.raw)}",
        "type": "message",
        "role": "assistant",
        "model": offer.label,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": spent["prompt_tokens"],
            "output_tokens": spent["completion_tokens"],
        },
    }


def generate_content(offer: Offer, asked: ModelRequest) -> Answer:
    """Vertex AI's ``:generateContent``."""
    try:
        openai.generates(offer)
        contents = asked.json().get("contents")
        # one content may stand alone
        said = echo.turns(
            [contents] if isinstance(contents, dict) else contents, "contents", "parts"
        )
    except BadRequest as error:
        refusal = {"code": 400, "message": error.message, "status": "INVALID_ARGUMENT"}
        return Answer(400, {"error": refusal})
    text = echo.reply(said)
    spent = openai.usage(said, text)
    body = {
        "candidates": [
            {
                "index": 0,
                "content": {"role": "model", "parts": [{"text": text}]},
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {
            "promptTokenCount": spent["prompt_tokens"],
            "candidatesTokenCount": spent["completion_tokens"],
            "totalTokenCount": spent["total_tokens"],
        },
        "modelVersion": offer.label,
    }
    return Answer(body=body)


BEDROCK: Mapping[str, Handler] = {"/converse": converse, "/invoke": invoke}
VERTEX: Mapping[str, Handler] = {":generateContent": generate_content}
