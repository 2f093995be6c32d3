"""Is it any good: metric gates of runs and smoke tests of services."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping

from cicd.apply.events import Answered
from cicd.apply.job import Job, ask
from cicd.apply.tasks import Pause, Task, once
from cicd.errors import CicdError, Denied, PlatformError
from cicd.model import Gate, LiveResource, SmokeTest, opened
from cicd.platforms.base import JSON, Answer, Request
from cicd.words import one_line

LONGEST_ANSWER = 30.0  # seconds that one request of a smoke test may take
PASSING = {404, 408, 425, 429}  # what gateways say while a route is on its way
LATE_METRICS = 5  # looks at metrics that are not there yet


def pass_gates(job: Job, live: LiveResource) -> Task[None]:
    """Read the metrics of a run until every gate has its own. Raises CicdError for unmet gates."""
    gates = job.options.require
    pause = job.polling.first
    # What a run records goes another way than its status, and may be there some seconds later.
    for attempt in range(LATE_METRICS if gates else 0):
        if attempt:
            yield Pause(pause)
            pause = job.polling.slower(pause)
        deadline = job.shared.clock() + job.polling.patience
        metrics = yield from ask(job, deadline, lambda: job.platform.metrics(live))
        if all(gate.metric in metrics for gate in gates):
            break
    if unmet := unmet_gates(gates, metrics if gates else {}):
        raise CicdError("; ".join(unmet))


def unmet_gates(gates: Iterable[Gate], metrics: Mapping[str, float]) -> list[str]:
    """Pure: one text for every bound that is not kept; a metric that is missing keeps none."""
    return [text for gate in gates for text in _unmet(gate, metrics)]


def _unmet(gate: Gate, metrics: Mapping[str, float]) -> list[str]:
    if gate.metric not in metrics:
        known = ", ".join(sorted(metrics)) or "none"
        return [f"{gate.metric} was not recorded (metrics of the run: {known})"]
    value = metrics[gate.metric]
    if math.isnan(value):
        return [f"{gate.metric} is not a number"]
    unmet = []
    if gate.minimum is not None and value < gate.minimum:
        unmet.append(f"{gate.metric} {value:g} < {gate.minimum:g}")
    if gate.maximum is not None and value > gate.maximum:
        unmet.append(f"{gate.metric} {value:g} > {gate.maximum:g}")
    return unmet


def pass_smoke_test(job: Job, live: LiveResource) -> Task[None]:
    """Ask a service until it answers as it should: routes appear late.

    Raises CicdError with the last answer once the test's timeout is over, or at once when the
    program itself says that the request is wrong.
    """
    test = job.options.smoke_test
    if test is None:
        return
    asked = test.title
    deadline = job.shared.clock() + test.timeout
    pause = job.polling.first
    while True:
        try:
            answer = yield from once(
                job.platform.invoke,
                live,
                request_of(test),
                timeout=max(1.0, min(LONGEST_ANSWER, deadline - job.shared.clock())),
            )
            told = shown(answer)
            if is_expected(test, answer):
                yield Answered(job.key, asked, told)
                return
            is_final = answer.status in range(400, 500) and answer.status not in PASSING
        # A wrong login does not get better with time.
        except Denied:
            raise
        except PlatformError as error:
            told, is_final = str(error), False
        if is_final or job.shared.clock() >= deadline:
            raise CicdError(f"smoke test {asked} got {told}; expected {expectation(test)}")
        yield Pause(max(0.0, min(pause, deadline - job.shared.clock())))
        pause = job.polling.slower(pause)


def request_of(test: SmokeTest) -> Request:
    """What the test sends, its secrets in clear."""
    body, sort = opened(test.body), test.content_type
    if body is None and test.json is not None:
        value, sort = opened(test.json), sort or JSON
        body = json.dumps(value) if isinstance(value, str) else value  # a bare text is no JSON
    return Request(test.method, opened(test.path), body, sort, opened(test.headers), test.variant)


def is_expected(test: SmokeTest, answer: Answer) -> bool:
    """Pure: whether this is the answer that the test asks for."""
    text = opened(test.expect_contains)
    has_text = text is None or text in answer.text
    return answer.status == test.expect_status and has_text


def shown(answer: Answer) -> str:
    """An answer in one line, cut."""
    more = f" (the model's own error; {answer.log})" if answer.log else ""
    return f"{answer.status} {one_line(_gist(answer.text), 200)}".rstrip() + more


def _gist(text: str) -> str:
    """The last line of a trace of Python's, which says what went wrong; any other text."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines and lines[0].startswith("Traceback (") else text


def expectation(test: SmokeTest) -> str:
    """What the test asks for, in words."""
    text = "" if test.expect_contains is None else f' with "{test.expect_contains}" in it'
    return f"{test.expect_status}{text}"
