"""Git, for real: fetch one commit of a repository and read the template files of one folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

SECONDS = 120
"""After this long without an end a git command counts as failed."""
SUFFIXES = (".yaml", ".yml", ".json")
MOST_BYTES = 1_048_576
FILE_MODES = ("100644", "100755")

# what git must not learn from a hook or shell that the emulator was started in
OWN_VARIABLES = re.compile(r"GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|OBJECT_DIRECTORY|ALTERNATE.*)")
KEPT_OUT = re.compile(r"(AICORE|DESTINATION)_.*|VCAP_SERVICES")
HELPER = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" '
    '"$CICD_GIT_USERNAME" "$CICD_GIT_PASSWORD"; }; f'
)


# Nothing but git itself runs: no hook that this machine's settings name, no submodule, no monitor.
# There is no work tree, so no filter and no checkout either.
HARMLESS = (
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "fetch.recurseSubmodules=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
)


class SyncError(Exception):
    """A sync failed; the message is what the application's status shows."""


@dataclass(frozen=True)
class Source:
    """Where templates come from. The credentials may be empty."""

    url: str
    path: str
    revision: str
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Snapshot:
    """The template files of one commit: name -> content, and name -> why it was not read."""

    commit: str
    files: Mapping[str, bytes]
    refused: Mapping[str, str] = field(default_factory=dict)


def check_path(path: str) -> str | None:
    """Why ``path`` cannot be a folder of a repository, or None."""
    if "\\" in path:
        return f"path '{path}' must use '/', not '\\'"
    pure = PurePosixPath(path)
    if pure.is_absolute() or PureWindowsPath(path).drive or ".." in pure.parts:
        return f"path '{path}' leads outside of the repository"
    return "path holds a control character" if re.search(r"[\x00-\x1f]", path) else None


def check_url(url: str) -> str | None:
    """Why ``url`` cannot be fetched from, or None: local absolute paths, file:// and http(s)://.

    Not ssh: AI Core's API takes user name and password only, and a key of this machine is nothing
    that a repository sent over an API should be able to use.
    """
    if re.search(r"[\x00-\x1f]", url):
        return "url holds a control character"
    if re.match(r"https?://[^/@]*@", url):
        return "url must not contain a login: give username and password"
    if re.match(r"(https?|file)://.", url):
        return None
    if PurePosixPath(url).is_absolute() or PureWindowsPath(url).is_absolute():
        return None
    if re.match(r"(git\+)?ssh://|[^/@]+@[^/:]+:", url):
        return f"url '{url}' is not supported: AI Core logs in with a password, so use https://"
    return f"url '{url}' is not supported: use https://, file:// or an absolute path"


def login_for(url: str) -> list[str]:
    """The options that give the login to the server of ``url``, and to no other that it names."""
    none = ["-c", "credential.helper="]
    match = re.match(r"(https?://[^/]+)", url)
    return [*none, "-c", f"credential.{match[1]}.helper={HELPER}"] if match else none


class Git:
    """Runs git on bare mirrors below ``folder``, one per repository URL. Safe for many threads."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = {
            name: value
            for name, value in environ.items()
            if not OWN_VARIABLES.fullmatch(name) and not KEPT_OUT.fullmatch(name)
        }
        self._lock = threading.Lock()
        self._mirrors: dict[str, threading.Lock] = {}
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_closed = False

    def fetch(self, source: Source) -> Snapshot:
        """The template files directly in the source's folder; SyncError when it cannot be."""
        name = hashlib.sha256(source.url.encode()).hexdigest()[:16]
        with self._lock:
            lock = self._mirrors.setdefault(name, threading.Lock())
        with lock:
            return Fetch(self, source, self._folder / f"{name}.git").snapshot()

    def close(self) -> None:
        """End every git that still runs; later calls fail."""
        with self._lock:
            self._is_closed = True
            for process in self._running:
                process.kill()

    def run(self, source: Source, *arguments: str, stdin: bytes = b"") -> bytes:
        """The output of one git command; SyncError with its last line of complaint."""
        command = ["git", *HARMLESS, *login_for(source.url), *arguments]
        with self._lock:
            if self._is_closed:
                raise SyncError("the emulator is stopping")
            try:
                process = subprocess.Popen(
                    command,
                    env=self._environment(source),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            except OSError as error:
                raise SyncError(f"git cannot be run: {error.strerror}; is it installed?") from None
            self._running.add(process)
        try:
            output, complaint = process.communicate(stdin, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise SyncError(f"git gave no answer in {SECONDS} s for {source.url}") from None
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode:
            raise SyncError(last_line(complaint))
        return output

    def _environment(self, source: Source) -> dict[str, str]:
        return {
            **self._environ,
            "CICD_GIT_USERNAME": source.username,
            "CICD_GIT_PASSWORD": source.password,
            "GIT_ALLOW_PROTOCOL": "file:http:https",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS": "",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "LC_ALL": "C.UTF-8",
        }


@dataclass(frozen=True)
class Fetch:
    """One fetch into one mirror, which nobody else uses meanwhile."""

    git: Git
    source: Source
    mirror: Path

    def snapshot(self) -> Snapshot:
        try:
            return self._attempt()
        except SyncError as error:
            # what a killed git leaves behind; nothing in a mirror is worth repairing
            if ".lock" not in str(error) and "not a git repository" not in str(error):
                raise
        shutil.rmtree(self.mirror, ignore_errors=True)
        return self._attempt()

    def _attempt(self) -> Snapshot:
        if not (self.mirror / "HEAD").exists():
            self.mirror.parent.mkdir(parents=True, exist_ok=True)
            self._run("init", "--quiet", "--bare", "--template=", "--", str(self.mirror))
        commit = self._commit()
        found, refused = self._listing(commit)
        contents = self._blobs(list(found.values()))
        return Snapshot(commit, dict(zip(found, contents, strict=True)), refused)

    def _commit(self) -> str:
        revision = self.source.revision.strip() or "HEAD"
        is_hash = re.fullmatch(r"[0-9a-f]{4,40}", revision) is not None
        if is_hash and len(revision) == 40 and self._has(revision):
            return revision
        wanted = self._advertised(revision)
        if not wanted and is_hash:
            wanted = revision if len(revision) == 40 else ""
            if not wanted or not self._fetch_one(wanted):
                self._fetch_all()
                wanted = self._resolve(revision)
        elif wanted and not self._has(wanted) and not self._fetch_one(wanted):
            self._fetch_all()
        if not wanted or not (commit := self._resolve(wanted)):
            raise SyncError(
                "rpc error: code = Unknown desc = failed to get git client for repo "
                f"{self.source.url}: Unable to resolve '{revision}' to a commit SHA"
            )
        return commit

    def _advertised(self, revision: str) -> str:
        """The object that the remote's branch, tag or full ref ``revision`` stands for."""
        output = self._run("ls-remote", "--quiet", "--", self.source.url).decode(errors="replace")
        refs = {ref: sha for sha, ref in (line.split("\t") for line in output.splitlines())}
        tag = f"refs/tags/{revision}"
        # what an annotated tag points to is listed with ^{}
        spellings = (f"refs/heads/{revision}", f"{tag}^{{}}", tag, revision)
        return next((refs[name] for name in spellings if name in refs), "")

    def _fetch_one(self, sha: str) -> bool:
        """Just this commit, without its history. False where a server only gives branches."""
        try:
            self._fetch("--depth=1", "--", self.source.url, sha)
        except SyncError:
            return False
        return self._has(sha)

    def _fetch_all(self) -> None:
        refs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        shallow = ("--unshallow",) if (self.mirror / "shallow").exists() else ()
        self._fetch(*shallow, "--", self.source.url, *refs)

    def _fetch(self, *arguments: str) -> None:
        self._run(*self._inside, "fetch", "--quiet", "--no-tags", *arguments)

    def _resolve(self, name: str) -> str:
        try:
            found = self._run(
                *self._inside, "rev-parse", "--verify", "--quiet", "--end-of-options",
                f"{name}^{{commit}}",
            )  # fmt: skip
        except SyncError:
            return ""
        return found.decode().strip()

    def _has(self, sha: str) -> bool:
        return bool(self._resolve(sha))

    def _listing(self, commit: str) -> tuple[dict[str, str], dict[str, str]]:
        """Name -> blob of each template file directly in the folder; name -> why it is none."""
        path = PurePosixPath(self.source.path).as_posix()
        tree = f"{commit}:" + ("" if path == "." else path)
        try:
            listing = self._run(*self._inside, "ls-tree", "-z", "-l", tree)
        except SyncError:
            raise SyncError(
                f"rpc error: code = Unknown desc = {self.source.path}: app path does not exist"
            ) from None
        found: dict[str, str] = {}
        refused: dict[str, str] = {}
        for entry in listing.decode(errors="replace").split("\0"):
            details, _, name = entry.partition("\t")
            if not name.lower().endswith(SUFFIXES) or details.startswith("040000"):
                continue
            mode, _, blob, size = details.split()
            if mode not in FILE_MODES:
                refused[name] = "links are not followed"
            elif int(size) > MOST_BYTES:
                refused[name] = f"larger than {MOST_BYTES} bytes"
            else:
                found[name] = blob
        return found, refused

    def _blobs(self, hashes: list[str]) -> list[bytes]:
        if not hashes:
            return []
        rest = self._run(
            *self._inside, "cat-file", "--batch", stdin="\n".join(hashes).encode() + b"\n"
        )
        contents = []
        for _ in hashes:
            head, _, rest = rest.partition(b"\n")
            size = int(head.split()[2])
            contents.append(rest[:size])
            rest = rest[size + 1 :]
        return contents

    @property
    def _inside(self) -> tuple[str, str]:
        return ("--git-dir", str(self.mirror))

    def _run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return self.git.run(self.source, *arguments, stdin=stdin)


def last_line(complaint: bytes) -> str:
    """Git's own last word, without the login that a URL may carry."""
    lines = complaint.decode(errors="replace").strip().splitlines() or ["git failed"]
    best = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1])
    return re.sub(r"//[^/@\s]+@", "//", best)
