"""What fault rules do to logins: tokens that die, and answers to those who use them on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cicd.emulator.faults import answers
from cicd.emulator.faults.answers import Answer
from cicd.emulator.faults.judge import Asked, RuleState, Verdict

if TYPE_CHECKING:
    from starlette.types import Message, Send

DEAD, GOOD = "dead", "good"
SAYS = {"expired": "Jwt is expired", "revoked": "Jwt verification fails"}


def kill(verdict: Verdict, token: bytes) -> None:
    """The token of this request is dead, or every token so far."""
    kind, state = verdict.effects["tokens"]
    if kind == "expired":
        state.memory.setdefault(DEAD, set()).add(digest(token))
    else:
        state.memory[GOOD] = set()


def refused_token(
    states: tuple[RuleState, ...],
    asked: Asked,
    token: bytes,
    error: answers.ErrorBody | None = None,
) -> Answer | None:
    """The gateway's 401 for a dead token."""
    if is_login(asked) or not token:
        return None
    for state in states:
        is_revoked = GOOD in state.memory and digest(token) not in state.memory[GOOD]
        if is_revoked or digest(token) in state.memory.get(DEAD, ()):
            text = SAYS[state.rule.effects["tokens"]]
            if error:
                body = error(401, text, "", asked.operation)
                return Answer(401, headers=answers.AS_JSON).with_json(body)
            return answers.shaped(Answer(401), "plain", text)
    return None


def is_login(asked: Asked) -> bool:
    """Whether a request asks for a token."""
    return f".{asked.operation}".endswith(".token.create")


def watching(states: tuple[RuleState, ...], asked: Asked, send: Send) -> Send:
    """``send``, but a new token is known to be good."""
    if not is_login(asked) or not any(GOOD in state.memory for state in states):
        return send

    async def watched(message: Message) -> None:
        if message["type"] == "http.response.body":
            learn(states, asked, Answer(200, message.get("body", b"")))
        await send(message)

    # whoever breaks the connection needs the server's own
    watched.transport = getattr(send, "transport", None)  # type: ignore[attr-defined]
    return watched


def learn(states: tuple[RuleState, ...], asked: Asked, answer: Answer) -> None:
    """Remember a token that was given out after all others were revoked."""
    content = answer.json if is_login(asked) else None
    if isinstance(content, dict) and "access_token" in content:
        for state in states:
            if GOOD in state.memory:
                state.memory[GOOD].add(digest(f"bearer {content['access_token']}".encode()))


def digest(authorization: bytes) -> str:
    """What stands for a token: nothing here keeps one."""
    scheme, _, token = authorization.partition(b" ")
    return hashlib.sha256(scheme.lower() + b" " + token.strip()).hexdigest()
