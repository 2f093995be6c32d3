"""What a restart finds again: everything that was made, what ran, what answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cicd.emulator.sagemaker.things import Things
from tests.emulator.emulator_client import wait_for
from tests.emulator.sagemaker.aws import (
    BUCKET,
    IMAGE,
    QUICK,
    ROLE,
    Aws,
    packed,
    running,
    training,
    variant,
)

TRAIN = """
import pathlib, time
print("begun", flush=True)
pathlib.Path("/opt/ml/model/weight").write_text("w")
time.sleep(2)
"""
INFERENCE = """
def model_fn(folder):
    return open(folder + "/weight").read()
def predict_fn(data, model):
    return model
"""


def lines(aws: Aws, job: str) -> list[str]:
    logs = aws.client("logs")
    try:
        found = logs.filter_log_events(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{job}/"
        )
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in found["events"]]


def answer(aws: Aws) -> Any:
    runtime = aws.client("sagemaker-runtime")
    told = {"EndpointName": "lasts", "ContentType": "application/json"}
    return json.load(runtime.invoke_endpoint(Body=b"{}", **told)["Body"])


def test_a_restart_loses_nothing_and_goes_on(tmp_path: Path) -> None:
    with running(tmp_path / "data") as aws:
        s3, sagemaker = aws.client("s3"), aws.client("sagemaker")
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        s3.put_object(Bucket=BUCKET, Key="code/sourcedir.tar.gz", Body=packed({"train.py": TRAIN}))
        content = packed({"weight": "w", "code/inference.py": INFERENCE})
        s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=content)
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}
        sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
        sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant("m")])
        sagemaker.create_endpoint(EndpointName="lasts", EndpointConfigName="c")
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="lasts", WaiterConfig=QUICK)
        assert answer(aws) == "w"
        sagemaker.create_training_job(**training("lasts"))
        wait_for(lambda: lines(aws, "lasts"), lambda found: "begun" in found, 60)
        sagemaker.create_endpoint(EndpointName="comes", EndpointConfigName="c")
        # as if it had been killed between the start of a program and its note of it
        Things(aws.world.store).change("training-job", "lasts", lambda job: job.pop("_runs"))
    with running(tmp_path / "data") as aws:
        sagemaker = aws.client("sagemaker")
        # the first request waits for what is being started again
        assert answer(aws) == "w"
        waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
        waiter.wait(TrainingJobName="lasts", WaiterConfig=QUICK)
        assert lines(aws, "lasts").count("begun") == 2
        started = "SELECT COUNT(*) FROM runs WHERE kind = 'execution'"
        row = aws.world.store.row(started)
        assert row and row[0] == 1, "a program is never started twice"
        job = sagemaker.describe_training_job(TrainingJobName="lasts")
        assert job["TrainingJobStatus"] == "Completed", job
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="comes", WaiterConfig=QUICK)
        key = job["ModelArtifacts"]["S3ModelArtifacts"].split("/", 3)[3]
        assert aws.client("s3").head_object(Bucket=BUCKET, Key=key)["ContentLength"]
        assert [one["ModelName"] for one in sagemaker.list_models()["Models"]] == ["m"]
