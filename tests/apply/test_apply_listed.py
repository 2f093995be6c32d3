"""An apply ends when the lists show what it made, or says that they do not."""

from __future__ import annotations

import pytest

from cicd.apply.events import Event, Warned
from cicd.errors import ConnectionFailed, Denied, PlatformError
from cicd.logs import Polling
from cicd.model import Action
from tests.apply.fake_apply_platform import (
    RUNNING,
    FakePlatform,
    Fault,
    apply,
    change,
    results,
)

LAG = Polling().lag


def warned(events: list[Event]) -> list[str]:
    return [f"{event.key} {event.message}" for event in events if isinstance(event, Warned)]


def looks(platform: FakePlatform, kind: str) -> list[float]:
    return [at for op, what, at in platform.calls if (op, what) == ("browse", kind)]


@pytest.mark.parametrize("behind", [0, 1, 7])
@pytest.mark.parametrize("kind", ["artifact", "configuration", "deployment", "execution"])
def test_it_goes_on_until_the_list_shows_what_was_made(
    platform: FakePlatform, kind: str, behind: int
) -> None:
    platform.browse_lag = behind
    action = Action.RUN if kind == "execution" else Action.CREATE
    events = apply(platform, change(f"{kind}/x", action, configuration="con-1"))
    assert results(events) == {f"{kind}/x": "applied"}
    assert len(looks(platform, kind)) == behind + 1
    assert not warned(events)


def test_it_waits_no_longer_than_lists_lag_and_says_what_they_do_not_show(
    platform: FakePlatform,
) -> None:
    platform.browse_lag = 10_000
    events = apply(platform, *(change(f"artifact/{name}", url=name) for name in ("a", "b")))
    (first, second) = warned(events)
    assert first.startswith("artifact/a is there, but no list shows art-1 yet: plan and apply")
    assert second.startswith("artifact/b is there, but no list shows art-2 yet")
    asked = looks(platform, "artifact")
    assert LAG <= asked[-1] - asked[0] <= LAG + 1
    assert set(results(events).values()) == {"applied"}


def test_each_kind_is_waited_for_at_the_same_time(platform: FakePlatform) -> None:
    platform.browse_lag = 10_000
    begun = platform.clock()
    kinds = ("artifact", "configuration")
    events = apply(platform, *(change(f"{kind}/x", name=kind) for kind in kinds))
    assert len(warned(events)) == 2
    assert platform.clock() - begun <= LAG + 1


def test_what_the_platform_has_only_once_is_not_waited_for(platform: FakePlatform) -> None:
    """A second application of a name is refused."""
    apply(platform, change("application/x"), change("destination/d"), change("generic_secret/s"))
    assert not [op for op, _, _ in platform.calls if op == "browse"]


def test_what_nothing_was_done_about_is_not_waited_for(platform: FakePlatform) -> None:
    live = platform.add("deployment", "x", RUNNING, configuration="con-1")
    apply(platform, change("deployment/x", Action.NO_OP, live=live, configuration="con-1"))
    assert not looks(platform, "deployment")


def test_an_update_is_waited_for_until_the_list_shows_its_content(platform: FakePlatform) -> None:
    live = platform.add("deployment", "x", RUNNING, configuration="con-1")
    fields = ["configuration"]
    wish = change("deployment/x", Action.UPDATE, live=live, fields=fields, configuration="con-2")
    old = platform.browse
    shown = iter([live, live])
    platform.browse = lambda kind: [next(shown, None) or old(kind)[0]]  # type: ignore[method-assign]
    events = apply(platform, wish)
    assert results(events) == {"deployment/x": "applied"} and not warned(events)
    assert next(shown, None) is None


@pytest.mark.parametrize(
    ("error", "is_waited_for"),
    [
        (ConnectionFailed("cut off"), True),
        (PlatformError("busy", status=503), True),
        (Denied("no right to list", status=403), False),
    ],
)
def test_a_list_that_cannot_be_read_fails_no_apply(
    platform: FakePlatform, error: PlatformError, is_waited_for: bool
) -> None:
    platform.faults["browse"] = [Fault(error), None] if is_waited_for else [Fault(error)] * 9
    events = apply(platform, change("artifact/x", url="u"))
    assert results(events) == {"artifact/x": "applied"}
    said = warned(events)
    assert len(looks(platform, "artifact")) == (2 if is_waited_for else 1)
    assert not said if is_waited_for else "yet: no right to list" in said[0]
