"""Canaries: secrets of every sort and spelling, and who looks for them."""

from __future__ import annotations

import base64
import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from tests.faults.faults_world import Faulty, Result

PEM = "-----BEGIN {0}-----\nkanary{1}/+=kanary\nkanary-{1}-second-line\n-----END {0}-----\n"
SPECIAL = "kanary-\"quoted\" 'kanary' <kanary>&100%25/+=\\kanary"
SHORT = "~q7Z"


def key(word: str) -> str:
    """A service key with its secrets."""
    return json.dumps(
        {
            "clientid": "client",
            "clientsecret": f"kanary-{word}$kanary=",
            "certificate": PEM.format("CERTIFICATE", word),
            "key": PEM.format("RSA PRIVATE KEY", word),
            "url": "https://127.0.0.1:1",
            "serviceurls": {"AI_API_URL": "https://127.0.0.1:1"},
        }
    )


STAGE_SECRETS = {
    "S3": f"kanary-s3-{SPECIAL}",
    "DOCKER": json.dumps({"auths": {"https://h": {"auth": "kanary-docker/+=", "password": SHORT}}}),
    "API": "kanary-api-one\nkanary-api-two\tkanary-api-ü-three\n",
    "PIN": SHORT,
    "GIT_USER": "robot",
    "GIT_PASSWORD": f"kanary-git-{SPECIAL}",
}
BY_THE_WAY = {
    **{f"{name}_SERVICE_KEY": key(f"{name}-key") for name in ("AICORE", "DESTINATION")},
    **{f"{name}_CERT_STR": PEM.format("CERTIFICATE", name) for name in ("AICORE", "DESTINATION")},
    **{
        f"{name}_KEY_STR": PEM.format("RSA PRIVATE KEY", name) for name in ("AICORE", "DESTINATION")
    },
    "VCAP_SERVICES": json.dumps({"aicore": [{"label": "aicore", "credentials": key("vcap")}]}),
    "GH_TOKEN": "gho_kanary-other-token",
    "UNUSED_NAME": "kanary-of-a-variable-that-nobody-names",
    "HTTPS_PROXY": "http://me:kanary-proxy@127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
    "CI_JOB_URL": "https://me:kanary-job@ci.example/1",
    "AWS_ACCESS_KEY_ID": "kanary-aws-id",
    "AWS_SECRET_ACCESS_KEY": "kanary-aws/+secret",
    "ACTIONS_STEP_DEBUG": "true",
    "RUNNER_DEBUG": "1",
    "CICD_DEBUG": "1",
    "DEBUG": "*",
}
"""What no login needs because something else goes first, and what asks for more output."""
ENCODED = ("a2FuYXJ5", "thbmFye", "rYW5hcn")
"""What base64 makes of ``kanary`` wherever in a text it stands. With a c it is a word of stage
files."""
WORDS = ("kanary", *ENCODED, b"kanary".hex(), SHORT)


GIT_ITSELF = b"remote-https\0origin\0https://me:kanary-origin@127.0.0.1"
"""What git starts when the user has put a login into the address of the remote: not of our doing.
``cicd`` puts none there, and the emulator takes no such address."""


class Watch:
    """Everything that commands let out."""

    def __init__(self, faulty: Faulty, tokens: tuple[str, ...] = ()) -> None:
        self.faulty = faulty
        self._found: dict[str, None] = {}
        known = faulty.emulator.environ
        self._own = (known["AICORE_CLIENT_SECRET"], known["DESTINATION_CLIENT_SECRET"])
        encoded = (base64.b64encode(secret.encode()).decode() for secret in self._own)
        self.words = (*WORDS, *self._own, *encoded, "eyJhbGciOi", *tokens)

    def look(self, what: str, text: str) -> None:
        """Remember each word that is in the text."""
        for word in self.words:
            if (at := text.find(word)) >= 0:
                self._found[f"{what}: {word} in …{text[max(0, at - 80) : at + 80]}…"] = None

    def check(self) -> None:
        """Fail with all that was found."""
        assert not self._found, "\n".join(self._found)

    def run(self, *arguments: str) -> Result:
        """One command, and what it says."""
        result = self.faulty.cicd(*arguments)
        self.look(" ".join(arguments), result.text)
        return result

    def files(self, folder: Path, *, but: tuple[str, ...] = ()) -> int:
        """Look into every file below a folder; how many there are. ``but``: paths left out."""
        paths = [
            path
            for path in folder.rglob("*")
            if path.is_file() and path.relative_to(folder).as_posix() not in but
        ]
        for path in paths:
            self.look(str(path), path.read_text(encoding="utf-8", errors="replace"))
        return len(paths)


class Processes:
    """The command lines of all processes that start: those of this process are told by Python
    itself, those below it (the emulator's git and sandboxes) are looked up again and again. What
    else runs on the machine is none of ours, whatever its command line says."""

    def __init__(self) -> None:
        self.watch: Watch | None = None
        self.started = 0
        self._is_hooked = False

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watch and event in {"subprocess.Popen", "os.exec", "os.posix_spawn"}:
            self.started += 1
            self.watch.look("command line", repr(arguments[1]))

    @contextmanager
    def watched(self, watch: Watch) -> Iterator[None]:
        """As long as the block lasts."""
        if not self._is_hooked:
            # which never goes away, and slows whatever this process does from now on
            sys.addaudithook(self._hook)
            self._is_hooked = True
        is_over = threading.Event()
        old: set[str] = set()
        ours = {str(os.getpid())}
        others: set[str] = set()

        def look() -> None:
            while not is_over.wait(0.005):
                running = {name for name in os.listdir("/proc") if name.isdecimal()}  # noqa: PTH208
                ours.update(_below(running - others, ours))
                # a parent changes only when it ends: these never become ours
                others.update(running - ours)
                others.intersection_update(running)
                for name in (running - old) & ours:
                    with suppress(OSError):
                        command = Path("/proc", name, "cmdline").read_bytes()
                        if GIT_ITSELF not in command:
                            watch.look(f"process {name}", command.decode(errors="replace"))
                # those that were there before, the emulator too, are looked at once
                old.update({} if old else running)

        watcher = threading.Thread(target=look)
        self.watch = watch
        watcher.start()
        try:
            yield
        finally:
            self.watch = None
            is_over.set()
            watcher.join()


def _below(running: set[str], ours: set[str]) -> set[str]:
    """Which of the processes were started by ours, or by what these started."""
    parents = {}
    for name in running - ours:
        with suppress(OSError, IndexError):
            # "PID (NAME) STATE PARENT …", and a name may hold anything
            stat = Path("/proc", name, "stat").read_text(encoding="utf-8", errors="replace")
            parents[name] = stat.rpartition(")")[2].split()[1]
    found: set[str] = set()
    while more := {name for name, parent in parents.items() if parent in ours | found} - found:
        found |= more
    return found


PROCESSES = Processes()


@contextmanager
def logging_watched(watch: Watch) -> Iterator[None]:
    """What libraries write to ``logging``, all of it."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            watch.look(f"logger {record.name}", self.format(record))

    handler, logger = Handler(logging.DEBUG), logging.getLogger()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def plant(faulty: Faulty, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Watch:
    """The canaries in the environment and in the files that hold logins; home and the folder for
    temporary files are the project's own, so that they can be searched."""
    for name, value in {**faulty.emulator.environ, **BY_THE_WAY, **STAGE_SECRETS}.items():
        monkeypatch.setenv(name, value)
    for name, path in {"HOME": "home", "TMPDIR": "tmp"}.items():
        (faulty.root / path).mkdir()
        monkeypatch.setenv(name, str(faulty.root / path))
    mocker.patch.object(tempfile, "tempdir", str(faulty.root / "tmp"))
    for name, text in PLANTED.items():
        (faulty.root / name).parent.mkdir(exist_ok=True)
        (faulty.root / name).write_text(text, encoding="utf-8")
    return Watch(faulty)


PLANTED = {
    "home/.aicore/config.json": json.dumps({"AICORE_CLIENT_SECRET": "kanary-config"}),
    "home/.netrc": "machine 127.0.0.1 login me password kanary-netrc\n",
}
"""Files with canaries of our own, which are not searched."""
