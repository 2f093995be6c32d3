"""The API without anything that runs: what is refused and how, lists, tags, search, packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from typing import Any

import pytest
import requests

from cicd.emulator.sagemaker import names
from cicd.emulator.sagemaker.services import SAGEMAKER
from tests.emulator.sagemaker.aws import IMAGE, ROLE, Aws, training, variant

ARN = "arn:aws:sagemaker:eu-central-1:123456789012"


@pytest.fixture(scope="module")
def sagemaker(aws: Aws) -> Any:
    return aws.client("sagemaker")


@pytest.fixture(scope="module")
def bold(aws: Aws) -> Any:
    """A client that sends whatever it is told to."""
    return aws.client("sagemaker", parameter_validation=False)


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    """Code and message of the error that a call ends with."""
    with pytest.raises(import_module("botocore.exceptions").ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error["Code"], error["Message"]


def make_model(client: Any, name: str, **more: Any) -> str:
    container = {"Image": IMAGE, **more}
    made = client.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return str(made["ModelArn"])


def make_config(client: Any, name: str, model: str, **more: Any) -> str:
    made = client.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant(model)], **more
    )
    return str(made["EndpointConfigArn"])


# every operation that is here, with inputs that lack what the service model requires


def requirements() -> Iterator[tuple[str, str]]:
    model = import_module("botocore.session").get_session().get_service_model("sagemaker")
    for name in sorted(SAGEMAKER):
        shape = model.operation_model(name).input_shape
        for member in shape.required_members:
            yield name, member


def test_every_required_input_that_is_missing_is_named(bold: Any) -> None:
    snake = import_module("botocore").xform_name
    found = 0
    for name, member in requirements():
        code, message = refused(getattr(bold, snake(name)))
        assert code == "ValidationException", (name, code, message)
        spelled = member[:1].lower() + member[1:]
        wanted = f"Value null at '{spelled}' failed to satisfy constraint: Member must not be null"
        assert wanted in message, (name, message)
        found += 1
    assert found > 40


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (
            {"TrainingJobName": "bad_name"},
            "1 validation error detected: Value 'bad_name' at 'trainingJobName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: "
            "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
        (
            {"TrainingJobName": "x" * 64},
            "at 'trainingJobName' failed to satisfy constraint: Member must have length less than "
            "or equal to 63",
        ),
        (
            {"ResourceConfig": {"InstanceType": "ml.huge", "InstanceCount": 1}},
            "Value 'ml.huge' at 'resourceConfig.instanceType' failed to satisfy constraint: Member "
            "must satisfy enum value set: [",
        ),
        (
            {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": -1}},
            "Value '-1' at 'resourceConfig.instanceCount' failed to satisfy constraint: Member "
            "must have value greater than or equal to 0",
        ),
        (
            {"HyperParameters": {"a": "x" * 2501}},
            "at 'hyperParameters' failed to satisfy constraint: Map value must satisfy constraint: "
            "[Member must have length less than or equal to 2500]",
        ),
        (
            {"InputDataConfig": [{"ChannelName": "a b", "DataSource": {}}]},
            "Value 'a b' at 'inputDataConfig.1.member.channelName' failed to satisfy constraint: ",
        ),
        (
            {"Tags": [{"Key": "a#b", "Value": "c"}]},
            "Value 'a#b' at 'tags.1.member.key' failed to satisfy constraint: ",
        ),
        (
            {"TrainingJobName": "b_d", "RoleArn": "x"},
            "3 validation errors detected: Value ",
        ),
        ({"StoppingCondition": None}, "StoppingCondition must be given"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "exactly one of TrainingImage"),
    ],
)
def test_what_the_service_model_says_of_values_is_held(
    bold: Any, change: dict[str, Any], wanted: str
) -> None:
    body = {key: value for key, value in training("job", **change).items() if value is not None}
    code, message = refused(lambda: bold.create_training_job(**body))
    assert code == "ValidationException"
    assert wanted in message, message


def test_values_of_another_type_are_no_values(bold: Any) -> None:
    body = training("job", HyperParameters={"epochs": 3})
    code, message = refused(lambda: bold.create_training_job(**body))
    assert (code, message) == (
        "SerializationException",
        "NUMBER_VALUE cannot be converted to String",
    )


def sent(aws: Aws, client: Any, target: str, body: bytes) -> requests.Response:
    """The answer to a signed request of any body."""
    url = aws.environ["AWS_ENDPOINT_URL"]
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    request = import_module("botocore.awsrequest").AWSRequest("POST", url, headers, body)
    auth = import_module("botocore.auth").SigV4Auth
    auth(client._get_credentials(), "sagemaker", "eu-central-1").add_auth(request)
    return requests.post(url, body, headers=dict(request.headers.items()), timeout=30)


@pytest.mark.parametrize(
    "target",
    [
        "SageMaker.CreateFeatureGroup",
        "SageMaker.CreateMonitoringSchedule",
        "SageMaker.NoSuchThing",
        "SageMaker.",
        "SageMaker",
        "Nobody.Knows",
        "Logs_20140328.PutLogEvents",
        "",
    ],
)
def test_an_operation_that_is_not_here_is_unknown(aws: Aws, sagemaker: Any, target: str) -> None:
    answer = sent(aws, sagemaker, target, b"{}")
    assert answer.status_code == 400
    assert answer.json()["__type"] == "UnknownOperationException"
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.headers["x-amzn-requestid"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "SerializationException"),
        (b"[]", "SerializationException"),
        (b"null", "SerializationException"),
        (b"\xff\xfe", "SerializationException"),
        (b'{"ModelName": [1]}', "SerializationException"),
        (b'{"ModelName": {}}', "SerializationException"),
        (b'{"ModelName": true}', "SerializationException"),
        (b"[" * 100_000, "SerializationException"),
        (b'{"ModelName": null}', "ValidationException"),
        (b"", "ValidationException"),
        (b'{"ModelName": "\xc3\xa4"}', "ValidationException"),
        (b'{"ModelName": "' + b"x" * 100_000 + b'"}', "ValidationException"),
        (b'{"ModelName": "a", "More": 1}', "ValidationException"),
    ],
)
def test_whatever_is_sent_is_answered_in_json(
    aws: Aws, sagemaker: Any, body: bytes, code: str
) -> None:
    answer = sent(aws, sagemaker, "SageMaker.DescribeModel", body)
    assert (answer.status_code, answer.json()["__type"]) == (400, code)


def test_a_body_that_is_too_large_is_refused(aws: Aws, sagemaker: Any) -> None:
    runtime = aws.client("sagemaker-runtime")
    with pytest.raises(import_module("botocore.exceptions").ClientError) as caught:
        runtime.invoke_endpoint(EndpointName="none", Body=b"x" * (27 * 2**20))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert sagemaker.list_models(NameContains="none")["Models"] == []


@pytest.mark.parametrize("number", range(3))
def test_of_many_who_take_a_name_at_once_one_has_it(aws: Aws, sagemaker: Any, number: int) -> None:
    def take(word: str) -> bool:
        try:
            make_model(sagemaker, f"raced-{number}", Environment={"WORD": word})
        except sagemaker.exceptions.ClientError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = [
            word for word, has in zip("abcdefgh", pool.map(take, "abcdefgh"), strict=True) if has
        ]
    shown = sagemaker.describe_model(ModelName=f"raced-{number}")
    assert won == [shown["PrimaryContainer"]["Environment"]["WORD"]]


def test_an_instance_may_be_in_any_region(aws: Aws) -> None:
    for region, partition in (("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")):
        client = aws.client("sagemaker", region_name=region)
        arn = make_model(client, f"in-{region}")
        assert arn == f"arn:{partition}:sagemaker:{region}:123456789012:model/in-{region}"


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (lambda c: c.describe_model(ModelName="no"), f'Could not find model "{ARN}:model/no".'),
        (lambda c: c.delete_model(ModelName="no"), f'Could not find model "{ARN}:model/no".'),
        (
            lambda c: c.describe_endpoint(EndpointName="no"),
            f'Could not find endpoint "{ARN}:endpoint/no".',
        ),
        (
            lambda c: c.delete_endpoint(EndpointName="no"),
            f'Could not find endpoint "{ARN}:endpoint/no".',
        ),
        (
            lambda c: c.create_endpoint(EndpointName="e", EndpointConfigName="no"),
            f'Could not find endpoint configuration "{ARN}:endpoint-config/no".',
        ),
        (
            lambda c: make_config(c, "config", "no"),
            f'Could not find model "{ARN}:model/no".',
        ),
        (
            lambda c: c.describe_training_job(TrainingJobName="no"),
            "Requested resource not found.",
        ),
        (lambda c: c.stop_training_job(TrainingJobName="no"), "Requested resource not found."),
        (
            lambda c: c.describe_processing_job(ProcessingJobName="no"),
            "Could not find requested job with name: no",
        ),
        (
            lambda c: c.describe_transform_job(TransformJobName="no"),
            "Could not find requested job with name: no",
        ),
        (
            lambda c: c.describe_model_package(ModelPackageName="no"),
            f"ModelPackage {ARN}:model-package/no does not exist.",
        ),
    ],
)
def test_what_is_not_there_is_told_in_words_only(
    sagemaker: Any, call: Callable[[Any], Any], wanted: str
) -> None:
    assert refused(lambda: call(sagemaker)) == ("ValidationException", wanted)


def test_a_name_that_is_taken_is_refused(sagemaker: Any) -> None:
    make_model(sagemaker, "taken")
    make_config(sagemaker, "taken", "taken")
    text = "Cannot create already existing"
    assert refused(lambda: make_model(sagemaker, "taken")) == (
        "ValidationException",
        f'{text} model "{ARN}:model/taken".',
    )
    assert refused(lambda: make_config(sagemaker, "taken", "taken")) == (
        "ValidationException",
        f'{text} endpoint configuration "{ARN}:endpoint-config/taken".',
    )


def test_what_is_made_is_shown_with_what_aws_adds(sagemaker: Any) -> None:
    arn = make_model(sagemaker, "shown", ModelDataUrl="s3://data/model.tar.gz")
    shown = sagemaker.describe_model(ModelName="shown")
    assert shown["ModelArn"] == arn == f"{ARN}:model/shown"
    assert shown["PrimaryContainer"]["Mode"] == "SingleModel"
    source = shown["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
    assert source["S3Uri"] == "s3://data/model.tar.gz"
    make_config(sagemaker, "shown", "shown")
    config = sagemaker.describe_endpoint_config(EndpointConfigName="shown")
    assert config["ProductionVariants"][0]["InitialVariantWeight"] == 1.0
    # nothing refuses to forget what others use
    sagemaker.delete_model(ModelName="shown")
    assert sagemaker.describe_endpoint_config(EndpointConfigName="shown")
    sagemaker.delete_endpoint_config(EndpointConfigName="shown")


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"ProductionVariants": [variant("m", "a"), variant("m", "a")]}, "Duplicate variant name"),
        ({"ProductionVariants": [variant("m", InstanceType=None)]}, "either InstanceType or"),
        (
            {
                "ProductionVariants": [
                    {
                        "VariantName": "a",
                        "ModelName": "m",
                        "ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 1},
                    }
                ]
            },
            "multiple of 1024",
        ),
        ({"ProductionVariants": [variant("m", InitialVariantWeight=0)]}, "a weight above 0"),
        ({"ProductionVariants": [{"VariantName": "a"}]}, "ModelName must be given"),
    ],
)
def test_configurations_that_cannot_serve_are_refused(
    sagemaker: Any, bold: Any, config: dict[str, Any], wanted: str
) -> None:
    models = sagemaker.list_models(NameContains="m")["Models"]
    if "m" not in {one["ModelName"] for one in models}:
        make_model(sagemaker, "m")
    code, message = refused(lambda: bold.create_endpoint_config(EndpointConfigName="c", **config))
    assert code == "ValidationException"
    assert wanted in message


# lists


@pytest.fixture(scope="module")
def many(sagemaker: Any) -> list[str]:
    """Models made one after the other."""
    names = [f"many-{number:02d}" for number in range(25)]
    for name in names:
        make_model(sagemaker, name)
    return names


def listed(client: Any, **more: Any) -> list[str]:
    pages = client.get_paginator("list_models").paginate(NameContains="many-", **more)
    return [one["ModelName"] for page in pages for one in page["Models"]]


def test_a_page_has_ten_and_pages_have_all(sagemaker: Any, many: list[str]) -> None:
    first = sagemaker.list_models(NameContains="many-")
    assert len(first["Models"]) == 10
    assert listed(sagemaker, SortBy="Name", SortOrder="Ascending") == many
    assert listed(sagemaker, SortBy="Name", SortOrder="Descending") == many[::-1]
    assert sorted(listed(sagemaker, PaginationConfig={"PageSize": 7})) == many
    assert listed(sagemaker) == many[::-1], "the newest come first"


def test_lists_are_narrowed_by_name_and_time(sagemaker: Any, many: list[str]) -> None:
    middle = sagemaker.describe_model(ModelName=many[12])["CreationTime"]
    assert sorted(listed(sagemaker, CreationTimeBefore=middle)) == many[:12]
    assert sorted(listed(sagemaker, CreationTimeAfter=middle)) == many[13:]
    found = sagemaker.list_models(NameContains="y-1", MaxResults=100)["Models"]
    assert sorted(one["ModelName"] for one in found) == many[10:20]
    assert sagemaker.list_models(NameContains="none")["Models"] == []
    jobs = sagemaker.list_training_jobs(StatusEquals="Failed", NameContains="none")
    assert jobs["TrainingJobSummaries"] == []


def test_pages_stay_whole_while_things_come_and_go(sagemaker: Any, many: list[str]) -> None:
    order = {"SortBy": "Name", "SortOrder": "Ascending", "NameContains": "many-"}
    first = sagemaker.list_models(MaxResults=10, **order)
    sagemaker.delete_model(ModelName=many[9])
    make_model(sagemaker, "many-00-a")
    second = sagemaker.list_models(MaxResults=10, NextToken=first["NextToken"], **order)
    assert [one["ModelName"] for one in second["Models"]] == many[10:20]
    sagemaker.delete_model(ModelName="many-00-a")
    make_model(sagemaker, many[9])


@pytest.mark.parametrize("token", ["x", "e30=", "WzEsMiwzXQ=="])
def test_a_token_of_nobody_is_refused(sagemaker: Any, many: list[str], token: str) -> None:
    assert refused(lambda: sagemaker.list_models(NextToken=token)) == (
        "ValidationException",
        "Invalid pagination token",
    )


# tags, search, packages


def test_tags_come_with_what_is_made_and_may_change(sagemaker: Any) -> None:
    container = {"Image": IMAGE}
    tags = [{"Key": "cicd:stage", "Value": "dev"}, {"Key": "team", "Value": "ä b"}]
    made = sagemaker.create_model(
        ModelName="tagged", ExecutionRoleArn=ROLE, PrimaryContainer=container, Tags=tags
    )
    arn = made["ModelArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "c"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["cicd:stage"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "c"}]
    code, _ = refused(
        lambda: sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "aws:x", "Value": "y"}])
    )
    assert code == "ValidationException"
    wrong = [[{"Key": "AWS:x", "Value": "y"}], [{"Key": "k", "Value": word} for word in "ab"]]
    for given in wrong:
        create = partial(sagemaker.create_model, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        assert refused(lambda: create(ModelName="wrong", Tags=given))[0] == code  # noqa: B023
        assert refused(lambda: sagemaker.add_tags(ResourceArn=arn, Tags=given))[0] == code  # noqa: B023
    more = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    assert refused(lambda: sagemaker.add_tags(ResourceArn=arn, Tags=more))[0] == code
    # the service model has no other word for these three
    for ask in (
        lambda: sagemaker.list_tags(ResourceArn=f"{arn}x"),
        lambda: sagemaker.add_tags(ResourceArn=f"{arn}x", Tags=tags),
        lambda: sagemaker.delete_tags(ResourceArn=f"{arn}x", TagKeys=["a"]),
    ):
        assert refused(ask) == ("ValidationException", f"{arn}x does not exist")


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ({"Filters": [{"Name": "Tags.found", "Value": "a"}]}, ["found-a"]),
        (
            {"Filters": [{"Name": "Tags.found", "Operator": "Exists"}]},
            ["found-a", "found-b"],
        ),
        (
            {
                "Filters": [
                    {"Name": "ModelName", "Operator": "Contains", "Value": "found-"},
                    {"Name": "Tags.found", "Operator": "NotEquals", "Value": "a"},
                ]
            },
            ["found-b"],
        ),
        (
            {
                "Operator": "Or",
                "SubExpressions": [
                    {"Filters": [{"Name": "Tags.found", "Value": "a"}]},
                    {"Filters": [{"Name": "Tags.found", "Operator": "In", "Value": "b,c"}]},
                ],
            },
            ["found-a", "found-b"],
        ),
        (
            {"Filters": [{"Name": "CreationTime", "Operator": "LessThan", "Value": "10"}]},
            [],
        ),
        *(
            (
                {
                    "Filters": [
                        {
                            "Name": "CreationTime",
                            "Operator": operator,
                            "Value": "2024-02-29T00:00:00",
                        },
                        {"Name": "Tags.found", "Operator": "Exists"},
                    ]
                },
                wanted,
            )
            for operator, wanted in (
                ("GreaterThan", ["found-a", "found-b"]),
                ("LessThanOrEqualTo", []),
            )
        ),
        (
            {"Filters": [{"Name": "CreationTime", "Operator": "LessThan", "Value": "yesterday"}]},
            [],
        ),
    ],
)
def test_search_finds_by_fields_and_tags(
    sagemaker: Any, expression: dict[str, Any], wanted: list[str]
) -> None:
    known = {one["ModelName"] for one in sagemaker.list_models(NameContains="found-")["Models"]}
    for word in {"a", "b"} - {name[-1] for name in known}:
        sagemaker.create_model(
            ModelName=f"found-{word}",
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE},
            Tags=[{"Key": "found", "Value": word}],
        )
    found = sagemaker.search(Resource="Model", SearchExpression=expression)
    names = sorted(one["Model"]["Model"]["ModelName"] for one in found["Results"])
    assert names == wanted
    assert found["TotalHits"]["Value"] == len(wanted)


def test_packages_are_numbered_approved_and_deleted(sagemaker: Any) -> None:
    group = sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    assert refused(lambda: sagemaker.create_model_package_group(ModelPackageGroupName="churn"))[
        0
    ] == ("ValidationException")
    inference = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://data/model.tar.gz"}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    arns = [
        sagemaker.create_model_package(
            ModelPackageGroupName=name, InferenceSpecification=inference
        )["ModelPackageArn"]
        for name in ("churn", group["ModelPackageGroupArn"])
    ]
    assert arns == [f"{ARN}:model-package/churn/{number}" for number in (1, 2)]
    shown = sagemaker.describe_model_package(ModelPackageName=arns[1])
    assert shown["ModelPackageStatus"] == "Completed"
    assert shown["ModelApprovalStatus"] == "PendingManualApproval"
    sagemaker.update_model_package(
        ModelPackageArn=arns[1],
        ModelApprovalStatus="Approved",
        ApprovalDescription="good",
        CustomerMetadataProperties={"commit": "abc"},
    )
    approved = sagemaker.list_model_packages(
        ModelPackageGroupName="churn", ModelApprovalStatus="Approved"
    )
    versions = [one["ModelPackageVersion"] for one in approved["ModelPackageSummaryList"]]
    assert versions == [2]
    several = sagemaker.batch_describe_model_package(ModelPackageArnList=[arns[0], f"{arns[0]}9"])
    assert list(several["ModelPackageSummaries"]) == [arns[0]]
    assert list(several["BatchDescribeModelPackageErrorMap"]) == [f"{arns[0]}9"]
    delete = sagemaker.delete_model_package_group
    assert refused(lambda: delete(ModelPackageGroupName="churn"))[0] == "ConflictException"
    for arn in arns:
        sagemaker.delete_model_package(ModelPackageName=arn)
    delete(ModelPackageGroupName="churn")
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []


# faults, signatures, names


def test_fault_rules_know_every_operation_by_its_name(aws: Aws) -> None:
    assert set(SAGEMAKER) == names.OPERATIONS
    assert {f"sagemaker.{name}" for name in names.ALL} <= aws.world.faults.known


def fault(aws: Aws, **rule: Any) -> None:
    headers = {"Authorization": f"Bearer {aws.world.credentials.issue('aicore', issuer='')}"}
    url = f"{aws.world.base_url}/emulator/faults"
    answer = requests.post(url, json={"times": 1, **rule}, headers=headers, timeout=30)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (
            {"status": 400, "code": "ThrottlingException", "message": "Rate exceeded"},
            ("ThrottlingException", "Rate exceeded"),
        ),
        (
            {"status": 400, "message": "Could not assume role"},
            ("ValidationException", "Could not assume role"),
        ),
    ],
)
def test_a_fault_is_worded_as_aws_words_it(
    aws: Aws, sagemaker: Any, rule: dict[str, Any], wanted: tuple[str, str]
) -> None:
    fault(aws, operation="sagemaker.ListModels", **rule)
    assert refused(sagemaker.list_models) == wanted
    assert "Models" in sagemaker.list_models()


def test_an_empty_page_may_be_followed_by_others(aws: Aws, sagemaker: Any, many: list[str]) -> None:
    fault(aws, operation="sagemaker.ListModels", shuffle=True)
    first = sagemaker.list_models(NameContains="many-")
    assert first["Models"] == [] and first["NextToken"]
    fault(aws, operation="sagemaker.ListModels", shuffle=True)
    assert sorted(listed(sagemaker)) == many


def test_what_is_new_may_be_unknown_for_a_while(aws: Aws, sagemaker: Any) -> None:
    make_model(sagemaker, "new")
    make_config(sagemaker, "new", "new")
    for operation in ("ListModels", "CreateEndpoint"):
        fault(aws, operation=f"sagemaker.{operation}", stale=600)
    assert sagemaker.list_models(NameContains="new")["Models"] == []
    create = partial(sagemaker.create_endpoint, EndpointName="new", EndpointConfigName="new")
    assert refused(create)[1] == (
        f'Could not find endpoint configuration "{ARN}:endpoint-config/new".'
    )
    assert [one["ModelName"] for one in sagemaker.list_models(NameContains="new")["Models"]] == [
        "new"
    ]


def test_a_quota_names_the_instance_that_was_asked_for(aws: Aws, sagemaker: Any) -> None:
    fault(aws, operation="sagemaker.CreateTrainingJob", quota=True)
    code, message = refused(lambda: sagemaker.create_training_job(**training("too-many")))
    assert code == "ResourceLimitExceeded"
    assert "'ml.m5.large for training job usage' is 0 Instances" in message
    found = sagemaker.list_training_jobs(NameContains="too-many")
    assert found["TrainingJobSummaries"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "InvalidSignatureException"),
        ({"AWS_ACCESS_KEY_ID": "AKIAWRONG"}, "UnrecognizedClientException"),
        ({"AWS_ACCESS_KEY_ID": "ASIAWRONG"}, "UnrecognizedClientException"),
    ],
)
def test_what_is_signed_with_another_secret_is_refused(
    aws: Aws, change: dict[str, str], code: str
) -> None:
    other = Aws(aws.world, {**aws.environ, **change})
    assert refused(other.client("sagemaker").list_models)[0] == code


def test_what_nobody_has_signed_is_refused(aws: Aws) -> None:
    url = aws.environ["AWS_ENDPOINT_URL"]
    answer = requests.post(url, "{}", headers={"X-Amz-Target": "SageMaker.ListModels"}, timeout=30)
    assert answer.status_code == 403
    assert answer.json()["__type"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(-120, "Signature expired: "), (120, "Signature not yet current: "), (-4, ""), (4, "")],
)
def test_a_signature_counts_for_minutes_only(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, minutes: int, said: str
) -> None:
    auth = import_module("botocore.auth")
    now: Callable[..., datetime] = auth.get_current_datetime

    def off(*arguments: Any, **more: Any) -> datetime:
        return now(*arguments, **more) + timedelta(minutes=minutes)

    monkeypatch.setattr(auth, "get_current_datetime", off)
    for ask in (
        aws.client("sagemaker").list_models,
        aws.client("logs").describe_log_groups,
        aws.client("sts").get_caller_identity,
    ):
        if not said:
            ask()
            continue
        code, text = refused(ask)
        assert code == "InvalidSignatureException" and text.startswith(said), text
