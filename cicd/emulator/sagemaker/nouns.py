"""The kinds of things there are, each with the words that the API makes its names of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ACCOUNT = "123456789012"
"""The one account there is: the example of AWS's own documentation."""
Order = Literal["Ascending", "Descending"]


@dataclass(frozen=True)
class Noun:
    """``word`` as operations have it, ``kind`` as in ARNs, ``said`` as in messages; ``status``: the
    field with it; ``order``: of lists whose caller wants none."""

    word: str
    kind: str
    said: str
    status: str = ""
    order: Order = "Descending"

    @property
    def name(self) -> str:
        """The field with its name."""
        return f"{self.word}Name"

    @property
    def arn(self) -> str:
        """The field with its ARN."""
        return f"{self.word}Arn"


MODEL = Noun("Model", "model", "model")
ENDPOINT_CONFIG = Noun("EndpointConfig", "endpoint-config", "endpoint configuration")
ENDPOINT = Noun("Endpoint", "endpoint", "endpoint", "EndpointStatus")
TRAINING_JOB = Noun(
    "TrainingJob", "training-job", "training job", "TrainingJobStatus", order="Ascending"
)
TRANSFORM_JOB = Noun("TransformJob", "transform-job", "transform job", "TransformJobStatus")
PROCESSING_JOB = Noun(
    "ProcessingJob", "processing-job", "processing job", "ProcessingJobStatus", order="Ascending"
)
PACKAGE_GROUP = Noun(
    "ModelPackageGroup",
    "model-package-group",
    "model package group",
    "ModelPackageGroupStatus",
    order="Ascending",
)
PACKAGE = Noun(
    "ModelPackage", "model-package", "model package", "ModelPackageStatus", order="Ascending"
)
JOBS = (TRAINING_JOB, TRANSFORM_JOB, PROCESSING_JOB)
NOUNS = (MODEL, ENDPOINT_CONFIG, ENDPOINT, *JOBS, PACKAGE_GROUP, PACKAGE)


def partition(region: str) -> str:
    """The part of AWS that a region lies in."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def arn_of(region: str, kind: str, name: str) -> str:
    """The ARN of a thing."""
    return f"arn:{partition(region)}:sagemaker:{region}:{ACCOUNT}:{kind}/{name}"
