"""The shape of AI Core's stage files as msgspec structs.

Only shape, patterns and lengths; what one part says of another is checked in ``resolve``.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from cicd.config.fields import Key, Part, Plain, SecretText, like
from cicd.config.schema import (
    LOCAL,
    PRUNE,
    OnFailure,
    Require,
    Rerun,
    StageBase,
    Timeout,
    UrlPath,
    Watch,
)
from cicd.config.schema import Local as LocalBase
from cicd.config.schema import SmokeTest as SmokeTestBase
from cicd.platforms.aicore.dialect import formats
from cicd.platforms.aicore.dialect.fields import Id, Inputs, LabelValue, Name, Parameters
from cicd.platforms.aicore.dialect.flows.schema import FlowSettings
from cicd.platforms.aicore.dialect.secret_schema import Secrets
from cicd.values import Ref


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
        Annotated[str, like(formats.ARTIFACT_URL, "a url like ai://default/path", 1024)] | Ref,
        Meta(
            description="Where it lies: ai://SECRET/PATH, or what a run of another stage has made.",
            examples=["ai://default/data"],
        ),
    ]
    scenario_id: Annotated[
        Id, Meta(description="Scenario that it belongs to.", examples=["cicdexample"])
    ]
    labels: Annotated[
        dict[str, LabelValue | Ref] | None,
        Meta(
            description="Keys start with ext.ai.sap.com/.",
            examples=[{"ext.ai.sap.com/team": "churn"}],
        ),
    ] = None
    description: Annotated[
        Annotated[str, Meta(max_length=5000)] | Ref | None,
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


class Execution(Part, frozen=True, kw_only=True):
    key: Annotated[
        Key | None, Meta(description="Default: from configuration.name.", examples=["train"])
    ] = None
    configuration: Annotated[Configuration, Meta(description="What is run, and with what.")]
    rerun: Rerun = "on_change"
    watch: Watch = []
    wait_for_status: Annotated[
        Literal["COMPLETED", "RUNNING"] | None, Meta(description="null: start and go on.")
    ] = "COMPLETED"
    timeout: Timeout = "30m"
    require: Require = []


class SmokeTest(SmokeTestBase, frozen=True, kw_only=True):
    path: Annotated[
        UrlPath,
        Meta(
            description="Path below the deployment's URL, such as /v1/predict.",
            examples=["/v2/predict"],
        ),
    ]


class Deployment(Part, frozen=True, kw_only=True):
    key: Annotated[
        Key | None, Meta(description="Default: from configuration.name.", examples=["serve"])
    ] = None
    configuration: Annotated[Configuration, Meta(description="What is served, and with what.")]
    wait_for_status: Annotated[
        Literal["RUNNING"] | None, Meta(description="null: start and go on.")
    ] = "RUNNING"
    timeout: Timeout = "15m"
    ttl: Annotated[
        Annotated[str, like(formats.TTL, "a time like 30m, 24h or 7d")] | None,
        Meta(
            description="Deleted by the platform after this time; at least 10m.", examples=["24h"]
        ),
    ] = None
    smoke_test: Annotated[SmokeTest | None, Meta(description="One request once it runs.")] = None
    on_failure: OnFailure = "rollback"
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


class Local(LocalBase, frozen=True, kw_only=True):
    artifacts: Annotated[
        dict[str, str],
        Meta(
            description="ai:// url -> file or folder here.",
            examples=[{"ai://default/data": "data"}],
        ),
    ] = {}


class StageFile(StageBase, frozen=True, kw_only=True):
    """What should exist on one stage."""

    platform: Annotated[Literal["aicore"], Meta(description="Where it all runs.")] = "aicore"
    aicore: Annotated[AICore, Meta(description="Where on AI Core; never credentials.")] = field(
        default_factory=AICore
    )
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
    prune: Annotated[Literal["none", "stage", "everything", "resource_group"], PRUNE] = "none"  # type: ignore[assignment]  # one word more than others have
    local: Annotated[Local, LOCAL] = field(default_factory=Local)
