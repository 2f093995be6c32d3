"""SageMaker passes the platform contract against the emulator, with real programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cicd.model import Hidden, Key, Options, Ref, Resource, Stage
from cicd.platforms import registry
from cicd.platforms.base import Request
from cicd.platforms.sagemaker.dialect.source_folders import source_digest
from tests.emulator.sagemaker.aws import IMAGE, ROLE, Aws
from tests.platforms.contract import Applied, PlatformContract, World, bring_up

LINES = tuple(f"line {number} grüße" for number in range(40)) + ("again",) * 7
TRAIN = """\
import argparse, pathlib, shutil
asked = argparse.ArgumentParser()
asked.add_argument("--lines", type=int)
for number in range(asked.parse_args().lines):
    print(f"line {number} grüße", flush=True)
print("again\\n" * 7, end="", flush=True)
for value in (0.25, 0.75):
    print(f"accuracy={value};", flush=True)
pathlib.Path("/opt/ml/model/code").mkdir()
shutil.copy("/opt/ml/code/inference.py", "/opt/ml/model/code/")
"""
INFERENCE = """\
import os
def model_fn(folder):
    return os.environ.get("WORD", "")
def predict_fn(data, model):
    return {"word": model, "asked": data}
"""
BUCKET = "contract-bucket"


def model(word: str | Hidden, data: Any, key: str = "greet") -> Resource:
    spec = {
        "name": key,
        "role": ROLE,
        "image": IMAGE,
        "package": "",
        "data": data,
        "entry_point": "",
        "source": "",
        "environment": {"WORD": word},
        "hostname": "",
        "mode": "",
        "containers": [],
        "execution": "",
        "network_isolation": False,
        "vpc": {},
    }
    return Resource(Key("model", key), spec)


def config(name: str, serves: Any) -> Resource:
    spec = {
        "name": name,
        "models": {"main": serves},
        "variants": {"main": {"instance": {"type": "ml.m5.large", "count": 1}}},
        "weights": {"main": 1.0},
        "data_capture": {},
        "async": {},
        "kms_key": "",
    }
    return Resource(Key("endpoint_config", name), spec)


@pytest.fixture(scope="module")
def applied(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    root = tmp_path_factory.mktemp("project")
    (root / "src").mkdir()
    (root / "src/train.py").write_text(TRAIN, encoding="utf-8")
    (root / "src/inference.py").write_text(INFERENCE, encoding="utf-8")
    train = Resource(
        Key("training_job", "train"),
        {
            "name": "train",
            "image": IMAGE,
            "role": ROLE,
            "entry_point": "train.py",
            "source_dir": "src",
            "source": source_digest(root, "src"),
            "hyperparameters": {"lines": 40},
            "environment": {"GREETING": Hidden("grüß dich, Welt")},
            "output": f"s3://{BUCKET}/out",
            "instance": {"type": "ml.m5.large", "count": 1, "volume_gb": 1},
            "max_runtime": 600,
            "metrics": {"accuracy": "accuracy=([0-9.]+);"},
            "inputs": "0123abcd",
        },
        Options("Completed"),
    )
    data = Ref(train.key, "model")
    first, second = model("one", data), config("first", Ref(Key("model", "greet")))
    endpoint = Resource(
        Key("endpoint", "greet"),
        {"name": "greet-contract", "config": Ref(second.key)},
        Options("InService"),
    )
    stage = Stage(
        "dev",
        "",
        str(root),
        "sagemaker",
        {"region": "eu-central-1"},
        None,
        (train, first, second, endpoint),
        settings={"role": ROLE, "bucket": BUCKET, "prefix": "contract"},
    )
    other = Resource(Key("endpoint_config", "other"), {**config("other", Ref(first.key)).spec})
    yield from bring_up(
        World(
            platform=registry.connect(stage, dict(aws.environ)),
            desired=(train, first, second, endpoint),
            place={"region": "eu-central-1"},
            run=train.key,
            lines=LINES,
            metrics={"accuracy": 0.75},
            service=endpoint.key,
            request=Request(body={"x": 1}),
            answer='"word": "one"',
            update=("config", other),
        )
    )


class TestSageMaker(PlatformContract):
    """The contract."""
