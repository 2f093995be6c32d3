"""How long a template may take, how long it pauses, and how often it is repeated.

Source: Argo Workflows 3.5, workflow/validate/validate.go and workflow/controller/operator.go
(``processNodeRetries``, ``parseStringToDuration``); Go, time.ParseDuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import is_given

_POLICIES = ("Always", "OnFailure", "OnError", "OnTransientError")
_WHOLE = re.compile(r"[-+]?\d+")
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_LIKE = "write it like 90s, 5m or 1h30m"


def check_times(template: Node) -> Iterator[Problem]:
    """Deadlines, the pause of ``suspend``, and ``retryStrategy``."""
    yield from _check_deadlines(template)
    yield from _check_pause(template)
    strategy = template.get("retryStrategy")
    if strategy is not None:
        yield from check_repetition(strategy)
    of_set = template.get("containerSet", "retryStrategy")
    if of_set is not None:
        yield from _check_number(of_set, "retries")
        yield from _check_wait(of_set, "duration", may_be_seconds=False)


_COUNTED = r"lastRetry\.(exitCode|duration)"
_WITH_NUMBER = re.compile(
    rf"{_COUNTED}\s*(?:[=!]=|[<>]=?|in\b)\s*\[?\s*-?\d|\d\]?\s*(?:[=!]=|[<>]=?)\s*{_COUNTED}"
)


def check_repetition(strategy: Node) -> Iterator[Problem]:
    """A ``retryStrategy``: of a template, or of all of them."""
    policy = strategy.get("retryPolicy")
    if policy is not None and is_given(policy) and policy.value not in _POLICIES:
        hint = did_you_mean(policy.text, _POLICIES) or f": {', '.join(_POLICIES)}"
        yield policy.place.problem(f'there is no retryPolicy "{policy.text}"{hint}', "bad-retry")
    yield from _check_number(strategy, "limit")
    yield from _check_number(strategy, "backoff", "factor")
    backoff = strategy.get("backoff")
    if backoff is not None and backoff.value is not None and not is_given(backoff.get("duration")):
        message = "backoff has no duration, without which the first retry ends the run: add it"
        yield strategy.place_of("backoff", key=True).problem(message, "bad-retry", "warning")
    yield from _check_wait(strategy, "backoff", "duration")
    yield from _check_wait(strategy, "backoff", "maxDuration")
    expression = strategy.get("expression")
    compared = _WITH_NUMBER.search(expression.text) if expression is not None else None
    if expression is not None and compared:
        name = f"lastRetry.{compared[1] or compared[2]}"
        message = f"{name} is text, which equals no number: write asInt({name})"
        yield expression.place.problem(message, "bad-retry", "warning")


def _check_number(strategy: Node, *where: str) -> Iterator[Problem]:
    number = strategy.get(*where)
    if number is not None and not _is_like(number, _WHOLE):
        message = f'{where[-1]} is a whole number, not "{number.text}"'
        yield number.place.problem(message, "bad-retry")


def _check_wait(strategy: Node, *where: str, may_be_seconds: bool = True) -> Iterator[Problem]:
    wait = strategy.get(*where)
    if wait is None or _is_like(wait, _DURATION) or (may_be_seconds and _is_like(wait, _WHOLE)):
        return
    yield wait.place.problem(f'{where[-1]} "{wait.text}" is no duration: {_LIKE}', "bad-retry")


def _check_deadlines(template: Node) -> Iterator[Problem]:
    seconds, timeout = template.get("activeDeadlineSeconds"), template.get("timeout")
    if seconds is not None and (not _is_like(seconds, _WHOLE) or seconds.text.startswith("-")):
        message = f'activeDeadlineSeconds is a whole number of seconds, not "{seconds.text}"'
        yield seconds.place.problem(message, "bad-deadline")
    if timeout is not None and is_given(timeout) and not _is_like(timeout, _DURATION):
        is_number = _WHOLE.fullmatch(timeout.text)
        says = f'needs a unit: "{timeout.text}s"' if is_number else f"is no duration: {_LIKE}"
        message = f"timeout {says}" if is_number else f'timeout "{timeout.text}" {says}'
        yield timeout.place.problem(message, "bad-deadline")


def _check_pause(template: Node) -> Iterator[Problem]:
    pause, long = template.get("suspend"), template.get("suspend", "duration")
    if pause is None or pause.value is None:
        return
    if not is_given(long):
        message = "suspend without a duration never goes on: nobody can resume it on SAP AI Core"
        yield pause.place.problem(f"{message}, add one", "bad-deadline", "warning")
    elif long is not None and not _is_like(long, _WHOLE) and not _is_like(long, _DURATION):
        message = f'the duration "{long.text}" of suspend is none: {_LIKE}'
        yield long.place.problem(message, "bad-deadline")


def _is_like(node: Node, form: re.Pattern[str]) -> bool:
    """Whether a value has that form, as far as it can be told before it runs."""
    return not is_given(node) or "{{" in node.text or form.fullmatch(node.text) is not None
