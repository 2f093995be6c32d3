"""kill -9 at any moment while jobs and endpoints are made: what was acknowledged comes to its end,
and nothing is started twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from cicd.emulator.host.testing import Emulator
from cicd.emulator.sagemaker import SAGEMAKER
from cicd.emulator.state import credentials
from tests.emulator.emulator_client import wait_for
from tests.emulator.sagemaker.aws import BUCKET, IMAGE, ROLE, packed, training, variant

KILLS = 4
WORK = "echo w > /opt/ml/model/weight; sleep 0.2"
INFERENCE = "def model_fn(folder): return 1\ndef predict_fn(data, model): return model\n"


class Killable:
    """A client of an emulator that dies now and then."""

    def __init__(self, data: Path) -> None:
        self.emulator = Emulator(data, None, 60)
        self.jobs: list[str] = []
        self.endpoints: list[str] = []

    def client(self, service: str) -> Any:
        url = self.emulator.url
        told = SAGEMAKER.variables(url, credentials.read(self.emulator.data))
        login = (told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"])
        session = import_module("boto3").Session(*login, region_name=told["AWS_REGION"])
        config = import_module("botocore.config").Config(retries={"total_max_attempts": 1})
        return session.client(service, endpoint_url=told["AWS_ENDPOINT_URL"], config=config)

    def prepare(self) -> None:
        s3, sagemaker = self.client("s3"), self.client("sagemaker")
        place = {"LocationConstraint": "eu-central-1"}
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        s3.put_object(Bucket=BUCKET, Key="m.tar.gz", Body=packed({"code/inference.py": INFERENCE}))
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/m.tar.gz"}
        sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
        sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant("m")])

    def live(self, seconds: float) -> None:
        """Make things until it is killed."""
        sagemaker, over = self.client("sagemaker"), threading.Event()
        has_begun = threading.Event()

        def make() -> None:
            try:
                while not over.is_set():
                    name = f"job-{len(self.jobs)}"
                    algorithm = {"TrainingImage": "python:3", "TrainingInputMode": "File"}
                    entrypoint = {"ContainerEntrypoint": ["sh", "-c", WORK]}
                    told = training(name, AlgorithmSpecification={**algorithm, **entrypoint})
                    sagemaker.create_training_job(**told)
                    self.jobs.append(name)
                    has_begun.set()
                    if len(self.endpoints) * 2 < len(self.jobs):
                        name = f"e-{len(self.endpoints)}"
                        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="c")
                        self.endpoints.append(name)
                    over.wait(0.1)
            except Exception:
                # of what was not acknowledged nobody knows
                self.jobs.append("unknown")

        thread = threading.Thread(target=make)
        thread.start()
        has_begun.wait(60)
        over.wait(seconds)
        os.kill(self.emulator.endpoint.pid, signal.SIGKILL)
        over.set()
        thread.join()
        self.emulator.stop()

    def check(self) -> None:
        """Everything that was acknowledged ends well."""
        sagemaker, s3 = self.client("sagemaker"), self.client("s3")
        for name in self.jobs:
            if name == "unknown":
                continue
            shown = wait_for(
                lambda n=name: sagemaker.describe_training_job(TrainingJobName=n),  # type: ignore[misc]
                lambda job: job["TrainingJobStatus"] != "InProgress",
                90,
            )
            assert shown["TrainingJobStatus"] == "Completed", shown.get("FailureReason")
            key = shown["ModelArtifacts"]["S3ModelArtifacts"].split("/", 3)[3]
            assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"]
        for name in self.endpoints:
            waiter = sagemaker.get_waiter("endpoint_in_service")
            waiter.wait(EndpointName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 400})
            runtime, told = self.client("sagemaker-runtime"), {"ContentType": "application/json"}
            answer = runtime.invoke_endpoint(EndpointName=name, Body=b"{}", **told)
            assert answer["Body"].read() == b"1"


@pytest.mark.slow
def test_what_was_acknowledged_comes_to_its_end_once(tmp_path: Path) -> None:
    killable = Killable(tmp_path / "data")
    killable.emulator.start()
    try:
        killable.prepare()
        for _ in range(KILLS):
            killable.live(random.uniform(0, 1))
            killable.emulator.start()
        killable.check()
        assert len(killable.jobs) > KILLS
    finally:
        killable.emulator.stop()
    with closing(sqlite3.connect(tmp_path / "data" / "emulator.db")) as db:
        rows = db.execute("SELECT own_name FROM runs WHERE resource_group = 'sagemaker'")
        counted = Counter(name for (name,) in rows)
    assert None not in counted and set(counted.values()) == {1}
