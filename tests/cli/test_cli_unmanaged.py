"""What no stage of the project names: marked in every list, counted at the end of plan and status;
and status of several stages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.platforms.aicore.kinds import KINDS
from cicd.render.listing import tell_unmanaged
from cicd.words import plural
from tests.cli.operated import STAGE, Cicd, Operated, cicd, operated

__all__ = ["cicd", "operated"]

HINT = "that no stage names"


@pytest.fixture(scope="module")
def crowded(operated: Operated) -> Operated:
    """Three more deployments: two of names that are in no stage file, one that is a second one of
    the stage's own names."""
    for name, configuration in (
        ("forgotten", "tried-last-year"),
        ("launchpad", "made in Launchpad: copy (2)"),
        ("twin", "churn-serving"),
    ):
        body = {"configurationId": operated.configuration(configuration, "serve")}
        made = operated.client.send("POST", "/v2/lm/deployments", body, status=202)
        operated.ids[name] = str(made.json()["id"])
        operated.client.wait(f"/v2/lm/deployments/{operated.ids[name]}", "RUNNING")
    # the stage's own is the newest of those that run
    with operated.client.world.store.transaction() as db:
        for name in ("forgotten", "launchpad", "twin"):
            moment = ("2025-12-01T12:00:00Z", operated.ids[name])
            db.execute("UPDATE runs SET created_at = ? WHERE id = ?", moment)
    return operated


@pytest.fixture
def project(crowded: Operated) -> Iterator[Path]:
    """The folder of stage files, which is as it was afterwards."""
    stages = crowded.root / "stages"
    before = {path: path.read_text(encoding="utf-8") for path in stages.iterdir()}
    yield stages
    for path in stages.iterdir():
        if path in before:
            path.write_text(before[path], encoding="utf-8")
        else:
            path.unlink()


def listed(cicd: Cicd, *arguments: str) -> dict[str, dict[str, Any]]:
    """Id -> row of a list."""
    document = cicd.json("list", *arguments)
    (rows,) = (value for name, value in document.items() if name != "total")
    return {row["id"]: row for row in rows}


def test_deployments_that_no_stage_names_are_marked(
    cicd: Cicd, project: Path, crowded: Operated
) -> None:
    rows = listed(cicd, "deployments", "dev")
    names = {id: name for name, id in crowded.ids.items()}
    assert {names[id]: row["unmanaged"] for id, row in rows.items()} == {
        "serve": False,
        "forgotten": True,
        "launchpad": True,
        "twin": True,
    }
    assert rows[crowded.ids["serve"]]["key"] == "deployment/serve"
    table = cicd("list", "deployment", "dev").splitlines()
    (line,) = (line for line in table if line.startswith(crowded.ids["launchpad"]))
    assert line.split()[2] == "unmanaged"


def test_only_the_unmanaged_ones_can_be_asked_for(
    cicd: Cicd, project: Path, crowded: Operated
) -> None:
    wanted = {crowded.ids[name] for name in ("forgotten", "launchpad", "twin")}
    assert set(listed(cicd, "deployments", "dev", "--unmanaged")) == wanted
    short = cicd.json("deployments", "dev", "--unmanaged", "--configuration", "tried-last-year")
    assert [row["id"] for row in short["deployments"]] == [crowded.ids["forgotten"]]
    assert set(listed(cicd, "executions", "dev", "--unmanaged")) == {crowded.ids["other"]}


def test_a_run_is_managed_by_its_tags_where_its_configuration_has_another_name_now(
    cicd: Cicd, project: Path, crowded: Operated
) -> None:
    renamed = STAGE.replace("churn-training", "churn-training-2")
    (project / "dev.yaml").write_text(renamed, encoding="utf-8")
    (project / "dev.yaml").write_text("stage: dev\n" + renamed, encoding="utf-8")
    crowded.track(crowded.ids["good"], {}, cicd_stage="dev", cicd_key="execution/train")
    rows = listed(cicd, "executions", "dev")
    assert rows[crowded.ids["good"]]["key"] == "execution/train"
    assert rows[crowded.ids["dead"]]["unmanaged"]


def test_what_another_stage_of_the_group_names_is_its_own(
    cicd: Cicd, project: Path, crowded: Operated
) -> None:
    text = STAGE.replace("churn-serving", "tried-last-year").replace("key: serve", "key: old")
    (project / "tst.yaml").write_text(text, encoding="utf-8")
    row = listed(cicd, "deployments", "dev")[crowded.ids["forgotten"]]
    assert (row["stage"], row["key"], row["unmanaged"]) == ("tst", "deployment/old", False)
    assert "deployment/old (tst)" in cicd("list", "deployments", "dev")
    assert f"2 running deployments {HINT}" in cicd("plan", "dev")


def test_a_stage_of_another_group_names_nothing_here(
    cicd: Cicd, project: Path, crowded: Operated
) -> None:
    text = STAGE.replace("churn-serving", "tried-last-year").replace("default}", "elsewhere}")
    (project / "prd.yaml").write_text(text, encoding="utf-8")
    assert listed(cicd, "deployments", "dev")[crowded.ids["forgotten"]]["unmanaged"]


def test_artifacts_that_a_managed_run_made_are_managed(
    cicd: Cicd, project: Path, crowded: Operated
) -> None:
    rows = listed(cicd, "artifacts", "dev").values()
    made = {row["execution_id"]: row["unmanaged"] for row in rows if row["kind"] == "model"}
    assert made == {crowded.ids[n]: n == "other" for n in ("good", "best", "other")}
    assert not listed(cicd, "artifacts", "dev")[crowded.ids["data"]]["unmanaged"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_the_platform_can_be_listed_by_one_and_by_many(
    cicd: Cicd, project: Path, kind: str
) -> None:
    many = cicd.json("list", plural(kind), "dev")
    assert plural(kind) in many
    again = cicd.json("list", kind.replace("_", "-"), "dev")[plural(kind)]
    assert [row["id"] for row in again] == [row["id"] for row in many[plural(kind)]]
    for row in many[plural(kind)]:
        assert row["unmanaged"] is (row["key"] == "")


@pytest.mark.parametrize(
    ("word", "hint"),
    [("deploymnts", "did you mean deployments?"), ("pods", "It has: "), ("", "It has: ")],
)
def test_a_kind_that_the_platform_has_not_is_said(
    cicd: Cicd, project: Path, word: str, hint: str
) -> None:
    error = cicd.both("list", word, "dev", code=64)[1]
    assert hint in error
    *_, known = error.rstrip(")\n").partition("It has: ")
    assert known.split(", ") == [plural(name) for name in KINDS], "and none of another platform"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("platform: training_job\nbranch: main\n", "datasets, jobs, artifacts)"),
        ("platform: nosuch\n", "deployments, destinations)"),
        ("- no map", "deployments, destinations)"),
    ],
)
def test_a_wrong_kind_is_said_with_those_of_the_platform_of_the_stage(
    cicd: Cicd, project: Path, text: str, known: str
) -> None:
    (project / "other.yaml").write_text(text, encoding="utf-8")
    assert known in cicd.both("list", "pods", "other", code=64)[1]


@pytest.mark.parametrize("command", ["plan", "status"])
def test_plan_and_status_end_with_what_runs_and_no_stage_names(
    cicd: Cicd, project: Path, command: str
) -> None:
    last = cicd(command, "dev").splitlines()[-1]
    assert last == f"3 running deployments {HINT}: cicd list deployments dev --unmanaged"


def test_the_plan_document_has_the_hint_also_of_a_stage_that_names_no_deployment(
    cicd: Cicd, project: Path
) -> None:
    assert cicd.json("plan", "dev")["hints"][0].startswith(f"3 running deployments {HINT}")
    (project / "data.yaml").write_text(STAGE.split("executions:")[0], encoding="utf-8")
    assert cicd.json("plan", "data")["hints"][0].startswith(f"3 running deployments {HINT}")
    assert cicd("status", "data").splitlines()[-1].startswith(f"3 running deployments {HINT}")


@pytest.mark.parametrize(("prune", "left"), [("none", 4), ("stage", 4), ("resource_group", 0)])
def test_what_was_dropped_from_the_stage_is_either_deleted_or_counted(
    cicd: Cicd, project: Path, prune: str, left: int
) -> None:
    """The whole section of deployments is gone, and the plan still sees what runs."""
    dropped = STAGE.split("deployments:")[0]
    limits = "limits: {max_delete_percent: 100, max_delete: 100}"
    text = f"prune: {prune}\n{limits}\n{dropped}"
    (project / "dev.yaml").write_text(text, encoding="utf-8")
    listed = cicd.json("list", "deployments", "dev", "--unmanaged", "--status", "RUNNING")
    document = cicd.json("plan", "dev")
    deleted = {c["id"] for c in document["changes"] if c["kind"] == "deployment"}
    assert {row["id"] for row in listed["deployments"]} >= deleted
    told = document["hints"][0].split()[0] if document["hints"] else "0"
    assert int(told) == listed["total"] - len(deleted) == left


def test_counting_asks_the_platform_for_nothing(
    cicd: Cicd, project: Path, crowded: Operated
) -> None:
    """As many requests where all is named as where something is not."""

    def requests() -> int:
        rule = {"method": "GET", "path": "/v2/*", "slow": "0"}
        made = crowded.client.send("POST", "/emulator/faults", {"rules": [rule]}).json()
        (added,) = made["rules"]
        cicd("plan", "dev")
        rules = crowded.client.send("GET", "/emulator/faults").json()["rules"]
        crowded.client.send("DELETE", f"/emulator/faults/{added['id']}")
        return next(int(rule["matched"]) for rule in rules if rule["id"] == added["id"])

    with_strangers = requests()
    text = STAGE.replace("artifacts:", "limits: {max_delete: 3}\nartifacts:", 1)
    for number, name in enumerate(("tried-last-year", "made in Launchpad: copy (2)"), 1):
        text += (
            f"  - {{key: more{number}, configuration: "
            f"{{name: '{name}', scenario_id: churn, executable_id: serve}}}}\n"
        )
    (project / "dev.yaml").write_text(text, encoding="utf-8")
    assert f"1 running deployment {HINT}" in cicd("plan", "dev")
    assert requests() == with_strangers > 0


def test_a_stage_file_that_cannot_be_read_is_told_beside_the_count(
    cicd: Cicd, project: Path
) -> None:
    (project / "broken.yaml").write_text("stage: broken\nartifacts: {{\n", encoding="utf-8")
    told = cicd("plan", "dev").splitlines()[-1]
    assert "stages/broken.yaml cannot be read, and may name some" in told
    assert "stages/broken.yaml cannot be read" in cicd.both("list", "deployments", "dev")[1]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, ""),
        ({"deployment": 1}, "1 running deployment that no stage names: cicd list deployments x"),
        (
            {"deployment": 2, "execution": 1},
            "2 running deployments and 1 running execution that no stage names: "
            "cicd list deployments x --unmanaged, cicd list executions x",
        ),
    ],
)
def test_the_words_of_the_hint(counts: dict[str, int], expected: str) -> None:
    told = tell_unmanaged(counts, "x")
    assert told == (f"{expected} --unmanaged" if expected else "")


def test_status_takes_several_stages_each_under_its_name(cicd: Cicd, project: Path) -> None:
    (project / "tst.yaml").write_text(STAGE, encoding="utf-8")
    text = cicd("status", "tst", "dev", "tst")
    heads = [line for line in text.splitlines() if line.startswith("stage ")]
    assert heads == ["stage tst · default", "stage dev · default"]
    rows = cicd.json("status", "tst", "dev")
    assert [row["stage"] for row in rows] == ["tst"] * 4 + ["dev"] * 4


def test_status_of_all_stages_is_that_of_every_file(cicd: Cicd, project: Path) -> None:
    for name in ("tst", "prd"):
        (project / f"{name}.yaml").write_text(STAGE, encoding="utf-8")
    assert {row["stage"] for row in cicd.json("status", "--all")} == {"dev", "tst", "prd"}
    assert "leave out --all" in cicd.both("status", "dev", "--all", code=64)[1]


def test_a_stage_that_cannot_be_looked_at_hides_no_other(cicd: Cicd, project: Path) -> None:
    (project / "a.yaml").write_text("artifacts: {{\n", encoding="utf-8")
    (project / "z.yaml").write_text(STAGE.replace("default}", "not-there}"), encoding="utf-8")
    out, err = cicd.both("status", "--all", code=3)
    assert "stage dev · default" in out
    assert "stages/a.yaml" in err
    rows = json.loads(cicd("status", "--all", "-o", "json", code=3))
    assert {row["stage"] for row in rows} == {"a", "dev", "z"}
    [row] = [row for row in rows if row["status"] == "unreadable"]
    assert (row["stage"], row["key"]) == ("a", "")
    assert "stages/a.yaml" in row["message"]
    assert row.keys() >= {"id", "state", "url", "notes", "facts"}


@pytest.mark.parametrize("name", ["nosuch", "stages/nosuch.yaml"])
def test_a_stage_alone_that_cannot_be_looked_at_is_a_row_too(
    cicd: Cicd, project: Path, name: str
) -> None:
    [row] = json.loads(cicd("status", name, "-o", "json", code=3))
    assert (row["stage"], row["status"]) == ("nosuch", "unreadable")


@pytest.mark.parametrize("word", ["nonsense", "deploymnts", "thing"])
def test_a_kind_that_there_is_not_needs_no_login(
    cicd: Cicd, project: Path, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AICORE_CLIENT_SECRET")
    said = cicd.both("list", word, "dev", code=64)[1]
    assert "deployments, destinations" in said


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("resource_group/NAME", "did you mean resource_group/default?"),
        ("configuraton/serve", "did you mean configuration/serve?"),
        ("zzzz", "deployment/serve"),
    ],
)
def test_explaining_what_there_is_not_names_all_there_is(
    cicd: Cicd, project: Path, word: str, hint: str
) -> None:
    said = cicd.both("explain", word, "dev", code=64)[1]
    assert f"dev has no {word} (" in said and hint in said


def test_status_of_one_stage_is_as_ever(cicd: Cicd, project: Path) -> None:
    assert cicd("status", "dev").startswith("KEY ")
    assert "nosuch" in cicd.both("status", "nosuch", code=3)[1]


def test_a_list_shows_the_same_status_of_an_application_as_status_does(
    cicd: Cicd, project: Path
) -> None:
    document = cicd.json("list", "applications", "dev")
    assert document["total"] == 1
    (row,) = document["applications"]
    assert (row["status"], row["message"]) == ("Synced", "")
