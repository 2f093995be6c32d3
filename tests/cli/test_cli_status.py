"""``cicd status`` and ``cicd logs`` of a stage that has run for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.automation import status
from cicd.model import State
from cicd.render.status import render_status
from tests.cli.operated import STAGE, Cicd, Operated, cicd, operated

__all__ = ["cicd", "operated"]


def by_key(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in rows}


def test_status_tells_what_is_there(cicd: Cicd, operated: Operated) -> None:
    rows = by_key(cicd.json("status", "dev"))
    assert rows["execution/train"]["id"] == operated.ids["best"]
    assert rows["execution/train"]["status"] == "COMPLETED"
    assert rows["execution/train"]["configuration_name"] == "churn-training"
    assert rows["execution/train"]["configuration"] not in ("", "churn-training")
    assert rows["execution/never"]["status"] == "missing"
    assert rows["deployment/serve"]["url"].endswith(operated.ids["serve"])
    assert rows["resource_group/default"]["status"] == "PROVISIONED"


def test_links_and_models_where_they_are_known(
    cicd: Cicd, operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AICORE_LAUNCHPAD_URL", "https://lp.example.com/{kind}/{id}")
    rows = by_key(cicd.json("status", "dev"))
    link = f"https://lp.example.com/executions/{operated.ids['best']}"
    assert rows["execution/train"]["link"] == link
    assert rows["execution/train"]["facts"]["completed_at"] == "2026-01-03T12:10:00Z"
    assert f"\n    {link}\n" in cicd("status", "dev")


def test_before_anything_is_there(cicd: Cicd, operated: Operated) -> None:
    text = STAGE.replace("{resource_group: default}", "{resource_group: not-yet}")
    (operated.root / "stages/new.yaml").write_text(text, encoding="utf-8")
    rows = cicd.json("status", "new")
    assert {row["status"] for row in rows} == {"missing"}
    assert "cicd apply new starts it" in cicd.both("logs", "new", "train", code=1)[1]
    assert cicd("executions", "new") == "Nothing fits.\n"


def test_who_only_looks_needs_no_values_of_secrets(cicd: Cicd, operated: Operated) -> None:
    secret = 'secrets: {generic: [{name: mine, data: {api-key: "${env.NOT_SET_HERE}"}}]}\n'
    (operated.root / "stages/secret.yaml").write_text(secret + STAGE, encoding="utf-8")
    assert by_key(cicd.json("status", "secret"))["deployment/serve"]["status"] == "RUNNING"
    assert cicd("logs", "secret", "train")
    assert "NOT_SET_HERE is not set" in cicd.both("plan", "secret", code=3)[1]


@pytest.mark.parametrize("command", ["apply", "destroy", "stop", "plan", "status", "logs"])
def test_only_who_would_send_something_is_told_that_nothing_was_sent(
    cicd: Cicd, command: str
) -> None:
    keys = ["train"] if command in {"stop", "logs"} else []
    said = cicd.both(command, "nowhere", *keys, code=3)[1]
    assert 'no stage "nowhere"' in said and "1 problem" in said
    assert ("nothing was sent" in said) == (command in {"apply", "destroy", "stop"})


def test_a_pipe_gets_whole_lines_that_line_up(cicd: Cicd, operated: Operated) -> None:
    lines = cicd("status", "dev").splitlines()
    head = lines[0]
    assert head.split()[:5] == ["KEY", "STATUS", "ID", "AGE", "CONFIGURATION"]
    serve = next(line for line in lines if line.startswith("deployment/serve"))
    assert serve[head.index("CONFIGURATION") :].startswith("churn-serving")
    assert serve.endswith(operated.ids["serve"])


def test_watching_in_a_pipe_is_a_line_for_each_change(
    cicd: Cicd, operated: Operated, mocker: MockerFixture
) -> None:
    text = STAGE.replace("never-started", "soon-started")  # "never" stays so for other tests
    (operated.root / "stages/watched.yaml").write_text(text, encoding="utf-8")
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            operated.start("watched", 20, configuration="soon-started", mode="fail")
        if len(pauses) == 3:
            raise KeyboardInterrupt

    clock = SimpleNamespace(sleep=sleep, monotonic=time.monotonic)
    mocker.patch.object(status, "time", clock)
    lines = cicd("status", "watched", "--watch").splitlines()
    assert lines[:-1] == [
        "resource_group/default │ PROVISIONED (default)",
        f"execution/train │ COMPLETED ({operated.ids['best']})",
        "execution/never │ missing",
        f"deployment/serve │ RUNNING ({operated.ids['serve']})",
    ]
    assert lines[-1].startswith(f"execution/never │ DEAD ({operated.ids['watched']}) exit code 1")
    assert min(pauses) >= 5


@pytest.mark.parametrize(
    ("key", "state", "cost", "expected"),
    [
        ("execution/a", State.RUNNING, 0.1, 2.0),
        ("deployment/a", State.RUNNING, 0.1, 5.0),
        ("deployment/a", State.PENDING, 0.1, 2.0),
        ("deployment/a", State.PENDING, 3.0, 15.0),
    ],
)
def test_looking_is_polite(key: str, state: State, cost: float, expected: float) -> None:
    assert status.pause([{"key": key, "state": state.value}], cost) == expected


def test_logs_of_many_merged_and_prefixed(cicd: Cicd) -> None:
    lines = cicd("logs", "dev", "train", "serve", "train~1").splitlines()
    assert len(lines) == 6
    assert {line.split(" │ ")[0] for line in lines} == {"execution/train", "execution/train~1"}
    alone = cicd("logs", "dev", "train").splitlines()
    assert alone == ["line 0", "line 1", "line 2"]


def test_no_log_line_is_a_command_for_github(cicd: Cicd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert cicd("logs", "dev", "train").splitlines()[0] == "execution/train │ line 0"


@pytest.mark.parametrize("name", ["train~2", "execution/train~2", "dead", "execution/dead"])
def test_logs_of_old_runs(cicd: Cicd, operated: Operated, name: str) -> None:
    argument = name.replace("dead", operated.ids["dead"])
    assert cicd("logs", "dev", argument).count("line") == 3


def test_logs_of_a_run_of_nobodys_stage_file(cicd: Cicd, operated: Operated) -> None:
    id = operated.ids["other"]
    assert cicd("logs", "dev", "--run", id) == cicd("logs", "dev", id)
    assert (
        f"{id} is not a run of train" in cicd.both("logs", "dev", "train", "--run", id, code=64)[1]
    )


def test_a_failed_run_that_is_followed_fails(cicd: Cicd) -> None:
    assert "line 2" in cicd("logs", "dev", "train~2", "--follow", code=1)
    assert "line 2" in cicd("logs", "dev", "train~2", "train", "--follow", code=1)
    cicd("logs", "dev", "train~2")


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("trian",), 64, "did you mean train?"),
        (("train~9",), 64, "execution/train~9 is not there: execution/train has 3 so far"),
        (("execution/train~3",), 64, "the oldest is execution/train~2"),
        (("serve~1",), 64, "deployment/serve~1 is not there: deployment/serve has 1 so far"),
        (("x" * 100,), 64, "it has: execution/train, execution/never, deployment/serve"),
        (("train", "--since", "tomorrow"), 64, "write 90s, 30m, 1h or 2d"),
        ((), 64, "logs of what?"),
        (("--run", "e000000000000000"), 64, "there is no run e000000000000000"),
    ],
)
def test_what_is_not_there_is_said(
    cicd: Cicd, arguments: tuple[str, ...], code: int, expected: str
) -> None:
    assert expected in cicd.both("logs", "dev", *arguments, code=code)[1]


@pytest.fixture
def hanging(operated: Operated) -> Iterator[str]:
    yield operated.start("hanging", 5, configuration="hangs", mode="hang")


def test_following_until_it_is_stopped(cicd: Cicd, operated: Operated, hanging: str) -> None:
    def stop() -> None:
        time.sleep(0.2)
        path = f"/v2/lm/executions/{hanging}"
        operated.client.send("PATCH", path, {"targetStatus": "STOPPED"}, status=202)

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        assert "line 2" in cicd("logs", "dev", hanging, "--follow", code=1)
    finally:
        thread.join()


def test_keys_that_share_a_configuration_name_are_told_apart_by_tags(
    cicd: Cicd, operated: Operated
) -> None:
    twin = "  - {key: twin, configuration: {name: churn-training, scenario_id: churn, "
    twin += "executable_id: train, parameter_bindings: {mode: hang}, "
    twin += "input_artifact_bindings: {data: data}}}\ndeployments:"
    text = STAGE.replace("deployments:", twin)
    (operated.root / "stages/twins.yaml").write_text(text, encoding="utf-8")
    rows = by_key(cicd.json("status", "twins"))
    assert rows["execution/train"]["id"] == operated.ids["best"]
    assert rows["execution/twin"]["status"] == "missing"
    assert "execution/train has 2 so far" in cicd.both("logs", "twins", "train~2", code=64)[1]


@pytest.mark.parametrize(
    ("commit", "shown"),
    [
        ("a" * 40, "a" * 12),
        ("b" * 64, "b" * 12),
        ("c" * 40 + " with changes", "c" * 12 + " with changes"),
    ],
)
def test_a_commit_is_short_in_a_pipe_too(commit: str, shown: str) -> None:
    row = {"key": "execution/train", "status": "COMPLETED", "id": "e1", "facts": {"commit": commit}}
    text = render_status([row])
    assert f"commit {shown}\n" in f"{text}\n" and commit not in text
