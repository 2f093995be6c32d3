"""What commands say of SageMaker: see ``cicd.platforms.commands``."""

from __future__ import annotations

from cicd.platforms.commands import Imports, Question, Short

LOGIN = {
    "AWS_REGION": Question("Region", is_place=True),
    "AWS_ACCESS_KEY_ID": Question("Access key"),
    "AWS_SECRET_ACCESS_KEY": Question("Secret key", is_secret=True),
    "AWS_SESSION_TOKEN": Question("Session token, if any", is_secret=True, is_optional=True),
}
SHORT = {
    "training_job": Short(
        "List training jobs, also those of no stage file.",
        "List training jobs, newest first, also those of no stage file.",
        ("dev --status failed --since 7d", "dev --key train --limit 5 -o json"),
    ),
    "processing_job": Short(
        "List processing jobs, also those of no stage file.",
        "List processing jobs, newest first, also those of no stage file.",
        ("dev", "dev --unmanaged -o json"),
    ),
    "transform_job": Short(
        "List transform jobs, also those of no stage file.",
        "List transform jobs, newest first, also those of no stage file.",
        ("dev", "dev --unmanaged -o json"),
    ),
    "model": Short(
        "List models, also those of no stage file.",
        "List models, newest first, also those of no stage file.",
        ("dev", "dev --unmanaged -o json"),
    ),
    "endpoint": Short(
        "List endpoints, also those of no stage file.",
        "List endpoints, newest first, also those of no stage file.",
        ("dev", "dev --unmanaged -o json"),
    ),
}
_JOB = {
    "instance": "instances",
    "role": "role",
    "vpc": "network",
    "network_isolation": "network isolation",
    "environment": "environment",
    "metrics": "metrics",
    "tags": "tags",
}
_CONTAINER = {
    "image": "container",
    "package": "model package",
    "data": "model data",
    "entry_point": "script",
    "environment": "environment",
    "mode": "mode",
}
INVENTORY = {
    "model": {
        "arn": "ARN",
        **_CONTAINER,
        "containers": "containers",
        "execution": "containers run",
        "role": "role",
        "vpc": "network",
        "network_isolation": "network isolation",
        "tags": "tags",
    },
    "training_job": {
        "arn": "ARN",
        "channels": "input data",
        "output": "output data",
        "model": "model data",
        "image": "container",
        "algorithm": "algorithm",
        "entry_point": "script",
        "source": "source",
        "hyperparameters": "hyperparameters",
        **_JOB,
    },
    "transform_job": {
        "arn": "ARN",
        "input": "input data",
        "content_type": "content type",
        "output": "output data",
        "model": "model",
        "strategy": "records of a request",
        **_JOB,
    },
    "endpoint_config": {
        "arn": "ARN",
        "models": "models",
        "variants": "variants",
        "weights": "weights",
        "data_capture": "data capture",
        "async": "asynchronous",
        "kms_key": "key of disks",
        "tags": "tags",
    },
    "endpoint": {
        "arn": "ARN",
        "url": "URL",
        "config": "configuration",
        "serving": "serving",
        "autoscaling": "autoscaling",
        "tags": "tags",
    },
}
IMPORTS = Imports(
    inventory=INVENTORY,
    select={"model": "Only models of SageMaker with these names, and what belongs to them."},
    flags={
        "jobs": "With --platform sagemaker: also the jobs, which never run again.",
        "no_default_config": "With --platform sagemaker: none for a model that has none.",
    },
)
