"""Pure: what fault rules make of an answer: other bodies, other orders, other clocks."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cicd.emulator import timestamps

JSON = "application/json"
AS_JSON = {"content-type": JSON}
ErrorBody = Callable[[int, str, str, str], Any]
"""What an API says of an error, by status, message, code and operation; a text is XML."""
QUOTA = "quota"
"""The code of the error for one thing too many."""
HTML = (
    "<!DOCTYPE html>\n<html><head><title>{status}</title></head>"
    "<body><h1>{status} {message}</h1><hr><center>nginx</center></body></html>\n"
)
MESSAGES = {
    400: "Invalid request",
    401: "Jwt is expired",
    403: "RBAC: access denied",
    404: "not found",
    429: "Too many requests",
    500: "Internal server error",
    502: "Bad Gateway",
    503: "no healthy upstream",
    504: "upstream request timeout",
}
GATEWAY = frozenset({401, 403})
"""Statuses that the gateway says in plain text unless something else is asked for."""
MOMENT = re.compile(
    r'(?<!"value":)(?<!"value": )'
    r'"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))"'
)
WITHHELD = 0.34
"""The share of new log lines that a first answer misses; as many come twice or too early."""


@dataclass(frozen=True)
class Answer:
    """A whole answer; header names are lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_json(self, content: Any) -> Answer:
        """The same with another JSON body."""
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        return replace(self, body=body)

    def with_text(self, text: str, content_type: str) -> Answer:
        """The same with another text."""
        return replace(
            self, body=text.encode(), headers={**self.headers, "content-type": content_type}
        )

    @property
    def json(self) -> Any:
        """The JSON in it, None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def refusal(
    effects: Mapping[str, Any],
    target: str,
    request_id: str,
    error: ErrorBody | None = None,
    operation: str = "",
) -> Answer | None:
    """The answer that takes the place of the operation; None where none of the effects is one.
    ``error`` is for another API than AI Core's."""
    if "quota" in effects:
        text = "Quota exceeded: no more of them are allowed for this tenant"
        if not error:
            return envelope(400, text, "01010429", target, request_id)
        body = error(400, text, QUOTA, operation)
        return Answer(400, headers=AS_JSON).with_json(body) if body is not None else None
    if "status" not in effects:
        return None
    status = effects["status"]
    message = effects.get("message", MESSAGES.get(status, "failed"))
    headers = {"retry-after": str(effects["retry-after"])} if "retry-after" in effects else {}
    shape = effects.get("body", "plain" if status in GATEWAY and not error else "envelope")
    code = effects.get("code", str(status))
    made = envelope(status, message, code, target, request_id)
    if error:
        body = error(status, message, effects.get("code", ""), operation)
        is_xml = isinstance(body, str)
        made = made.with_text(body, "application/xml") if is_xml else made.with_json(body)
    return shaped(replace(made, headers={**made.headers, **headers}), shape, message)


def envelope(status: int, message: str, code: str, target: str, request_id: str) -> Answer:
    """AI Core's error envelope."""
    error = {"code": code, "message": message, "requestId": request_id, "target": target}
    headers = {"content-type": JSON, "x-request-id": request_id}
    return Answer(status, headers=headers).with_json({"error": error})


def shaped(answer: Answer, shape: str, message: str = "") -> Answer:
    """The answer with a body of another shape, whose status and headers stay."""
    if shape == "plain":
        return answer.with_text(message, "text/plain; charset=utf-8")
    if shape == "html":
        text = HTML.format(status=answer.status, message=message)
        return answer.with_text(text, "text/html")
    if shape == "truncated":
        return replace(answer, body=answer.body[: len(answer.body) // 2])
    if shape == "not-json":
        return answer.with_text("this is not JSON", JSON)
    if shape == "empty":
        return replace(answer, body=b"")
    return answer


def without_paging(query: str) -> tuple[str, int, int | None]:
    """A query without ``$skip`` and ``$top``, and their values."""
    skip, top, rest = 0, None, []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.removeprefix("$") == "skip" and value.isdecimal():
            skip = int(value)
        elif name.removeprefix("$") == "top" and value.isdecimal():
            top = int(value)
        else:
            rest.append((name, value))
    return urlencode(rest), skip, top


def shuffled(answer: Answer, skip: int, top: int | None, dice: random.Random) -> Answer:
    """A page of a whole list whose order is another one at every request."""
    content = answer.json
    if not isinstance(content, dict) or not isinstance(content.get("resources"), list):
        return answer
    found = content["resources"]
    dice.shuffle(found)
    page = found[skip : None if top is None else skip + top]
    return answer.with_json({**content, "count": len(page), "resources": page})


def gapped(answer: Answer, known: dict[str, bool], path: str, dice: random.Random) -> Answer:
    """Some log lines are missing in the first answer that should have them, never the last one.

    ``known`` remembers each line that was shown or held back once.
    """
    content = answer.json
    lines = lines_of(content)
    if lines is None:
        return answer
    keys = [f"{path} {line['timestamp']} {line['msg']}" for line in lines]
    new = [number for number, key in enumerate(keys[:-1]) if key not in known]
    known.update(dict.fromkeys(keys, True))
    missing = set(dice.sample(new, math.ceil(len(new) * WITHHELD)))
    kept = [line for number, line in enumerate(lines) if number not in missing]
    return answer.with_json({"data": {"result": kept}})


def noisy(answer: Answer, dice: random.Random) -> Answer:
    """Some log lines come twice, some before the one that they follow."""
    content = answer.json
    lines = lines_of(content)
    if lines is None:
        return answer
    said: list[Any] = []
    for line in lines:
        said.append(line)
        if dice.random() < WITHHELD:
            said.append(line)
        if len(said) > 1 and dice.random() < WITHHELD:
            said[-1], said[-2] = said[-2], said[-1]
    return answer.with_json({"data": {"result": said}})


def worded(answer: Answer, word: str) -> Answer:
    """Every status of the things that the answer shows is another word."""
    content = answer.json
    found = content.get("resources", [content]) if isinstance(content, dict) else content
    for item in found if isinstance(found, list) else ():
        if isinstance(item, dict) and "status" in item:
            item["status"] = word
    return answer if content is None else answer.with_json(content)


def lines_of(content: Any) -> list[Any] | None:
    """The lines of a log answer."""
    data = content.get("data") if isinstance(content, dict) else None
    lines = data.get("result") if isinstance(data, dict) else None
    return lines if isinstance(lines, list) else None


def skewed(answer: Answer, seconds: float) -> Answer:
    """Every moment in the body as a clock shows it that is ``seconds`` ahead, but for those that a
    client wrote: the values of labels, tags and parameters."""
    if JSON not in answer.headers.get("content-type", ""):
        return answer
    content = answer.body.decode(errors="replace")
    return replace(answer, body=MOMENT.sub(lambda m: f'"{moved(m[1], seconds)}"', content).encode())


def skewed_query(query: str, seconds: float) -> str:
    """The moments of a query as our clock has them."""
    pairs = parse_qsl(query, keep_blank_values=True)
    names = {"start", "end", "$start", "$end"}
    return urlencode([(n, moved(v, -seconds) if n in names else v) for n, v in pairs])


def moved(text: str, seconds: float) -> str:
    """A moment moved, in its own form; 1970, which means "never", stays."""
    try:
        moment = timestamps.parse_ns(text)
    except ValueError:
        return text
    if moment == 0:
        return text
    later = timestamps.format_ns(moment + round(seconds * timestamps.SECOND))
    fraction = re.search(r"\.(\d+)", text)
    digits = f".{later[20:29][: len(fraction[1])]}" if fraction else ""
    zone = "Z" if text.endswith("Z") else "+00:00"
    return f"{later[:19]}{digits}{zone}"
