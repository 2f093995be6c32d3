"""``cicd executions`` and ``cicd artifacts``: newest first, filtered, and how many more."""

from __future__ import annotations

import pytest

from cicd.automation import listing
from cicd.model import Key, LiveResource, State, Status
from cicd.render.moments import parse
from tests.cli.operated import Cicd, Operated, cicd, operated

__all__ = ["cicd", "operated"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["other", "best", "good", "dead"]),
        (("--status", "dead"), ["dead"]),
        (("--status", "SUCCEEDED", "--limit", "2"), ["other", "best"]),
        (("--key", "train"), ["best", "good", "dead"]),
        (("--key", "execution/*"), ["best", "good", "dead"]),
        (("--configuration", "by-hand"), ["other"]),
        (("--scenario", "churn", "--executable", "train", "--limit", "1"), ["other"]),
        (("--scenario", "none"), []),
        (("--since", "999999d"), ["other", "best", "good", "dead"]),
    ],
)
def test_executions(
    cicd: Cicd, operated: Operated, arguments: tuple[str, ...], expected: list[str]
) -> None:
    found = cicd.json("executions", "dev", *arguments)
    assert [run["id"] for run in found["executions"]] == [operated.ids[name] for name in expected]
    assert found["total"] >= len(expected)


RUN = ["configuration", "configuration_name", "executable_id", "scenario_id"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("executions", RUN),
        ("deployments", [*RUN, "url"]),
        ("list executions", RUN),
        ("artifacts", ["scenario_id", "kind", "url", "description"]),
        ("list artifacts", ["scenario_id", "kind", "url", "description"]),
        ("list applications", ["repository", "path", "revision"]),
        ("list repositories", ["url"]),
        ("list configurations", ["executable_id", "scenario_id"]),
    ],
)
def test_json_tells_the_fields_of_a_kind_in_the_order_that_scripts_know(
    cicd: Cicd, operated: Operated, command: str, told: list[str]
) -> None:
    row = cicd.json(*command.split(), "dev", "--limit", "1")[command.split()[-1]][0]
    names = list(row)
    first, last = names.index("seconds") + 1, names.index("execution_id")
    assert names[first:last] == told


def test_a_table_of_executions_says_how_many_more(cicd: Cicd, operated: Operated) -> None:
    out, err = cicd.both("executions", "dev", "--limit", "2")
    head, other, best = out.splitlines()
    assert head.split()[:3] == ["ID", "STATUS", "KEY"]
    assert other.split()[:3] == [operated.ids["other"], "COMPLETED", "unmanaged"]
    assert best.split()[2] == "execution/train"
    assert "10m" in best
    assert err == "2 of 4 executions; --limit 4 shows all\n"
    assert cicd.both("executions", "dev", "--scenario", "none") == ("Nothing fits.\n", "")


def test_artifacts(cicd: Cicd, operated: Operated) -> None:
    models = cicd.json("artifacts", "dev", "--kind", "model")
    assert {item["execution_id"] for item in models["artifacts"]} == {
        operated.ids[name] for name in ("good", "best", "other")
    }
    made = cicd.json("artifacts", "dev", "--execution", operated.ids["best"])["artifacts"]
    assert {item["kind"] for item in made} == {"model"}
    (data,) = cicd.json("artifacts", "dev", "--name", "Churn*")["artifacts"]
    assert data["id"] == operated.ids["data"]
    out, err = cicd.both("artifacts", "dev", "--limit", "1")
    assert len(out.splitlines()) == 2
    assert "--limit" in err


@pytest.mark.parametrize(
    ("created", "since", "expected"),
    [
        ("2026-01-09T00:00:00Z", "2d", True),
        ("2026-01-07T23:59:59Z", "2d", False),
        ("", "2d", True),
        ("2026-01-01T00:00:00Z", None, True),
    ],
)
def test_since(created: str, since: str | None, expected: bool) -> None:
    status = Status(State.SUCCEEDED, "COMPLETED")
    live = LiveResource(Key("execution", "x"), "e1", {}, status, created_at=created)
    assert listing.is_since(live, since, parse("2026-01-10T00:00:00Z")) is expected
