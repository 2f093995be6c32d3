"""What has failed explains itself: in explain, status, plan and at the end of an apply."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cicd.automation.ends import says_more
from cicd.platforms.registry import every_rule
from tests.cli.operated import STAGE, Cicd, Operated, cicd, operated

__all__ = ["cicd", "operated"]

FAILING = STAGE.replace("mode: complete", "mode: fail", 1).replace("churn-training", "ends-badly")


@pytest.fixture(scope="module")
def failed(operated: Operated) -> Operated:
    """A stage whose training has just failed."""
    (operated.root / "stages/bad.yaml").write_text("stage: bad\n" + FAILING, encoding="utf-8")
    operated.start("worst", 6, configuration="ends-badly", mode="fail")
    return operated


@pytest.mark.parametrize("word", ["execution/train", "train", "id", "execution/id"])
def test_a_failed_run_is_explained_however_it_is_named(
    cicd: Cicd, failed: Operated, word: str
) -> None:
    found = cicd.json("explain", word.replace("id", failed.ids["worst"]), "bad")
    assert found["id"] == failed.ids["worst"]
    assert found["status"] == "DEAD"
    checks = {finding["check"]: finding for finding in found["findings"]}
    assert "exit code 1" in checks["status"]["text"]
    assert "its log says why" in checks["likely"]["text"]
    assert checks["image"]["text"] == "local/train:1"
    assert checks["input"]["text"] == "data: ai://default/d"
    assert found["log"][:3] == ["line 0", "line 1", "line 2"]
    assert found["commands"][0].startswith("cicd logs bad execution/")


def test_the_stage_may_be_an_argument_or_an_option(cicd: Cicd, failed: Operated) -> None:
    assert cicd("explain", "train", "bad") == cicd("explain", "train", "--stage", "bad")
    assert "one stage" in cicd.both("explain", "train", "bad", "--stage", "dev", code=64)[1]


def test_the_run_before_can_be_explained_too(cicd: Cicd, failed: Operated) -> None:
    assert cicd.json("explain", "train~2", "dev")["id"] == failed.ids["dead"]


def test_a_gate_that_is_not_met_is_the_reason_of_a_completed_run(
    cicd: Cicd, failed: Operated
) -> None:
    text = ("stage: gated\n" + STAGE).replace("max: 5", "max: 1.5")
    (failed.root / "stages/gated.yaml").write_text(text, encoding="utf-8")
    told = cicd("explain", "train", "gated")
    assert "its gate is not met: odd 2 > 1.5" in told
    states = {f["check"]: f["state"] for f in cicd.json("explain", "train", "gated")["findings"]}
    assert states["status"] == states["gate"] == "error"


@pytest.mark.parametrize("gates", ["{metric: odd, min: 1, max: 2}", "{metric: odd, min: 2}"])
def test_a_gate_that_is_met_leaves_the_status_as_it_is(
    cicd: Cicd, failed: Operated, gates: str
) -> None:
    text = ("stage: kept\n" + STAGE).replace("{metric: odd, max: 5}", gates)
    (failed.root / "stages/kept.yaml").write_text(text, encoding="utf-8")
    findings = cicd.json("explain", "train", "kept")["findings"]
    assert [(f["state"], f["text"]) for f in findings if f["check"] in {"status", "gate"}] == [
        ("ok", "COMPLETED")
    ]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("deployment/serve", "RUNNING"),
        ("artifact/data", ""),
        ("resource_group/default", "PROVISIONED"),
        ("configuration/train", "missing"),
        ("execution/never", "missing"),
    ],
)
def test_every_sort_of_key_is_explained(
    cicd: Cicd, failed: Operated, word: str, status: str
) -> None:
    (failed.root / "stages/new.yaml").write_text(
        "stage: new\n" + STAGE.replace("{mode: complete}", "{mode: complete, rounds: '77'}"),
        encoding="utf-8",
    )
    found = cicd.json("explain", word, "new")
    assert (found["key"], found["status"]) == (word, status)
    assert found["findings"][0]["check"] == "status"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("trian", "did you mean train?"),
        ("execution/xyz", "did you mean execution/train?"),
        ("e" * 16, "it has:"),
    ],
)
def test_a_word_that_means_nothing_is_said(
    cicd: Cicd, failed: Operated, word: str, hint: str
) -> None:
    assert hint in cicd.both("explain", word, "dev", code=64)[1]


def test_no_secret_is_in_an_explanation(
    cicd: Cicd, failed: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("API_TOKEN", "line 1"), ("DB_PASSWORD", "churn-training")):
        monkeypatch.setenv(name, value)
    for arguments in (("explain", "train", "bad"), ("explain", "train", "bad", "-o", "json")):
        out = cicd(*arguments)
        assert "line 1" not in out
        assert "line 0" in out
        assert "***" in out
    assert "line 1" not in cicd("status", "bad")


def test_status_tells_the_end_of_what_failed_and_the_command_for_more(
    cicd: Cicd, failed: Operated
) -> None:
    lines = cicd("status", "bad").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("execution/train"))
    assert [line.strip() for line in lines[start + 1 : start + 7]] == [
        "exit code 1",
        "│ line 0",
        "│ line 1",
        "│ line 2",
        "│ exit code 1",
        "more: cicd explain execution/train bad",
    ]
    rows = {row["key"]: row for row in cicd.json("status", "bad")}
    assert rows["execution/train"]["log"][:3] == ["line 0", "line 1", "line 2"]
    assert rows["execution/train"]["more"] == "cicd explain execution/train bad"
    assert "log" not in rows["deployment/serve"]


def test_a_plan_tells_why_what_it_repeats_had_failed(cicd: Cicd, failed: Operated) -> None:
    """As a warning, so that comment, drift issue, page and document all have it."""
    expected = (
        f"execution/train: {failed.ids['worst']} is DEAD, exit code 1, "
        'its log ends with "line 2" (cicd explain execution/train bad)'
    )
    assert expected in cicd.json("plan", "bad")["warnings"]
    assert expected in cicd("plan", "bad", "--output", "markdown").replace("\\", "")
    assert f"warning: {expected}" in cicd("plan", "bad")


def test_an_apply_ends_with_the_log_of_what_failed_and_the_command_for_more(
    cicd: Cicd, failed: Operated, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.json"
    out = cicd("apply", "bad", "--yes", "--summary", str(summary), code=1)
    tail = out[out.index("ended as DEAD") :].splitlines()
    assert "exit code 1" in tail[0]
    assert [line.strip() for line in tail[1:6]] == [
        "│ line 0",
        "│ line 1",
        "│ line 2",
        "│ exit code 1",
        "more: cicd explain execution/train bad",
    ]
    outcomes = {one["key"]: one for one in json.loads(summary.read_text())["outcomes"]}
    assert outcomes["execution/train"]["log"][:3] == ["line 0", "line 1", "line 2"]
    assert outcomes["execution/train"]["more"] == "cicd explain execution/train bad"
    assert "log" not in outcomes["artifact/data"]


@pytest.mark.parametrize("rule", ["missing-parameter", "unknown-key", "bad-cron"])
def test_a_rule_is_explained_with_its_cure_and_where_it_is_broken_here(
    cicd: Cicd, failed: Operated, rule: str
) -> None:
    text = ("stage: broken\n" + STAGE).replace("{mode: complete}", "{}").replace("ttl", "tll")
    text += "schedules: [{key: s, name: s, execution: train, cron: '* * * * *'}]\nfoo: 1\n"
    file = failed.root / "stages/broken.yaml"
    file.write_text(text, encoding="utf-8")
    told = cicd("explain", rule)
    found = cicd.json("explain", rule)
    file.unlink()
    assert told.startswith(f"{rule}: ")
    assert f"to do: {every_rule()[rule].cure}" in told
    assert "stages/broken.yaml:" in told
    assert {problem["rule"] for problem in found["findings"]} == {rule}


def test_a_rule_that_is_mistyped_is_found(cicd: Cicd, failed: Operated) -> None:
    error = cicd.both("explain", "missing-paramter", code=64)[1]
    assert "did you mean cicd explain missing-parameter?" in error


@pytest.mark.parametrize("rule", every_rule())
def test_every_rule_has_a_cure(rule: str) -> None:
    assert every_rule()[rule].cure


def test_the_next_command_finds_a_stage_whose_name_is_not_its_files(
    cicd: Cicd, failed: Operated
) -> None:
    text = "stage: other\n" + STAGE.replace("churn-training", "nobody-ran-this")
    (failed.root / "stages/named.yaml").write_text(text, encoding="utf-8")
    for word in ("train", "execution/train"):
        assert "cicd apply stages/named.yaml makes it" in cicd("explain", word, "named")
    (failed.root / "stages/named.yaml").unlink()


@pytest.mark.parametrize("stage", ["dev", "stages/dev.yaml"])
@pytest.mark.parametrize(
    "command",
    [
        "explain train",
        "explain execution/never",
        "logs train~1",
        "logs execution/train deployment/serve",
        "metrics train~1",
        "compare train~1 train~2",
        "rollback deployment/serve --list",
        "stop train",
    ],
)
def test_stage_and_key_may_come_in_either_order(
    cicd: Cicd, failed: Operated, command: str, stage: str
) -> None:
    name, *words = command.split()
    orders = [[name, stage, *words], [name, words[0], stage, *words[1:]]]
    told = {re.sub(r"\b\d+[smh]\b", "AGE", cicd(*order)) for order in orders}
    assert len(told) == 1 and told != {""}


def test_a_key_that_is_called_like_a_stage_is_taken_in_the_order_of_the_help(
    cicd: Cicd, failed: Operated
) -> None:
    text = "stage: serve\n" + STAGE.replace("key: serve", "key: dev")
    (failed.root / "stages/serve.yaml").write_text(text, encoding="utf-8")
    assert cicd.json("explain", "dev", "serve")["stage"] == "serve"
    assert cicd.json("explain", "serve", "dev")["stage"] == "dev"
    assert "dev has no run or deployment" in cicd.both("logs", "dev", "x", code=64)[1]
    (failed.root / "stages/serve.yaml").unlink()


@pytest.mark.parametrize("word", ["deployment/serve", "train", "train~2"])
def test_the_commands_for_more_have_their_words_in_the_order_of_the_help(
    cicd: Cicd, failed: Operated, word: str
) -> None:
    commands = cicd.json("explain", word, "dev")["commands"]
    shown = [line.split() for line in commands if line.startswith("cicd ")]
    assert shown and all(line[2] == "dev" and "/" in line[3] for line in shown)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("SyntaxError: invalid syntax", True),
        ("step 2 of 3: loss 0.1", True),
        ("ended with exit code 3 of the child", True),
        ("step edcec0123: Error (exit code 1)", False),
        ("step train(0): OOMKilled (exit code 137)", False),
        ("step a: killed by signal 9 (exit code 137)", False),
        ("exit code 1", False),
        ("  ", False),
    ],
)
def test_the_word_of_the_program_counts_as_the_end_of_its_log(line: str, says: bool) -> None:
    assert says_more(line, "exit code 1") == says
