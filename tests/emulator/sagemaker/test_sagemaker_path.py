"""From data to an answer with nothing but boto3: train, register, serve, ask, update, delete."""

from __future__ import annotations

import json

from tests.emulator.sagemaker.aws import (
    BUCKET,
    IMAGE,
    QUICK,
    ROLE,
    Aws,
    channel,
    packed,
    training,
    unpacked,
    variant,
)

TRAIN = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--greeting")
told = parser.parse_args()
lines = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text().splitlines()
for epoch in range(told.epochs):
    print(f"epoch {epoch} accuracy={0.5 + 0.1 * epoch:.2f};")
model = {"rows": len(lines), "greeting": told.greeting}
pathlib.Path("/opt/ml/model/model.json").write_text(json.dumps(model))
pathlib.Path("/opt/ml/model/code").mkdir()
pathlib.Path("/opt/ml/model/code/inference.py").write_text(
    pathlib.Path("/opt/ml/code/inference.py").read_text())
"""
INFERENCE = """
import json, os, pathlib
def model_fn(folder):
    return json.loads(pathlib.Path(folder, "model.json").read_text())
def predict_fn(data, model):
    return {**model, "asked": data, "word": os.environ.get("WORD", "")}
"""


def test_a_script_is_trained_served_updated_and_deleted(aws: Aws) -> None:
    sagemaker, s3, runtime = (aws.client(n) for n in ("sagemaker", "s3", "sagemaker-runtime"))
    source = packed({"train.py": TRAIN, "inference.py": INFERENCE})
    s3.put_object(Bucket=BUCKET, Key="code/sourcedir.tar.gz", Body=source)
    s3.put_object(Bucket=BUCKET, Key="rows/rows.csv", Body=b"1\n2\n3\n")
    wanted = training(
        "first",
        hyperparameters={"epochs": "3", "greeting": '"grüß {{x}} $HOME"'},
        InputDataConfig=[channel("train", f"s3://{BUCKET}/rows")],
    )
    metric = {"Name": "accuracy", "Regex": r"accuracy=([0-9.]+);"}
    wanted["AlgorithmSpecification"]["MetricDefinitions"] = [metric]
    sagemaker.create_training_job(**wanted)
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="first", WaiterConfig=QUICK)
    job = sagemaker.describe_training_job(TrainingJobName="first")
    assert job["TrainingJobStatus"] == "Completed", job
    passed = [one["Status"] for one in job["SecondaryStatusTransitions"]]
    assert passed == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert [(m["MetricName"], round(m["Value"], 2)) for m in job["FinalMetricDataList"]] == [
        ("accuracy", 0.7)
    ]
    above = {"Name": "Metrics.accuracy", "Operator": "GreaterThan", "Value": "0.65"}
    found = sagemaker.search(Resource="TrainingJob", SearchExpression={"Filters": [above]})
    assert found["TotalHits"]["Value"] == 1
    url = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert url == f"s3://{BUCKET}/out/first/output/model.tar.gz"
    content = s3.get_object(Bucket=BUCKET, Key=url.split("/", 3)[3])["Body"].read()
    assert json.loads(unpacked(content)["model.json"])["greeting"] == "grüß {{x}} $HOME"

    logs = aws.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="first/")
    (stream,) = [one["logStreamName"] for one in streams["logStreams"]]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    said = [event["message"] for event in events["events"]]
    assert next(line for line in said if line.startswith("epoch")) == "epoch 0 accuracy=0.50;"

    for name, env in (("one", {"WORD": "1"}), ("two", {"WORD": "2"})):
        container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": env}
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant(name)]
        )

    def asked() -> str:
        answer = runtime.invoke_endpoint(
            EndpointName="greet", Body=b'{"x": 1}', ContentType="application/json"
        )
        assert answer["InvokedProductionVariant"] == "AllTraffic"
        content = json.load(answer["Body"])
        assert content["rows"] == 3 and content["asked"] == {"x": 1}
        return str(content["word"])

    in_service = sagemaker.get_waiter("endpoint_in_service")
    sagemaker.create_endpoint(EndpointName="greet", EndpointConfigName="one")
    in_service.wait(EndpointName="greet", WaiterConfig=QUICK)
    assert asked() == "1"
    sagemaker.update_endpoint(EndpointName="greet", EndpointConfigName="two")
    in_service.wait(EndpointName="greet", WaiterConfig=QUICK)
    assert asked() == "2"
    sagemaker.delete_endpoint(EndpointName="greet")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="greet", WaiterConfig=QUICK)
