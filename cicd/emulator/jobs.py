"""What the API side hands to the runner, and what the runner writes back: the seam between them.

An API does not use it itself: ``runs.starting`` keeps what is asked for over restarts, and says how
another front door than AI Core's stands on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Image:
    """How one container image is stood in for on this machine.

    ``mounts``: container path -> host path. ``python``: a virtual environment or interpreter whose
    programs come first on PATH; empty is the emulator's own. ``command`` is its entrypoint, used
    where the template names no command, ``args`` what follows where the template names neither.
    ``env`` is under the template's own. ``local``: an image that podman may have on this machine,
    and that is then run as it is.
    """

    mounts: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = ""
    local: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    """Like ``mounts``, but copied for each run, so that it may write there."""
    args: tuple[str, ...] = ()
    is_whole: bool = False
    """What is not said here the image does not have: with no ``command``, args are the command."""
    note: str = ""
    """For the log of a run: what stands in."""


@dataclass(frozen=True)
class Line:
    """One log line; ``time`` in nanoseconds since 1970, strictly growing within a run."""

    time: int
    text: str
    container: str = "main"
    pod: str = ""
    stream: str = "stdout"


@dataclass(frozen=True)
class Node:
    """One step of a workflow: enough to go on after a restart without repeating what is done.

    ``phase``: Pending, Running, Succeeded, Failed, Error, Skipped, Omitted.
    ``outputs``: {"parameters": {name: value}, "artifacts": {name: path}, "result": text}.
    """

    id: str
    name: str
    template: str
    phase: str
    message: str = ""
    exit_code: int | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    pid: int = 0
    type: str = "Pod"
    """Argo's word: Pod, Suspend, Steps, StepGroup, DAG, TaskGroup, Retry, Skipped."""
    parent: str = ""
    """The id of the node of the steps or dag that it is a part of."""
    started: float = 0.0
    """Seconds since 1970, like ``ended``; 0 for not yet."""
    ended: float = 0.0


@dataclass(frozen=True)
class ExecutionJob:
    """One execution: its WorkflowTemplate as it was when it was made, and its bindings."""

    id: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    inputs: Mapping[str, Path]
    """Input artifact name -> local file or folder."""
    secrets: Mapping[str, Mapping[str, str]]
    """Generic secrets of the resource group, decoded: name -> key -> value."""
    images: Mapping[str, Image]
    environment: Mapping[str, str]
    """AICORE_EXECUTION_ID, AICORE_TRACKING_ENDPOINT, …"""
    folder: Path
    """Private to this run; kept until the execution is deleted."""
    stores: Mapping[str, str] = field(default_factory=dict)
    """Variables of the emulator's own S3, whatever the template says of them; only what stands in
    for an image may say otherwise."""


@dataclass(frozen=True)
class DeploymentJob:
    """One deployment in one configuration; a new ``revision`` of the same id is an update."""

    id: str
    revision: int
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    inputs: Mapping[str, Path]
    secrets: Mapping[str, Mapping[str, str]]
    images: Mapping[str, Image]
    environment: Mapping[str, str]
    folder: Path
    stores: Mapping[str, str] = field(default_factory=dict)


class Journal(Protocol):
    """Where the runner writes; the store implements it. Every call is durable when it returns."""

    def log(self, run_id: str, lines: Sequence[Line]) -> None: ...

    def status(
        self,
        run_id: str,
        status: str,
        *,
        message: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """``status`` is AI Core's word: PENDING, RUNNING, COMPLETED, DEAD, STOPPED."""
        ...

    def nodes(self, run_id: str) -> Mapping[str, Node]: ...

    def save_node(self, run_id: str, node: Node) -> None: ...

    def forget_node(self, run_id: str, node_id: str) -> None:
        """Of a node that was saved and never came to anything."""
        ...

    def publish(self, run_id: str, global_name: str, path: Path) -> None:
        """Store an output file or folder and register it as an artifact; once per name and run."""
        ...

    def keep(self, run_id: str, key: str, path: Path) -> None:
        """Store a file or folder in the default object store of the run's resource group. Raises
        ValueError for a key that is none."""
        ...

    def kept(self, run_id: str, key: str, folder: Path) -> Path:
        """What is stored there, brought into ``folder`` if it is not on this machine; it may not
        exist. Raises ValueError for a key that is none."""
        ...

    def serving(self, deployment_id: str, revision: int) -> None:
        """From now on requests are answered by this revision."""
        ...


@dataclass(frozen=True)
class Upstream:
    """Where a deployment listens: a Unix socket, or a port on 127.0.0.1.

    ``concurrency``: how many requests it takes at once, 0 for any number. ``timeout``: seconds
    until it must answer, 0 for no limit of its own. ``is_waking``: it had no replica and is being
    started, so ask again soon.
    """

    socket: Path | None = None
    port: int = 0
    concurrency: int = 0
    timeout: float = 0.0
    is_waking: bool = False


@dataclass(frozen=True)
class Replicas:
    """How many a deployment may have at least and at most, and how many answer right now."""

    minimum: int
    maximum: int
    running: int


class Runner(Protocol):
    """Runs what the API side asks for. All calls return at once; results go to the Journal."""

    def start_execution(self, job: ExecutionJob) -> None:
        """Start it, or go on with it where its saved nodes end."""
        ...

    def stop_execution(self, execution_id: str) -> None: ...

    def deploy(self, job: DeploymentJob) -> None:
        """Bring this revision up; the one before serves until the new one is ready, then drains."""
        ...

    def stop_deployment(self, deployment_id: str) -> None: ...

    def upstream(self, deployment_id: str) -> AbstractContextManager[Upstream | None]:
        """Where to send one request; counted as in flight until the block ends."""
        ...

    def replicas(self, deployment_id: str) -> Replicas | None:
        """How far a deployment is scaled; None when nothing of it is up or coming up."""
        ...

    def close(self) -> None:
        """End every process that it started and wait for them."""
        ...
