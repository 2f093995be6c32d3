"""The shape of a stage file as pydantic models, and ``config.schema.json`` made from them.

Only shape, patterns and lengths; what one part says of another is checked in ``resolve``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.json_schema import GenerateJsonSchema

from cicd.config import formats
from cicd.model import Ref, Secret

_REFERENCE = r"\$\{"
"""Patterns let any text with a variable pass in an editor; after replacement they are strict."""


def _like(pattern: str, says: str, longest: int = 256) -> Any:
    """Text of a pattern; ``says`` completes the sentence that the value must be …"""
    extra: dict[str, Any] = {
        "pattern": f"{pattern}|{_REFERENCE}",
        "patternErrorMessage": f"must be {says}",
    }
    return Field(pattern=pattern, max_length=longest, json_schema_extra=extra)


Key = Annotated[str, _like(formats.KEY, "letters, digits, dots, hyphens and underscores")]
Name = Annotated[
    str, _like(formats.NAME, "letters, digits, spaces and common signs, all ASCII, no backtick")
]
Id = Annotated[str, _like(formats.ID, "4 to 64 letters, digits, dots, hyphens and underscores", 64)]
Duration = Annotated[str, _like(formats.DURATION, "a time like 90s, 15m or 2h")]
Plain = Annotated[str, Field(min_length=1, max_length=5000)]
SecretText = Annotated[
    Secret,
    WithJsonSchema({"type": "string", "description": "Only as ${env.NAME}."}),
]
Scalar = str | int | float | bool
_VALUE = {"type": ["string", "number", "boolean"]}


def _bindings(content: str, required: list[str], value: dict[str, Any]) -> Any:
    item = {
        "type": "object",
        "properties": {"key": {"type": "string", "minLength": 1}, content: value},
        "required": required,
        "additionalProperties": False,
    }
    both = [
        {"type": "object", "additionalProperties": value},
        {"type": "array", "items": item},
    ]
    return WithJsonSchema({"anyOf": both, "default": {}})


Parameters = Annotated[
    dict[str, Annotated[str, Field(max_length=5000)] | Ref],
    Field(max_length=1000),
    _bindings("value", ["key", "value"], _VALUE),
]
Inputs = Annotated[
    dict[str, Annotated[str, Field(min_length=1)] | Ref],
    Field(max_length=1000),
    _bindings("artifact", ["key"], {"type": "string", "minLength": 1}),
]


class Part(BaseModel):
    """What all parts of a stage file share: no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        populate_by_name=True,
        arbitrary_types_allowed=True,
        defer_build=True,  # the root builds all of them at once: half the time
    )


class AICore(Part):
    resource_group: (
        Annotated[
            str, _like(formats.RESOURCE_GROUP, "3 to 253 letters, digits, dots and hyphens", 253)
        ]
        | None
    ) = Field(default=None, description="Where everything lives; default: AICORE_RESOURCE_GROUP.")


class Git(Part):
    application: Annotated[
        str, _like(formats.APPLICATION, "3 to 54 lower-case letters, digits, hyphens")
    ] = Field(description="Name of the application that syncs the templates to AI Core.")
    repository: Annotated[str, _like(formats.REPOSITORY_URL, "an https:// URL", 1024)] | None = (
        Field(default=None, description="URL of the repository; onboarded if missing.")
    )
    path: Plain = Field(default="templates", description="Folder with the templates.")
    revision: Plain | None = Field(
        default=None,
        description="Branch, tag or commit; default: branch, else what is checked out.",
    )
    username: SecretText | None = Field(default=None, description="Git user, only as ${env.NAME}.")
    password: SecretText | None = Field(default=None, description="Git token, only as ${env.NAME}.")


class ObjectStore(Part):
    name: Annotated[
        str,
        _like(
            r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", "lower-case letters, digits, dots, hyphens", 233
        ),
    ] = Field(description="Name; AI Core needs one called default.")
    type: Literal["S3", "oss", "webhdfs", "azure", "gcs"] = Field(
        description="Sort of object store."
    )
    bucket: str | None = Field(default=None, description="Bucket (S3).")
    endpoint: str | None = Field(default=None, description="Host of the store (S3).")
    region: str | None = Field(default=None, description="Region (S3).")
    path_prefix: str | None = Field(default=None, description="Folder inside the bucket.")
    data: dict[str, SecretText] = Field(description="Credentials, values only as ${env.NAME}.")


class DockerRegistry(Part):
    name: Annotated[
        str, _like(r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$", "lower-case letters, digits, hyphens", 63)
    ] = Field(description="What templates call it.")
    data: dict[str, SecretText] = Field(description="Credentials, values only as ${env.NAME}.")


class GenericSecret(Part):
    name: Annotated[
        str, _like(r"^[a-z0-9.-]+$", "lower-case letters, digits, dots, hyphens", 252)
    ] = Field(description="What templates call it.")
    scope: Literal["resource_group", "tenant", "all_resource_groups"] = Field(
        default="resource_group", description="Where it can be used."
    )
    data: dict[str, SecretText] = Field(description="Values only as ${env.NAME}.")


class Secrets(Part):
    object_store: list[ObjectStore] = Field(default=[], description="Where ai:// urls lead.")
    docker_registry: list[DockerRegistry] = Field(default=[], description="For pulling images.")
    generic: list[GenericSecret] = Field(default=[], description="For programs in templates.")


class Artifact(Part):
    key: Key = Field(description="What bindings call it.")
    name: Name = Field(description="Name of the artifact on AI Core.")
    kind: Literal["model", "dataset", "resultset", "other"] = Field(description="What it is.")
    url: Annotated[str, _like(formats.ARTIFACT_URL, "a url like ai://default/path", 1024)] = Field(
        description="Where it lies: ai://SECRET/PATH."
    )
    scenario_id: Id = Field(description="Scenario that it belongs to.")
    labels: dict[str, Annotated[str, Field(max_length=5000)]] | None = Field(
        default=None, description="Keys start with ext.ai.sap.com/."
    )
    description: Annotated[str, Field(max_length=5000)] | None = Field(
        default=None, description="Free text."
    )


class Configuration(Part):
    name: Name = Field(description="Name of the configuration on AI Core.")
    scenario_id: Id = Field(description="Scenario of the executable.")
    executable_id: Id = Field(description="metadata.name of a template.")
    parameter_bindings: Parameters = Field(default={}, description="Parameter -> value.")
    input_artifact_bindings: Inputs = Field(
        default={}, description="Input -> key of an artifact, or ${executions.KEY.artifacts.NAME}."
    )


class Gate(Part):
    metric: Plain = Field(description="Name of a metric that the run reports.")
    min: float | None = Field(default=None, description="The metric must be at least this.")
    max: float | None = Field(default=None, description="The metric must be at most this.")


class Execution(Part):
    key: Key | None = Field(default=None, description="Default: from configuration.name.")
    configuration: Configuration = Field(description="What is run, and with what.")
    rerun: Literal["on_change", "always", "never"] = Field(
        default="on_change", description="When a run that completed is repeated."
    )
    watch: list[Plain] = Field(
        default=[], description="Files (globs, from the root) whose content counts as input."
    )
    wait_for_status: Literal["COMPLETED", "RUNNING"] | None = Field(
        default="COMPLETED", description="null: start and go on."
    )
    timeout: Duration = Field(default="30m", description="How long to wait.")
    require: list[Gate] = Field(
        default=[], description="Bounds on the run's metrics; else it failed."
    )


class Expect(Part):
    status: Annotated[int, Field(ge=100, le=599)] = Field(
        default=200, description="HTTP status of the answer."
    )
    contains: str | None = Field(default=None, description="Text that must be in the answer.")


class SmokeTest(Part):
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = Field(
        default="GET", description="HTTP method."
    )
    path: Annotated[str, _like("^/", "a path that starts with /", 1024)] = Field(
        description="Path below the deployment's URL, such as /v1/predict."
    )
    json_body: Any = Field(default=None, alias="json", description="Body of the request.")
    headers: dict[str, str] = Field(default={}, description="More headers.")
    expect: Expect = Field(default=Expect(), description="What the answer must be.")
    timeout: Duration = Field(default="60s", description="How long it may take to answer so.")


class Deployment(Part):
    key: Key | None = Field(default=None, description="Default: from configuration.name.")
    configuration: Configuration = Field(description="What is served, and with what.")
    wait_for_status: Literal["RUNNING"] | None = Field(
        default="RUNNING", description="null: start and go on."
    )
    timeout: Duration = Field(default="15m", description="How long to wait.")
    ttl: Annotated[str, _like(formats.TTL, "a time like 30m, 24h or 7d")] | None = Field(
        default=None, description="Deleted by the platform after this time; at least 10m."
    )
    smoke_test: SmokeTest | None = Field(default=None, description="One request once it runs.")
    on_failure: Literal["rollback", "keep"] = Field(
        default="rollback", description="What an update that fails leaves behind."
    )
    destination_name: (
        Annotated[str, _like(formats.DESTINATION, "letters, digits, _ and -", 200)] | None
    ) = Field(default=None, description="BTP destination that points to it.")
    existing_deployment_id: Id | None = Field(
        default=None, description="Update this deployment, whatever it is called."
    )


class Schedule(Part):
    key: Key | None = Field(default=None, description="Default: the name.")
    name: Plain = Field(description="Name of the schedule on AI Core.")
    execution: Plain = Field(description="Key of the execution whose configuration runs.")
    cron: Plain = Field(description="Five fields, UTC, at most hourly.")
    start: Plain | None = Field(default=None, description="RFC 3339 time; default: now.")
    end: Plain | None = Field(default=None, description="RFC 3339 time; default: never.")
    active: bool = Field(default=True, description="false pauses it.")


class Limits(Part):
    max_delete_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        default=30.0, description="Share of what is there that one apply may delete."
    )
    max_delete: Annotated[int, Field(ge=0)] = Field(
        default=10, description="How many things one apply may delete."
    )


class Image(Part):
    mounts: dict[str, str] = Field(default={}, description="Path in the container -> path here.")
    python: str = Field(default="", description="Virtual environment or interpreter to use.")
    command: list[str] = Field(default=[], description="Used where the template names none.")
    env: dict[str, str] = Field(default={}, description="Environment under the template's own.")
    workdir: str = Field(default="", description="Where programs start.")


class Local(Part):
    images: dict[str, Image] = Field(
        default={}, description="Container image -> what stands in for it."
    )
    artifacts: dict[str, str] = Field(default={}, description="ai:// url -> file or folder here.")


class StageFile(Part):
    """What should exist on one stage."""

    schema_hint: str | None = Field(default=None, alias="$schema", description="For editors.")
    extends: str | None = Field(
        default=None, description="Another stage file that this one changes."
    )
    stage: (
        Annotated[str, _like(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", "letters, digits, dots, - and _", 63)]
        | None
    ) = Field(default=None, description="Default: the file's name.")
    branch: Plain | None = Field(
        default=None, description="A push to this branch applies this stage."
    )
    platform: Literal["aicore", "sagemaker", "spark", "training_job"] = Field(
        default="aicore", description="Where it all runs."
    )
    aicore: AICore = Field(default=AICore(), description="Where on AI Core; never credentials.")
    variables: dict[str, Scalar] = Field(default={}, description="For ${var.NAME}.")
    git: Git | None = Field(default=None, description="How templates reach AI Core.")
    secrets: Secrets = Field(default=Secrets(), description="Credentials that runs use.")
    artifacts: list[Artifact] = Field(default=[], description="Data and models to register.")
    executions: list[Execution] = Field(default=[], description="Runs that end.")
    schedules: list[Schedule] = Field(default=[], description="Runs at fixed times.")
    deployments: list[Deployment] = Field(default=[], description="Models that are served.")
    prune: Literal["none", "stage", "resource_group"] = Field(
        default="none", description="What is deleted that this file does not name."
    )
    limits: Limits = Field(default=Limits(), description="Over either, deletes need --force.")
    protect: list[Annotated[str, _like("^[a-z_]+/.+$", "kind/name")]] = Field(
        default=[], description="Never deleted or replaced: kind/name."
    )
    local: Local = Field(
        default=Local(), description="How the emulator stands in for images and data."
    )


class _WithoutTitles(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> dict[str, Any]:
    """The JSON schema of a stage file (draft 2020-12), as written to ``config.schema.json``."""
    schema = StageFile.model_json_schema(schema_generator=_WithoutTitles)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cicd stage file",
        **{key: value for key, value in schema.items() if key != "title"},
    }
