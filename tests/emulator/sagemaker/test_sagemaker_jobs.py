"""Jobs that really run: training, processing and batch transform, and how they end."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from cicd.emulator.sagemaker import joining
from cicd.emulator.sagemaker.joining import Processing
from cicd.emulator.sagemaker.records import batches, joined
from cicd.emulator.sagemaker.storage import DataError
from tests.emulator.emulator_client import wait_for
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
)

OWN = "own/image:1"
RUN = {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}}
TRAIN = """
import json, os, pathlib, signal, sys, time
told = json.loads(pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())
mode = json.loads(told.get("mode", '"plain"'))
print("mode", mode, *sys.argv[1:], flush=True)
if mode == "fail":
    raise SystemExit("the data is bad")
if mode == "say":
    pathlib.Path("/opt/ml/output/failure").write_text("no convergence")
    raise SystemExit(3)
if mode in ("sleep", "partial"):
    pathlib.Path("/opt/ml/model/model.json").write_text('"half"')
    print("written", flush=True)
    time.sleep(600)
data = pathlib.Path("/opt/ml/input/data")
seen = {str(p.relative_to(data)): p.read_text() for p in sorted(data.rglob("*")) if p.is_file()}
cluster = json.loads(pathlib.Path("/opt/ml/input/config/resourceconfig.json").read_text())
env = {key: value for key, value in os.environ.items() if key.startswith(("SM_", "TRAINING", "X_"))}
content = {"seen": seen, "env": env, "host": cluster["current_host"], "hosts": cluster["hosts"]}
print("seen", json.dumps(seen), flush=True)
pathlib.Path("/opt/ml/model/model.json").write_text(json.dumps(content))
pathlib.Path("/opt/ml/output/data/report.txt").write_text("fine")
pathlib.Path("/opt/ml/checkpoints/step").write_text("1") if mode == "save" else None
"""
SERVE = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
assert sys.argv[1:] == ["serve"], sys.argv
class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        print("asked", body, flush=True)
        time.sleep(600 if b"nap" in body else 0)
        self.answer(422 if b"bad" in body else 200, body.upper())
ThreadingHTTPServer(("", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def sagemaker(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("own")
    (folder / "serve.py").write_text(SERVE)
    image = {"mounts": {"/opt/own": str(folder)}, "command": ["python", "/opt/own/serve.py"]}
    aws.stand_in({OWN: image})
    s3 = aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key="code/sourcedir.tar.gz", Body=packed({"train.py": TRAIN}))
    for name in "abc":
        s3.put_object(Bucket=BUCKET, Key=f"in/{name}.csv", Body=f"{name}1\n{name}2\n".encode())
    return aws.client("sagemaker")


def train(sagemaker: Any, name: str, mode: str = "plain", **more: Any) -> dict[str, Any]:
    """A training job that has ended."""
    begin(sagemaker, name, mode, **more)
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    try:
        waiter.wait(TrainingJobName=name, WaiterConfig=QUICK)
    except Exception:
        if mode == "plain":
            raise
    found: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
    return found


def begin(sagemaker: Any, name: str, mode: str = "plain", **more: Any) -> None:
    own = {"mode": json.dumps(mode), **more.pop("hyperparameters", {})}
    sagemaker.create_training_job(**training(name, hyperparameters=own, **more))


def model_of(aws: Aws, job: dict[str, Any]) -> Any:
    key = job["ModelArtifacts"]["S3ModelArtifacts"].split("/", 3)[3]
    content = aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return json.loads(unpacked(content)["model.json"])


def test_a_program_finds_data_settings_and_its_instance(aws: Aws, sagemaker: Any) -> None:
    job = train(
        sagemaker,
        "finds",
        hyperparameters={"learning-rate": "0.1", "k": "2", "tags": '["a","b"]'},
        InputDataConfig=[
            channel("train", f"s3://{BUCKET}/in/"),
            # called like a folder that a program writes to
            channel("model", f"s3://{BUCKET}/in/a"),
        ],
        Environment={"X_OWN": "yes"},
    )
    model = model_of(aws, job)
    wanted = {f"train/{name}.csv": f"{name}1\n{name}2\n" for name in "abc"}
    assert model["seen"] == {**wanted, "model/a.csv": "a1\na2\n"}
    env = model["env"]
    assert env["X_OWN"] == "yes"
    assert env["TRAINING_JOB_NAME"] == "finds"
    assert env["SM_CHANNEL_TRAIN"] == "/opt/ml/input/data/train"
    assert json.loads(env["SM_CHANNELS"]) == ["model", "train"]
    assert env["SM_HP_LEARNING-RATE"] == "0.1"
    words = ["-k", "2", "--learning-rate", "0.1", "--mode", "plain", "--tags", "['a', 'b']"]
    assert json.loads(env["SM_USER_ARGS"]) == words
    s3 = aws.client("s3")
    data = s3.get_object(Bucket=BUCKET, Key="out/finds/output/output.tar.gz")["Body"].read()
    assert unpacked(data) == {"report.txt": "fine"}
    assert job["TrainingTimeInSeconds"] >= 1 and job["BillableTimeInSeconds"] >= 1
    kept = {"KeepAlivePeriodInSeconds": 60}
    sagemaker.update_training_job(TrainingJobName="finds", ResourceConfig=kept)
    shown = sagemaker.describe_training_job(TrainingJobName="finds")["ResourceConfig"]
    assert shown == {**job["ResourceConfig"], **kept}


def test_a_script_in_a_folder_imports_what_is_beside_that(aws: Aws, sagemaker: Any) -> None:
    source = {
        "pkg/train.py": "import beside\nprint('said', beside.WORD)\n",
        "beside.py": "WORD = 5",
    }
    aws.client("s3").put_object(Bucket=BUCKET, Key="code/folder.tar.gz", Body=packed(source))
    told = {
        "sagemaker_program": "pkg/train.py",
        "sagemaker_submit_directory": f"s3://{BUCKET}/code/folder.tar.gz",
    }
    job = train(sagemaker, "folder", hyperparameters=told)
    assert job["TrainingJobStatus"] == "Completed", job


def test_several_instances_share_data_and_have_a_stream_each(aws: Aws, sagemaker: Any) -> None:
    manifest = json.dumps([{"prefix": f"s3://{BUCKET}/in/"}, "a.csv", "c.csv"])
    aws.client("s3").put_object(Bucket=BUCKET, Key="lists/manifest", Body=manifest.encode())
    shared = {"S3DataDistributionType": "ShardedByS3Key"}
    job = train(
        sagemaker,
        "several",
        InputDataConfig=[
            channel("all", f"s3://{BUCKET}/lists/manifest", S3DataType="ManifestFile"),
            channel("share", f"s3://{BUCKET}/in/", **shared),
        ],
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1},
    )
    assert job["TrainingJobStatus"] == "Completed", job
    logs = aws.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="several/")
    seen = []
    for stream in streams["logStreams"]:
        name = stream["logStreamName"]
        found = logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)
        said = [e["message"] for e in found["events"] if e["message"].startswith("seen ")]
        seen.append(sorted(json.loads(said[0].removeprefix("seen "))))
    every = ["all/a.csv", "all/c.csv"]
    assert sorted(seen) == sorted([[*every, "share/a.csv", "share/c.csv"], [*every, "share/b.csv"]])


@pytest.mark.parametrize(
    ("mode", "change", "status", "word", "reason"),
    [
        ("fail", {}, "Failed", "Failed", "AlgorithmError: .*the data is bad.*, exit code: 1"),
        ("say", {}, "Failed", "Failed", "AlgorithmError: no convergence, exit code: 3"),
        (
            "plain-not",
            {"InputDataConfig": [channel("train", f"s3://{BUCKET}/nothing")]},
            "Failed",
            "Failed",
            'No S3 objects found under S3 URL "s3://data/nothing"',
        ),
        (
            "sleep",
            {"StoppingCondition": {"MaxRuntimeInSeconds": 1}},
            "Stopped",
            "MaxRuntimeExceeded",
            "",
        ),
        (
            "own",
            {
                "AlgorithmSpecification": {
                    "TrainingImage": "no/one:1",
                    "TrainingInputMode": "File",
                },
                "HyperParameters": {},
            },
            "Failed",
            "Failed",
            "nothing stands in for image no/one:1",
        ),
    ],
)
def test_a_job_that_does_not_end_well_says_why(
    sagemaker: Any, mode: str, change: dict[str, Any], status: str, word: str, reason: str
) -> None:
    name = f"ends-{mode}"
    if "HyperParameters" in change:
        sagemaker.create_training_job(**training(name, **change))
        look = lambda: sagemaker.describe_training_job(TrainingJobName=name)  # noqa: E731
        job = wait_for(look, lambda found: found["TrainingJobStatus"] != "InProgress", 60)
    else:
        job = train(sagemaker, name, mode, **change)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == (status, word)
    if reason:
        assert re.search(reason, job["FailureReason"], re.DOTALL), job["FailureReason"]
    else:
        assert "FailureReason" not in job


def test_what_a_stopped_job_has_made_so_far_is_kept(aws: Aws, sagemaker: Any) -> None:
    begin(sagemaker, "part", "partial")
    logs, group = aws.client("logs"), "/aws/sagemaker/TrainingJobs"

    def said() -> list[str]:
        try:
            found = logs.filter_log_events(logGroupName=group, logStreamNamePrefix="part/")
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in found["events"]]

    wait_for(said, lambda lines: "written" in lines, 60)
    sagemaker.stop_training_job(TrainingJobName="part")
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="part", WaiterConfig=QUICK)
    job = sagemaker.describe_training_job(TrainingJobName="part")
    assert job["TrainingJobStatus"] == "Stopped"
    assert model_of(aws, job) == "half"


def test_a_job_is_stopped_deleted_and_its_name_free_again(sagemaker: Any) -> None:
    begin(sagemaker, "halted", "sleep")
    errors = sagemaker.exceptions
    with pytest.raises(errors.ResourceInUse):
        begin(sagemaker, "halted")
    with pytest.raises(errors.ResourceInUse):
        sagemaker.delete_training_job(TrainingJobName="halted")
    sagemaker.stop_training_job(TrainingJobName="halted")
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="halted", WaiterConfig=QUICK)
    job = sagemaker.describe_training_job(TrainingJobName="halted")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    with pytest.raises(errors.ClientError, match="is in status Stopped"):
        sagemaker.stop_training_job(TrainingJobName="halted")
    sagemaker.delete_training_job(TrainingJobName="halted")
    with pytest.raises(errors.ClientError, match=r"Requested resource not found\."):
        sagemaker.describe_training_job(TrainingJobName="halted")
    assert train(sagemaker, "halted")["TrainingJobStatus"] == "Completed"


def test_checkpoints_are_kept_where_the_job_says(aws: Aws, sagemaker: Any) -> None:
    place = {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/saved/"}}
    job = train(sagemaker, "saves", "save", **place)
    assert job["TrainingJobStatus"] == "Completed", job
    found = aws.client("s3").get_object(Bucket=BUCKET, Key="saved/step")["Body"].read()
    assert found == b"1"


@pytest.mark.parametrize(
    ("effect", "error"), [({"lost": "reset"}, "Connection"), ({"lost": 503}, "503")]
)
def test_a_create_whose_answer_is_lost_has_begun_one_job(
    aws: Aws, sagemaker: Any, effect: dict[str, Any], error: str
) -> None:
    name = f"lost-{error.lower()}"
    rule = {"operation": "sagemaker.CreateTrainingJob", "times": 1, **effect}
    aws.ask("POST", "/emulator/faults", rule)
    with pytest.raises(Exception, match=error):
        begin(sagemaker, name)
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        begin(sagemaker, name)
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=name, WaiterConfig=QUICK)
    found = sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
    assert [one["TrainingJobStatus"] for one in found] == ["Completed"]


def test_a_program_that_runs_out_of_memory_is_told(aws: Aws, sagemaker: Any) -> None:
    rule = {"operation": "sagemaker.CreateTrainingJob", "times": 1, "dies": 0}
    aws.ask("POST", "/emulator/faults", rule)
    job = train(sagemaker, "dies", "sleep")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].endswith("exit code: 137")


def test_the_log_of_a_job_that_failed_has_its_own_lines_alone(aws: Aws, sagemaker: Any) -> None:
    assert train(sagemaker, "own-lines", "fail")["TrainingJobStatus"] == "Failed"
    told = aws.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="own-lines/"
    )
    lines = [one["message"] for one in told["events"]]
    assert "the data is bad" in lines[-1] and not any("exit code" in line for line in lines)


# processing


def nothing() -> None:
    """What else there is to do once a job has begun."""


def process(
    sagemaker: Any,
    name: str,
    entrypoint: list[str],
    begun: Callable[[], Any] = nothing,
    instances: int = 1,
    **more: Any,
) -> dict[str, Any]:
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        ProcessingResources={"ClusterConfig": {**RUN["ClusterConfig"], "InstanceCount": instances}},
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": entrypoint},
        **more,
    )
    begun()
    try:
        waiter = sagemaker.get_waiter("processing_job_completed_or_stopped")
        waiter.wait(ProcessingJobName=name, WaiterConfig=QUICK)
    except Exception as error:
        assert "Failed" in str(error), error
    found: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=name)
    return found


COUNT = """
import os, pathlib
rows = sum(len(f.read_text().split()) for f in pathlib.Path("/opt/ml/processing/in").iterdir())
pathlib.Path("/opt/ml/processing/out/count.txt").write_text(f"{rows} {os.environ['WORD']}")
pathlib.Path("/opt/ml/output/message").write_text("counted")
"""


def test_processing_takes_inputs_and_leaves_outputs(aws: Aws, sagemaker: Any) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key="code/count.py", Body=COUNT.encode())
    sources = [("in/", "/opt/ml/processing/in"), ("code/count.py", "/opt/ml/processing/code")]
    inputs = [
        {
            "InputName": path.rpartition("/")[2],
            "S3Input": {
                "S3Uri": f"s3://{BUCKET}/{key}",
                "LocalPath": path,
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
            },
        }
        for key, path in sources
    ]
    target = {
        "S3Uri": f"s3://{BUCKET}/processed",
        "LocalPath": "/opt/ml/processing/out",
        "S3UploadMode": "EndOfJob",
    }
    job = process(
        sagemaker,
        "counts",
        ["python3", "/opt/ml/processing/code/count.py"],
        Environment={"WORD": "rows"},
        ProcessingInputs=inputs,
        ProcessingOutputConfig={"Outputs": [{"OutputName": "count", "S3Output": target}]},
    )
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ExitMessage"] == "counted"
    found = aws.client("s3").get_object(Bucket=BUCKET, Key="processed/count.txt")["Body"].read()
    assert found == b"6 rows"
    sagemaker.delete_processing_job(ProcessingJobName="counts")
    names = sagemaker.list_processing_jobs(NameContains="counts")["ProcessingJobSummaries"]
    assert names == []


SHARE = """
import pathlib
for name in ("all", "share", "listed"):
    found = sorted(pathlib.Path(f"/opt/ml/processing/{name}").rglob("*.csv"))
    print(name, *[file.name for file in found])
"""


def test_processing_has_its_share_of_inputs_and_what_a_manifest_lists(
    aws: Aws, sagemaker: Any
) -> None:
    s3 = aws.client("s3")
    entries: list[Any] = [{"prefix": f"s3://{BUCKET}/in/"}, "b.csv"]
    s3.put_object(Bucket=BUCKET, Key="share.manifest", Body=json.dumps(entries).encode())

    def put(name: str, kind: str, key: str, **more: str) -> dict[str, Any]:
        place = {"S3Uri": f"s3://{BUCKET}/{key}", "LocalPath": f"/opt/ml/processing/{name}"}
        return {
            "InputName": name,
            "S3Input": {**place, "S3DataType": kind, "S3InputMode": "File", **more},
        }

    job = process(
        sagemaker,
        "shares",
        ["python3", "-c", SHARE],
        ProcessingInputs=[
            put("all", "S3Prefix", "in/"),
            put("share", "S3Prefix", "in/", S3DataDistributionType="ShardedByS3Key"),
            put("listed", "ManifestFile", "share.manifest"),
        ],
        instances=2,
    )
    assert job["ProcessingJobStatus"] == "Completed", job
    logs = aws.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix="shares/"
    )["events"]
    said = sorted(event["message"] for event in logs)
    assert said == [
        "all a.csv b.csv c.csv",
        "all a.csv b.csv c.csv",
        "listed b.csv",
        "listed b.csv",
        "share a.csv c.csv",
        "share b.csv",
    ]


def test_processing_is_stopped(sagemaker: Any) -> None:
    stop = partial(sagemaker.stop_processing_job, ProcessingJobName="stops")
    job = process(sagemaker, "stops", ["sleep", "600"], begun=stop)
    assert job["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(sagemaker.exceptions.ClientError, match="is in status Stopped"):
        stop()


def test_processing_that_fails_shows_its_last_lines(sagemaker: Any) -> None:
    job = process(sagemaker, "fails", ["sh", "-c", "echo half way; exit 2"])
    assert job["ProcessingJobStatus"] == "Failed"
    assert "half way" in job["FailureReason"]


# batch transform


def transform(
    sagemaker: Any, name: str, begun: Callable[[], Any] = nothing, **more: Any
) -> dict[str, Any]:
    known = [one["ModelName"] for one in sagemaker.list_models(NameContains="upper")["Models"]]
    if not known:
        container = {"Image": OWN}
        sagemaker.create_model(ModelName="upper", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}}
    told = {"DataSource": source, "ContentType": "text/csv", **more.pop("TransformInput", {})}
    output = {"S3OutputPath": f"s3://{BUCKET}/{name}", **more.pop("TransformOutput", {})}
    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName="upper",
        TransformInput=told,
        TransformOutput=output,
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **more,
    )
    begun()
    look = lambda: sagemaker.describe_transform_job(TransformJobName=name)  # noqa: E731
    found: dict[str, Any] = wait_for(
        look, lambda job: job["TransformJobStatus"] not in ("InProgress", "Stopping"), 60
    )
    return found


def asked(aws: Aws, name: str) -> list[str]:
    logs = aws.client("logs")
    found = logs.filter_log_events(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix=f"{name}/"
    )
    said = [event["message"] for event in found["events"]]
    return sorted(line for line in said if line.startswith("asked "))


@pytest.mark.parametrize(
    ("name", "change", "requests"),
    [
        ("whole", {}, 3),
        ("lines", {"TransformInput": {"SplitType": "Line"}, "BatchStrategy": "SingleRecord"}, 6),
        ("many", {"TransformInput": {"SplitType": "Line"}, "BatchStrategy": "MultiRecord"}, 3),
    ],
)
def test_transform_asks_about_each_object_and_keeps_the_answers(
    aws: Aws, sagemaker: Any, name: str, change: dict[str, Any], requests: int
) -> None:
    job = transform(sagemaker, name, TransformOutput={"AssembleWith": "Line"}, **change)
    assert job["TransformJobStatus"] == "Completed", job
    s3 = aws.client("s3")
    for word in "abc":
        found = s3.get_object(Bucket=BUCKET, Key=f"{name}/{word}.csv.out")["Body"].read().decode()
        assert found == f"{word.upper()}1\n{word.upper()}2\n"
    assert len(asked(aws, name)) == requests


def test_transform_fails_with_what_the_model_has_said(aws: Aws, sagemaker: Any) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key="ill/a.csv", Body=b"bad row\n")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/ill/"}}
    job = transform(sagemaker, "ill", TransformInput={"DataSource": source})
    assert job["TransformJobStatus"] == "Failed"
    assert "received 422" in job["FailureReason"] and "BAD ROW" in job["FailureReason"]
    found = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="ill/a.csv.out")
    assert found["KeyCount"] == 0


def test_a_transform_unpacks_what_is_packed_and_knows_manifests(aws: Aws, sagemaker: Any) -> None:
    s3 = aws.client("s3")
    entries: list[Any] = [{"prefix": f"s3://{BUCKET}/packed/"}, "x/a.gz", "empty.gz"]
    for key, content in {
        "packed/x/a.gz": gzip.compress(b"a1\n"),
        "packed/empty.gz": gzip.compress(b""),
        "packed/other.gz": gzip.compress(b"b1\n"),
        "packed.manifest": json.dumps(entries).encode(),
        "plain/a.gz": b"a1\n",
    }.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    manifest = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{BUCKET}/packed.manifest"}
    told = {"CompressionType": "Gzip", "SplitType": "Line"}
    job = transform(
        sagemaker, "unpacks", TransformInput={**told, "DataSource": {"S3DataSource": manifest}}
    )
    assert job["TransformJobStatus"] == "Completed", job
    kept = s3.list_objects_v2(Bucket=BUCKET, Prefix="unpacks/")["Contents"]
    assert [one["Key"] for one in kept] == ["unpacks/empty.gz.out", "unpacks/x/a.gz.out"]
    found = s3.get_object(Bucket=BUCKET, Key="unpacks/x/a.gz.out")["Body"].read()
    assert found.strip() == b"A1"
    plain = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/plain/"}
    job = transform(
        sagemaker, "unpacked", TransformInput={**told, "DataSource": {"S3DataSource": plain}}
    )
    assert "plain/a.gz is not packed by Gzip" in job["FailureReason"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"MaxPayloadInMB": 50, "MaxConcurrentTransforms": 3}, "must not exceed 100 MB"),
        ({"TransformInput": "AugmentedManifestFile"}, "supports no AugmentedManifestFile"),
    ],
)
def test_a_transform_that_is_none_is_refused(
    sagemaker: Any, more: dict[str, Any], said: str
) -> None:
    if kind := more.get("TransformInput"):
        data = {"S3DataType": kind, "S3Uri": f"s3://{BUCKET}/in/"}
        more = {"TransformInput": {"DataSource": {"S3DataSource": data}}}
    with pytest.raises(sagemaker.exceptions.ClientError, match=said):
        transform(sagemaker, "refused", **more)


def test_a_transform_is_stopped_while_the_model_thinks(aws: Aws, sagemaker: Any) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key="nap/a.csv", Body=b"nap\n")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/nap/"}}

    def stop() -> None:
        wait_for(lambda: asked(aws, "thinks"), bool, 60)
        sagemaker.stop_transform_job(TransformJobName="thinks")

    job = transform(sagemaker, "thinks", begun=stop, TransformInput={"DataSource": source})
    assert job["TransformJobStatus"] == "Stopped"
    # the model itself would have thought for ten minutes
    assert (job["TransformEndTime"] - job["TransformStartTime"]).total_seconds() < 300


def test_a_transform_that_is_stopped_keeps_nothing(aws: Aws, sagemaker: Any) -> None:
    rule = {"operation": "sagemaker.CreateTransformJob", "times": 1, "stuck": True}
    aws.ask("POST", "/emulator/faults", rule)
    stop = partial(sagemaker.stop_transform_job, TransformJobName="halts")
    job = transform(sagemaker, "halts", begun=stop)
    assert job["TransformJobStatus"] == "Stopped"
    found = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="halts/")
    assert found["KeyCount"] == 0


@pytest.mark.parametrize(
    ("name", "processing", "wanted"),
    [
        ("joins", {"JoinSource": "Input"}, "a1,A1\na2,A2\n"),
        ("filters", {"InputFilter": "$[0:1]", "OutputFilter": "$[-1]"}, "A1\nA2\n"),
        ("both", {"JoinSource": "Input", "OutputFilter": "$[1,0]"}, "A1,a1\nA2,a2\n"),
    ],
)
def test_transform_joins_what_was_asked_with_the_answers(
    aws: Aws, sagemaker: Any, name: str, processing: dict[str, str], wanted: str
) -> None:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/a"}}
    told = {"SplitType": "Line", "DataSource": source}
    job = transform(sagemaker, name, TransformInput=told, DataProcessing=processing)
    assert job["TransformJobStatus"] == "Completed", job
    found = aws.client("s3").get_object(Bucket=BUCKET, Key=f"{name}/a.csv.out")["Body"].read()
    assert found.decode() == wanted


@pytest.mark.parametrize(
    ("asked", "kind", "answer", "processing", "sent", "kept"),
    [
        (
            b'{"id": 1, "x": [1, 2]}',
            "application/json",
            b'{"y": 3}',
            Processing("$.x", "$", True),
            b"[1, 2]",
            b'{"id": 1, "x": [1, 2], "SageMakerOutput": {"y": 3}}',
        ),
        (
            b'{"id": 1, "x": 2}\n{"id": 2, "x": 3}\n',
            "application/jsonlines",
            b"[4, 9]",
            Processing("$['x']", "$.SageMakerOutput", True),
            b"2\n3",
            b"4\n9",
        ),
        (
            b"7,1,2\n8,3,4\n",
            "text/csv",
            b"a\nb\n",
            Processing("$[1:]", "$[0,-1]", True),
            b"1,2\n3,4\n",
            b"7,a\n8,b\n",
        ),
        (
            b'{"id": "\xc3\xa4", "x": {"a": 1, "b": 2}}',
            "application/json",
            b"0.5",
            Processing("$.x.*", "$['id', 'SageMakerOutput']", True),
            b"[1, 2]",
            b'{"id": "\xc3\xa4", "SageMakerOutput": 0.5}',
        ),
        (b"[[1], [2]]", "application/json", b"[3]", Processing("$[*]"), b"[[1], [2]]", b"[3]"),
        (b"x", "image/png", b"y", Processing(), b"x", b"y"),
    ],
)
def test_records_are_taken_apart_and_put_together(
    asked: bytes, kind: str, answer: bytes, processing: Processing, sent: bytes, kept: bytes
) -> None:
    assert joining.sent(asked, kind, processing) == sent
    assert joining.kept(asked, kind, answer, kind, processing) == kept


@pytest.mark.parametrize("path", ["x", "$..x", "$.x[?(@.y)]", "$['a',1]", "$[1", "$x", ""])
def test_paths_that_are_not_known_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no JSONPath"):
        joining.steps_of(path)


def test_answers_that_do_not_fit_are_told() -> None:
    joined = Processing(is_joined=True)
    with pytest.raises(DataError, match="2 records were asked and 1 answered"):
        joining.kept(b"1\n2\n", "text/csv", b"a\n", "text/csv", joined)
    with pytest.raises(DataError, match="is no application/json"):
        joining.kept(b"{", "application/json", b"1", "application/json", joined)
    with pytest.raises(DataError, match="nothing is at"):
        joining.sent(b'{"a": 1}', "application/json", Processing("$.b"))


RECORD_IO = b"\x0a\x23\xd7\xce\x03\x00\x00\x00abc\x00" + b"\x0a\x23\xd7\xce\x04\x00\x00\x00defg"
TF_RECORD = b"\x03" + b"\x00" * 7 + b"sum_" + b"abc" + b"sum_"


@pytest.mark.parametrize(
    ("content", "split", "strategy", "limit", "wanted"),
    [
        (b"a\nb\nc\n", "Line", "MultiRecord", 4, [b"a\nb\n", b"c\n"]),
        (b"a\n\nb", "Line", "SingleRecord", 9, [b"a\n", b"b"]),
        (b"a\r\nb\r\n", "Line", "SingleRecord", 0, [b"a\r\n", b"b\r\n"]),
        (b"a\nb", "None", "MultiRecord", 9, [b"a\nb"]),
        (b"", "Line", "MultiRecord", 9, []),
        (RECORD_IO, "RecordIO", "SingleRecord", 99, [RECORD_IO[:12], RECORD_IO[12:]]),
        (TF_RECORD * 2, "TFRecord", "SingleRecord", 99, [TF_RECORD, TF_RECORD]),
    ],
)
def test_files_are_cut_into_requests(
    content: bytes, split: str, strategy: str, limit: int, wanted: list[bytes]
) -> None:
    found = batches("name", content, split, strategy, limit)
    assert [batch.content for batch in found] == wanted


@pytest.mark.parametrize(
    ("content", "split"),
    [(b"12345678901", "Line"), (b"no record", "RecordIO"), (TF_RECORD[:-1], "TFRecord")],
)
def test_files_that_cannot_be_cut_are_told(content: bytes, split: str) -> None:
    with pytest.raises(DataError, match="ClientError"):
        batches("name", content, split, "SingleRecord", 10)


def test_answers_are_put_together_with_line_ends_where_there_are_none() -> None:
    assert joined([b"a", b"b\n", b""], "Line") == b"a\nb\n\n"
    assert joined([b"a", b"b"], "None") == b"ab"
