"""An emulator for as long as a test, a notebook or a script needs one: ``running()``.

It is a process of its own on a free port. It ends with the block, and also when the process that
started it is killed: it holds one end of a pipe and notices.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from cicd.emulator.errors import EmulatorError
from cicd.emulator.host import control
from cicd.emulator.host.folder import ENDPOINT, PORT_FILE, Endpoint, prepare
from cicd.emulator.state.credentials import FILE_NAME as CREDENTIALS

KEPT = (CREDENTIALS, PORT_FILE)
"""What a reset leaves: with it the url and the login stay."""
PROVISIONING = 120.0
"""Seconds that a new resource group may take, realism ``real`` included."""


@contextmanager
def running(
    data: Path | str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    realism: str | None = None,
    timeout: float = 20,
) -> Iterator[Emulator]:
    """An emulator that ends with the block; EmulatorError when it does not start.

    ``data`` keeps its state, else that is in a temporary folder and goes with it. ``environ`` is
    what it and its runs see, by default what this process sees. ``realism`` is instant, fast or
    real. ``timeout`` in seconds.
    """
    with ExitStack() as stack:
        folder = Path(
            data
            or stack.enter_context(
                tempfile.TemporaryDirectory(prefix="aicore-emulator-", ignore_cleanup_errors=True)
            )
        ).absolute()
        emulator = Emulator(folder, environ, timeout)
        if realism:
            control.choose_realism(folder, realism)
        stack.callback(emulator.stop)
        emulator.start()
        yield emulator


class Emulator:
    """A running emulator that this process has started."""

    def __init__(self, data: Path, environ: Mapping[str, str] | None, timeout: float) -> None:
        self.data = data
        self._environ = environ
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._endpoint: Endpoint | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers; EmulatorError when it does not run."""
        if self._endpoint is None:
            raise EmulatorError("the emulator is not running")
        return self._endpoint

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``; the AI API is below ``/v2``."""
        return self.endpoint.url

    @property
    def environ(self) -> dict[str, str]:
        """The variables that point SDKs at it, for resource group ``default``. Secrets in clear."""
        return control.environment(self.endpoint, "default")

    def platform(self, name: str) -> dict[str, str]:
        """The variables with which clients of another platform find it: ``training_job``. Secrets
        in clear."""
        return control.platform_environment(self.endpoint, name, "default")

    def resource_group(self, name: str) -> dict[str, str]:
        """Make a resource group, if there is none of this name; the variables for it."""
        path = "/v2/admin/resourceGroups"
        groups = self._ask("GET", path)["resources"]
        if not any(group["resourceGroupId"] == name for group in groups):
            self._ask("POST", path, {"resourceGroupId": name})
        deadline = time.monotonic() + PROVISIONING
        while (status := self._ask("GET", f"{path}/{name}")["status"]) != "PROVISIONED":
            if status == "ERROR" or time.monotonic() > deadline:
                raise EmulatorError(f"resource group {name} is {status}, not PROVISIONED")
            time.sleep(0.01)
        return control.environment(self.endpoint, name)

    def faults(self, *rules: Mapping[str, Any], **rule: Any) -> FaultRules:
        """Put fault rules into force, as mappings or one by its fields; with ``with`` they end
        with the block."""
        sources = [*rules, rule] if rule else list(rules)
        added = self._ask("POST", "/emulator/faults", {"rules": sources})["rules"]
        return FaultRules(self, [str(shown["id"]) for shown in added])

    def requests(self) -> list[dict[str, Any]]:
        """The last 10,000 requests: number, method, path template, operation, status, faults."""
        found: list[dict[str, Any]] = self._ask("GET", "/emulator/requests")["requests"]
        return found

    def forget_requests(self) -> None:
        """Count requests from 1 again."""
        self._ask("DELETE", "/emulator/requests")

    def realism(self, level: str, sync_every: int | None = None) -> None:
        """Take as long as ``instant``, ``fast`` or ``real`` says from now on; ``sync_every``:
        seconds between two looks at Git."""
        control.choose_realism(self.data, level, sync_every)

    def advance(self, seconds: float) -> None:
        """Let so much time go by at once for schedules and times to live: runs that are due start,
        deployments that are too old go."""
        self._ask("PUT", "/emulator/clock", {"advance": seconds})

    def reset(self) -> None:
        """Forget everything but url and login, fault rules too."""
        self.stop()
        for path in self.data.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name not in KEPT:
                path.unlink()
        self.start()

    def start(self) -> None:
        """Start it, with what its folder has; running() does that."""
        prepare(self.data)
        if control.status(self.data):
            raise EmulatorError(
                f"an emulator runs already in {self.data}",
                "use `cicd emulator env`, stop it, or choose another data folder",
            )
        # an endpoint that somebody left behind must not be taken for ours
        (self.data / ENDPOINT).unlink(missing_ok=True)
        command = [*control.serve_command(self.data), "--leash", "--port", "0"]
        self._endpoint, self._process = control.launch(
            self.data, self._timeout, command, environ=self._environ, stdin=subprocess.PIPE
        )

    def stop(self) -> None:
        """End it and wait for it; running() does that."""
        process, self._process, self._endpoint = self._process, None, None
        if process is None:
            return
        assert process.stdin
        process.stdin.close()
        try:
            process.wait(control.GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return control.ask(self.endpoint, method, path, body)


class FaultRules:
    """Rules that were added together."""

    def __init__(self, emulator: Emulator, ids: list[str]) -> None:
        self._emulator = emulator
        self.ids = ids

    def __enter__(self) -> FaultRules:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()

    @property
    def fired(self) -> int:
        """How often they fired, together."""
        return sum(int(shown["fired"]) for shown in self.show())

    def show(self) -> list[dict[str, Any]]:
        """Those still in force, with their counters."""
        rules = control.ask(self._emulator.endpoint, "GET", "/emulator/faults")["rules"]
        return [shown for shown in rules if shown["id"] in self.ids]

    def clear(self) -> None:
        """End them; twice does no harm."""
        for shown in self.show():
            control.ask(self._emulator.endpoint, "DELETE", f"/emulator/faults/{shown['id']}")
