"""What else of AWS is behind the same url: S3, STS, and moto's IAM and SSM."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests

from cicd.emulator.faults.rules import read
from cicd.emulator.sagemaker import elsewhere
from tests.emulator.sagemaker.aws import BUCKET, Aws


def error_of(call: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(importlib.import_module("botocore.exceptions").ClientError) as caught:
        call()
    found: dict[str, Any] = caught.value.response
    return found


def with_login(aws: Aws, login: dict[str, Any]) -> Callable[..., Any]:
    """Clients with a temporary login."""
    changed = {
        "AWS_ACCESS_KEY_ID": login["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": login["SecretAccessKey"],
        "AWS_SESSION_TOKEN": login["SessionToken"],
    }
    return Aws(aws.world, {**aws.environ, **changed}).client


def test_the_caller_is_known(aws: Aws) -> None:
    found = aws.client("sts").get_caller_identity()
    assert found["Account"] == "123456789012"
    assert found["Arn"] == "arn:aws:iam::123456789012:user/emulator"


@pytest.mark.parametrize(
    ("call", "arn"),
    [
        (
            lambda sts: sts.assume_role(
                RoleArn="arn:aws:iam::123456789012:role/team/ops", RoleSessionName="me"
            ),
            "arn:aws:sts::123456789012:assumed-role/ops/me",
        ),
        (
            lambda sts: sts.assume_role_with_web_identity(
                RoleArn="arn:aws:iam::123456789012:role/ci",
                RoleSessionName="run-1",
                WebIdentityToken="e.y.J" * 5,
            ),
            "arn:aws:sts::123456789012:assumed-role/ci/run-1",
        ),
        (lambda sts: sts.get_session_token(), "arn:aws:iam::123456789012:user/emulator"),
    ],
)
def test_a_temporary_login_is_good_everywhere(
    aws: Aws, call: Callable[[Any], Any], arn: str
) -> None:
    client = with_login(aws, call(aws.client("sts"))["Credentials"])
    assert client("sts").get_caller_identity()["Arn"] == arn
    assert "Models" in client("sagemaker").list_models()
    client("s3").put_object(Bucket=BUCKET, Key="by/guest", Body=b"x")
    assert client("s3").get_object(Bucket=BUCKET, Key="by/guest")["Body"].read() == b"x"


def test_a_temporary_login_ends_and_cannot_be_made_up(aws: Aws) -> None:
    role = {"RoleArn": "arn:aws:iam::123456789012:role/ops", "RoleSessionName": "me"}
    made = aws.client("sts").assume_role(**role)["Credentials"]
    other = {**made, "SessionToken": made["SessionToken"][:-1]}
    code = error_of(with_login(aws, other)("sagemaker").list_models)["Error"]["Code"]
    assert code == "UnrecognizedClientException"
    head, _, tail = made["SessionToken"].partition(".")
    longer = {**made, "SessionToken": f"{head}A.{tail}"}
    code = error_of(with_login(aws, longer)("sagemaker").list_models)["Error"]["Code"]
    assert code == "UnrecognizedClientException"
    over = aws.client("sts", parameter_validation=False).assume_role(**role, DurationSeconds=-1)[
        "Credentials"
    ]
    code = error_of(with_login(aws, over)("sagemaker").list_models)["Error"]["Code"]
    assert code == "ExpiredTokenException"
    code = error_of(partial(with_login(aws, over)("s3").list_buckets))["Error"]["Code"]
    assert code == "InvalidAccessKeyId"


def test_objects_are_written_on_conditions(aws: Aws) -> None:
    s3 = aws.client("s3")
    first = s3.put_object(Bucket=BUCKET, Key="lock", Body=b"a", IfNoneMatch="*")
    error = error_of(partial(s3.put_object, Bucket=BUCKET, Key="lock", Body=b"b", IfNoneMatch="*"))
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 412
    s3.put_object(Bucket=BUCKET, Key="lock", Body=b"c", IfMatch=first["ETag"])
    assert s3.get_object(Bucket=BUCKET, Key="lock")["Body"].read() == b"c"
    assert (
        requests.get(
            s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "lock"}), timeout=30
        ).content
        == b"c"
    )


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"status": 503}, "SlowDown"),
        ({"status": 403, "message": "a <b> & c"}, "AccessDenied"),
        ({"status": 500}, "InternalError"),
        ({"status": 400, "code": "ExpiredToken", "message": "It has expired"}, "ExpiredToken"),
    ],
)
def test_a_fault_of_objects_is_worded_as_s3_words_it(
    aws: Aws, rule: dict[str, Any], code: str
) -> None:
    faults, s3 = aws.world.faults, aws.client("s3")
    faults.add([read({"operation": "sagemaker.s3.put", "times": 1, **rule}, faults.known)])
    with pytest.raises(s3.exceptions.ClientError) as caught:
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    told = caught.value.response
    assert told["Error"]["Code"] == code
    assert told["Error"]["Message"] == rule.get("message", told["Error"]["Message"])
    assert told["ResponseMetadata"]["HTTPStatusCode"] == rule["status"]
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")


def test_moto_answers_for_what_is_not_ours(aws: Aws) -> None:
    pytest.importorskip("moto")
    role = aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    assert role["Arn"] == "arn:aws:iam::123456789012:role/r"
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="lock", Value="me", Type="String")
    again = partial(ssm.put_parameter, Name="lock", Value="you", Type="String")
    assert error_of(again)["Error"]["Code"] == "ParameterAlreadyExists"
    assert ssm.get_parameter(Name="lock")["Parameter"]["Value"] == "me"


def test_what_moto_does_not_have_is_unknown_in_json(aws: Aws) -> None:
    """Operations, and services whose name it cannot even tell."""
    pytest.importorskip("moto")
    for ask in (
        partial(aws.client("ssm").start_automation_execution, DocumentName="x"),
        partial(aws.client("braket").search_devices, filters=[]),
        aws.client("bedrock").list_foundation_models,
    ):
        error = error_of(ask)
        assert error["Error"]["Code"] == "UnknownOperationException"
        assert error["ResponseMetadata"]["HTTPStatusCode"] < 500


def test_without_moto_the_one_line_that_installs_it_is_told(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "moto.moto_server.werkzeug_app", None)
    elsewhere.moto.cache_clear()
    try:
        error = error_of(aws.client("ssm").describe_parameters)
    finally:
        elsewhere.moto.cache_clear()
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "pip install 'aicore-cicd[local-aws]'" in error["Error"]["Message"]
