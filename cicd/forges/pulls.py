"""The pull request that carries a stage's configuration to another: opened once, then updated."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from cicd.errors import Conflict, Denied, LostAnswer, NotFound
from cicd.forges.base import Proposing, looked_for
from cicd.forges.run import AZURE, GITHUB, GITLAB, TITLES, Run
from cicd.render import dialect as dialects
from cicd.render.dialect import Dialect

ROUNDS = 3
RIGHTS = {
    GITHUB: "contents: write and pull-requests: write",
    GITLAB: "the role Developer and the scope api",
    AZURE: "'Contribute' and 'Contribute to pull requests'",
}
"""What a token needs that proposes a change."""
VARIABLES = {
    GITHUB: "GITHUB_TOKEN or GH_TOKEN",
    GITLAB: "CICD_GITLAB_TOKEN",
    AZURE: "SYSTEM_ACCESSTOKEN or AZURE_DEVOPS_EXT_PAT",
}
LIMITS = {AZURE: 4_000}
"""The longest text of a change, where a comment may be longer; in characters."""
TITLE = 250
"""The longest title that every forge takes, in characters."""
LEAST = 200
"""The least room, in characters, in which it is worth showing changes."""
_REFERENCE = re.compile(r"[^A-Za-z0-9_-]+")


def branch_name(source: str, target: str, files: Iterable[str], select: Collection[str]) -> str:
    """The branch of a promotion: the same for the same stages, files and choice."""
    what = "\0".join([*files, *sorted(select)])
    digest = hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    names = [_REFERENCE.sub("-", name).strip("-") or "stage" for name in (source, target)]
    return f"cicd/promote-{names[0]}-to-{names[1]}-{digest}"


def check_rights(forge: Proposing) -> None:
    """Raise Denied before anything is pushed when the token may not write."""
    try:
        may_push = forge.may_push()
    except NotFound as error:
        raise Denied(
            f"the token cannot see {forge.repository}",
            hint=f"check the repository's name, and give the token {RIGHTS[forge.dialect.name]}",
            status=error.status,
        ) from None
    if not may_push:
        raise Denied(
            f"the token may not push to {forge.repository}",
            hint=f"give it {RIGHTS[forge.dialect.name]}",
        )


def sync_pull_request(forge: Proposing, *, branch: str, base: str, title: str, body: str) -> str:
    """Open the pull or merge request of a branch, or bring its text up to date; its URL.

    Raises Denied when the token may not.
    """
    title = forge.dialect.title(title)[:TITLE]
    was_lost = False
    for round_number in range(ROUNDS):
        look = partial(forge.proposals, branch)
        found = looked_for(forge.sleep, look) if was_lost else look()
        if found:
            mine = min(found, key=lambda proposal: proposal.number)
            if (mine.title, _kept(mine.text), mine.base) != (title, _kept(body), base):
                with _with_rights(forge):
                    forge.change_proposal(mine, base, title, body)
            return mine.url
        try:
            with _with_rights(forge):
                return forge.add_proposal(branch, base, title, body).url
        except (LostAnswer, Conflict):
            # it may be there, or another run's is
            was_lost = True
            if round_number == ROUNDS - 1:
                raise
    return ""


@contextmanager
def _with_rights(forge: Proposing) -> Iterator[None]:
    """What a token may not do is told with what it needs."""
    try:
        yield
    except Denied as error:
        error.hint = error.hint or f"give the token {RIGHTS[forge.dialect.name]}"
        raise


def _kept(text: str) -> str:
    """A text as far as each forge keeps it: GitLab drops line ends."""
    return text.replace("\r", "").rstrip()


def compose(
    source: str,
    target: str,
    changes: Iterable[str],
    diff: str,
    *,
    dialect: Dialect = dialects.GITHUB,
) -> str:
    """The text of the pull request: what is carried over, and the diff in a fence of its own."""
    escape, limit = dialect.escape, LIMITS.get(dialect.name, dialect.limit)
    head = f"Carries configuration from **{escape(source)}** to **{escape(target)}**.\n\n"
    lines = [f"- {escape(change)}" for change in changes]
    tail = "\nWritten by `cicd promote`; run it again to bring this up to date.\n"
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", diff)), default=0))
    note = "… cut: see the files of this pull request\n"
    room = limit - len(head) - len(tail) - 2 * len(fence) - len(note) - 100
    if room < LEAST:
        return _cut(head, limit - len(note) - len(tail), "\n") + note + tail
    listed = _cut("\n".join(lines) + "\n", room // 3, "- …\n")
    shown = _cut(diff, room - len(listed), note)
    shown = shown if shown.endswith("\n") else shown + "\n"
    return f"{head}{listed}\n{fence}diff\n{shown}{fence}\n{tail}"


def _cut(text: str, size: int, note: str) -> str:
    """At most ``size`` characters, cut at a line, with a note that it was cut."""
    if len(text) <= size:
        return text
    return text[: size - len(note)].rpartition("\n")[0] + "\n" + note


def check_token(run: Run) -> None:
    """Raise Denied where there is no token."""
    if run.token is None:
        raise Denied(
            f"no token for {TITLES[run.forge]}, so nothing was pushed",
            hint=f"set {VARIABLES[run.forge]} to one with {RIGHTS[run.forge]}",
        )
