"""What a step tells the CI system that runs it, through its log: groups, notes, outputs, a summary.

Everything else that is printed goes through ``neutral``; these are commands of our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cicd.errors import Problem
from cicd.forges.run import AZURE, GITHUB, GITLAB
from cicd.render.commands import AzureCommand, Section
from cicd.render.findings import as_annotations, as_log_issues
from cicd.render.neutral import Command


class Emitter:
    """A CI system that takes no commands. Every text may be of others."""

    def group(self, title: str, at: int) -> Sequence[Command]:
        """Begin what can be folded; ``at``: seconds since 1970."""
        return ()

    def end_group(self, title: str, at: int) -> Sequence[Command]:
        """End it."""
        return ()

    def notes(self, problems: Sequence[Problem]) -> Sequence[Command]:
        """Findings at the lines of files."""
        return ()

    def outputs(self, values: Mapping[str, str]) -> Sequence[Command]:
        """Values for later steps, where they are handed on by the log."""
        return ()

    def summary(self, file: str) -> Sequence[Command]:
        """A Markdown file that is shown with the run; its whole path."""
        return ()


class _GitHub(Emitter):
    """Outputs and summaries go into files that it names."""

    def group(self, title: str, at: int) -> Sequence[Command]:
        return (Command("group", title),)

    def end_group(self, title: str, at: int) -> Sequence[Command]:
        return (Command("endgroup"),)

    def notes(self, problems: Sequence[Problem]) -> Sequence[Command]:
        return as_annotations(problems)


class _GitLab(Emitter):
    """Outputs are a report of the job, notes another: files that it picks up."""

    def group(self, title: str, at: int) -> Sequence[Command]:
        return (Section(title, title, at=at),)

    def end_group(self, title: str, at: int) -> Sequence[Command]:
        return (Section(title, at=at),)


class _Azure(Emitter):
    def group(self, title: str, at: int) -> Sequence[Command]:
        return (AzureCommand("group", title),)

    def end_group(self, title: str, at: int) -> Sequence[Command]:
        return (AzureCommand("endgroup"),)

    def notes(self, problems: Sequence[Problem]) -> Sequence[Command]:
        return as_log_issues(problems)

    def outputs(self, values: Mapping[str, str]) -> Sequence[Command]:
        return [
            AzureCommand("task.setvariable", value, {"variable": name, "isOutput": "true"})
            for name, value in values.items()
        ]

    def summary(self, file: str) -> Sequence[Command]:
        return (AzureCommand("task.uploadsummary", file),)


_EMITTERS: dict[str, Emitter] = {GITHUB: _GitHub(), GITLAB: _GitLab(), AZURE: _Azure()}
_PLAIN = Emitter()


def emitter_of(ci: str) -> Emitter:
    """The one of a CI system; for any other, one that says nothing."""
    return _EMITTERS.get(ci, _PLAIN)
