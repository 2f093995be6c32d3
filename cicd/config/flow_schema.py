"""The shape of the ``flows`` section: Metaflow flows and the templates that are made from them."""

from typing import Annotated, Literal

from pydantic import Field

from cicd.config import formats
from cicd.config.fields import Id, Key, Part, Plain, Scalar, like

_LABEL = r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_IMAGE = r"^[A-Za-z0-9][A-Za-z0-9_.:/@-]*$"
_PLAN = Annotated[str, like(_LABEL, "letters, digits, dots, hyphens and underscores", 63)]
_ContainerPath = Annotated[str, like(r"^/[^\s]+$", "a path in the container, like /app/model")]


class FlowScenario(Part):
    id: Id = Field(description="Scenario of the template.", examples=["house-price"])
    name: Plain = Field(description="What the scenario is called.", examples=["House Price"])


class FlowInput(Part):
    name: Key = Field(description="What configurations bind.", examples=["data"])
    path: _ContainerPath = Field(description="Where the step finds it.", examples=["/app/data"])
    step: Plain = Field(default="start", description="The step that reads it.", examples=["start"])
    kind: Literal["dataset", "model", "resultset", "other"] = Field(
        default="dataset", description="What it is."
    )


class FlowOutput(Part):
    name: Key = Field(description="Name of the artifact.", examples=["model"])
    path: _ContainerPath = Field(description="Where the step leaves it.", examples=["/app/model"])
    step: Plain = Field(default="end", description="The step that makes it.", examples=["end"])
    kind: Literal["model", "dataset", "resultset", "other"] = Field(
        default="model", description="What it is."
    )


class FlowSettings(Part):
    """One flow; ``cicd template build`` writes its template."""

    file: Plain = Field(description="The flow, from the root.", examples=["flows/trainflow.py"])
    template: Annotated[str, like(r"^.+\.ya?ml$", "a file that ends in .yaml", formats.MAX_KEY)] = (
        Field(description="The file to write.", examples=["templates/trainflow.yaml"])
    )
    scenario: FlowScenario = Field(description="Scenario of the template.")
    version: Annotated[str, like(_LABEL, "letters, digits, dots, hyphens and underscores", 63)] = (
        Field(description="Version of the executable.", examples=["1.0.0"])
    )
    image: Annotated[str, like(_IMAGE, "the name of a container image", 1024)] | None = Field(
        default=None,
        description="For steps without @kubernetes(image=…).",
        examples=["docker.io/org/flow:1"],
    )
    image_pull_secrets: list[Plain] = Field(
        default=[], description="Docker registry secrets.", examples=[["my-docker-secret"]]
    )
    object_store_secret: Plain = Field(
        default="default-object-store-secret",
        description="Secret with the credentials of the bucket, given to every step.",
        examples=["default-object-store-secret"],
    )
    datastore: (
        Annotated[
            str, like(r"^s3://[^/\s]+(/[^\s]*[^/\s])?$", "a place like s3://bucket/folder", 1024)
        ]
        | None
    ) = Field(
        default=None,
        description="Where code and data of runs are kept; default: the object store secret's "
        "bucket, else METAFLOW_DATASTORE_SYSROOT_S3.",
        examples=["s3://my-bucket/metaflow"],
    )
    resource_plan: _PLAN | None = Field(
        default=None,
        description="For steps without their own label ai.sap.com/resourcePlan.",
        examples=["starter"],
    )
    inputs: list[FlowInput] = Field(default=[], description="Input artifacts.")
    outputs: list[FlowOutput] = Field(default=[], description="Output artifacts.")
    embedded: bool = Field(
        default=False, description="The code is in the image; nothing is downloaded."
    )
    env: dict[Annotated[str, Field(pattern=_ENVIRONMENT_NAME)], Scalar] = Field(
        default={},
        description="Environment of every step; never credentials.",
        examples=[{"LOG_LEVEL": "info"}],
    )
    python: Plain | None = Field(
        default=None,
        description="Virtual environment or interpreter of the flow; default: .venv of the "
        "project, else the one that cicd runs in.",
        examples=[".venv"],
    )
