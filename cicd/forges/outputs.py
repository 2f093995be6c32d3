"""What a workflow step leaves behind: its summary, its outputs, notes at files. Pure texts."""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cicd.errors import Problem, Remark
from cicd.model import Action
from cicd.render import document as read
from cicd.render.dialect import GITHUB, Dialect
from cicd.render.failure import is_failure, reason_of
from cicd.render.findings import NO_FILE
from cicd.render.sections import Document, described, facts_of, name_of, section_text

SUMMARY_LIMIT = 1024 * 1024
"""Most bytes of a step's summary; GitHub drops the whole summary above."""
MAX_NOTES = 10
"""Warnings that GitHub shows per step."""


def step_summary(documents: Iterable[Document], *, used: int = 0, dialect: Dialect = GITHUB) -> str:
    """The plans for the step summary, ``used`` bytes of which are taken already.

    Cut at whole sections; a plan that is too long by itself is shortened by the renderer.
    """
    texts: list[str] = []
    left_out: list[str] = []
    room = SUMMARY_LIMIT - used - 4096  # for the line that names what is left out
    for document in documents:
        text = _within(document, room - 2, dialect)
        if text:
            texts.append(text)
            room -= len(text.encode()) + 2
        else:
            counts = described(facts_of(document, ""))
            left_out.append(f"{dialect.escape(name_of(document))} ({counts})")
    if left_out:
        names = ", ".join(left_out)[:1000]
        texts.append(
            f"_Too long for a step summary, left out: {names}. Run `cicd plan` to see it._"
        )
    return "\n\n".join(texts) + "\n" if texts else ""


def _within(document: Document, room: int, dialect: Dialect) -> str:
    """One plan in at most ``room`` bytes, empty when it cannot be."""
    text = section_text(document, None, dialect)
    limit = room
    while len(text.encode()) > room and limit > 1000:
        text = section_text(document, limit, dialect)
        limit //= 2
    return text if len(text.encode()) <= room else ""


def step_outputs(documents: Sequence[Document], plan_paths: Iterable[str] = ()) -> dict[str, str]:
    """The outputs of the step. Counts are sums over the stages; of several stages, ``fingerprint``
    and ``plan_path`` have a line each."""
    counts = {
        action.value: sum(int(document["summary"].get(action.value) or 0) for document in documents)
        for action in Action
    }
    changing = sum(number for name, number in counts.items() if name != Action.NO_OP.value)
    return {
        "has_changes": "true" if changing else "false",
        **{name: str(number) for name, number in counts.items()},
        "fingerprint": "\n".join(str(document.get("fingerprint") or "") for document in documents),
        "plan_path": "\n".join(plan_paths),
    }


def output_lines(values: Mapping[str, str]) -> str:
    """Outputs in the format of ``GITHUB_OUTPUT``, each between delimiters nobody can foresee."""
    lines = ""
    for name, value in values.items():
        delimiter = f"cicd_{secrets.token_hex(16)}"
        lines += f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
    return lines


def dotenv_lines(values: Mapping[str, str]) -> str:
    """Outputs as GitLab reads a ``dotenv`` report: a variable a line, no quotes, no line breaks in
    a value. Each is called ``CICD_`` and its name."""
    lines = (f"CICD_{name.upper()}={' '.join(value.split())}\n" for name, value in values.items())
    return "".join(lines)


def plan_notes(documents: Iterable[Document], files: Mapping[str, str]) -> list[Problem]:
    """Why plans failed or will be refused, and their warnings, at the lines that they name, else at
    their stage files (``files``: name of the stage -> file); of the warnings no more than GitHub
    shows. Files are named from the top of the repository on."""
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for document in documents:
        project = read.text(document, "project")
        file = files.get(name_of(document), NO_FILE)
        if is_failure(document):
            errors += _failures(document, project, file)
        if document.get("refusal"):
            errors.append(Problem(file, 1, 1, f"will be refused: {document['refusal']}"))
        warnings += _warnings(document, project, file)
    if len(warnings) > MAX_NOTES:
        last = warnings[MAX_NOTES - 1]
        rest = f"and {len(warnings) - MAX_NOTES + 1} more warnings, see the summary"
        warnings[MAX_NOTES - 1 :] = [Problem(last.file, 1, 1, rest, severity="warning")]
    return errors + warnings


def in_repository(project: str, file: str) -> str:
    """A file of a project as the repository knows it."""
    if not project or file.startswith("/"):
        return file
    return posixpath.normpath(f"{project}/{file}")


def _failures(document: Document, project: str, file: str) -> list[Problem]:
    """What was wrong where, or why it failed at the stage file."""
    failure = document["failure"]
    found = [
        replace(problem, file=in_repository(project, problem.file))
        for problem in _problems(failure)
    ]
    reason = f", {said}" if (said := reason_of(document)) else ""
    why = f"plan failed{reason}: {read.text(failure, 'message')}"
    return found or [Problem(file, 1, 1, why)]


def _warnings(document: Document, project: str, file: str) -> list[Problem]:
    """The warnings of a plan as notes, each at the place that it is about, else at the stage
    file."""
    placed = {str(Remark.of(problem)): problem for problem in _problems(document)}
    notes = []
    for text in map(str, document.get("warnings") or ()):
        note = Problem(file, 1, 1, text, severity="warning")
        if known := placed.get(text):
            there, line = in_repository(project, known.file), known.line or 1
            note = Problem(there, line, known.column or 1, known.message, severity="warning")
        notes.append(note)
    return notes


def _problems(document: Document) -> list[Problem]:
    """The findings in a part of the document, their files as the project knows them."""
    return [
        Problem(
            read.text(item, "file"),
            int(item.get("line") or 0),
            int(item.get("column") or 0),
            read.text(item, "message"),
            read.text(item, "rule"),
            "warning" if item.get("severity") == "warning" else "error",
        )
        for item in read.items(document, "problems")
    ]
