"""Commands of our own: each system understands just these, whatever texts of others are in them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.cli.console import EventLog
from cicd.cli.options import Common
from cicd.errors import Problem
from cicd.forges.emitter import emitter_of
from cicd.forges.outputs import dotenv_lines
from cicd.render.commands import AzureCommand, Section
from cicd.render.findings import as_code_quality, as_log_issues
from tests.render.ci_commands import ATTACKS, github_commands

TEXTS = st.lists(st.sampled_from([*ATTACKS, ";", "]", "%", "%0A", "\n", "x", "="])).map("".join)
UNESCAPED = {"%3B": ";", "%0D": "\r", "%0A": "\n", "%5D": "]", "%AZP25": "%"}


def as_azure_reads(line: str) -> tuple[str, dict[str, str], str]:
    """``Command.TryParse`` of the agent: the name, the properties and the data of a line."""
    match = re.search(r"(?i)##vso\[([^\]]*)\](.*)", line)
    assert match, line
    name, _, rest = match[1].partition(" ")
    pairs = [pair.partition("=") for pair in rest.split(";") if pair.strip()]
    return name, {key: unescaped(value) for key, _, value in pairs}, unescaped(match[2])


def unescaped(text: str) -> str:
    for escape, char in UNESCAPED.items():
        text = text.replace(escape, char)
    return text


def is_plain(text: str) -> bool:
    """Whether nothing in it has to be made harmless."""
    return text.replace("\n", "").isprintable() and "##" not in text and "::" not in text


@given(TEXTS, TEXTS)
def test_azure_reads_one_command_with_the_values_that_were_meant(text: str, value: str) -> None:
    line = str(AzureCommand("task.setvariable", text, {"variable": "x", "isOutput": value}))
    assert "\n" not in line and "\r" not in line
    assert len(re.findall(r"(?i)##(?:vso|teamcity)?\[", line)) == 1
    name, properties, data = as_azure_reads(line)
    assert name == "task.setvariable" and list(properties) == ["variable", "isOutput"]
    assert data == text or not is_plain(text)
    assert properties["isOutput"] == value or not is_plain(value)


@given(TEXTS)
def test_a_title_is_one_line_of_the_group(text: str) -> None:
    for ci in ("github", "gitlab", "azure", "jenkins", ""):
        emitter = emitter_of(ci)
        for command in (*emitter.group(text, 7), *emitter.end_group(text, 7)):
            line = str(command)
            assert "\n" not in line
            assert line.count("\x1b") == line.count("\r") * 2
            assert len(github_commands(line.removeprefix("##"))) <= 1


@given(TEXTS)
def test_sections_of_gitlab_begin_and_end_by_the_same_name(text: str) -> None:
    begun, ended = str(Section(text, text or "x", at=7)), str(Section(text, at=9))
    names = [re.match(r"\x1b\[0Ksection_(?:start|end):\d+:([A-Za-z0-9_.-]*)\r\x1b\[0K", line)
             for line in (begun, ended)]  # fmt: skip
    assert names[0] and names[1] and names[0][1] == names[1][1]


@given(st.dictionaries(st.sampled_from(["a", "b_c"]), TEXTS, min_size=1))
def test_a_dotenv_report_has_one_variable_a_line(values: Mapping[str, str]) -> None:
    lines = dotenv_lines(values).splitlines()
    assert [line.partition("=")[0] for line in lines] == [f"CICD_{n.upper()}" for n in values]


@given(TEXTS, TEXTS)
def test_a_finding_is_one_note_at_one_place(text: str, file: str) -> None:
    problems = [Problem(file, 3, 2, text, "rule"), Problem(file, 9, 2, text, "rule")]
    for command in as_log_issues(problems):
        name, properties, _ = as_azure_reads(str(command))
        assert name == "task.logissue" and properties["type"] == "error"
    found = as_code_quality(problems)
    assert len({finding["fingerprint"] for finding in found}) == 2


def test_a_warning_is_less_than_an_error_and_comes_after_it() -> None:
    problems = [Problem("a", 1, 1, "w", severity="warning"), Problem("b", 0, 0, "e")]
    assert [command.properties["type"] for command in as_log_issues(problems)] == [
        "error",
        "warning",
    ]
    assert {item["severity"] for item in as_code_quality(problems)} == {"critical", "minor"}
    assert as_code_quality([]) == []


@pytest.mark.parametrize(
    ("variables", "begun", "ended"),
    [
        ({"GITHUB_ACTIONS": "true"}, "::group::apply dev", "::endgroup::"),
        ({"TF_BUILD": "True"}, "##[group]apply dev", "##[endgroup]"),
        ({"GITLAB_CI": "true"}, "section_start:", "section_end:"),
        ({"JENKINS_URL": "https://ci"}, "", ""),
    ],
)
def test_groups_are_folded_as_each_system_does(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    begun: str,
    ended: str,
) -> None:
    for name in ("GITHUB_ACTIONS", "TF_BUILD", "GITLAB_CI", "JENKINS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    log = EventLog(Common())
    log.group("apply dev")
    log.end_group()
    lines = capsys.readouterr().err.split("\n")[:-1]
    assert begun in "".join(lines[:1]) and ended in "".join(lines[-1:])
    assert bool(lines) == bool(begun)
    quiet = EventLog(Common(log_format="json"))
    quiet.group("apply dev")
    assert capsys.readouterr().err == ""
