"""Endpoints that really answer: variants, shadows, pipelines, updates under load, and failures."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator_client import wait_for
from tests.emulator.sagemaker.aws import BUCKET, IMAGE, QUICK, ROLE, Aws, packed, variant

OWN = "own/echo:1"
SERVE = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
if os.environ.get("BREAK"):
    sys.exit("cannot load the model")
class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        print("asked", body, flush=True)
        if body.startswith("wait "):
            while not os.path.exists(body[5:]):
                time.sleep(0.02)
        said = {"word": os.environ.get("WORD"), "got": body, "type": self.headers["content-type"]}
        self.answer(int(body[5:]) if body.startswith("fail ") else 200, json.dumps(said).encode())
    def log_message(self, *words):
        pass
ThreadingHTTPServer(("", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What servers have at /opt/own."""
    found = tmp_path_factory.mktemp("own")
    (found / "serve.py").write_text(SERVE)
    return found


@pytest.fixture(scope="module")
def sagemaker(aws: Aws, folder: Path) -> Any:
    image = {"mounts": {"/opt/own": str(folder)}, "command": ["python", "/opt/own/serve.py"]}
    aws.stand_in({OWN: image})
    client = aws.client("sagemaker")
    for word in ("one", "two", "three"):
        model(client, word, {"WORD": word})
        client.create_endpoint_config(EndpointConfigName=word, ProductionVariants=[variant(word)])
    model(client, "bad", {"BREAK": "1"})
    client.create_endpoint_config(EndpointConfigName="bad", ProductionVariants=[variant("bad")])
    return client


@pytest.fixture(scope="module")
def served(sagemaker: Any) -> str:
    """An endpoint that answers with ``one``, for tests that leave it so."""
    create(sagemaker, "served", "one")
    return "served"


def model(client: Any, name: str, *environments: dict[str, str]) -> None:
    containers = [{"Image": OWN, "Environment": env} for env in environments]
    client.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=containers)


def create(client: Any, name: str, config: str) -> None:
    client.create_endpoint(EndpointName=name, EndpointConfigName=config)
    in_service(client, name)


def in_service(client: Any, name: str) -> dict[str, Any]:
    client.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=QUICK)
    found: dict[str, Any] = client.describe_endpoint(EndpointName=name)
    return found


def ask(aws: Aws, name: str, body: str = "hello", **more: Any) -> dict[str, Any]:
    answer = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, Body=body.encode(), ContentType="text/plain", **more
    )
    return {"variant": answer["InvokedProductionVariant"], **json.load(answer["Body"])}


def error_of(call: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(import_module("botocore.exceptions").ClientError) as caught:
        call()
    found: dict[str, Any] = caught.value.response
    return found


def test_requests_are_shared_by_weight_or_go_where_they_want(aws: Aws, sagemaker: Any) -> None:
    sagemaker.create_endpoint_config(
        EndpointConfigName="shared",
        ProductionVariants=[
            variant("one", "first", InitialVariantWeight=3),
            variant("two", "second", InitialVariantWeight=1),
        ],
    )
    create(sagemaker, "shared", "shared")
    counted = Counter(ask(aws, "shared")["variant"] for _ in range(8))
    assert counted == {"first": 6, "second": 2}
    assert ask(aws, "shared", TargetVariant="second")["word"] == "two"
    unknown = error_of(lambda: ask(aws, "shared", TargetVariant="third"))
    assert unknown["Error"]["Code"] == "ValidationError"

    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="shared",
        DesiredWeightsAndCapacities=[
            {"VariantName": "first", "DesiredWeight": 0},
            {"VariantName": "second", "DesiredWeight": 1, "DesiredInstanceCount": 2},
        ],
    )
    shown = in_service(sagemaker, "shared")
    weights = {one["VariantName"]: one["CurrentWeight"] for one in shown["ProductionVariants"]}
    assert weights == {"first": 0, "second": 1}
    assert {ask(aws, "shared")["variant"] for _ in range(4)} == {"second"}

    sagemaker.create_endpoint_config(
        EndpointConfigName="shared-2",
        ProductionVariants=[
            variant("one", "first", InitialVariantWeight=3),
            variant("three", "second", InitialVariantWeight=3),
        ],
    )
    sagemaker.update_endpoint(
        EndpointName="shared",
        EndpointConfigName="shared-2",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredInstanceCount"}],
    )
    shown = in_service(sagemaker, "shared")
    kept = {one["VariantName"]: one for one in shown["ProductionVariants"]}
    assert kept["second"]["CurrentWeight"] == 1 and kept["first"]["CurrentWeight"] == 0
    assert kept["second"]["CurrentInstanceCount"] == 1
    assert ask(aws, "shared")["word"] == "three"


def test_a_pipeline_passes_answers_on_and_a_shadow_gets_a_copy(aws: Aws, sagemaker: Any) -> None:
    model(sagemaker, "pipeline", {"WORD": "before"}, {"WORD": "after"})
    sagemaker.create_endpoint_config(
        EndpointConfigName="pipeline",
        ProductionVariants=[variant("pipeline")],
        ShadowProductionVariants=[variant("two", "Shadow")],
    )
    create(sagemaker, "pipeline", "pipeline")
    answer = ask(aws, "pipeline")
    assert answer["word"] == "after" and answer["type"] == "application/json"
    assert json.loads(answer["got"]) == {"word": "before", "got": "hello", "type": "text/plain"}
    logs, group = aws.client("logs"), "/aws/sagemaker/Endpoints/pipeline"

    def seen() -> list[str]:
        try:
            found = logs.filter_log_events(logGroupName=group, logStreamNamePrefix="Shadow/")
        except logs.exceptions.ResourceNotFoundException:
            return []  # it comes with its first line
        return [event["message"] for event in found["events"]]

    wait_for(seen, lambda lines: "asked hello" in lines)
    shown = sagemaker.describe_endpoint(EndpointName="pipeline")
    assert [one["VariantName"] for one in shown["ShadowProductionVariants"]] == ["Shadow"]


def test_no_request_is_lost_while_an_endpoint_moves(aws: Aws, sagemaker: Any) -> None:
    create(sagemaker, "moves", "one")
    runtime, over = aws.client("sagemaker-runtime"), threading.Event()
    words: list[str] = []
    failed: list[Exception] = []

    def load() -> None:
        while not over.wait(0.05):
            try:
                answer = runtime.invoke_endpoint(EndpointName="moves", Body=b"x")
                words.append(json.load(answer["Body"])["word"])
            except Exception as error:
                failed.append(error)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        sagemaker.update_endpoint(EndpointName="moves", EndpointConfigName="two")
        pending = sagemaker.describe_endpoint(EndpointName="moves")
        in_service(sagemaker, "moves")
        sagemaker.update_endpoint(EndpointName="moves", EndpointConfigName="bad")
        shown = in_service(sagemaker, "moves")
        before = len(words)
        wait_for(lambda: len(words), lambda count: count > before + 5)
    finally:
        over.set()
        thread.join()
    assert not failed
    assert words[0] == "one" and set(words[before:]) == {"two"}
    if pending["EndpointStatus"] == "Updating":
        assert pending["EndpointConfigName"] == "one"
        assert pending["PendingDeploymentSummary"]["EndpointConfigName"] == "two"
    # the rollback is silent but for a reason, and the failed container's lines are there
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("InService", "two")
    assert "variant AllTraffic did not pass the ping health check" in shown["FailureReason"]
    logs = aws.client("logs").filter_log_events(logGroupName="/aws/sagemaker/Endpoints/moves")
    assert "cannot load the model" in [event["message"] for event in logs["events"]]
    sagemaker.update_endpoint(EndpointName="moves", EndpointConfigName="three")
    # AWS goes on telling why an earlier update failed
    assert in_service(sagemaker, "moves")["FailureReason"] == shown["FailureReason"]


def test_what_is_being_answered_is_answered_by_whom_it_was_asked(
    aws: Aws, sagemaker: Any, folder: Path
) -> None:
    create(sagemaker, "slow", "one")
    body = "wait /opt/own/done"
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, aws, "slow", body)
        logs, group = aws.client("logs"), "/aws/sagemaker/Endpoints/slow"

        def seen() -> list[str]:
            try:
                found = logs.filter_log_events(logGroupName=group)
            except logs.exceptions.ResourceNotFoundException:
                return []
            return [event["message"] for event in found["events"]]

        wait_for(seen, lambda lines: f"asked {body}" in lines)
        sagemaker.update_endpoint(EndpointName="slow", EndpointConfigName="two")
        in_service(sagemaker, "slow")
        assert ask(aws, "slow")["word"] == "two"
        assert not answer.done()
        (folder / "done").touch()
        assert answer.result(30)["word"] == "one"


def test_a_rollback_may_have_no_reason_at_all(aws: Aws, sagemaker: Any, served: str) -> None:
    rule = {"operation": "sagemaker.UpdateEndpoint", "rollback": True, "times": 1}
    aws.ask("POST", "/emulator/faults", rule)
    sagemaker.update_endpoint(EndpointName=served, EndpointConfigName="two")
    shown = in_service(sagemaker, served)
    assert shown["EndpointConfigName"] == "one"
    assert "FailureReason" not in shown
    assert ask(aws, served)["word"] == "one"


def test_what_is_busy_can_be_neither_updated_nor_deleted(aws: Aws, sagemaker: Any) -> None:
    rule = {"operation": "sagemaker.CreateEndpoint", "stuck": True, "times": 1}
    aws.ask("POST", "/emulator/faults", rule)
    sagemaker.create_endpoint(EndpointName="busy", EndpointConfigName="one")
    arn = sagemaker.describe_endpoint(EndpointName="busy")["EndpointArn"]
    weights = [{"VariantName": "AllTraffic", "DesiredWeight": 1}]
    for call in (
        lambda: sagemaker.update_endpoint(EndpointName="busy", EndpointConfigName="two"),
        lambda: sagemaker.delete_endpoint(EndpointName="busy"),
        lambda: sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="busy", DesiredWeightsAndCapacities=weights
        ),
    ):
        error = error_of(call)["Error"]
        assert error["Code"] == "ValidationException"
        assert error["Message"] == f'Cannot update in-progress endpoint "{arn}".'
    missing = error_of(lambda: ask(aws, "busy"))["Error"]
    assert missing["Code"] == "ValidationError" and "busy of account" in missing["Message"]


def test_an_endpoint_that_fails_can_only_be_deleted(sagemaker: Any) -> None:
    container = {"Image": "no/one:1"}
    sagemaker.create_model(ModelName="no", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    sagemaker.create_endpoint_config(EndpointConfigName="no", ProductionVariants=[variant("no")])
    sagemaker.create_endpoint(EndpointName="fails", EndpointConfigName="no")
    look = lambda: sagemaker.describe_endpoint(EndpointName="fails")  # noqa: E731
    shown = wait_for(look, lambda found: found["EndpointStatus"] != "Creating", 60)
    assert shown["EndpointStatus"] == "Failed"
    assert "nothing stands in for image no/one:1" in shown["FailureReason"]
    error = error_of(
        lambda: sagemaker.update_endpoint(EndpointName="fails", EndpointConfigName="one")
    )["Error"]
    assert error["Code"] == "ValidationException" and "endpoint/fails" in error["Message"]
    sagemaker.delete_endpoint(EndpointName="fails")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="fails", WaiterConfig=QUICK)
    names = sagemaker.list_endpoints(NameContains="fails")["Endpoints"]
    assert names == []


def test_without_its_old_configuration_an_endpoint_cannot_move(sagemaker: Any) -> None:
    sagemaker.create_endpoint_config(EndpointConfigName="gone", ProductionVariants=[variant("one")])
    create(sagemaker, "orphan", "gone")
    sagemaker.delete_endpoint_config(EndpointConfigName="gone")
    error = error_of(
        lambda: sagemaker.update_endpoint(EndpointName="orphan", EndpointConfigName="two")
    )["Error"]
    assert error["Message"].startswith("Could not find endpoint configuration ")
    assert "endpoint-config/gone" in error["Message"]


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_the_error_of_a_model_is_told_as_its_own(aws: Aws, served: str, status: int) -> None:
    answer = error_of(lambda: ask(aws, served, f"fail {status}"))
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == status
    assert json.loads(answer["OriginalMessage"])["got"] == f"fail {status}"
    side = "server" if status >= 500 else "client"
    assert answer["Error"]["Message"].startswith(f"Received {side} error ({status}) from primary")


SCRIPT = """
def model_fn(folder):
    return 2
def predict_fn(data, model):
    return [[cell * model for cell in row] for row in data]
"""
WHOLE = """
def model_fn(folder):
    return open(folder + "/weight").read()
def transform_fn(model, body, content_type, accept):
    if content_type == "boom/boom":
        raise ValueError("no such thing")
    return f"{model} {body.decode()} {content_type}", "text/x-own"
"""


@pytest.mark.parametrize(
    ("script", "content_type", "accept", "body", "wanted"),
    [
        (SCRIPT, "application/json", "application/json", "[[1, 2]]", "[[2, 4]]"),
        (SCRIPT, "text/csv", "text/csv", "1,2\n3,4\n", "2.0,4.0\n6.0,8.0\n"),
        (SCRIPT, "image/png", "application/json", "x", 415),
        (SCRIPT, "application/json", "image/png", "[[1]]", 406),
        (WHOLE, "text/x-any", "text/x-any", "hi", "w hi text/x-any"),
        (WHOLE, "boom/boom", "text/x-any", "hi", 500),
    ],
)
def test_an_inference_script_serves_with_defaults_for_what_it_lacks(
    aws: Aws,
    sagemaker: Any,
    script: str,
    content_type: str,
    accept: str,
    body: str,
    wanted: str | int,
) -> None:
    name = "script" if script == SCRIPT else "whole"
    if name not in {one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]}:
        content = packed({"code/inference.py": script, "weight": "w"})
        aws.client("s3").put_object(Bucket=BUCKET, Key=f"{name}.tar.gz", Body=content)
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{name}.tar.gz"}
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant(name)]
        )
        create(sagemaker, name, name)
    call = partial(
        aws.client("sagemaker-runtime").invoke_endpoint,
        EndpointName=name,
        Body=body.encode(),
        ContentType=content_type,
        Accept=accept,
    )
    if isinstance(wanted, int):
        assert error_of(call)["OriginalStatusCode"] == wanted
    else:
        assert call()["Body"].read().decode() == wanted


def test_serving_from_a_folder_and_with_a_script_of_its_own(aws: Aws, sagemaker: Any) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key="plain/weight", Body=b"p")
    s3.put_object(Bucket=BUCKET, Key="plain.tar.gz", Body=packed({"own.py": WHOLE}))
    data = {"S3Uri": f"s3://{BUCKET}/plain/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    env = {
        "SAGEMAKER_PROGRAM": "own.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/plain.tar.gz",
    }
    sagemaker.create_model(
        ModelName="plain",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={
            "Image": IMAGE,
            "ModelDataSource": {"S3DataSource": data},
            "Environment": env,
        },
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName="plain", ProductionVariants=[variant("plain")]
    )
    create(sagemaker, "plain", "plain")
    answer = aws.client("sagemaker-runtime").invoke_endpoint(EndpointName="plain", Body=b"x")
    assert answer["Body"].read().startswith(b"p x")
    assert answer["ContentType"] == "text/x-own"


def test_lines_of_a_log_are_read_page_by_page_in_both_directions(aws: Aws, served: str) -> None:
    for number in range(9):
        ask(aws, served, f"line {number}")
    logs, group = aws.client("logs"), f"/aws/sagemaker/Endpoints/{served}"
    assert group in [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    streams = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime")
    stream = {
        "logGroupName": group,
        "logStreamName": streams["logStreams"][-1]["logStreamName"],
    }
    last_said = partial(logs.get_log_events, **stream, limit=1)
    wait_for(last_said, lambda answer: answer["events"][0]["message"] == "asked line 8")
    seen: list[str] = []
    found = logs.get_log_events(**stream, startFromHead=True, limit=2)
    while found["events"]:
        assert len(found["events"]) <= 2
        seen += [event["message"] for event in found["events"]]
        token = found["nextForwardToken"]
        found = logs.get_log_events(**stream, nextToken=token, limit=2)
    assert found["nextForwardToken"] == token, "the same token again is the end"
    asked = [line for line in seen if line.startswith("asked line")]
    assert asked == [f"asked line {number}" for number in range(9)]
    last = logs.get_log_events(**stream, limit=2)
    assert [event["message"] for event in last["events"]] == seen[-2:]
    earlier = logs.get_log_events(**stream, nextToken=last["nextBackwardToken"], limit=3)
    assert [event["message"] for event in earlier["events"]] == seen[-5:-2]
    for missing in ({"logStreamName": "no"}, {"logGroupName": "/aws/sagemaker/no"}):
        error = error_of(partial(logs.get_log_events, **{**stream, **missing}))["Error"]
        assert error["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_an_answer_may_be_streamed(aws: Aws, served: str, size: int) -> None:
    runtime = aws.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint_with_response_stream(EndpointName=served, Body=b"x" * size)
    pieces = [event["PayloadPart"]["Bytes"] for event in answer["Body"]]
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert json.loads(b"".join(pieces))["got"] == "x" * size
    error = error_of(
        lambda: runtime.invoke_endpoint_with_response_stream(EndpointName=served, Body=b"fail 418")
    )
    assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 418)


def test_an_asynchronous_endpoint_answers_in_the_bucket(aws: Aws, sagemaker: Any) -> None:
    place = {"S3OutputPath": f"s3://{BUCKET}/later", "S3FailurePath": f"s3://{BUCKET}/failed"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="later",
        ProductionVariants=[variant("one")],
        AsyncInferenceConfig={"OutputConfig": place},
    )
    create(sagemaker, "later", "later")
    runtime, s3 = aws.client("sagemaker-runtime"), aws.client("s3")

    def content(url: str) -> bytes:
        try:
            found = s3.get_object(Bucket=BUCKET, Key=url.split("/", 3)[3])
        except s3.exceptions.NoSuchKey:
            return b""
        return bytes(found["Body"].read())

    for key, body, location in (
        ("good", "hello", "OutputLocation"),
        ("bad", "fail 500", "FailureLocation"),
        ("missing", "", "FailureLocation"),
    ):
        if body:
            s3.put_object(Bucket=BUCKET, Key=f"asked/{key}", Body=body.encode())
        told = {"InputLocation": f"s3://{BUCKET}/asked/{key}", "ContentType": "text/plain"}
        answer = runtime.invoke_endpoint_async(EndpointName="later", **told)
        assert answer["InferenceId"]
        found = wait_for(partial(content, answer[location]), bool)
        if key == "good":
            assert json.loads(found) == {"word": "one", "got": "hello", "type": "text/plain"}
        else:
            assert b"error (500)" in found or b"Could not find" in found
    error = error_of(
        lambda: runtime.invoke_endpoint_async(EndpointName="moves", InputLocation="s3://a/b")
    )
    assert error["Error"]["Code"] == "ValidationError"
    for at_once in (runtime.invoke_endpoint, runtime.invoke_endpoint_with_response_stream):
        error = error_of(partial(at_once, EndpointName="later", Body=b"x"))
        assert error["Error"]["Code"] == "ValidationError"
        assert "InvokeEndpointAsync only" in error["Error"]["Message"]


def test_what_is_asked_and_answered_is_captured(aws: Aws, sagemaker: Any) -> None:
    captured = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["text/own"]},
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName="captured",
        ProductionVariants=[variant("one")],
        DataCaptureConfig=captured,
    )
    create(sagemaker, "captured", "captured")
    shown = sagemaker.describe_endpoint(EndpointName="captured")["DataCaptureConfig"]
    assert (shown["CaptureStatus"], shown["CurrentSamplingPercentage"]) == ("Started", 100)
    runtime, s3 = aws.client("sagemaker-runtime"), aws.client("s3")
    for kind, body in (("text/own", "[1]"), ("image/png", "x")):
        runtime.invoke_endpoint(EndpointName="captured", Body=body.encode(), ContentType=kind)
    prefix = "captured/captured/AllTraffic/"
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    lines = [s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in listed]
    asked = [json.loads(line)["captureData"]["endpointInput"] for line in lines]
    assert sorted((one["encoding"], one["data"]) for one in asked) == [
        ("BASE64", "eA=="),
        ("JSON", "[1]"),
    ]
    answered = [json.loads(line)["captureData"]["endpointOutput"]["data"] for line in lines]
    assert sorted(json.loads(text)["got"] for text in answered) == ["[1]", "x"]


@pytest.mark.parametrize("word", ["SystemUpdating", "UpdateRollbackFailed", "OutOfService"])
def test_a_status_that_is_rare_can_be_had(aws: Aws, sagemaker: Any, served: str, word: str) -> None:
    rule = {"operation": "sagemaker.DescribeEndpoint", "status-word": word, "times": 1}
    aws.ask("POST", "/emulator/faults", rule)
    assert sagemaker.describe_endpoint(EndpointName=served)["EndpointStatus"] == word
    assert sagemaker.describe_endpoint(EndpointName=served)["EndpointStatus"] == "InService"


def test_what_was_asked_is_counted_in_cloudwatch(aws: Aws, served: str) -> None:
    pytest.importorskip("moto")
    ask(aws, served)
    error_of(lambda: ask(aws, served, "fail 500"))
    now = datetime.now(UTC)
    found = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[
            {"Name": "EndpointName", "Value": served},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=5),
        Period=7200,
        Statistics=["Sum", "SampleCount"],
    )
    points = found["Datapoints"]
    assert sum(one["Sum"] for one in points) >= 1
    assert sum(one["SampleCount"] for one in points) > sum(one["Sum"] for one in points)
