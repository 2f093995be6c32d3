"""The shape of the ``flows`` section: Metaflow flows and the templates that are made from them."""

from typing import Annotated, Literal

from msgspec import Meta

from cicd.config.fields import Key, Part, Plain, Scalar, like, named
from cicd.platforms.aicore.dialect import formats
from cicd.platforms.aicore.dialect.fields import Id

_LABEL = r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
_ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_EnvironmentName = Annotated[str, named(_ENVIRONMENT_NAME, "letters, digits and _, no digit first")]
_IMAGE = r"^[A-Za-z0-9][A-Za-z0-9_.:/@-]*$"
_PLAN = Annotated[str, like(_LABEL, "letters, digits, dots, hyphens and underscores", 63)]
_ContainerPath = Annotated[str, like(r"^/[^\s]+$", "a path in the container, like /app/model")]


class FlowScenario(Part, frozen=True, kw_only=True):
    id: Annotated[Id, Meta(description="Scenario of the template.", examples=["house-price"])]
    name: Annotated[
        Plain, Meta(description="What the scenario is called.", examples=["House Price"])
    ]


class FlowInput(Part, frozen=True, kw_only=True):
    name: Annotated[Key, Meta(description="What configurations bind.", examples=["data"])]
    path: Annotated[
        _ContainerPath, Meta(description="Where the step finds it.", examples=["/app/data"])
    ]
    step: Annotated[Plain, Meta(description="The step that reads it.", examples=["start"])] = (
        "start"
    )
    kind: Annotated[
        Literal["dataset", "model", "resultset", "other"], Meta(description="What it is.")
    ] = "dataset"


class FlowOutput(Part, frozen=True, kw_only=True):
    name: Annotated[Key, Meta(description="Name of the artifact.", examples=["model"])]
    path: Annotated[
        _ContainerPath, Meta(description="Where the step leaves it.", examples=["/app/model"])
    ]
    step: Annotated[Plain, Meta(description="The step that makes it.", examples=["end"])] = "end"
    kind: Annotated[
        Literal["model", "dataset", "resultset", "other"], Meta(description="What it is.")
    ] = "model"


class FlowSettings(Part, frozen=True, kw_only=True):
    """One flow; ``cicd template build`` writes its template."""

    file: Annotated[
        Plain, Meta(description="The flow, from the root.", examples=["flows/trainflow.py"])
    ]
    template: Annotated[
        Annotated[str, like(r"^.+\.ya?ml$", "a file that ends in .yaml", formats.MAX_KEY)],
        Meta(description="The file to write.", examples=["templates/trainflow.yaml"]),
    ]
    scenario: Annotated[FlowScenario, Meta(description="Scenario of the template.")]
    version: Annotated[
        Annotated[str, like(_LABEL, "letters, digits, dots, hyphens and underscores", 63)],
        Meta(description="Version of the executable.", examples=["1.0.0"]),
    ]
    image: Annotated[
        Annotated[str, like(_IMAGE, "the name of a container image", 1024)] | None,
        Meta(
            description="For steps without @kubernetes(image=…).", examples=["docker.io/org/flow:1"]
        ),
    ] = None
    image_pull_secrets: Annotated[
        list[Plain], Meta(description="Docker registry secrets.", examples=[["my-docker-secret"]])
    ] = []
    object_store_secret: Annotated[
        Plain,
        Meta(
            description="Secret with the credentials of the bucket, given to every step.",
            examples=["default-object-store-secret"],
        ),
    ] = "default-object-store-secret"
    datastore: Annotated[
        Annotated[
            str, like(r"^s3://[^/\s]+(/[^\s]*[^/\s])?$", "a place like s3://bucket/folder", 1024)
        ]
        | None,
        Meta(
            description="Where code and data of runs are kept; default: the object store secret's "
            "bucket, else METAFLOW_DATASTORE_SYSROOT_S3.",
            examples=["s3://my-bucket/metaflow"],
        ),
    ] = None
    resource_plan: Annotated[
        _PLAN | None,
        Meta(
            description="For steps without their own label ai.sap.com/resourcePlan.",
            examples=["starter"],
        ),
    ] = None
    inputs: Annotated[list[FlowInput], Meta(description="Input artifacts.")] = []
    outputs: Annotated[list[FlowOutput], Meta(description="Output artifacts.")] = []
    embedded: Annotated[
        bool, Meta(description="The code is in the image; nothing is downloaded.")
    ] = False
    env: Annotated[
        dict[
            Annotated[str, named(_ENVIRONMENT_NAME, "letters, digits and _, no digit first")],
            Scalar,
        ],
        Meta(
            description="Environment of every step; never credentials.",
            examples=[{"LOG_LEVEL": "info"}],
        ),
    ] = {}
    python: Annotated[
        Plain | None,
        Meta(
            description="Virtual environment or interpreter of the flow; default: .venv of the "
            "project, else the one that cicd runs in.",
            examples=[".venv"],
        ),
    ] = None
