"""The pull request that carries a stage's configuration to another: opened once, then updated."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from functools import partial

from cicd.errors import Denied, LostAnswer, NotFound
from cicd.forges.base import looked_for
from cicd.forges.github import Client
from cicd.model import Secret
from cicd.render.markdown import escape
from cicd.render.sections import LIMIT

ROUNDS = 3
PERMISSIONS = "contents: write and pull-requests: write"
_REFERENCE = re.compile(r"[^A-Za-z0-9_-]+")


def branch_name(source: str, target: str, files: Iterable[str], select: Collection[str]) -> str:
    """The branch of a promotion: the same for the same stages, files and choice."""
    what = "\0".join([*files, *sorted(select)])
    digest = hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    names = [_REFERENCE.sub("-", name).strip("-") or "stage" for name in (source, target)]
    return f"cicd/promote-{names[0]}-to-{names[1]}-{digest}"


def check_rights(client: Client) -> None:
    """Raise Denied before anything is pushed when the token may not write."""
    try:
        may_push = client.may_push()
    except NotFound as error:
        raise Denied(
            f"the token cannot see {client.repository}",
            hint=f"check the repository's name, and give the token {PERMISSIONS}",
            status=error.status,
        ) from None
    if not may_push:
        raise Denied(
            f"the token may not push to {client.repository}",
            hint=f"give it {PERMISSIONS}",
        )


def sync_pull_request(client: Client, *, branch: str, base: str, title: str, body: str) -> str:
    """Open the pull request of a branch, or bring its text up to date; its URL.

    Raises Denied when the token may not.
    """
    was_lost = False
    for round_number in range(ROUNDS):
        look = partial(client.open_pulls, branch)
        found = looked_for(client.sleep, look) if was_lost else look()
        mine = sorted(found, key=lambda pull: int(pull["number"]))
        if mine:
            pull = mine[0]
            now = (pull.get("title"), pull.get("body"), (pull.get("base") or {}).get("ref"))
            if now != (title, body, base):
                client.edit_pull(pull["number"], {"title": title, "body": body, "base": base})
            return str(pull.get("html_url") or "")
        try:
            return str(client.create_pull(branch, base, title, body).get("html_url") or "")
        except LostAnswer:
            was_lost = True
            if round_number == ROUNDS - 1:
                raise
    return ""


def compose(source: str, target: str, changes: Iterable[str], diff: str) -> str:
    """The text of the pull request: what is carried over, and the diff in a fence of its own."""
    head = f"Carries configuration from **{escape(source)}** to **{escape(target)}**.\n\n"
    lines = [f"- {escape(change)}" for change in changes]
    tail = "\nWritten by `cicd promote`; run it again to bring this up to date.\n"
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", diff)), default=0))
    note = "… cut: see the files of this pull request\n"
    room = LIMIT - len(head) - len(tail) - 2 * len(fence) - len(note) - 100
    listed = _cut("\n".join(lines) + "\n", room // 3, "- …\n")
    shown = _cut(diff, room - len(listed), note)
    shown = shown if shown.endswith("\n") else shown + "\n"
    return f"{head}{listed}\n{fence}diff\n{shown}{fence}\n{tail}"


def _cut(text: str, size: int, note: str) -> str:
    """At most ``size`` characters, cut at a line, with a note that it was cut."""
    if len(text) <= size:
        return text
    return text[: size - len(note)].rpartition("\n")[0] + "\n" + note


def needed_token(token: Secret | None) -> Secret:
    """The token. Raises Denied where there is none."""
    if token is None:
        raise Denied(
            "no token for GitHub, so nothing was pushed",
            hint=f"set GITHUB_TOKEN or GH_TOKEN to one with {PERMISSIONS}",
        )
    return token
