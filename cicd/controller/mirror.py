"""A repository as the controller has it: a bare mirror, and working trees of single commits.

A login comes from the environment and goes to Git by its environment: it is in no argument, no URL
and no file. Nothing of the repository is run to read it: no hook, no filter, no submodule.
"""

from __future__ import annotations

import base64
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from cicd.automation.git import git
from cicd.errors import CicdError, Refused, Usage
from cicd.masking import without_secrets

TOKEN, USER = "CICD_GIT_TOKEN", "CICD_GIT_USER"
"""Variables with the login: GitHub, GitLab and Azure take any user beside a token."""
SECONDS = 120.0
"""How long a fetch may take."""
HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE = {
    "core.hooksPath": "/dev/null",
    "protocol.allow": "never",
    "protocol.https.allow": "always",
    "protocol.http.allow": "always",
    "protocol.ssh.allow": "always",
    "protocol.file.allow": "always",
    "fetch.fsckObjects": "true",
    "submodule.recurse": "false",
    "advice.detachedHead": "false",
}
_SSH = re.compile(r"[\w.-]+@[\w.-]+:(?!/?/)\S+")


def checked_url(url: str) -> str:
    """The address of a repository. Raises Usage for one with a login in it, that is not encrypted,
    or that would run something."""
    if _SSH.fullmatch(url):
        return url
    parts = urlsplit(url)
    if parts.scheme in {"", "file"} and parts.path.startswith(("/", ".")) and not parts.netloc:
        return str(Path(parts.path).resolve())
    if parts.scheme == "ssh" and parts.hostname and not parts.password:
        return url
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE):
        if "@" in parts.netloc:
            raise Usage("a login in the URL of the repository", hint=f"set {TOKEN} instead")
        if parts.hostname:
            return url
    hint = "https://HOST/PATH, git@HOST:PATH, or a folder"
    raise Usage("--repository is no address that is fetched from", hint=hint)


class Mirror:
    """``folder``: where it is kept; ``environ``: where Git finds its program and its login. One
    fetches at a time; trees of it may be open in many threads."""

    def __init__(self, url: str, folder: Path, environ: Mapping[str, str]) -> None:
        self.url = checked_url(url)
        self._folder = folder
        self._environ = environ
        self._lock = threading.Lock()

    def fetch(self, branch: str) -> str:
        """The newest commit of a branch, with all that is in it. Raises CicdError where the
        repository does not answer or has no such branch."""
        with self._lock:
            self._make()
            wanted = f"+refs/heads/{branch}:refs/cicd/heads/{branch}"
            self._git("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", self.url, wanted)
            return self._git("rev-parse", f"refs/cicd/heads/{branch}")

    def main_branch(self) -> str:
        """The branch that the repository shows by itself."""
        with self._lock:
            self._make()
            told = self._git("ls-remote", "--symref", self.url, "HEAD")
        found = re.match(r"ref: refs/heads/(\S+)\tHEAD", told)
        if not found:
            raise CicdError("the repository has no main branch", hint="name one with --branch")
        return found[1]

    def has(self, commit: str) -> bool:
        """Whether a commit is here."""
        try:
            self._git("cat-file", "-e", f"{commit}^{{commit}}")
        except CicdError:
            return False
        return True

    def keep(self, name: str, commit: str) -> None:
        """Keep a commit under a name, also when no branch leads to it any more."""
        with self._lock:
            self._git("update-ref", f"refs/cicd/applied/{name}", commit)

    @contextmanager
    def tree(self, commit: str) -> Iterator[Path]:
        """A working tree at ``commit``, gone at the end. Raises Refused where a link leads out of
        it."""
        with tempfile.TemporaryDirectory(prefix="cicd-") as folder:
            tree = Path(folder).resolve() / "tree"
            with self._lock:
                self._git("worktree", "add", "--quiet", "--detach", str(tree), commit)
            try:
                self._check_links(tree, commit)
                yield tree
            finally:
                with self._lock:
                    self._git("worktree", "remove", "--force", str(tree))

    def _check_links(self, tree: Path, commit: str) -> None:
        listed = self._git("ls-tree", "-r", "-z", commit).split("\0")
        for name in (entry.partition("\t")[2] for entry in listed if entry.startswith("120000")):
            if not (tree / name).resolve().is_relative_to(tree):
                raise Refused(f"{name} is a link that leads out of the repository")

    def _make(self) -> None:
        if not (self._folder / "HEAD").is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._git("init", "--quiet", "--bare")
            # by this a platform knows whether templates lie in the same repository
            self._git("config", "remote.origin.url", self.url)
        self._git("worktree", "prune")  # those of a process that was killed

    def _git(self, *arguments: str) -> str:
        settings = {**_SAFE, **self._login()}
        env = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_LFS_SKIP_SMUDGE": "1"}
        for number, (name, value) in enumerate(settings.items()):
            env |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        env |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        try:
            return git(
                *arguments, cwd=self._folder, environ=self._environ, env=env, timeout=SECONDS
            )
        except CicdError as error:
            raise CicdError(without_secrets(str(error), self._environ)) from None

    def _login(self) -> dict[str, str]:
        token = self._environ.get(TOKEN, "")
        if not token or not self.url.startswith("http"):
            return {}
        pair = f"{self._environ.get(USER, 'cicd')}:{token}"
        header = base64.b64encode(pair.encode()).decode()
        return {f"http.{self.url}.extraHeader": f"Authorization: Basic {header}"}
