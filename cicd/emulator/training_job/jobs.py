"""Jobs of the API as runs of the emulator: started, shown, stopped, forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from cicd.emulator.errors import ApiError
from cicd.emulator.runs import standins
from cicd.emulator.runs.lifecycle import ACTIVE
from cicd.emulator.runs.starting import Wanted, job_template
from cicd.emulator.state.store import Row
from cicd.emulator.training_job import inside
from cicd.emulator.world import World

if TYPE_CHECKING:
    from cicd.emulator.training_job.submission import Submission

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
GROUP = "training_job"
FOLDER = "/job"
"""Where a job's files are in its container."""
INSTALLS = re.compile(r"\bpip[23]?\b")
PACKAGES = "/opt/packages.py"
ENVIRONMENT = "${TMPDIR:-/tmp}/packages"
PRELUDE = (
    f'python3 {PACKAGES} "{ENVIRONMENT}" && export PATH="{ENVIRONMENT}/bin:$PATH"'
    " PIP_DISABLE_PIP_VERSION_CHECK=1\n"
)
"""Before a command that installs something: an image can be written to, its stand-in cannot. What
pip says of its own age is no concern of the job."""
STATUSES: Mapping[str, str] = {
    "UNKNOWN": "PENDING",
    "COMPLETED": "SUCCESSFUL",
    "DEAD": "FAILED",
}
"""What others call what is called so here; all else has the same word."""


class Jobs:
    """Every job of an emulator, by the id that its client has chosen."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._runs = world.runs

    def submit(self, uuid: str, wanted: Submission) -> dict[str, Any]:
        """Start a job; its status. 400 for an id or image that cannot be, 409 for an id twice."""
        if not UUID.fullmatch(uuid):
            raise ApiError(400, f"the id {uuid[:50]!r} is no UUID")
        stand_ins = self._world.stand_ins(GROUP)
        try:
            standins.images(stand_ins)[wanted.image]
        except KeyError:
            raise ApiError(
                400, f"unknown image {wanted.image}: nothing stands in for it here"
            ) from None
        texts = parameters(uuid, wanted)
        run = Wanted(
            "execution",
            GROUP,
            template(wanted, texts),
            texts,
            stand_ins=stand_ins,
            configuration_name=wanted.name,
            own_name=uuid,
        )
        try:
            self._runs.start(run)
        except ApiError as error:
            if error.status != 409:
                raise
            raise ApiError(409, f"job {uuid} exists") from None
        return shown(self.find(uuid))

    def find(self, uuid: str) -> Row:
        """The run of a job; 404 where there is none."""
        run = self._runs.named(GROUP, uuid)
        if run is None:
            raise ApiError(404, f"job {uuid[:50]} not found")
        return run

    def show(self, uuid: str) -> dict[str, Any]:
        """The status of a job; 404 where there is none."""
        return shown(self.find(uuid))

    def every(self) -> list[dict[str, Any]]:
        """The status of each job, oldest first."""
        return [shown(run) for run in self._runs.of_group(GROUP)]

    def stop(self, uuid: str) -> dict[str, Any]:
        """Ask a job to end; its status. One that has ended stays as it is."""
        run = self.find(uuid)
        try:
            self._runs.stop("execution", GROUP, run["id"], wish="cancel")
        except ApiError as error:
            if error.status != 412:
                raise
        return shown(self.find(uuid))

    def vanish(self, uuid: str) -> None:
        """Forget a job that may be running, if it is there."""
        if run := self._runs.named(GROUP, uuid):
            self._world.dispatcher.delete_now(run["id"])


def shown(run: Row) -> dict[str, Any]:
    """The status document of a job; what is not known yet is empty, or null."""
    return {
        "containerID": run["id"] if run["started_at"] else "",
        "finishTime": run["completed_at"],
        "job_id": run["own_name"],
        "name": run["configuration_name"],
        "startTime": run["started_at"] or "",
        "status": STATUSES.get(run["status"], run["status"]),
        "submissionTime": run["created_at"],
    }


def has_begun(run: Row) -> bool:
    """Whether it runs, or did."""
    return run["started_at"] is not None or run["status"] not in ACTIVE


def parameters(uuid: str, wanted: Submission) -> dict[str, str]:
    """What a client wrote, by the names that the template has for it: so whatever it wrote stays
    text, with braces in it too."""
    texts = {f"variable_{number}": text for number, (_, text) in enumerate(wanted.environment)}
    prelude = PRELUDE if INSTALLS.search(wanted.command) else ""
    texts["command"] = prelude + wanted.command
    found = {name: literal(text) for name, text in texts.items()}
    return {**found, "key": f"jobs/{wanted.name}-{uuid}"}


def template(wanted: Submission, names: Iterable[str]) -> dict[str, Any]:
    """One container whose current folder is what is stored for the job, and becomes that again."""
    environment = [
        {"name": name, "value": as_written(f"variable_{number}")}
        for number, (name, _) in enumerate(wanted.environment)
    ]
    made = job_template(
        {
            "name": "main",
            "image": wanted.image,
            "command": ["sh", "-c", as_written("command")],
            "workingDir": FOLDER,
            "env": environment,
        }
    )
    made["spec"]["arguments"] = {"parameters": [{"name": name} for name in names]}
    files = {
        "path": FOLDER,
        "s3": {"key": as_written("key")},
        "archive": {"none": {}},
    }
    [main] = made["spec"]["templates"]
    before = [{"name": "before", **files}]
    if INSTALLS.search(wanted.command):
        program = (resources.files(inside) / "packages.py").read_text(encoding="utf-8")
        before.append({"name": "packages", "path": PACKAGES, "raw": {"data": program}})
    main["inputs"] = {"artifacts": before}
    main["outputs"] = {"artifacts": [{"name": "after", **files, "optional": True}]}
    if wanted.retries:
        main["retryStrategy"] = {"limit": str(wanted.retries)}
    return made


def as_written(name: str) -> str:
    """A parameter in a template; the value of an expression is not looked through once more."""
    return f"{{{{=workflow.parameters.{name}}}}}"


def literal(text: str) -> str:
    """A text in which nothing is a reference to a variable."""
    return text.replace("$", "$$")
