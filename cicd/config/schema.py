"""The shape of a stage file as pydantic models, and ``config.schema.json`` made from them.

Only shape, patterns and lengths; what one part says of another is checked in ``resolve``.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from cicd.config import formats
from cicd.config.fields import (
    Duration,
    Id,
    Inputs,
    Key,
    LabelValue,
    Name,
    Parameters,
    Part,
    Plain,
    Scalar,
    SecretText,
    like,
)
from cicd.config.flow_schema import FlowSettings
from cicd.config.secret_schema import Secrets


class AICore(Part):
    resource_group: (
        Annotated[
            str, like(formats.RESOURCE_GROUP, "3 to 253 letters, digits, dots and hyphens", 253)
        ]
        | None
    ) = Field(
        default=None,
        description="Where everything lives; default: AICORE_RESOURCE_GROUP.",
        examples=["cicd-dev"],
    )
    labels: dict[str, LabelValue] = Field(
        default={},
        description="Labels of the resource group; keys start with ext.ai.sap.com/.",
        examples=[{"ext.ai.sap.com/team": "churn"}],
    )
    nodes: dict[str, Annotated[int, Field(ge=0, le=10)]] = Field(
        default={},
        description="Resource plan -> nodes reserved for the whole tenant; each one costs.",
        examples=[{"infer.s": 1}],
    )
    launchpad_url: Annotated[str, like(formats.LAUNCHPAD_URL, "an https:// URL", 1024)] | None = (
        Field(
            default=None,
            description="AI Launchpad, for links; may hold {kind}, {id} and {resource_group}.",
            examples=["https://example.com/aic/index.html#/{kind}/{id}"],
        )
    )


class Git(Part):
    application: Annotated[
        str, like(formats.APPLICATION, "3 to 54 lower-case letters, digits, hyphens")
    ] = Field(
        description="Name of the application that syncs the templates to AI Core.",
        examples=["cicdexample"],
    )
    repository: Annotated[str, like(formats.REPOSITORY_URL, "an https:// URL", 1024)] | None = (
        Field(
            default=None,
            description="URL of the repository; onboarded if missing.",
            examples=["https://github.com/org/repo"],
        )
    )
    path: Plain = Field(
        default="templates", description="Folder with the templates.", examples=["templates"]
    )
    revision: Plain | None = Field(
        default=None,
        description="Branch, tag or commit; default: branch, else what is checked out.",
        examples=["main"],
    )
    username: SecretText | None = Field(
        default=None, description="Git user, only as ${env.NAME}.", examples=["${env.GIT_USER}"]
    )
    password: SecretText | None = Field(
        default=None, description="Git token, only as ${env.NAME}.", examples=["${env.GIT_TOKEN}"]
    )


class Artifact(Part):
    key: Key = Field(description="What bindings call it.", examples=["example-dataset"])
    name: Name = Field(description="Name of the artifact on AI Core.", examples=["Example Dataset"])
    kind: Literal["model", "dataset", "resultset", "other"] = Field(
        description="What it is.", examples=["dataset"]
    )
    url: Annotated[str, like(formats.ARTIFACT_URL, "a url like ai://default/path", 1024)] = Field(
        description="Where it lies: ai://SECRET/PATH.", examples=["ai://default/data"]
    )
    scenario_id: Id = Field(description="Scenario that it belongs to.", examples=["cicdexample"])
    labels: dict[str, LabelValue] | None = Field(
        default=None,
        description="Keys start with ext.ai.sap.com/.",
        examples=[{"ext.ai.sap.com/team": "churn"}],
    )
    description: Annotated[str, Field(max_length=5000)] | None = Field(
        default=None, description="Free text.", examples=["Customers of 2025"]
    )


class Configuration(Part):
    name: Name = Field(description="Name of the configuration on AI Core.", examples=["Training"])
    scenario_id: Id = Field(description="Scenario of the executable.", examples=["cicdexample"])
    executable_id: Id = Field(description="metadata.name of a template.", examples=["cicdexample"])
    parameter_bindings: Parameters = Field(
        default={}, description="Parameter -> value.", examples=[{"epochs": 20}]
    )
    input_artifact_bindings: Inputs = Field(
        default={},
        description="Input -> key of an artifact, or ${executions.KEY.artifacts.NAME}.",
        examples=[{"example-dataset": "example-dataset"}],
    )


class Gate(Part):
    metric: Plain = Field(
        description="Name of a metric that the run reports.", examples=["accuracy"]
    )
    min: float | None = Field(
        default=None, description="The metric must be at least this.", examples=[0.9]
    )
    max: float | None = Field(
        default=None, description="The metric must be at most this.", examples=[0.1]
    )


class Execution(Part):
    key: Key | None = Field(
        default=None, description="Default: from configuration.name.", examples=["train"]
    )
    configuration: Configuration = Field(description="What is run, and with what.")
    rerun: Literal["on_change", "always", "never"] = Field(
        default="on_change", description="When a run that completed is repeated."
    )
    watch: list[Plain] = Field(
        default=[],
        description="Files (globs, from the root) whose content counts as input.",
        examples=[["templates/workloads/*.py"]],
    )
    wait_for_status: Literal["COMPLETED", "RUNNING"] | None = Field(
        default="COMPLETED", description="null: start and go on."
    )
    timeout: Duration = Field(default="30m", description="How long to wait.", examples=["30m"])
    require: list[Gate] = Field(
        default=[],
        description="Bounds on the run's metrics; else it failed.",
        examples=[[{"metric": "accuracy", "min": 0.9}]],
    )


class Expect(Part):
    status: Annotated[int, Field(ge=100, le=599)] = Field(
        default=200, description="HTTP status of the answer.", examples=[200]
    )
    contains: str | None = Field(
        default=None, description="Text that must be in the answer.", examples=["prediction"]
    )


_HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
_HeaderValue = Annotated[
    str,
    like(
        r"^([!-~\u00a1-\u00ff]([\t -~\u00a1-\u00ff]*[!-~\u00a1-\u00ff])?)?$",
        "one line of Latin letters and signs without blanks around it, as HTTP takes it",
        8192,
    ),
]


class SmokeTest(Part):
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = Field(
        default="GET", description="HTTP method."
    )
    path: Annotated[str, like("^/", "a path that starts with /", 1024)] = Field(
        description="Path below the deployment's URL, such as /v1/predict.",
        examples=["/v2/predict"],
    )
    json_body: Any = Field(
        default=None, alias="json", description="Body of the request.", examples=[{"x": 1}]
    )
    headers: dict[_HeaderName, _HeaderValue] = Field(
        default={}, description="More headers.", examples=[{"Accept": "application/json"}]
    )
    expect: Expect = Field(
        default={}, validate_default=True, description="What the answer must be."
    )
    timeout: Duration = Field(
        default="60s", description="How long it may take to answer so.", examples=["60s"]
    )


class Deployment(Part):
    key: Key | None = Field(
        default=None, description="Default: from configuration.name.", examples=["serve"]
    )
    configuration: Configuration = Field(description="What is served, and with what.")
    wait_for_status: Literal["RUNNING"] | None = Field(
        default="RUNNING", description="null: start and go on."
    )
    timeout: Duration = Field(default="15m", description="How long to wait.", examples=["30m"])
    ttl: Annotated[str, like(formats.TTL, "a time like 30m, 24h or 7d")] | None = Field(
        default=None,
        description="Deleted by the platform after this time; at least 10m.",
        examples=["24h"],
    )
    smoke_test: SmokeTest | None = Field(default=None, description="One request once it runs.")
    on_failure: Literal["rollback", "keep"] = Field(
        default="rollback", description="What an update that fails leaves behind."
    )
    drain: Annotated[str, like(formats.DRAIN, "a time like 0s, 30s or 2m")] = Field(
        default="30s",
        description="From the destination's move to a replacement to the stop of the old one.",
        examples=["2m"],
    )
    destination_name: (
        Annotated[str, like(formats.DESTINATION, "letters, digits, _ and -", 200)] | None
    ) = Field(
        default=None,
        description="BTP destination that points to it.",
        examples=["AI_CORE_DEPLOYMENT"],
    )
    existing_deployment_id: Id | None = Field(
        default=None,
        description="Update this deployment, whatever it is called.",
        examples=["d1234567890abcde"],
    )


class Schedule(Part):
    key: Key | None = Field(default=None, description="Default: the name.", examples=["weekly"])
    name: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        description="Name of the schedule on AI Core.", examples=["weekly-training"]
    )
    execution: Plain = Field(
        description="Key of the execution whose configuration runs.", examples=["train"]
    )
    cron: Plain = Field(description="Five fields, UTC, at most hourly.", examples=["0 0 * * 0"])
    start: Plain | None = Field(
        default=None, description="RFC 3339 time; default: now.", examples=["2026-01-31T06:00:00Z"]
    )
    end: Plain | None = Field(
        default=None,
        description="RFC 3339 time; default: never.",
        examples=["2026-12-31T06:00:00Z"],
    )
    active: bool = Field(default=True, description="false pauses it.")


class Limits(Part):
    max_delete_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        default=30.0,
        description="Percentage that one apply may delete of the live runs, schedules and "
        "deployments: of each kind, and of all together; counts from two on.",
        examples=[30],
    )
    max_delete: Annotated[int, Field(ge=0)] = Field(
        default=10, description="How many things of any kind one apply may delete.", examples=[10]
    )


class Image(Part):
    mounts: dict[str, str] = Field(
        default={}, description="Path in the container -> path here.", examples=[{"/app/src": "."}]
    )
    python: str = Field(
        default="", description="Virtual environment or interpreter to use.", examples=[".venv"]
    )
    command: list[str] = Field(
        default=[],
        description="Used where the template names none.",
        examples=[["python", "serve.py"]],
    )
    env: dict[str, str] = Field(
        default={},
        description="Environment under the template's own.",
        examples=[{"LOG_LEVEL": "debug"}],
    )
    workdir: str = Field(default="", description="Where programs start.", examples=["/app"])


class Local(Part):
    images: dict[str, Image] = Field(
        default={},
        description="Container image -> what stands in for it.",
        examples=[{"docker.io/org/app:1": {"mounts": {"/app": "."}}}],
    )
    artifacts: dict[str, str] = Field(
        default={},
        description="ai:// url -> file or folder here.",
        examples=[{"ai://default/data": "data"}],
    )


class StageFile(Part):
    """What should exist on one stage."""

    schema_hint: str | None = Field(
        default=None,
        alias="$schema",
        description="For editors.",
        examples=["../config.schema.json"],
    )
    extends: str | None = Field(
        default=None,
        description="Another stage file that this one changes.",
        examples=["base.yaml"],
    )
    stage: Annotated[str, like(formats.STAGE, formats.STAGE_SAYS, formats.MAX_STAGE)] | None = (
        Field(default=None, description="Default: the file's name.", examples=["dev"])
    )
    branch: Plain | None = Field(
        default=None, description="A push to this branch applies this stage.", examples=["main"]
    )
    platform: Literal["aicore"] = Field(default="aicore", description="Where it all runs.")
    aicore: AICore = Field(
        default={}, validate_default=True, description="Where on AI Core; never credentials."
    )
    variables: dict[str, Scalar] = Field(
        default={}, description="For ${var.NAME}.", examples=[{"image_tag": "1.0"}]
    )
    git: Git | None = Field(default=None, description="How templates reach AI Core.")
    secrets: Secrets = Field(
        default={}, validate_default=True, description="Credentials that runs use."
    )
    flows: list[FlowSettings] = Field(
        default=[], description="Metaflow flows and the templates made from them."
    )
    artifacts: list[Artifact] = Field(default=[], description="Data and models to register.")
    executions: list[Execution] = Field(default=[], description="Runs that end.")
    schedules: list[Schedule] = Field(default=[], description="Runs at fixed times.")
    deployments: list[Deployment] = Field(default=[], description="Models that are served.")
    prune: Literal["none", "stage", "resource_group"] = Field(
        default="none", description="What is deleted that this file does not name."
    )
    limits: Limits = Field(
        default={}, validate_default=True, description="Over either, deletes need --over-limits."
    )
    protect: list[Annotated[str, like("^[a-z_]+/.+$", "kind/name")]] = Field(
        default=[],
        description="Never deleted or replaced: kind/name.",
        examples=[["deployment/serve"]],
    )
    local: Local = Field(
        default={},
        validate_default=True,
        description="How the emulator stands in for images and data.",
    )


def json_schema() -> dict[str, Any]:
    """The JSON schema of a stage file (draft 2020-12), as written to ``config.schema.json``."""
    schema = _with_titles(StageFile.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "cicd stage file",
    }


def _with_titles(schema: Any) -> Any:
    """The same with a title for every key: pydantic leaves those out that refer to a part."""
    if isinstance(schema, list):
        return [_with_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    titled = {key: _with_titles(value) for key, value in schema.items() if key not in _AS_IS}
    for key, value in titled.get("properties", {}).items():
        value["title"] = key.lstrip("$").replace("_", " ").capitalize()
    return titled | {key: value for key, value in schema.items() if key in _AS_IS}


_AS_IS = {"examples", "default", "enum", "const"}
"""What holds values, not schemas."""
