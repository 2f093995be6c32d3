"""What the training toolkit in AWS's own images does before it starts a script: words and variables
made of hyperparameters.

https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from cicd.emulator.sagemaker.containers import ROOT

OWN = "sagemaker_"
"""With what hyperparameters begin that are for the toolkit."""


@dataclass(frozen=True)
class Cluster:
    """The instances of a job, as one of them sees them."""

    host: str
    hosts: Sequence[str]
    resources: Mapping[str, Any]

    @property
    def number(self) -> int:
        """Which of them it is, from 0."""
        return list(self.hosts).index(self.host)

    @property
    def configuration(self) -> dict[str, Any]:
        """What a program reads of it."""
        groups = self.resources.get("InstanceGroups") or [
            {"InstanceGroupName": "homogeneousCluster", **self.resources}
        ]
        return {
            "current_host": self.host,
            "current_instance_type": self.instance,
            "current_group_name": groups[0]["InstanceGroupName"],
            "hosts": list(self.hosts),
            "instance_groups": [
                {
                    "instance_group_name": one["InstanceGroupName"],
                    "instance_type": one.get("InstanceType", self.instance),
                    "hosts": list(self.hosts),
                }
                for one in groups[:1]
            ],
            "network_interface_name": "lo",
        }

    @property
    def instance(self) -> str:
        """The type of the instances."""
        groups = self.resources.get("InstanceGroups") or [self.resources]
        return str(groups[0].get("InstanceType", "local"))


@dataclass(frozen=True)
class Script:
    """A script that an image of AWS runs: where its source is, and with which words."""

    source: str
    name: str
    arguments: Sequence[str]

    def command(self) -> list[str]:
        """The program for the script."""
        if self.name.endswith(".sh"):
            return ["sh", f"{ROOT}/code/{self.name}", *self.arguments]
        return ["python", f"{ROOT}/code/{self.name}", *self.arguments]


def script_mode(hyperparameters: Mapping[str, str]) -> Script | None:
    """The script of a job; None where it has none."""
    told = decoded(hyperparameters)
    name, source = told.get("sagemaker_program"), told.get("sagemaker_submit_directory")
    if not name or not source:
        return None
    return Script(str(source), str(PurePosixPath(str(name))), arguments_of(told))


def decoded(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """Hyperparameters as the SDK's users wrote them: each is JSON, or else just text."""
    found: dict[str, Any] = {}
    for name, text in hyperparameters.items():
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def arguments_of(told: Mapping[str, Any]) -> list[str]:
    """``--name value`` for each, in the order of their names; of one letter ``-n value``."""
    words: list[str] = []
    for name in sorted(told):
        if not name.startswith(OWN):
            words += [f"--{name}" if len(name) > 1 else f"-{name}", _word(told[name])]
    return words


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return str(value)


def variables(
    hyperparameters: Mapping[str, str],
    channels: Sequence[str],
    cluster: Cluster,
    script: Script | None,
) -> dict[str, str]:
    """SM_… for a script."""
    told = decoded(hyperparameters)
    own = {name: value for name, value in told.items() if not name.startswith(OWN)}
    data = {name: f"{ROOT}/input/data/{name}" for name in channels}
    found: dict[str, Any] = {
        "model_dir": f"{ROOT}/model",
        "output_dir": f"{ROOT}/output",
        "output_data_dir": f"{ROOT}/output/data",
        "output_intermediate_dir": f"{ROOT}/output/intermediate",
        "input_dir": f"{ROOT}/input",
        "input_config_dir": f"{ROOT}/input/config",
        "channels": sorted(channels),
        "hps": own,
        "hosts": list(cluster.hosts),
        "current_host": cluster.host,
        "current_instance_type": cluster.instance,
        "resource_config": cluster.configuration,
        "network_interface_name": "lo",
        "num_cpus": os.cpu_count() or 1,
        "num_gpus": 0,
        "num_neurons": 0,
        "log_level": told.get("sagemaker_container_log_level", 20),
        **{f"channel_{name}": path for name, path in data.items()},
        **{f"hp_{name}": value for name, value in own.items()},
    }
    if script:
        found["user_entry_point"] = script.name
        found["module_name"] = script.name.removesuffix(".py")
        found["module_dir"] = script.source
        found["user_args"] = list(script.arguments)
    return {f"SM_{name.upper()}": _variable(value) for name, value in found.items()}


def _variable(value: Any) -> str:
    if isinstance(value, (dict, list, bool)) or value is None:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return str(value)
