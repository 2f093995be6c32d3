"""An emulator whose SageMaker is met with plain boto3, and what tests make there."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import requests

from cicd.emulator.host.opening import open_world
from cicd.emulator.host.server import default_runner, http_server, listen
from cicd.emulator.sagemaker import SAGEMAKER
from cicd.emulator.world import World
from tests.emulator.sagemaker.conforming import watch

ROLE = "arn:aws:iam::123456789012:role/trainer"
IMAGE = "763104351884.dkr.ecr.eu-central-1.amazonaws.com/pytorch-training:2.6-cpu-py312"
BUCKET = "data"
OURS = ("sagemaker", "sts", "logs", "application-autoscaling")
"""Services whose answers are ours."""
QUICK = {"Delay": 0.1, "MaxAttempts": 600}
"""For boto3's waiters."""


@dataclass
class Aws:
    """What a client needs to know, and the world behind it."""

    world: World
    environ: Mapping[str, str]
    _clients: dict[Any, Any] = field(default_factory=dict)

    def client(self, service: str, **config: Any) -> Any:
        """boto3's client of a service, without a second try of anything; the same one each time."""
        key = (service, tuple(sorted(config.items())))
        if key not in self._clients:
            told = import_module("botocore.config").Config(
                retries={"total_max_attempts": 1}, **config
            )
            url = self.environ["AWS_ENDPOINT_URL"]
            made = self._session.client(service, endpoint_url=url, config=told)
            # whatever is asked in a test, its answer is held against the service model
            self._clients[key] = watch(made) if service in OURS else made
        return self._clients[key]

    @cached_property
    def _session(self) -> Any:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        login = map(self.environ.get, (*names, "AWS_DEFAULT_REGION"))
        return import_module("boto3").Session(*login)

    def ask(self, method: str, path: str, body: Any) -> None:
        """A request of whoever owns the emulator."""
        token = self.world.credentials.issue("aicore", issuer="")
        headers = {"Authorization": f"Bearer {token}", "AI-Resource-Group": "sagemaker"}
        url = f"{self.world.base_url}{path}"
        answer = requests.request(method, url, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text

    def stand_in(self, images: Mapping[str, Any]) -> None:
        """Tell what stands in for images."""
        self.ask("PUT", "/emulator/stand-ins", {"images": images})


@contextmanager
def running(data: Path) -> Iterator[Aws]:
    """An emulator that really runs things."""
    data.mkdir(exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(data)}
    with listen(data, 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        world = open_world(data, url, environ, default_runner(environ, data))
        server = http_server(world)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Aws(world, SAGEMAKER.variables(url, world.credentials))
        finally:
            server.should_exit = True
            thread.join()
            world.close()


def packed(files: Mapping[str, str]) -> bytes:
    """A .tar.gz of files."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for name, text in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(text.encode())
            archive.addfile(item, io.BytesIO(text.encode()))
    return whole.getvalue()


def unpacked(archive: bytes) -> dict[str, str]:
    """The files of a .tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as found:
        members = [member for member in found.getmembers() if member.isfile()]
        contents = {member.name: found.extractfile(member) for member in members}
        return {name: file.read().decode() for name, file in contents.items() if file}


def training(name: str, **more: Any) -> dict[str, Any]:
    """The input of CreateTrainingJob for a script."""
    parameters = more.pop("hyperparameters", {})
    wanted: dict[str, Any] = {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": f'"s3://{BUCKET}/code/sourcedir.tar.gz"',
            **parameters,
        },
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    return {**wanted, **more}


def channel(name: str, url: str, **more: Any) -> dict[str, Any]:
    """An input channel."""
    source = {"S3DataType": "S3Prefix", "S3Uri": url, **more}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def variant(model: str, name: str = "AllTraffic", **more: Any) -> dict[str, Any]:
    """A variant of an endpoint configuration."""
    place = {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    return {"VariantName": name, "ModelName": model, **place, **more}
