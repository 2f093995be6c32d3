"""Tokens as every login that is renewed has them."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cicd.errors import ConnectionFailed
from cicd.platforms import tokens as tokens_module
from cicd.platforms.aicore.login import Login as AiCore
from cicd.platforms.tokens import FOR_EVER, Tokens
from cicd.platforms.training_job.login import Login as TrainingJob


def test_all_platforms_that_log_in_stand_on_the_one_piece() -> None:
    assert issubclass(AiCore, Tokens)
    assert issubclass(TrainingJob, Tokens)
    platforms = Path(tokens_module.__file__).parent
    renewing = [p.name for p in platforms.rglob("*.py") if "_renew_at" in p.read_text("utf-8")]
    assert renewing == ["tokens.py"]


def test_many_who_ask_at_once_share_one_token_and_one_failure() -> None:
    """Nine wait for the first, whose answer comes once all of them have asked."""
    for answer in ("granted", ConnectionFailed("down")):
        calls, fetched, all_wait = itertools.count(1), itertools.count(1), threading.Event()

        def clock(
            calls: itertools.count[int] = calls, all_wait: threading.Event = all_wait
        ) -> float:
            if next(calls) == 9:
                all_wait.set()
            return time.monotonic()

        def fetch(
            answer: str | ConnectionFailed = answer,
            fetched: itertools.count[int] = fetched,
            all_wait: threading.Event = all_wait,
        ) -> tuple[str, float]:
            all_wait.wait(10)
            next(fetched)
            if isinstance(answer, ConnectionFailed):
                raise answer
            return answer, 3600

        tokens = Tokens(fetch, "SOURCE", clock=clock)
        with ThreadPoolExecutor(9) as pool:
            asked = [pool.submit(tokens.token) for _ in range(9)]
            got = {str(task.exception() or task.result()) for task in asked}
        assert got == {str(answer)}
        assert next(fetched) == 2


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_failure_is_not_kept_for_who_asks_later(is_refused: bool) -> None:
    answers = iter(["", "one", "two"])
    now = itertools.count(1)

    def fetch() -> tuple[str, float]:
        if not (answer := next(answers)):
            raise ConnectionFailed("down")
        return answer, 60.0

    tokens = Tokens(fetch, "", clock=lambda: float(next(now)))
    with pytest.raises(ConnectionFailed):
        tokens.token()
    assert tokens.token() == "one"
    if is_refused:
        assert tokens.forget("one")
        assert tokens.forget("one")  # by another thread, which had it too
    assert tokens.token() == ("two" if is_refused else "one")


def test_one_that_is_for_ever_has_no_other_and_a_probe_asks_anew() -> None:
    given = Tokens(lambda: ("given", FOR_EVER), "TOKEN")
    assert given.token() == "given"
    assert not given.forget("given")
    lives = iter([600.0, 300.0])
    granted = Tokens(lambda: ("granted", next(lives)), "")
    assert [granted.probe(), granted.token(), granted.probe()] == [600.0, "granted", 300.0]
