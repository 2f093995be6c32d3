"""An approval as a file in Git.

Whoever may push to the branch that is applied can give it: the proof is the commit, the name in the
file is a claim. A protected branch and CODEOWNERS say who that is. ``CICD_ALLOWED_SIGNERS`` (a file
from outside the repository, as ``gpg.ssh.allowedSignersFile``) asks for a signed commit as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cicd.errors import CicdError, Refused
from cicd.lifecycle.approvals import Request, Surroundings, Verdict
from cicd.lifecycle.authors import FULL as DEEPEN
from cicd.lifecycle.authors import Given, own_change
from cicd.lifecycle.judging import shortened
from cicd.model import Approval, ApprovalState, FileApproval
from cicd.words import one_line

SIGNERS = "CICD_ALLOWED_SIGNERS"
OWNERS = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
MAX_FILE = 1_000_000
LONGEST = 60
MARK = "# Written by cicd approve"
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_FINGERPRINT = re.compile("[0-9a-f]{64}")
SHALLOW = "the clone is shallow: it does not tell who committed the approval"


def connect(settings: FileApproval, surroundings: Surroundings) -> FileApprovals:
    """Sends nothing."""
    return FileApprovals(settings.path, surroundings, of_others=settings.prevent_self_approval)


@dataclass(frozen=True)
class Commit:
    """The commit that an approval was last changed in."""

    id: str
    author: str
    at: str


class FileApprovals:
    """The file of one stage. ``path``: from the project on. ``of_others``: it counts only for what
    others than its author have changed."""

    def __init__(self, path: str, around: Surroundings, *, of_others: bool = False) -> None:
        self._path = path
        self._around = around
        self._of_others = of_others

    def read(self, request: Request) -> Approval:
        """As it is committed on the branch that is applied; for the emulator as it lies there."""
        read = self._read_tree if self._around.is_local else self._read_commit
        found = read(request)
        return replace(found, link=found.link or self._path, approvers=self._approvers())

    def ask(self, request: Request) -> Approval:
        """The same: whoever reads the plan knows."""
        return self.read(request)

    def decide(self, request: Request, verdict: Verdict, reason: str) -> Approval:
        """Write the file; it counts once it is committed and pushed, for the emulator at once."""
        told = (self._around.git("config", name) for name in ("user.email", "user.name"))
        who = next(filter(None, told), self._around.environ.get("USER", ""))
        target = self._around.root / self._path
        if not target.resolve().is_relative_to(self._around.root.resolve()):
            raise Refused(f"{self._path} leads out of the project: nothing was written")
        former = _text_of(target)
        if former and isinstance(_parsed(former, self._path), str) and MARK not in former:
            raise Refused(f"{self._path} holds something else than an approval: name another file")
        document = {
            "stage": request.stage,
            "fingerprint": request.fingerprint,
            **({"commit": request.commit} if self._of_others else {}),
            "decision": verdict,
            "approved_by": who,
            "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "reason": reason,
            "made": dict(request.made),
            "parts": shortened(request.parts),
        }
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_written(document), encoding="utf-8", newline="\n")
        except OSError as error:
            raise CicdError(f"{self._path} cannot be written: {error.strerror}") from error
        given = _judge(_parsed(_written(document), self._path))
        branch = self._around.branch or "the branch that is applied"
        note = "" if self._around.is_local else f"commit {self._path} and push it to {branch}"
        return replace(given, note=note or given.note, link=self._path)

    def _read_tree(self, request: Request) -> Approval:
        try:
            text = (self._around.root / self._path).read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return self._nothing()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
            return Approval(ApprovalState.NONE, note=f"{self._path} cannot be read: {why}")
        return self._judged(text, request)

    def _read_commit(self, request: Request) -> Approval:
        git, at = self._around.git, self._revision()
        if at is None:
            note = f"the branch {self._around.branch} is not here: git fetch origin brings it"
            return Approval(ApprovalState.NONE, note=note)
        text = git("show", f"{at}:./{self._path}")
        if text is None:
            is_there = (self._around.root / self._path).exists()
            where = f" on {self._around.branch}" if self._around.branch else ""
            note = f"{self._path} is not committed{where}: it does not count yet"
            note = note if is_there else ""
            return replace(self._nothing(), note=note or self._nothing().note)
        if git("rev-parse", "--is-shallow-repository") == "true":
            raise Refused(SHALLOW, hint=DEEPEN)
        found = self._judged(text, request)
        commit = self._commit(at)
        if commit is None:
            return replace(found, state=ApprovalState.NONE, note="nobody knows who committed it")
        link = f"{self._path}@{commit.id[:12]}"
        found = replace(found, by=commit.author, at=commit.at, link=link)
        problem = self._signature_problem(commit.id)
        if self._of_others and found.is_given and found.fingerprint == request.fingerprint:
            problem = problem or self._own_problem(at, found.by)
        return replace(found, state=ApprovalState.NONE, note=problem) if problem else found

    def _revision(self) -> str | None:
        """Where it is looked for: what is checked out, if that is the branch that is applied."""
        branch = self._around.branch
        if not branch or self._around.checked_out == branch:
            return "HEAD"
        for name in (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}"):
            if self._around.git("rev-parse", "--verify", "--quiet", name):
                return name
        # a CI system that checks out a commit, and tells no branch, has no other ref
        return "HEAD" if not self._around.checked_out else None

    def _commit(self, at: str) -> Commit | None:
        form = "--format=%H%x00%an <%ae>%x00%aI"
        log = ("--literal-pathspecs", "log", "-1")  # a name may look like a pattern
        told = self._around.git(*log, form, at, "--", self._path)
        parts = (told or "").split("\0")
        if len(parts) != 3:
            return None
        moment = datetime.fromisoformat(parts[2]).astimezone(UTC)
        return Commit(parts[0], parts[1], moment.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def _signature_problem(self, commit: str) -> str:
        """Why a commit is not signed as it has to be; empty where nobody asks for that."""
        signers = self._around.environ.get(SIGNERS)
        if not signers:
            return ""
        told = self._around.git(
            "-c", f"gpg.ssh.allowedSignersFile={signers}", "log", "-1", "--format=%G?", commit
        )
        if told == "G":
            return ""
        return f"commit {commit[:12]} is not signed by anybody in {SIGNERS} ({told or 'unknown'})"

    def _own_problem(self, at: str, who: str) -> str:
        """Why nobody but its author has looked at what an approval is about; empty where others
        have written it."""
        git = self._around.git
        told = git("log", "--no-show-signature", "--reverse", "--format=%H", at, "--", self._path)
        commits = (told or "").split()
        last = commits[-1:]
        former = [(id, self._seen(id)) for id in commits[:-1]]
        history = [
            *(Given(id, seen) for id, seen in former if seen),
            *(Given(id, "") for id in last),
        ]
        change = own_change(git, self._path, history, ("HEAD", at)) if history else at
        return f"{who} has changed it in {change[:12]}: somebody else approves it" if change else ""

    def _seen(self, commit: str) -> str:
        """The commit whose plan was approved with one; empty where that does not say."""
        text = self._around.git("show", f"{commit}:./{self._path}") or ""
        said = _parsed(text, self._path) if len(text) <= MAX_FILE else ""
        if isinstance(said, str) or not _judge(said).is_given:
            return ""
        seen = str(said.get("commit") or "")
        return seen if _COMMIT.fullmatch(seen) else ""

    def _nothing(self) -> Approval:
        return Approval(ApprovalState.NONE, note=f"there is no {self._path}")

    def _judged(self, text: str, request: Request) -> Approval:
        if len(text) > MAX_FILE:
            return Approval(ApprovalState.NONE, note=f"{self._path} is too large")
        said = _parsed(text, self._path)
        found = _judge(said)
        is_ours = not isinstance(said, str) and str(said["stage"]) == request.stage
        if isinstance(said, str) or is_ours or found.state is ApprovalState.NONE:
            return found
        note = f"{self._path} is about the stage {one_line(str(said['stage']), LONGEST)}"
        return replace(found, state=ApprovalState.STALE, note=note)

    def _approvers(self) -> str:
        """Who may push the file, as far as the repository tells."""
        branch = self._around.branch or "the branch that is applied"
        owners = " ".join(self._owners())
        return owners or f"whoever may push {self._path} to {branch}"

    def _owners(self) -> tuple[str, ...]:
        prefix = self._around.git("rev-parse", "--show-prefix") or ""
        top = self._around.git("rev-parse", "--show-toplevel")
        for name in OWNERS if top else ():
            text = _text_of(Path(top or "") / name) if self._around.is_local else None
            text = text or self._around.git("show", f"HEAD:{name}")
            if text is not None:
                return owners_of(f"{prefix}{self._path}", text)
        return ()


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def owners_of(path: str, text: str) -> tuple[str, ...]:
    """Who owns a path by the lines of CODEOWNERS: the last one that fits counts."""
    found: tuple[str, ...] = ()
    for line in text.splitlines():
        pattern, *owners = line.partition("#")[0].split() or [""]
        if pattern and any(fnmatchcase(path, glob) for glob in _globs(pattern)):
            found = tuple(owners)
    return found


def _globs(pattern: str) -> Iterator[str]:
    bare = pattern.removeprefix("/").removesuffix("/")
    for start in ("",) if pattern.startswith("/") or "/" in bare else ("", "*/"):
        yield f"{start}{bare}"
        yield f"{start}{bare}/*"


def _written(document: Mapping[str, Any]) -> str:
    import json

    lines = [f"{MARK}. It counts for this fingerprint only.\n"]
    for name, value in document.items():
        if isinstance(value, Mapping):
            lines.append(f"{name}:{'' if value else ' {}'}\n")
            lines += [f"  {json.dumps(k)}: {json.dumps(v)}\n" for k, v in value.items()]
        else:
            lines.append(f"{name}: {json.dumps(value)}\n")
    return "".join(lines)


def _parsed(text: str, path: str) -> Mapping[str, Any] | str:
    """What the file says; else what is wrong with it."""
    import yaml

    try:
        documents = list(yaml.compose_all(text, yaml.SafeLoader))
        if len(documents) > 1:
            return f"{path} holds {len(documents)} documents: it may hold one"
        if name := next(filter(None, map(_repeated, documents)), ""):
            return f"{path} says {one_line(name, LONGEST)} twice"
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return f"{path} is no YAML"
    if not isinstance(found, Mapping):
        return f"{path} is no map"
    missing = [name for name in ("stage", "fingerprint", "decision") if not found.get(name)]
    return f"{path} does not say {' and '.join(missing)}" if missing else found


def _repeated(node: Any) -> str:
    """A key that stands twice in the map, where each reader takes another one; empty for none."""
    maps = node.value if isinstance(node.value, list) else []
    names = [pair[0].value for pair in maps if isinstance(pair, tuple)]
    return next((str(name) for name in names if names.count(name) > 1), "")


def _judge(found: Mapping[str, Any] | str) -> Approval:
    if isinstance(found, str):
        return Approval(ApprovalState.NONE, note=found)
    words = {"approved": ApprovalState.APPROVED, "rejected": ApprovalState.REJECTED}
    state = words.get(str(found["decision"]).strip().lower())
    if state is None:
        return Approval(ApprovalState.NONE, note="decision has to be approved or rejected")
    fingerprint = str(found["fingerprint"]).strip().lower()
    if not _FINGERPRINT.fullmatch(fingerprint):
        return Approval(ApprovalState.NONE, note="fingerprint has to be 64 hexadecimal digits")
    return Approval(
        state,
        by=str(found.get("approved_by") or ""),
        at=_moment(found.get("at")),
        fingerprint=fingerprint,
        note=str(found.get("reason") or ""),
        parts=_texts(found.get("parts")),
        made=_texts(found.get("made")),
    )


def _moment(value: Any) -> str:
    """YAML reads a time as such."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value or "")


def _texts(value: Any) -> dict[str, str]:
    items = value.items() if isinstance(value, Mapping) else ()
    return {str(name): str(text) for name, text in items}
