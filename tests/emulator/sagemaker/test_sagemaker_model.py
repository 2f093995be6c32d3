"""Every operation of the local SageMaker against botocore's service model: what it takes, answers
and refuses, how it is waited for and read page by page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import pytest

from cicd.emulator.host.opening import open_world
from cicd.emulator.host.server import default_runner
from cicd.emulator.sagemaker import names
from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.opening import open_account
from cicd.emulator.sagemaker.services import Services
from cicd.emulator.sagemaker.shapes import ServiceModel
from tests.emulator.sagemaker.aws import (
    BUCKET,
    IMAGE,
    QUICK,
    ROLE,
    Aws,
    packed,
    training,
    variant,
)
from tests.emulator.sagemaker.shape_walk import misfits, nested, places

SERVICES = {
    "sagemaker": names.OPERATIONS,
    "logs": names.LOGS,
    "application-autoscaling": names.SCALING,
}
TARGETS = {
    "sagemaker": "SageMaker",
    "logs": "Logs_20140328",
    "application-autoscaling": "AnyScaleFrontendService",
}
INVALID = {"logs": "InvalidParameterException"}
"""What a service calls a value that is none, where it does not say ValidationException."""
SESSION = import_module("botocore.session").get_session()


def operations() -> Iterator[tuple[str, str, Any]]:
    """Service, name and botocore's model of each operation that is here."""
    for service, found in SERVICES.items():
        model = SESSION.get_service_model(service)
        for name in sorted(found):
            yield service, name, model.operation_model(name)


def test_every_rule_of_every_input_is_held_in_the_words_of_aws() -> None:
    """What must be there, words, patterns, lengths and bounds, at every depth."""
    held, wrong = 0, []
    models = {service: ServiceModel(service) for service in SERVICES}
    for service, name, operation in operations():
        for path, shape in places(operation.input_shape):
            for body, wanted in misfits(path, shape):
                held += 1
                try:
                    models[service].check(name, body)
                    wrong.append(f"{name}: takes {body}")
                except Refused as refused:
                    is_ours = refused.code == INVALID.get(service, "ValidationException")
                    if not is_ours or wanted not in refused.message:
                        wrong.append(f"{name}: {refused.code} {refused.message}, not {wanted}")
    assert not wrong, "\n".join(wrong[:20])
    assert held > 1500


HOSTILE: tuple[Any, ...] = (
    "",
    "a",
    "x" * 300,
    "2020-01-01T00:00:00Z",
    "s3://b/k",
    "arn:aws:sagemaker:eu-central-1:123456789012:model/a",
    0,
    1,
    -1,
    1e30,
    10**400,
    float("nan"),
    True,
    None,
    [],
    [None],
    ["a"],
    [{}],
    {},
    {"a": 1},
    {"a": {"b": []}},
)
"""Values that do not fit most places."""
STARTS = {"CreateTrainingJob", "CreateProcessingJob", "CreateTransformJob", "CreateEndpoint"}
PACKAGE = {
    "Containers": [{"Image": IMAGE}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}
VALID: Mapping[str, Mapping[str, Any]] = {
    "CreateModel": {
        "ModelName": "b",
        "PrimaryContainer": {"Image": IMAGE},
        "ExecutionRoleArn": ROLE,
    },
    "CreateEndpointConfig": {"EndpointConfigName": "b", "ProductionVariants": [variant("a")]},
    "CreateModelPackageGroup": {"ModelPackageGroupName": "b"},
    "CreateModelPackage": {"ModelPackageGroupName": "a", "InferenceSpecification": PACKAGE},
    "Search": {"Resource": "Model"},
    "AddTags": {"Tags": [{"Key": "a", "Value": "b"}]},
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The operations without a server."""
    data = tmp_path_factory.mktemp("services")
    world = open_world(data, "http://127.0.0.1:9", {}, default_runner({}, data))
    yield Services(open_account(world))
    world.close()


def test_no_value_at_any_place_makes_the_emulator_fail(services: Services) -> None:
    """It takes it or refuses it with a word of AWS; what starts a program is left out."""
    wrong, asked = [], 0
    for wish in ("CreateModel", "CreateEndpointConfig", "CreateModelPackageGroup"):
        made = json.dumps({**VALID[wish], next(iter(VALID[wish])): "a"}).encode()
        services.call(f"SageMaker.{wish}", "eu-central-1", made, {})
    for service, name, operation in operations():
        if name in STARTS:
            continue
        shape = operation.input_shape
        base = {member: _name_or_arn(member) for member in shape.required_members}
        base |= VALID.get(name, {})
        for path, one in places(shape):
            if not path or (len(path) > 1 and one.type_name == "string"):
                continue
            for value in HOSTILE:
                asked += 1
                body = {**base, **nested(path, value)}
                target = f"{TARGETS[service]}.{name}"
                try:
                    services.call(target, "eu-central-1", json.dumps(body).encode(), {})
                except Refused as refused:
                    if refused.status >= 500:
                        wrong.append(f"{name} {body}: {refused.code}")
                except Exception as error:
                    wrong.append(f"{name} {body}: {error!r}")
    assert not wrong, "\n".join(wrong[:20])
    assert asked > 5000


def _name_or_arn(member: str) -> Any:
    if member.endswith(("List", "Keys")):
        return ["a"]
    is_arn = member.endswith("Arn")
    return "arn:aws:sagemaker:eu-central-1:123456789012:model/a" if is_arn else "a"


# a life of everything that there is, in which each operation is asked for and answers


class Life:
    """What a script does with all of it, with plain boto3. ``aws``'s clients hold each answer
    against the service model."""

    def __init__(self, aws: Aws) -> None:
        self.s3 = aws.client("s3")
        self.sagemaker = aws.client("sagemaker")
        self.runtime = aws.client("sagemaker-runtime")
        self.logs = aws.client("logs")
        self.scaling = aws.client("application-autoscaling")
        self.answered: set[str] = set()
        self.waited: set[str] = set()
        for client in (self.sagemaker, self.runtime, self.logs, self.scaling):
            client.meta.events.register("after-call", self._hear)

    def _hear(self, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        if "Error" not in parsed:
            self.answered.add(model.name)

    def wait(self, waiter: str, **asked: str) -> None:
        """One of boto3's own, by the name in its model."""
        self.waited.add(waiter)
        snake = import_module("botocore").xform_name(waiter)
        self.sagemaker.get_waiter(snake).wait(**asked, WaiterConfig=QUICK)

    def train(self) -> None:
        for number, command in enumerate(("echo a", "echo b", "sleep 60", "exit 3")):
            entry = {"ContainerEntrypoint": ["sh", "-c", command]}
            algorithm = {"TrainingImage": "python:3", "TrainingInputMode": "File", **entry}
            job = training(f"job-{number}", AlgorithmSpecification=algorithm)
            self.sagemaker.create_training_job(**job)
        self.sagemaker.stop_training_job(TrainingJobName="job-2")
        for number in range(3):
            self.wait("TrainingJobCompletedOrStopped", TrainingJobName=f"job-{number}")
        with pytest.raises(import_module("botocore.exceptions").WaiterError):
            self.wait("TrainingJobCompletedOrStopped", TrainingJobName="job-3")
        told = self.sagemaker.describe_training_job(TrainingJobName="job-3")
        assert told["TrainingJobStatus"] == "Failed" and told["FailureReason"]
        kept = {"KeepAlivePeriodInSeconds": 60}
        self.sagemaker.update_training_job(TrainingJobName="job-0", ResourceConfig=kept)

    def process(self) -> None:
        place = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        for number, command in enumerate(("true", "sleep 60")):
            self.sagemaker.create_processing_job(
                ProcessingJobName=f"job-{number}",
                RoleArn=ROLE,
                ProcessingResources={"ClusterConfig": place},
                AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["sh", "-c", command]},
            )
        self.sagemaker.stop_processing_job(ProcessingJobName="job-1")
        for number in range(2):
            name = f"job-{number}"
            self.wait("ProcessingJobCompletedOrStopped", ProcessingJobName=name)
            told = self.sagemaker.describe_processing_job(ProcessingJobName=name)
            assert told["ProcessingJobStatus"] == ("Completed", "Stopped")[number], told

    def serve(self) -> None:
        inference = (
            "def model_fn(folder): return 2\ndef predict_fn(data, model): return data * model"
        )
        archive = packed({"code/inference.py": inference})
        self.s3.put_object(Bucket=BUCKET, Key="life.tar.gz", Body=archive)
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/life.tar.gz"}
        later = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/later/"}}
        for number in range(2):
            name = f"life-{number}"
            self.sagemaker.create_model(
                ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container
            )
            self.sagemaker.create_endpoint_config(
                EndpointConfigName=name,
                ProductionVariants=[variant(name)],
                **({"AsyncInferenceConfig": later} if number else {}),
            )
            self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
            assert self.sagemaker.describe_model(ModelName=name)["ModelName"] == name
            told = self.sagemaker.describe_endpoint_config(EndpointConfigName=name)
            assert ("AsyncInferenceConfig" in told) is bool(number)
        for number in range(2):
            self.wait("EndpointInService", EndpointName=f"life-{number}")
        asked = {"EndpointName": "life-0", "Body": b"21", "ContentType": "application/json"}
        assert self.runtime.invoke_endpoint(**asked)["Body"].read() == b"42"
        stream = self.runtime.invoke_endpoint_with_response_stream(**asked)["Body"]
        assert b"".join(part["PayloadPart"]["Bytes"] for part in stream) == b"42"
        self.s3.put_object(Bucket=BUCKET, Key="life.json", Body=b"21")
        self.runtime.invoke_endpoint_async(
            EndpointName="life-1", InputLocation=f"s3://{BUCKET}/life.json"
        )
        weights = [{"VariantName": "AllTraffic", "DesiredWeight": 2}]
        self.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="life-0", DesiredWeightsAndCapacities=weights
        )
        self.wait("EndpointInService", EndpointName="life-0")
        told = self.sagemaker.describe_endpoint(EndpointName="life-0")
        assert told["ProductionVariants"][0]["CurrentWeight"] == 2

    def move(self) -> None:
        self.sagemaker.create_endpoint_config(
            EndpointConfigName="life-2", ProductionVariants=[variant("life-1")]
        )
        self.sagemaker.update_endpoint(EndpointName="life-0", EndpointConfigName="life-2")
        self.wait("EndpointInService", EndpointName="life-0")
        told = self.sagemaker.describe_endpoint(EndpointName="life-0")
        assert told["EndpointConfigName"] == "life-2"

    def scale(self) -> None:
        for number in range(2):
            target = scaled(number)
            self.scaling.register_scalable_target(**target, MinCapacity=2 - number, MaxCapacity=3)
            self.scaling.put_scaling_policy(
                **target,
                PolicyName="by-requests",
                PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration={
                    "TargetValue": 70.0,
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                    },
                },
            )
        told = self.sagemaker.describe_endpoint(EndpointName="life-0")
        assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 2

    def transform(self) -> None:
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/life.json"}
        for number in range(2):
            name = f"job-{number}"
            self.sagemaker.create_transform_job(
                TransformJobName=name,
                ModelName="life-0",
                TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": JSON},
                TransformOutput={"S3OutputPath": f"s3://{BUCKET}/{name}"},
                TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            )
            if number:
                self.sagemaker.stop_transform_job(TransformJobName=name)
            self.wait("TransformJobCompletedOrStopped", TransformJobName=name)
            told = self.sagemaker.describe_transform_job(TransformJobName=name)
            assert told["TransformJobStatus"] == ("Completed", "Stopped")[number], told

    def register(self) -> None:
        arns = []
        for number in range(2):
            self.sagemaker.create_model_package_group(ModelPackageGroupName=f"life-{number}")
            made = self.sagemaker.create_model_package(
                ModelPackageGroupName="life-0", InferenceSpecification=PACKAGE
            )
            arns.append(made["ModelPackageArn"])
        told = self.sagemaker.describe_model_package_group(ModelPackageGroupName="life-0")
        assert told["ModelPackageGroupStatus"] == "Completed"
        self.sagemaker.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Rejected")
        told = self.sagemaker.describe_model_package(ModelPackageName=arns[1])
        assert told["ModelApprovalStatus"] == "Rejected"
        told = self.sagemaker.batch_describe_model_package(ModelPackageArnList=arns)
        assert {*told["ModelPackageSummaries"]} == {*arns}

    def tag(self) -> None:
        self.arn = self.sagemaker.describe_model(ModelName="life-0")["ModelArn"]
        tags = [{"Key": f"k{number}", "Value": "v"} for number in range(3)]
        assert self.sagemaker.add_tags(ResourceArn=self.arn, Tags=tags)["Tags"] == tags
        self.sagemaker.delete_tags(ResourceArn=self.arn, TagKeys=["k2"])

    def delete(self) -> None:
        target = scaled(0)
        self.scaling.delete_scaling_policy(**target, PolicyName="by-requests")
        self.scaling.deregister_scalable_target(**target)
        with pytest.raises(self.scaling.exceptions.ObjectNotFoundException):
            self.scaling.deregister_scalable_target(**target)
        for number in range(2):
            name = f"life-{number}"
            self.sagemaker.delete_endpoint(EndpointName=name)
            self.wait("EndpointDeleted", EndpointName=name)
            self.sagemaker.delete_endpoint_config(EndpointConfigName=name)
            self.sagemaker.delete_model(ModelName=name)
            package = f"{self.arn.rpartition(':')[0]}:model-package/life-0/{number + 1}"
            self.sagemaker.delete_model_package(ModelPackageName=package)
            self.sagemaker.delete_processing_job(ProcessingJobName=f"job-{number}")
        for number in range(2):
            self.sagemaker.delete_model_package_group(ModelPackageGroupName=f"life-{number}")
        self.sagemaker.delete_training_job(TrainingJobName="job-3")
        left = self.sagemaker.list_training_jobs(NameContains="job-")["TrainingJobSummaries"]
        assert {one["TrainingJobName"] for one in left} == {"job-0", "job-1", "job-2"}


def scaled(number: int) -> dict[str, str]:
    """A variant as Application Auto Scaling names it."""
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/life-{number}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


JSON = "application/json"
FOUND = {
    "ListTrainingJobs": ({}, 4),
    "ListProcessingJobs": ({}, 2),
    "ListTransformJobs": ({}, 2),
    "ListModels": ({}, 2),
    "ListEndpointConfigs": ({}, 3),
    "ListEndpoints": ({}, 2),
    "ListModelPackageGroups": ({}, 2),
    "ListModelPackages": ({"ModelPackageGroupName": "life-0"}, 2),
    "ListTags": ({}, 2),
    "Search": ({"Resource": "Model"}, 2),
    "DescribeScalableTargets": ({"ServiceNamespace": "sagemaker"}, 2),
    "DescribeScalingPolicies": ({"ServiceNamespace": "sagemaker"}, 2),
    "DescribeLogGroups": ({}, 3),
    "DescribeLogStreams": ({"logGroupName": "/aws/sagemaker/TrainingJobs"}, 2),
    "FilterLogEvents": ({"logGroupName": "/aws/sagemaker/TrainingJobs"}, 2),
}
"""What each of boto3's paginators is asked for, and how many it finds in this life: of logs at
least, as what is stopped early may have none."""


def pages_of(life: Life, operation: str) -> list[list[str]]:
    """The pages of a list, one item a page where there may be so few."""
    asked, _ = FOUND[operation]
    if operation == "ListTags":
        asked = {"ResourceArn": life.arn}
    client = life.logs if operation in names.LOGS else life.sagemaker
    client = life.scaling if operation in names.SCALING else client
    pager = client.get_paginator(import_module("botocore").xform_name(operation))
    size = {} if operation == "ListTags" else {"PageSize": 1}
    [key] = [one.expression for one in pager.result_keys if one.expression != "searchedLogStreams"]
    pages = pager.paginate(**asked, PaginationConfig=size)
    return [[json.dumps(item, default=str) for item in page.get(key, ())] for page in pages]


def test_every_operation_waiter_and_paginator_of_boto3_is_good_for_a_whole_life(aws: Aws) -> None:
    life = Life(aws)
    life.train()
    life.process()
    life.serve()
    life.transform()
    life.move()
    life.scale()
    life.register()
    life.tag()
    aws.client("logs").get_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs",
        logStreamName=aws.client("logs").describe_log_streams(
            logGroupName="/aws/sagemaker/TrainingJobs"
        )["logStreams"][0]["logStreamName"],
    )
    for operation, (_, count) in FOUND.items():
        pages = pages_of(life, operation)
        items = [item for page in pages for item in page]
        assert len(items) == len({*items}) >= count, (operation, items)
        assert operation in names.LOGS or len(items) == count, (operation, items)
        assert operation == "ListTags" or all(len(page) <= 1 for page in pages), operation
    life.delete()

    everything = names.OPERATIONS | names.LOGS | names.SCALING | {*names.RUNTIME.values()}
    assert life.answered == everything, life.answered ^ everything
    waiters = SESSION.get_waiter_model("sagemaker")
    ours = {
        name
        for name in waiters.waiter_names
        if waiters.get_waiter(name).operation in names.OPERATIONS
    }
    assert life.waited == ours
    pagers = {
        operation
        for service, found in SERVICES.items()
        for operation in found & SESSION.get_paginator_model(service)._paginator_config.keys()
    }
    assert FOUND.keys() == pagers


def test_lists_are_sorted_by_every_word_that_the_model_has(services: Services) -> None:
    for number, name in enumerate("bca"):
        body = {**VALID["CreateModel"], "ModelName": f"sorted-{name}{number}"}
        services.call("SageMaker.CreateModel", "eu-central-1", json.dumps(body).encode(), {})
    tried = 0
    for _, operation, model in operations():
        members = model.input_shape.members
        words = members["SortBy"].metadata.get("enum", ()) if "SortBy" in members else ()
        for word in words:
            for order in ("Ascending", "Descending"):
                body = {"SortBy": word, "SortOrder": order}
                if operation == "ListModelPackages":
                    body["ModelPackageGroupName"] = "a"
                target = f"SageMaker.{operation}"
                told = services.call(target, "eu-central-1", json.dumps(body).encode(), {})
                tried += 1
                if operation == "ListModels" and word == "Name":
                    found = [one["ModelName"] for one in told["Models"]]
                    assert found == sorted(found, reverse=order == "Descending")
    assert tried >= 30
