"""What is submitted: the id of a job, its command, its body. Pure.

The script gets its environment also as arguments: ``TEST_DATA`` is ``--test_data=…``.
"""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

from cicd.model import Spec

REQUIREMENTS = "requirements.txt"
DEFAULT_PYTHON = 3


def job_id(stage: str, key: str, inputs: str, attempt: int) -> str:
    """The id of one attempt at a job. Whoever knows stage, key and inputs can tell it, so that
    nothing is submitted twice and nobody has to remember it. ``stage``: with what tells the project
    from others."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"cicd:{stage}/{key}/{inputs}/{attempt}"))


def script_name(spec: Spec) -> str:
    """What the script is called in the folder of the job."""
    return PurePosixPath(str(spec["script"])).name


def command(spec: Spec) -> str:
    """The line of shell that installs what is required and runs the script."""
    is_old = spec.get("python_major_version", DEFAULT_PYTHON) == 2
    pip, python = ("pip", "python") if is_old else ("pip3", "python3")
    run = [python, script_name(spec), *arguments(spec.get("env", {}))]
    install = f"{pip} install -r {REQUIREMENTS} && " if spec.get("requirements") else ""
    return install + shlex.join(run)


def arguments(env: Mapping[str, Any]) -> list[str]:
    """The environment as arguments of the script."""
    return [f"--{name.lower()}={value}" for name, value in env.items()]


def requirements_text(requirements: Sequence[str]) -> str:
    """What pip reads."""
    return "".join(f"{line}\n" for line in requirements)


def body(spec: Spec) -> bytes:
    """The request, as YAML."""
    execution: dict[str, Any] = {
        "command": command(spec),
        "completionTime": str(spec["completion_time"]),
        "image": str(spec["image"]),
    }
    if plan := spec.get("resource_plan_id"):
        execution["resourcePlanId"] = str(plan)
    else:
        execution["resources"] = dict(spec.get("resources", {}))
    env = [{"name": name, "value": str(value)} for name, value in spec.get("env", {}).items()]
    job = {"name": str(spec["name"]), "env": env, "execution": execution}
    text: str = yaml.safe_dump({"job": job}, sort_keys=False, allow_unicode=True, width=10**6)
    return text.encode()
