"""What is read in the background: never waited for long, kept where it fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cicd.errors import CicdError
from cicd.page.known import Known


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_a_platform_that_hangs_holds_up_nobody(pool: ThreadPoolExecutor) -> None:
    goes_on = threading.Event()
    known: Known[str] = Known(lambda name: name if goes_on.wait(20) else "", pool)
    look = known.look("slow", patience=0.01)
    assert look.is_new and look.is_reading and look.value is None
    assert known.look("slow", patience=0).is_reading  # the same reading, not a second
    goes_on.set()
    assert known.look("slow", patience=20).value == "slow"


def test_what_was_known_stays_where_it_cannot_be_read_again(pool: ThreadPoolExecutor) -> None:
    answers: list[str | Exception] = ["first", CicdError("gone"), KeyError("secret"), "later"]

    def read(name: str) -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    known: Known[str] = Known(read, pool)
    found = []
    for _ in range(4):
        known.forget("one")
        known.look("one", patience=0)
        pool.submit(int).result()
        while known.look("one", patience=20).is_reading:
            pass
        look = known.look("one")
        found.append((look.value, look.problem))
    assert found[:2] == [("first", ""), ("first", "gone")]
    assert found[2][0] == "first" and "KeyError at test_page_known.py" in found[2][1]
    assert "secret" not in found[2][1]  # what a bug says may hold anything
    assert found[3] == ("later", "")


def test_what_is_new_is_not_read_again(pool: ThreadPoolExecutor) -> None:
    count = iter(range(100))
    known: Known[int] = Known(lambda name: next(count), pool)
    assert {known.look("one", patience=20).value for _ in range(5)} == {0}
