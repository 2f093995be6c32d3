"""Containers that serve a model: as an image of one's own does, or by an ``inference.py``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cicd.emulator.sagemaker.account import Account
from cicd.emulator.sagemaker.containers import PORT, ROOT, Container
from cicd.emulator.sagemaker.storage import DataError

HOST = Path(__file__).parent / "inside" / "model_server.py"
"""What serves an ``inference.py``, as the toolkit in AWS's own images does."""
PLACE = "/opt/cicd"
SCRIPT = "inference.py"
NO_WORDS: Mapping[str, str] = {}


def serving(
    account: Account,
    container: Mapping[str, Any],
    arn: str,
    folder: Path,
    more: Mapping[str, str] = NO_WORDS,
) -> Container:
    """The container for one of a model's, its data in ``folder``; ``more`` variables come last.

    ``arn`` is of what it serves for. DataError for data that is not there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    model = folder / "model"
    model.mkdir(parents=True)
    fetch_model(account, container, model)
    image, own = str(container["Image"]), dict(container.get("Environment", {}))
    env = {
        **account.aws_variables(arn),
        "SAGEMAKER_BIND_TO_PORT": str(PORT),
        "SM_MODEL_DIR": f"{ROOT}/model",
        **own,
        **more,
    }
    mounts = {f"{ROOT}/model": model}
    code = script_folder(account, own, model, folder, mounts)
    stand_in = account.runner.stand_in(image, needed=code is None)
    if code is None or stand_in.command:
        return Container(image, [*stand_in.command, "serve"], env, mounts=mounts)
    env = {"SAGEMAKER_PROGRAM": SCRIPT, **env, "SAGEMAKER_SUBMIT_DIRECTORY": code}
    program = [f"{PLACE}/{HOST.name}"]
    return Container(image, ["python", *program], env, {program[0]: HOST}, mounts)


def fetch_model(account: Account, container: Mapping[str, Any], folder: Path) -> None:
    """Lay out the data of a model. DataError where it is not there."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source is None:
        return
    if source.get("CompressionType") == "None":
        account.storage.fetch(source["S3Uri"], folder)
    else:
        account.storage.unpack(source["S3Uri"], folder)


def script_folder(
    account: Account, env: Mapping[str, str], model: Path, folder: Path, mounts: dict[str, Path]
) -> str | None:
    """Where the script is that knows how to serve; None for an image that knows it itself."""
    program = env.get("SAGEMAKER_PROGRAM", SCRIPT)
    source = env.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if source.startswith("s3://"):
        account.storage.unpack(source, folder / "code")
        mounts[f"{ROOT}/code"] = folder / "code"
        return f"{ROOT}/code"
    if (model / "code" / program).is_file():
        return f"{ROOT}/model/code"
    if "SAGEMAKER_PROGRAM" in env:
        raise DataError(f"Could not find {program} in the folder code of the model data.")
    return None
