"""Findings of ``cicd validate`` as text, JSON data, notes of GitHub and Azure, a report for GitLab
and SARIF 2.1.0."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cicd.errors import Problem
from cicd.render.commands import AzureCommand
from cicd.render.neutral import Command
from cicd.words import count

MOST_NAMED = 3
"""Stages that the last line names."""
MAX_ANNOTATIONS = 10
"""GitHub shows no more of one severity in one step."""
NO_FILE = ".github"
"""Under which GitHub itself files notes that belong to no file."""
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(problems: Sequence[Problem], stages: Sequence[str], *, is_strict: bool = False) -> str:
    """One line for each finding, ``file:line:col: message [rule]``, and one that counts them."""
    lines = [
        f"{problem} [{problem.rule}]" if problem.rule else str(problem) for problem in problems
    ]
    return "\n".join([*lines, _verdict(problems, _named(stages), is_strict)])


def _named(stages: Sequence[str]) -> str:
    """The stages that were checked; of many only how many."""
    return ", ".join(stages) if len(stages) <= MOST_NAMED else count(len(stages), "stage")


def _verdict(problems: Sequence[Problem], stages: str, is_strict: bool) -> str:
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    also = f" and {count(warnings, 'warning')}" if warnings else ""
    if errors:
        return f"{count(errors, 'problem')}{also} in {stages}"
    if warnings and is_strict:
        return f"{count(warnings, 'warning')} in {stages}, and with --strict none is allowed"
    return f"{stages}: valid" + (f", {count(warnings, 'warning')}" if warnings else "")


def as_data(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """A list with file, line, column, message, rule and severity of each finding."""
    return [asdict(problem) for problem in problems]


def as_annotations(problems: Sequence[Problem]) -> list[Command]:
    """GitHub workflow commands, which become notes at the lines of the files; errors first.

    GitHub drops what goes beyond ten, so the rest is counted in a notice, which has its own ten.
    """
    ordered = sorted(problems, key=lambda problem: (problem.severity != "error", problem))
    commands = [_annotation(problem) for problem in ordered[:MAX_ANNOTATIONS]]
    if rest := ordered[MAX_ANNOTATIONS:]:
        files = count(len({problem.file for problem in rest}), "file")
        message = f"{count(len(rest), 'more finding')} in {files}: `cicd validate` shows all"
        commands.append(Command("notice", message, {"title": "cicd validate"}))
    return commands


def _annotation(problem: Problem) -> Command:
    title = {"title": problem.rule} if problem.rule else {}
    line, column = max(1, problem.line), max(1, problem.column)
    place = {"file": problem.file, "line": str(line), "col": str(column), **title}
    return Command(problem.severity, problem.message, place)


def as_log_issues(problems: Sequence[Problem]) -> list[AzureCommand]:
    """Logging commands of Azure Pipelines, which show each finding with the run; errors first."""
    ordered = sorted(problems, key=lambda problem: (problem.severity != "error", problem))
    return [
        AzureCommand(
            "task.logissue",
            problem.message,
            {
                "type": problem.severity,
                **({} if problem.file == NO_FILE else _place(problem)),
                **({"code": problem.rule} if problem.rule else {}),
            },
        )
        for problem in ordered
    ]


def _place(problem: Problem) -> dict[str, str]:
    line, column = max(1, problem.line), max(1, problem.column)
    return {
        "sourcepath": problem.file,
        "linenumber": str(line),
        "columnnumber": str(column),
    }


def as_code_quality(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """The report that GitLab compares with that of the target branch (``codequality``).

    A finding is known again by its rule, file and words: one that has only moved is no new one.
    """
    seen: Counter[str] = Counter()
    found = []
    for problem in sorted(problems):
        what = "\0".join((problem.rule, problem.file, problem.message))
        seen[what] += 1
        digest = hashlib.sha256(f"{what}\0{seen[what]}".encode("utf-8", "surrogatepass"))
        found.append({
            "description": problem.message,
            "check_name": problem.rule or "cicd",
            "fingerprint": digest.hexdigest(),
            "severity": "critical" if problem.severity == "error" else "minor",
            "location": {"path": problem.file, "lines": {"begin": max(1, problem.line)}},
        })  # fmt: skip
    return found


def as_rules(rules: Mapping[str, tuple[str, str]]) -> str:
    """Every rule with what it is about and, below that, where it comes from.

    ``rules``: rule id -> both.
    """
    wide = max(map(len, rules), default=0)
    return "\n".join(
        f"{name:<{wide}}  {says}\n{'':<{wide}}  {source}" for name, (says, source) in rules.items()
    )


def as_sarif(problems: Sequence[Problem], rules: Mapping[str, str], version: str) -> dict[str, Any]:
    """A SARIF 2.1.0 log with one run, for code scanning; no finding is a run without results.

    ``rules``: rule id -> description; ``version`` is that of cicd.
    """
    index = {rule: number for number, rule in enumerate(rules)}
    driver = {
        "name": "cicd",
        "version": version,
        "rules": [{"id": id, "shortDescription": {"text": text}} for id, text in rules.items()],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, index) for problem in problems],
    }
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(problem: Problem, index: Mapping[str, int]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(problem.file)}}
    if problem.line:
        physical["region"] = {"startLine": problem.line}
        if problem.column:
            physical["region"]["startColumn"] = problem.column
    result: dict[str, Any] = {
        "ruleId": problem.rule,
        "level": problem.severity,
        "message": {"text": problem.message},
        "locations": [{"physicalLocation": physical}],
    }
    if problem.rule in index:
        result["ruleIndex"] = index[problem.rule]
    return result


def _uri(path: str) -> str:
    """A path as a relative reference: anything unusual percent-encoded in UTF-8."""
    plain = "-._~/"
    return "".join(
        char
        if (char.isascii() and char.isalnum()) or char in plain
        else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in path
    )
