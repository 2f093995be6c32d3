"""AI Core's documents -> our model: whatever is missing, new or odd in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cicd.model import Key, LiveResource, Ref, Resource, Secret, State, Status
from cicd.platforms.aicore import convert, statuses, times, tracking

RUN = {
    "id": "e123",
    "configurationId": "c1",
    "configurationName": "Training",
    "scenarioId": "s",
    "executableId": "x",
    "status": "COMPLETED",
    "targetStatus": "COMPLETED",
    "createdAt": "2026-01-01T10:00:00Z",
}


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        ("PENDING", State.PENDING),
        ("RUNNING", State.RUNNING),
        ("COMPLETED", State.SUCCEEDED),
        ("DEAD", State.FAILED),
        ("STOPPING", State.STOPPING),
        ("STOPPED", State.STOPPED),
        ("UNKNOWN", State.UNKNOWN),
        ("PROVISIONED", State.SUCCEEDED),
        ("PROVISIONING", State.PENDING),
        ("IN-PROGRESS", State.PENDING),
        ("ERROR", State.FAILED),
        ("WARMING_UP", State.UNKNOWN),
        (None, State.UNKNOWN),
    ],
)
def test_words_become_states_and_stay_known(raw: str | None, state: State) -> None:
    assert statuses.status_of(raw) == Status(state, raw or "UNKNOWN")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T00:00:01+00:00", 10**9),
        ("1970-01-01T01:00:01+01:00", 10**9),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T00:00:01.000000001Z", 10**9 + 1),
        ("1970-01-01T00:00:01.831955906+00:00", 1_831_955_906),
        ("1970-01-01T00:00:01", 10**9),
        ("1969-12-31T23:59:59Z", -(10**9)),
        ("Unknown", None),
        ("2026-13-01T00:00:00Z", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_times_lose_no_digit(text: Any, expected: int | None) -> None:
    assert times.moment(text) == expected


@pytest.mark.parametrize("time", [0, 1, 10**9, 1_763_000_000_123_456_789])
def test_times_survive_the_round_trip(time: int) -> None:
    assert times.moment(times.rfc3339(time)) == time


def test_an_execution_with_its_outputs_by_name_and_by_last_segment() -> None:
    made = {"id": "a1", "name": "My Model", "url": "ai://default/e123/model-out"}
    live = convert.execution({**RUN, "outputArtifacts": [made]})
    assert live.key == Key("execution", "Training") and live.id == "e123"
    assert live.status == Status(State.SUCCEEDED, "COMPLETED")
    assert live.created_at == "2026-01-01T10:00:00Z"
    assert live.outputs == {
        "id": "e123",
        "artifacts.My Model": "a1",
        "artifacts.model-out": "a1",
    }


def test_a_run_with_hardly_any_field_is_still_a_run() -> None:
    live = convert.execution({"id": "e1"})
    assert live.key == Key("execution", "e1") and live.status.state is State.UNKNOWN


@pytest.mark.parametrize(
    ("ended", "synced", "expected"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00+00:00", True),
        ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00+00:00", False),
        (None, "2026-01-02T00:00:00+00:00", False),
        ("2026-01-01T00:00:00Z", None, False),
    ],
)
def test_untagged_runs_tell_whether_they_saw_the_template(
    ended: str | None, synced: str | None, expected: bool
) -> None:
    executables = {"x": {"modifiedAt": synced}}
    live = convert.execution({**RUN, "completionTime": ended}, executables)
    assert live.spec["completed_after_sync"] is expected
    assert "inputs" not in live.spec


def test_tags_replace_guessing_and_the_last_metric_counts() -> None:
    metrics = [
        {"name": "acc", "value": 0.9, "step": 2, "timestamp": "2026-01-01T00:00:00Z"},
        {"name": "acc", "value": 0.5, "step": 1, "timestamp": "2026-01-01T00:00:00Z"},
        {"name": "loss", "value": "0.25"},
        {"name": "odd", "value": "many"},
        {"value": 1},
    ]
    document = {"tags": [{"name": "cicd.inputs", "value": "abc"}], "metrics": metrics}
    live = tracking.tagged(convert.execution(RUN, {}), document)
    assert live.spec["inputs"] == "abc" and "completed_after_sync" not in live.spec
    assert live.metrics == {"acc": 0.9, "loss": 0.25}
    assert tracking.tagged(live, {}).metrics == {}


@pytest.mark.parametrize("count", [0, 1, 3, 50, 120])
def test_long_tags_are_written_in_parts_and_read_as_one(count: int) -> None:
    files = {f"src/{number:04}-ümlaut.py": f"{number:010x}" for number in range(count)}
    tags = tracking.in_parts({"cicd.inputs": "i", "cicd.files": json.dumps(files)})
    assert all(0 < len(value) <= 256 for value in tags.values())
    document = {"tags": [{"name": name, "value": value} for name, value in tags.items()]}
    live = tracking.tagged(convert.execution(RUN, {}), document)
    assert live.spec.get("files", {}) == files
    assert set(tracking.track(document).tags) == {"cicd.inputs"}


def test_a_tag_that_would_take_up_all_room_is_left_out() -> None:
    assert tracking.in_parts({"a": "1", "cicd.files": "x" * 256 * 31}) == {"a": "1"}


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"a": 1}', "null", '"x"'])
def test_damaged_tags_name_no_file(text: str) -> None:
    document = {
        "tags": [{"name": "cicd.inputs", "value": "i"}, {"name": "cicd.files", "value": text}]
    }
    live = tracking.tagged(convert.execution(RUN, {}), document)
    assert live.spec["inputs"] == "i"
    assert "files" not in live.spec


def test_the_newest_run_of_each_family_is_what_a_new_one_follows() -> None:
    def made(id: str, name: str, at: str) -> LiveResource:
        return convert.execution({**RUN, "id": id, "configurationName": name, "createdAt": at})

    runs = [made("e1", "a", "2026-01-01T00:00:00Z"), made("e2", "a", "2026-01-02T00:00:00Z")]
    runs.append(made("e3", "b", "2026-01-03T00:00:00Z"))
    names = ("scenario_id", "executable_id")
    spec = {"configuration_name": "a", **{name: runs[0].spec[name] for name in names}}
    wish = Resource(Key("execution", "train"), spec)
    assert convert.newest_of_families(runs, [wish]) == ["e2"]
    other = Resource(Key("execution", "x"), {**spec, "executable_id": "else"})
    assert convert.newest_of_families(runs, [other]) == []


@pytest.mark.parametrize(
    ("status", "asked", "serving", "configuration", "state"),
    [
        ("RUNNING", "c2", None, "c2", State.RUNNING),
        ("RUNNING", "c2", "c2", "c2", State.RUNNING),
        ("RUNNING", "c2", "c1", "c2", State.PENDING),
        ("PENDING", "c2", "c1", "c2", State.PENDING),
        ("DEAD", "c2", "c1", "c2", State.FAILED),
        ("STOPPED", "c1", "c1", "c1", State.STOPPED),
        ("RUNNING", "", "c1", "c1", State.RUNNING),
        ("PENDING", "", "c1", "", State.PENDING),
    ],
)
def test_a_deployment_runs_only_when_what_was_asked_for_serves(
    status: str, asked: str, serving: str | None, configuration: str, state: State
) -> None:
    document = {**RUN, "status": status, "configurationId": asked, "targetStatus": "RUNNING"}
    live = convert.deployment({**document, "latestRunningConfigurationId": serving})
    assert live.spec["configuration"] == configuration
    assert live.status.state is state


def test_a_deployment_has_a_url_once_there_is_one_and_a_ttl_if_set() -> None:
    base = {**RUN, "status": "RUNNING", "targetStatus": "RUNNING"}
    assert convert.deployment({**base, "deploymentUrl": ""}).outputs == {"id": "e123"}
    live = convert.deployment({**base, "deploymentUrl": "http://x/d1", "ttl": "24h"})
    assert live.outputs["url"] == "http://x/d1" and live.spec["ttl"] == "24h"


def test_a_template_synced_after_the_start_is_worth_a_note() -> None:
    document = {
        **RUN,
        "submissionTime": "2026-01-01T00:00:00Z",
        "startTime": "2026-01-01T00:01:00Z",
    }
    late = {"x": {"modifiedAt": "2026-01-02T00:00:00+00:00"}}
    early = {"x": {"modifiedAt": "2025-01-02T00:00:00+00:00"}}
    assert "2026-01-02T00:00:00Z" in convert.deployment(document, late).notes[0]
    assert convert.deployment(document, early).notes == ()
    # Times of runs are whole seconds: within one of them nobody knows what was first.
    for fraction, notes in (("00.9", 0), ("01.0", 1)):
        close = {"x": {"modifiedAt": f"2026-01-01T00:01:{fraction}Z"}}
        assert len(convert.deployment(document, close).notes) == notes
    assert convert.deployment(document, {}).notes == ()


def test_what_is_being_deleted_is_on_its_way_out() -> None:
    document = {**RUN, "status": "UNKNOWN", "targetStatus": "DELETED"}
    assert statuses.is_going(document) and not statuses.is_going(RUN)
    assert convert.deployment(document).status == Status(State.STOPPING, "DELETING")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"statusMessage": "quota"}, "quota"),
        (
            {"statusDetails": {"details": [{"message": "exit code 1", "exit_code": 1}]}},
            "exit code 1",
        ),
        (
            {
                "statusDetails": {
                    "aiApiDetails": {"reconciler": {"message": [{"message": "no image"}]}}
                }
            },
            "no image",
        ),
        ({"statusDetails": {"a": {"message": "twice"}, "b": {"message": "twice"}}}, "twice"),
        ({"statusDetails": {}}, ""),
        ({"statusDetails": "?"}, ""),
        ({}, ""),
    ],
)
def test_the_reason_of_a_status_is_found(document: dict[str, Any], text: str) -> None:
    assert statuses.why(document) == text


def test_artifacts_and_configurations_have_maps_for_pairs() -> None:
    labels = [{"key": "ext.ai.sap.com/a", "value": "1"}]
    document = {"id": "a1", "name": "D", "kind": "dataset", "url": "ai://x/y", "scenarioId": "s"}
    artifact = convert.artifact({**document, "labels": labels})
    assert artifact.spec["labels"] == {"ext.ai.sap.com/a": "1"}
    assert convert.artifact(document).spec["labels"] == {}
    bound = {
        "parameterBindings": [{"key": "b", "value": "2"}, {"key": "a", "value": "1"}],
        "inputArtifactBindings": [{"key": "in", "artifactId": "a1"}],
    }
    configuration = convert.configuration({**document, "executableId": "x", **bound})
    assert configuration.spec["parameter_bindings"] == {"a": "1", "b": "2"}
    assert configuration.spec["input_artifact_bindings"] == {"in": "a1"}
    assert configuration.status.state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://github.com/a/b", "https://GitHub.com/A/b.git/", True),
        ("https://github.com/a/b", "https://github.com/a/c", False),
        ("/srv/repo", "/srv/repo/", True),
    ],
)
def test_repositories_are_the_same_in_any_spelling(one: str, other: str, same: bool) -> None:
    assert convert.same_repository(one, other) is same


def test_a_live_repository_is_spelt_like_the_desired_one() -> None:
    wish = Resource(Key("repository", "r"), {"name": "r", "url": "https://h/a/b.git"})
    live = convert.repository(
        {"name": "old", "url": "https://H/a/b", "status": "COMPLETED"}, [wish]
    )
    assert live.spec == {"name": "old", "url": "https://h/a/b.git"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("templates", "./templates/", True),
        ("a/b", "a\\b", True),
        ("", ".", True),
        ("a", "b", False),
    ],
)
def test_paths_are_the_same_in_any_spelling(one: str, other: str, same: bool) -> None:
    assert convert.same_path(one, other) is same


@pytest.mark.parametrize(
    ("wish", "fits"),
    [
        ({"name": "n"}, True),
        ({"name": "other"}, False),
        ({"map": {"a": Ref(Key("artifact", "x")), "b": "2"}}, True),
        ({"map": {"a": Secret("x"), "b": "2"}}, True),
        ({"map": {"a": "1"}}, False),
        ({"map": {"a": "1", "b": "2", "c": "3"}}, False),
        ({"map": {"a": "1", "b": "3"}}, False),
        ({"absent": "x"}, False),
    ],
)
def test_content_fits_where_it_may_turn_out_equal(wish: dict[str, Any], fits: bool) -> None:
    spec = {"name": "n", "map": {"a": "1", "b": "2"}}
    live = LiveResource(Key("configuration", "n"), "c1", spec, statuses.THERE)
    assert convert.has_content(live, Resource(Key("configuration", "k"), wish)) is fits


def test_the_newest_of_each_configuration_is_wanted() -> None:
    runs = [
        convert.execution(
            {"id": id, "configurationId": used, "createdAt": f"2026-01-0{day}T00:00:00Z"}
        )
        for id, used, day in [("a", "c1", 1), ("b", "c1", 2), ("c", "c1", 2), ("d", "c2", 9)]
    ]
    assert [run.id for run in convert.newest_of_each(runs, ["c1"])] == ["b", "c"]
