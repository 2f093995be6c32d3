"""Runs a ``localhost/`` image as it is, with podman, where nothing else stands in for it.

The image's own file system is the program's; from this machine it sees the image entry's mounts
and what the step brings. Outputs are copied out of the container when it has ended. Its limits are
podman's to hold, as far as this machine lets it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Mapping

from cicd.emulator.runner.bounds import Limits
from cicd.emulator.runner.bubblewrap import below
from cicd.emulator.runner.environment import NotRunnable
from cicd.emulator.runner.process import Launch
from cicd.emulator.runner.sandbox import Program, Sandbox
from cicd.emulator.runner.supervisor import PROGRAMS, isolated, supervisor

RUN = str(PROGRAMS / "podman.py")
OWN = ("HOME", "PATH", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DBUS_SESSION_BUS_ADDRESS", "TMPDIR")
"""Variables that podman itself needs from this machine; the container keeps its image's."""
PROBE_SECONDS = 30.0


class Podman:
    """Programs with an image of this machine's podman run in it, all others in ``inner``."""

    def __init__(self, inner: Sandbox, environ: Mapping[str, str]) -> None:
        self._inner = inner
        self.warning = inner.warning
        self._environ = {name: environ[name] for name in OWN if name in environ}
        self._podman = shutil.which("podman", path=environ.get("PATH"))

    def has_private_network(self, program: Program) -> bool:
        """A container shares this machine's network, so that it reaches the emulator."""
        return not self._has(program) and self._inner.has_private_network(program)

    def prepare(self, program: Program) -> Launch:
        """Make ready what it needs; NotRunnable when neither podman nor anything else can."""
        if not self._has(program):
            if program.needs_image:
                raise NotRunnable(self._advice(program.image))
            return self._inner.prepare(program)
        assert self._podman
        folders = [path for path in program.folders if path in program.paths]
        for folder in folders:
            below(program.root, folder).mkdir(parents=True, exist_ok=True)
        given = [*program.paths, *filter(None, [program.script])]
        present = [path for path in given if below(program.root, path).exists()]
        bound = [(str(below(program.root, path)), path) for path in dict.fromkeys(present)]
        bound += [(str(mount.source), f"{mount.target}:ro") for mount in program.mounts]
        bound += [(str(mount.source), mount.target) for mount in program.shared]
        outputs = [path for path in program.paths if path not in present]
        name = f"cicd-{uuid.uuid4().hex[:12]}"
        limits = program.limits or Limits()
        able = self._controllers()
        order = {
            "podman": self._podman,
            "name": name,
            "create": [*_limiting(limits, able), *_create(name, program, bound)],
            "outputs": {path: str(below(program.root, path)) for path in outputs},
            "ulimits": {"nofile": limits.files, "fsize": limits.disk},
            "warning": _warning(able),
            "killed": f"OOMKilled: more than {limits.memory / 2**30:.3g} GiB of memory",
        }
        command = isolated(RUN, json.dumps(order))
        env = {**program.env, **self._environ}
        return Launch(
            supervisor(),
            command,
            env,
            str(program.root),
            limits=limits,
            folders=program.writable,
            is_reporting=True,
        )

    def _has(self, program: Program) -> bool:
        """Whether podman is here and has the image."""
        return bool(program.image) and self._ask("image", "exists", program.image) is not None

    def _controllers(self) -> frozenset[str]:
        """What podman can limit here: without root that is what the system has delegated."""
        answer = self._ask("info", "--format", "{{json .Host.CgroupControllers}}") or ""
        try:
            return frozenset(map(str, json.loads(answer) or ()))
        except (ValueError, TypeError):
            return frozenset()

    def _ask(self, *arguments: str) -> str | None:
        """What podman answers; None when it is not here or says no."""
        if not self._podman:
            return None
        try:
            done = subprocess.run(
                [self._podman, *arguments],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PROBE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return None if done.returncode else done.stdout

    def _advice(self, image: str) -> str:
        cure = f"build it with `podman build -t {image} .`" if self._podman else "install podman"
        return (
            f"nothing stands in for image {image} on this machine, and podman "
            f"{'does not have it' if self._podman else 'is not here'}: {cure}, or name the image "
            f"under local.images in the stage file"
        )


def _create(name: str, program: Program, bound: list[tuple[str, str]]) -> list[str]:
    """podman's options, with AI Core's rules for pods. Values of variables are not among them:
    podman takes them from its own environment."""
    options = ["--name", name, "--pull", "never", "--network", "host", "--cap-drop", "all"]
    options += ["--security-opt", "no-new-privileges", "--security-opt", "label=disable"]
    options += ["--workdir", program.workdir]
    options += ["--entrypoint", json.dumps([program.command[0]])]
    for variable in sorted(program.env.keys() - set(OWN)):
        options += ["--env", variable]
    for source, target in bound:
        options += ["--volume", f"{source}:{target}"]
    return [*options, program.image, *program.command[1:]]


def _limiting(limits: Limits, able: frozenset[str]) -> list[str]:
    """podman's options for the limits of a container; no swap beside its memory.

    https://docs.podman.io/en/latest/markdown/podman-create.1.html
    """
    options = []
    if "memory" in able:
        options += ["--memory", f"{limits.memory}b", "--memory-swap", f"{limits.memory}b"]
    if "pids" in able:
        options += ["--pids-limit", str(limits.tasks)]
    return options


def _warning(able: frozenset[str]) -> str:
    """What is not limited, for the log of the run; empty for nothing."""
    names = {"memory": "memory", "pids": "processes"}
    lacking = [word for name, word in names.items() if name not in able]
    if not lacking:
        return ""
    return f"warning: podman cannot limit {' and '.join(lacking)} on this machine"
