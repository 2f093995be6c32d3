"""When Git counts as synced, and when as failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd.model import Key, Resource, State
from cicd.platforms.aicore import sync
from cicd.platforms.aicore.sync import Goal, judge
from tests.config.config_sample import load, resource, write_repository

OLD, NEW = "a" * 40, "b" * 40
SPEC = {
    "name": "app",
    "path": "templates",
    "commit": NEW,
    "executables": {"train": {"scenario_id": "s", "version": "2"}},
}
THERE = {"train": {"versionId": "2", "scenarioId": "s", "modifiedAt": "2026-01-01T00:00:00+00:00"}}
DONE: dict[str, Any] = {
    "syncStatus": "Synced",
    "healthStatus": "Healthy",
    "message": "successfully synced (all tasks run)",
    "source": {"revision": NEW, "path": "templates"},
    "syncFinishedAt": "2026-01-01T00:00:09Z",
    "syncResourcesStatus": [{"name": "train", "status": "Synced", "message": "train configured"}],
}
BEFORE = {**DONE, "source": {"revision": OLD}, "syncFinishedAt": "2026-01-01T00:00:00Z"}
NOTHING = dict.fromkeys(("syncStatus", "healthStatus", "message", *sync.TIMES), "Unknown")


@pytest.mark.parametrize("spelling", sync.RESOURCES)
def test_synced_when_all_of_it_is_there(spelling: str) -> None:
    document = {k: v for k, v in DONE.items() if k != "syncResourcesStatus"}
    document[spelling] = DONE["syncResourcesStatus"]
    status = judge(document, THERE, Goal(SPEC, BEFORE))
    assert (status.state, status.raw) == (State.SUCCEEDED, "Synced")
    document[spelling] = [{"name": "train", "status": "OutOfSync"}]
    assert judge(document, THERE, Goal(SPEC, BEFORE)).state is State.PENDING


@pytest.mark.parametrize(
    ("document", "executables", "text"),
    [
        (BEFORE, THERE, "commit bbbbbbbbbbbb, it is at aaaaaaaaaaaa"),
        ({**DONE, "source": {}}, THERE, "it is at none"),
        ({**DONE, "source": {"revision": NEW, "path": "old"}}, THERE, 'path "templates"'),
        ({**DONE, "syncStatus": "OutOfSync"}, THERE, '"OutOfSync"'),
        ({**DONE, "syncStatus": "Unknown"}, THERE, 'is there a template in "templates"'),
        (NOTHING, THERE, "a status"),
        ({}, THERE, "a status"),
        (DONE, {}, "executable train in version 2, there is none"),
        (DONE, {"train": {"versionId": "1"}}, "there is 1"),
    ],
)
def test_progressing_says_what_it_waits_for(
    document: dict[str, Any], executables: dict[str, Any], text: str
) -> None:
    status = judge(document, executables, Goal(SPEC, BEFORE))
    assert (status.state, status.raw) == (State.PENDING, "Progressing")
    assert text in status.message


@pytest.mark.parametrize("before", [None, {}, NOTHING])
@pytest.mark.parametrize(
    "document",
    [{}, NOTHING, {"syncStatus": "unknown", "source": None}, {"source": {"revision": NEW}}],
)
def test_a_first_sync_that_takes_too_long_is_asked_about(
    document: dict[str, Any], before: Any
) -> None:
    early, late = (
        judge(document, {}, Goal(SPEC, before, since=100.0), now)
        for now in (99.0 + sync.GRACE, 100.0 + sync.GRACE)
    )
    assert early.message == "waits for the first sync, of commit bbbbbbbbbbbb"
    assert late.state is State.PENDING
    assert "may the repository be read?" in late.message
    assert "executable train in version 2, there is none" in late.message


def test_a_mere_branch_name_counts_once_the_times_have_moved() -> None:
    branch = {**DONE, "source": {"revision": "main"}}
    before = {**branch, "syncFinishedAt": "2026-01-01T00:00:00Z"}
    assert judge(branch, THERE, Goal(SPEC, before)).state is State.SUCCEEDED
    assert judge(before, THERE, Goal(SPEC, before)).state is State.PENDING
    assert judge(branch, THERE, Goal(SPEC, None)).state is State.SUCCEEDED
    without = {name: SPEC[name] for name in SPEC if name != "commit"}
    assert judge(before, THERE, Goal(without, before)).state is State.PENDING
    assert judge(branch, THERE, Goal(without, before)).state is State.SUCCEEDED


@pytest.mark.parametrize(
    "text",
    [
        "application spec is invalid: app path does not exist",
        "application repo https://x is not permitted in project 'default'",
        "Unable to resolve 'nope' to a commit SHA",
        "rpc error: code = FailedPrecondition desc = error converting YAML to JSON",
        "spec.source.repoURL and spec.source.path either spec.source.chart are required",
        "one or more objects failed to apply",
    ],
)
def test_error_texts_fail_at_once(text: str) -> None:
    status = judge({**NOTHING, "message": text}, {}, Goal(SPEC))
    assert status.state is State.FAILED and status.has_failed
    assert status.message == f"{text} ({sync.CURE})" and status.raw != "Synced"


@pytest.mark.parametrize(
    "item",
    [
        {"name": "serve", "status": "SyncFailed", "message": "no parameters"},
        {"name": "serve", "status": "Synced", "message": "error when applying patch"},
        {"name": "serve", "status": "SyncFailed"},
    ],
)
def test_a_failed_template_is_named(item: dict[str, Any]) -> None:
    document = {**DONE, "syncStatus": "OutOfSync", "syncResourcesStatus": [item]}
    status = judge(document, THERE, Goal(SPEC))
    assert status.state is State.FAILED and status.message.startswith("serve: ")


@pytest.mark.parametrize(
    ("word", "raw"),
    [("Synced", "SyncFailed"), ("synced", "SyncFailed"), ("", "SyncFailed"), ("Odd", "Odd")],
)
def test_a_failed_sync_is_never_called_synced(word: str, raw: str) -> None:
    item = {"name": "serve", "status": "SyncFailed", "message": "no parameters"}
    document = {**DONE, "syncStatus": word, "syncResourcesStatus": [item]}
    status = judge(document, THERE, Goal(SPEC))
    assert (status.state, status.raw) == (State.FAILED, raw)


def test_a_sync_that_was_just_asked_for_tells_how_far_the_one_before_was() -> None:
    assert sync.begun(Goal(SPEC)).message == "waits for the first sync, of commit bbbbbbbbbbbb"
    nameless = {**SPEC, "commit": None}
    assert sync.begun(Goal(nameless)).message == "waits for the first sync"
    waits = "waits for commit bbbbbbbbbbbb, it is at aaaaaaaaaaaa"
    assert sync.begun(Goal(SPEC, BEFORE)).message.startswith(waits)


def test_a_template_that_could_not_be_read_is_a_failure() -> None:
    broken = {"train": {"versionId": "1", "modifiedAt": "1970-01-01T00:00:00+00:00"}}
    status = judge(DONE, broken, Goal(SPEC))
    assert status.state is State.FAILED and "train" in status.message


def test_an_error_from_before_the_refresh_has_its_grace() -> None:
    failed = {**BEFORE, "syncStatus": "Unknown", "message": "Unable to resolve 'x'"}
    goal = Goal(SPEC, failed, since=100.0)
    assert judge(failed, THERE, goal, now=101.0).state is State.PENDING
    assert judge(failed, THERE, goal, now=100.0 + sync.GRACE).state is State.FAILED
    again = {**failed, "reconciledAt": "2026-01-01T00:00:30Z"}
    assert judge(again, THERE, goal, now=101.0).state is State.FAILED


def test_a_live_application_speaks_as_the_stage_does() -> None:
    wish = {"name": "app", "repository": "https://h/r", "path": "templates", "revision": "main"}
    document = {
        "applicationName": "app",
        "repositoryUrl": "https://H/r.git",
        "path": "./templates/",
        "revision": "main",
    }
    live = sync.application(document, DONE, THERE, [Resource(Key("application", "app"), wish)])
    assert live.spec == {
        **wish,
        "commit": NEW,
        "executables": {"train": {"scenario_id": "s", "version": "2"}},
    }
    assert (live.id, live.status.raw) == ("app", "Synced")


@pytest.mark.parametrize(("revision", "pinned"), [(NEW, True), ("main", False), ("v1", False)])
def test_an_application_that_is_to_be_pinned_shows_whether_it_is(
    revision: str, *, pinned: bool
) -> None:
    wish = {"name": "app", "revision": "main", "commit": NEW, "pinned": True}
    document = {"applicationName": "app", "revision": revision}
    live = sync.application(document, DONE, {}, [Resource(Key("application", "app"), wish)])
    assert live.spec["pinned"] is pinned
    assert live.spec["revision"] == ("main" if pinned else revision)
    plain = {**wish}
    del plain["pinned"]
    live = sync.application(document, DONE, {}, [Resource(Key("application", "app"), plain)])
    assert "pinned" not in live.spec and live.spec["revision"] == revision


def test_a_failed_sync_is_a_note_and_not_the_end_of_the_application() -> None:
    status = {**DONE, "syncStatus": "Unknown", "message": "app path does not exist"}
    live = sync.application({"applicationName": "app"}, status, {})
    assert live.status.state is State.UNKNOWN
    assert live.notes == (f"its last sync failed: app path does not exist ({sync.CURE})",)


def test_a_sync_has_ten_minutes(tmp_path: Path) -> None:
    application = resource(load(write_repository(tmp_path)), "application/churn")
    assert application.options.timeout == 600


def test_a_sync_that_went_elsewhere_is_not_waited_for() -> None:
    other = {**DONE, "source": {"revision": "c" * 40, "path": "templates"}}
    for before in (BEFORE, None):
        goal = Goal({**SPEC, "revision": "main"}, before, since=100.0)
        # a push just before this one may still be on its way
        assert judge(other, THERE, goal, now=101.0).state is State.PENDING
        for word in ("Synced", "synced", "SYNCED"):
            told = {**other, "syncStatus": word}
            status = judge(told, THERE, goal, now=100.0 + sync.GRACE)
            assert status.state is State.FAILED
            assert status.message.startswith("main is at commit cccccccccccc and not at bbbbbbbb")
    late = 100.0 + 2 * sync.GRACE
    for document in (BEFORE, {**other, "syncStatus": "OutOfSync"}, {**other, "source": {}}):
        assert judge(document, THERE, Goal(SPEC, BEFORE, 100.0), now=late).state is State.PENDING


@pytest.mark.parametrize(
    "text",
    [
        "rpc error: code = Unknown desc = failed to list refs: dial tcp: lookup git.corp on "
        "10.0.0.10:53: no such host",
        "fatal: unable to access 'https://x/y/': Could not resolve host: x",
        "error: Get https://x/info/refs: net/http: TLS handshake timeout",
        "ssh: connect failed: connection refused",
    ],
)
def test_a_repository_that_is_not_reached_is_no_matter_of_git(text: str) -> None:
    document = {**NOTHING, "message": text}
    status = judge(document, {}, Goal(SPEC))
    assert status.message == f"{text} ({sync.NETWORK_CURE})"
    live = sync.application({**document, "applicationName": "a"}, document, {})
    assert live.notes == (f"its last sync failed: {text} ({sync.NETWORK_CURE})",)


@pytest.mark.parametrize("text", ["app path does not exist", "dial tcp: i/o timeout error"])
def test_who_deletes_an_application_is_not_told_to_mend_it(text: str) -> None:
    document = {**NOTHING, "message": text}
    live = sync.application({**document, "applicationName": "a"}, document, {})
    assert live.status.message == text
