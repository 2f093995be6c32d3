"""The shape of a stage file as msgspec structs, and ``config.schema.json`` made from them.

Only shape, patterns and lengths; what one part says of another is checked in ``resolve``.
"""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, field

from cicd.config import formats
from cicd.config.fields import (
    EDITOR,
    WHOLE,
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
    named,
)
from cicd.platforms.aicore.dialect.flows.schema import FlowSettings
from cicd.platforms.aicore.dialect.secret_schema import Secrets


class AICore(Part, frozen=True, kw_only=True):
    resource_group: Annotated[
        Annotated[
            str, like(formats.RESOURCE_GROUP, "3 to 253 letters, digits, dots and hyphens", 253)
        ]
        | None,
        Meta(
            description="Where everything lives; default: AICORE_RESOURCE_GROUP.",
            examples=["cicd-dev"],
        ),
    ] = None
    labels: Annotated[
        dict[str, LabelValue],
        Meta(
            description="Labels of the resource group; keys start with ext.ai.sap.com/.",
            examples=[{"ext.ai.sap.com/team": "churn"}],
        ),
    ] = {}
    nodes: Annotated[
        dict[str, Annotated[int, Meta(ge=0, le=10)]],
        Meta(
            description="Resource plan -> nodes reserved for the whole tenant; each one costs.",
            examples=[{"infer.s": 1}],
        ),
    ] = {}
    launchpad_url: Annotated[
        Annotated[str, like(formats.LAUNCHPAD_URL, "an https:// URL", 1024)] | None,
        Meta(
            description="AI Launchpad, for links; may hold {kind}, {id} and {resource_group}.",
            examples=["https://example.com/aic/index.html#/{kind}/{id}"],
        ),
    ] = None


class Git(Part, frozen=True, kw_only=True):
    application: Annotated[
        Annotated[str, like(formats.APPLICATION, "3 to 54 lower-case letters, digits, hyphens")],
        Meta(
            description="Name of the application that syncs the templates to AI Core.",
            examples=["cicdexample"],
        ),
    ]
    repository: Annotated[
        Annotated[str, like(formats.REPOSITORY_URL, "an https:// URL", 1024)] | None,
        Meta(
            description="URL of the repository; onboarded if missing.",
            examples=["https://github.com/org/repo"],
        ),
    ] = None
    path: Annotated[
        Plain, Meta(description="Folder with the templates.", examples=["templates"])
    ] = "templates"
    revision: Annotated[
        Plain | None,
        Meta(
            description="Branch, tag or commit; default: branch, else what is checked out.",
            examples=["main"],
        ),
    ] = None
    username: Annotated[
        SecretText | None,
        Meta(description="Git user, only as ${env.NAME}.", examples=["${env.GIT_USER}"]),
    ] = None
    password: Annotated[
        SecretText | None,
        Meta(description="Git token, only as ${env.NAME}.", examples=["${env.GIT_TOKEN}"]),
    ] = None


class Artifact(Part, frozen=True, kw_only=True):
    key: Annotated[Key, Meta(description="What bindings call it.", examples=["example-dataset"])]
    name: Annotated[
        Name, Meta(description="Name of the artifact on AI Core.", examples=["Example Dataset"])
    ]
    kind: Annotated[
        Literal["model", "dataset", "resultset", "other"],
        Meta(description="What it is.", examples=["dataset"]),
    ]
    url: Annotated[
        Annotated[str, like(formats.ARTIFACT_URL, "a url like ai://default/path", 1024)],
        Meta(description="Where it lies: ai://SECRET/PATH.", examples=["ai://default/data"]),
    ]
    scenario_id: Annotated[
        Id, Meta(description="Scenario that it belongs to.", examples=["cicdexample"])
    ]
    labels: Annotated[
        dict[str, LabelValue] | None,
        Meta(
            description="Keys start with ext.ai.sap.com/.",
            examples=[{"ext.ai.sap.com/team": "churn"}],
        ),
    ] = None
    description: Annotated[
        Annotated[str, Meta(max_length=5000)] | None,
        Meta(description="Free text.", examples=["Customers of 2025"]),
    ] = None


class Configuration(Part, frozen=True, kw_only=True):
    name: Annotated[
        Name, Meta(description="Name of the configuration on AI Core.", examples=["Training"])
    ]
    scenario_id: Annotated[
        Id, Meta(description="Scenario of the executable.", examples=["cicdexample"])
    ]
    executable_id: Annotated[
        Id, Meta(description="metadata.name of a template.", examples=["cicdexample"])
    ]
    parameter_bindings: Annotated[
        Parameters, Meta(description="Parameter -> value.", examples=[{"epochs": 20}])
    ] = {}
    input_artifact_bindings: Annotated[
        Inputs,
        Meta(
            description="Input -> key of an artifact, or ${executions.KEY.artifacts.NAME}.",
            examples=[{"example-dataset": "example-dataset"}],
        ),
    ] = {}


class Gate(Part, frozen=True, kw_only=True):
    metric: Annotated[
        Plain, Meta(description="Name of a metric that the run reports.", examples=["accuracy"])
    ]
    min: Annotated[
        float | None, Meta(description="The metric must be at least this.", examples=[0.9])
    ] = None
    max: Annotated[
        float | None, Meta(description="The metric must be at most this.", examples=[0.1])
    ] = None


class Execution(Part, frozen=True, kw_only=True):
    key: Annotated[
        Key | None, Meta(description="Default: from configuration.name.", examples=["train"])
    ] = None
    configuration: Annotated[Configuration, Meta(description="What is run, and with what.")]
    rerun: Annotated[
        Literal["on_change", "always", "never"],
        Meta(description="When a run that completed is repeated."),
    ] = "on_change"
    watch: Annotated[
        list[Plain],
        Meta(
            description="Files (globs, from the root) whose content counts as input.",
            examples=[["templates/workloads/*.py"]],
        ),
    ] = []
    wait_for_status: Annotated[
        Literal["COMPLETED", "RUNNING"] | None, Meta(description="null: start and go on.")
    ] = "COMPLETED"
    timeout: Annotated[Duration, Meta(description="How long to wait.", examples=["30m"])] = "30m"
    require: Annotated[
        list[Gate],
        Meta(
            description="Bounds on the run's metrics; else it failed.",
            examples=[[{"metric": "accuracy", "min": 0.9}]],
        ),
    ] = []


class Expect(Part, frozen=True, kw_only=True):
    status: Annotated[
        Annotated[int, Meta(ge=100, le=599)],
        Meta(description="HTTP status of the answer.", examples=[200]),
    ] = 200
    contains: Annotated[
        str | None, Meta(description="Text that must be in the answer.", examples=["prediction"])
    ] = None


_HeaderName = Annotated[
    str, named(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", "the name of a header, as HTTP takes it")
]
_HeaderValue = Annotated[
    str,
    like(
        r"^([!-~\u00a1-\u00ff]([\t -~\u00a1-\u00ff]*[!-~\u00a1-\u00ff])?)?$",
        "one line of Latin letters and signs without blanks around it, as HTTP takes it",
        8192,
    ),
]


class SmokeTest(Part, frozen=True, kw_only=True):
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"], Meta(description="HTTP method.")
    ] = "GET"
    path: Annotated[
        Annotated[str, like("^/", "a path that starts with /", 1024)],
        Meta(
            description="Path below the deployment's URL, such as /v1/predict.",
            examples=["/v2/predict"],
        ),
    ]
    json_body: Annotated[Any, Meta(description="Body of the request.", examples=[{"x": 1}])] = (
        field(default=None, name="json")
    )
    headers: Annotated[
        dict[_HeaderName, _HeaderValue],
        Meta(description="More headers.", examples=[{"Accept": "application/json"}]),
    ] = {}
    expect: Annotated[Expect, Meta(description="What the answer must be.")] = field(
        default_factory=Expect
    )
    timeout: Annotated[
        Duration, Meta(description="How long it may take to answer so.", examples=["60s"])
    ] = "60s"


class Deployment(Part, frozen=True, kw_only=True):
    key: Annotated[
        Key | None, Meta(description="Default: from configuration.name.", examples=["serve"])
    ] = None
    configuration: Annotated[Configuration, Meta(description="What is served, and with what.")]
    wait_for_status: Annotated[
        Literal["RUNNING"] | None, Meta(description="null: start and go on.")
    ] = "RUNNING"
    timeout: Annotated[Duration, Meta(description="How long to wait.", examples=["30m"])] = "15m"
    ttl: Annotated[
        Annotated[str, like(formats.TTL, "a time like 30m, 24h or 7d")] | None,
        Meta(
            description="Deleted by the platform after this time; at least 10m.", examples=["24h"]
        ),
    ] = None
    smoke_test: Annotated[SmokeTest | None, Meta(description="One request once it runs.")] = None
    on_failure: Annotated[
        Literal["rollback", "keep"], Meta(description="What an update that fails leaves behind.")
    ] = "rollback"
    drain: Annotated[
        Annotated[str, like(formats.DRAIN, "a time like 0s, 30s or 2m")],
        Meta(
            description="From the destination's move to a replacement to the stop of the old one.",
            examples=["2m"],
        ),
    ] = "30s"
    destination_name: Annotated[
        Annotated[str, like(formats.DESTINATION, "letters, digits, _ and -", 200)] | None,
        Meta(description="BTP destination that points to it.", examples=["AI_CORE_DEPLOYMENT"]),
    ] = None
    existing_deployment_id: Annotated[
        Id | None,
        Meta(
            description="Update this deployment, whatever it is called.",
            examples=["d1234567890abcde"],
        ),
    ] = None


class Schedule(Part, frozen=True, kw_only=True):
    key: Annotated[Key | None, Meta(description="Default: the name.", examples=["weekly"])] = None
    name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=256)],
        Meta(description="Name of the schedule on AI Core.", examples=["weekly-training"]),
    ]
    execution: Annotated[
        Plain,
        Meta(description="Key of the execution whose configuration runs.", examples=["train"]),
    ]
    cron: Annotated[
        Plain, Meta(description="Five fields, UTC, at most hourly.", examples=["0 0 * * 0"])
    ]
    start: Annotated[
        Plain | None,
        Meta(description="RFC 3339 time; default: now.", examples=["2026-01-31T06:00:00Z"]),
    ] = None
    end: Annotated[
        Plain | None,
        Meta(description="RFC 3339 time; default: never.", examples=["2026-12-31T06:00:00Z"]),
    ] = None
    active: Annotated[bool, Meta(description="false pauses it.")] = True


class Limits(Part, frozen=True, kw_only=True):
    max_delete_percent: Annotated[
        Annotated[float, Meta(ge=0, le=100)],
        Meta(
            description="Percentage that one apply may delete of the live runs, schedules and "
            "deployments: of each kind, and of all together; counts from two on.",
            examples=[30],
        ),
    ] = 30.0
    max_delete: Annotated[
        Annotated[int, Meta(ge=0)],
        Meta(description="How many things of any kind one apply may delete.", examples=[10]),
    ] = 10


class Image(Part, frozen=True, kw_only=True):
    mounts: Annotated[
        dict[str, str],
        Meta(description="Path in the container -> path here.", examples=[{"/app/src": "."}]),
    ] = {}
    python: Annotated[
        str, Meta(description="Virtual environment or interpreter to use.", examples=[".venv"])
    ] = ""
    command: Annotated[
        list[str],
        Meta(description="Used where the template names none.", examples=[["python", "serve.py"]]),
    ] = []
    env: Annotated[
        dict[str, str],
        Meta(
            description="Environment under the template's own.", examples=[{"LOG_LEVEL": "debug"}]
        ),
    ] = {}
    workdir: Annotated[str, Meta(description="Where programs start.", examples=["/app"])] = ""


class Local(Part, frozen=True, kw_only=True):
    images: Annotated[
        dict[str, Image],
        Meta(
            description="Container image -> what stands in for it.",
            examples=[{"docker.io/org/app:1": {"mounts": {"/app": "."}}}],
        ),
    ] = {}
    artifacts: Annotated[
        dict[str, str],
        Meta(
            description="ai:// url -> file or folder here.",
            examples=[{"ai://default/data": "data"}],
        ),
    ] = {}


class StageFile(Part, frozen=True, kw_only=True):
    """What should exist on one stage."""

    schema_hint: Annotated[
        str | None, Meta(description="For editors.", examples=["../config.schema.json"])
    ] = field(default=None, name="$schema")
    extends: Annotated[
        str | None,
        Meta(description="Another stage file that this one changes.", examples=["base.yaml"]),
    ] = None
    stage: Annotated[
        Annotated[str, like(formats.STAGE, formats.STAGE_SAYS, formats.MAX_STAGE)] | None,
        Meta(description="Default: the file's name.", examples=["dev"]),
    ] = None
    branch: Annotated[
        Plain | None,
        Meta(description="A push to this branch applies this stage.", examples=["main"]),
    ] = None
    platform: Annotated[Literal["aicore"], Meta(description="Where it all runs.")] = "aicore"
    aicore: Annotated[AICore, Meta(description="Where on AI Core; never credentials.")] = field(
        default_factory=AICore
    )
    variables: Annotated[
        dict[str, Scalar], Meta(description="For ${var.NAME}.", examples=[{"image_tag": "1.0"}])
    ] = {}
    git: Annotated[Git | None, Meta(description="How templates reach AI Core.")] = None
    secrets: Annotated[Secrets, Meta(description="Credentials that runs use.")] = field(
        default_factory=Secrets
    )
    flows: Annotated[
        list[FlowSettings], Meta(description="Metaflow flows and the templates made from them.")
    ] = []
    artifacts: Annotated[list[Artifact], Meta(description="Data and models to register.")] = []
    executions: Annotated[list[Execution], Meta(description="Runs that end.")] = []
    schedules: Annotated[list[Schedule], Meta(description="Runs at fixed times.")] = []
    deployments: Annotated[list[Deployment], Meta(description="Models that are served.")] = []
    prune: Annotated[
        Literal["none", "stage", "resource_group"],
        Meta(description="What is deleted that this file does not name."),
    ] = "none"
    limits: Annotated[Limits, Meta(description="Over either, deletes need --over-limits.")] = field(
        default_factory=Limits
    )
    protect: Annotated[
        list[Annotated[str, like("^[a-z_]+/.+$", "kind/name")]],
        Meta(description="Never deleted or replaced: kind/name.", examples=[["deployment/serve"]]),
    ] = []
    local: Annotated[Local, Meta(description="How the emulator stands in for images and data.")] = (
        field(default_factory=Local)
    )


def json_schema(*, is_strict: bool = False) -> dict[str, Any]:
    """The JSON schema of a stage file (draft 2020-12), as written to ``config.schema.json``.

    ``is_strict``: for values whose variables have been replaced, where an editor's schema lets any
    text with a variable pass.
    """
    made = msgspec.json.schema(StageFile, schema_hook=lambda _: {})
    parts = {name: _shaped(part, is_strict=is_strict) for name, part in made["$defs"].items()}
    root = parts.pop(StageFile.__name__)
    used = {name: part for name, part in parts.items() if name not in _NO_PARTS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": used,
        **root,
        "title": "cicd stage file",
    }


def _shaped(schema: Any, *, is_strict: bool) -> Any:
    """The same with a title for every key, and the form that a field's own schema asks for."""
    if isinstance(schema, list):
        return [_shaped(item, is_strict=is_strict) for item in schema]
    if not isinstance(schema, dict):
        return schema
    shaped = {
        key: value if key in _AS_IS else _shaped(value, is_strict=is_strict)
        for key, value in schema.items()
        if key not in {EDITOR, WHOLE} and (key, value) != ("required", [])
    }
    if "enum" in schema:  # all of ours are texts; msgspec lists them by the alphabet
        words = _declared()[frozenset(schema["enum"])]
        shaped = {**shaped, "type": "string", "enum": list(words)}
    if WHOLE in schema:
        about = {key: value for key, value in shaped.items() if key in _ABOUT}
        shaped = about | _shaped(schema[WHOLE], is_strict=is_strict)
    if EDITOR in schema and not is_strict:
        shaped |= schema[EDITOR]
    for key, value in shaped.get("properties", {}).items():
        value["title"] = key.lstrip("$").replace("_", " ").capitalize()
    return shaped


@cache
def _declared() -> dict[frozenset[str], tuple[str, ...]]:
    """The words of every choice in the order in which they are declared."""

    def search(kind: Any) -> Iterator[tuple[str, ...]]:
        if get_origin(kind) is Literal:
            yield get_args(kind)
        else:
            for inner in get_args(kind):
                yield from search(inner)

    hints = (get_type_hints(part, include_extras=True) for part in Part.__subclasses__())
    kinds = (kind for found in hints for kind in found.values())
    return {frozenset(words): words for kind in kinds for words in search(kind)}


_AS_IS = {"examples", "default", "enum", "const"}
"""What holds values, not schemas."""
_ABOUT = {"title", "description", "default", "examples"}
"""What says nothing of a value's form."""
_NO_PARTS = {"Ref", "Key"}
"""What msgspec lists besides: what a binding may hold once its variable is replaced."""
