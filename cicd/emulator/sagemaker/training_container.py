"""The container of a training job on one instance, with everything that it finds below /opt/ml."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cicd.emulator.jobs import Image
from cicd.emulator.sagemaker.account import Account
from cicd.emulator.sagemaker.channels import Channel, bring
from cicd.emulator.sagemaker.containers import ROOT, Container
from cicd.emulator.sagemaker.nouns import TRAINING_JOB
from cicd.emulator.sagemaker.storage import Storage
from cicd.emulator.sagemaker.things import Thing
from cicd.emulator.sagemaker.toolkit import Cluster, Script, script_mode, variables

OUTPUTS = {"model": f"{ROOT}/model", "output": f"{ROOT}/output"}
CHECKPOINTS = f"{ROOT}/checkpoints"


def training_container(
    account: Account, job: Thing, cluster: Cluster, channels: Sequence[Channel], own_name: str
) -> Container:
    """With its data brought. DataError for data that is not there."""
    folder = folder_of(account, str(job[TRAINING_JOB.name])) / cluster.host
    shutil.rmtree(folder, ignore_errors=True)
    algorithm = job["AlgorithmSpecification"]
    script = script_of(job)
    image = algorithm.get("TrainingImage", algorithm.get("AlgorithmName", ""))
    is_known = script is not None or "ContainerEntrypoint" in algorithm
    stand_in = account.runner.stand_in(image, needed=not is_known)
    # a channel may be called like anything, also like a folder of ours or ..
    data = folder / "channels"
    mounts = {
        f"{ROOT}/input/data/{one.name}": bring(account.storage, one, cluster, data / str(number))
        for number, one in enumerate(channels)
    }
    files = {
        f"{ROOT}/model": folder / "model",
        f"{ROOT}/output/data": folder / "output",
        f"{ROOT}/input/config": configured(folder / "config", job, channels, cluster),
        **checkpoints(account.storage, job, folder / "checkpoints"),
    }
    if script:
        account.storage.unpack(script.source, folder / "code")
        files[f"{ROOT}/code"] = folder / "code"
    for place in files.values():
        place.mkdir(parents=True, exist_ok=True)
    saved = job.get("CheckpointConfig")
    return Container(
        image,
        command_of(algorithm, script, stand_in),
        environment(account, job, cluster, channels, script),
        files,
        mounts,
        OUTPUTS | ({"checkpoints": saved.get("LocalPath", CHECKPOINTS)} if saved else {}),
        f"{ROOT}/code" if script else "",
        own_name,
    )


def script_of(job: Thing) -> Script | None:
    """The script of a job. It is the image that knows of scripts, so that an entrypoint takes the
    place of what it does."""
    if "ContainerEntrypoint" in job["AlgorithmSpecification"]:
        return None
    return script_mode(job.get("HyperParameters", {}))


def command_of(algorithm: Mapping[str, Any], script: Script | None, stand_in: Image) -> list[str]:
    """The program and its words."""
    arguments = algorithm.get("ContainerArguments", [])
    if "ContainerEntrypoint" in algorithm:
        return [*algorithm["ContainerEntrypoint"], *arguments]
    return script.command() if script else [*stand_in.command, *(arguments or ["train"])]


def environment(
    account: Account,
    job: Thing,
    cluster: Cluster,
    channels: Sequence[Channel],
    script: Script | None,
) -> dict[str, str]:
    """The variables of the program; those of the job come last."""
    names = [one.name for one in channels]
    return {
        **account.aws_variables(str(job[TRAINING_JOB.arn])),
        "TRAINING_JOB_NAME": job[TRAINING_JOB.name],
        "TRAINING_JOB_ARN": job[TRAINING_JOB.arn],
        **({"PYTHONPATH": f"{ROOT}/code"} if script else {}),  # as the toolkit has it
        **variables(job.get("HyperParameters", {}), names, cluster, script),
        **job.get("Environment", {}),
    }


def checkpoints(storage: Storage, job: Thing, folder: Path) -> dict[str, Path]:
    """Where checkpoints are, with those that there are already."""
    saved = job.get("CheckpointConfig")
    if not saved:
        return {}
    folder.mkdir(parents=True)
    if storage.holds(saved["S3Uri"]):
        storage.fetch(saved["S3Uri"].rstrip("/") + "/", folder)
    return {saved.get("LocalPath", CHECKPOINTS): folder}


def configured(folder: Path, job: Thing, channels: Sequence[Channel], cluster: Cluster) -> Path:
    """A folder with what a program reads below /opt/ml/input/config."""
    folder.mkdir(parents=True)
    contents = {
        "hyperparameters": job.get("HyperParameters", {}),
        "inputdataconfig": {one.name: one.configuration for one in channels},
        "resourceconfig": cluster.configuration,
    }
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def folder_of(account: Account, name: str) -> Path:
    """Where the data of a job is while it runs."""
    return account.folder / "training" / name
