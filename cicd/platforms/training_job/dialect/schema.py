"""The shape of the training-job API's stage files as msgspec structs.

Names and meanings are those of the operator's parameters, in snake case.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from cicd.config.fields import Key, Part, Plain, SecretText, like, named
from cicd.config.schema import Require, Rerun, StageBase, Timeout, Watch
from cicd.values import Ref

URL = r"^https?://[^\s/@?#]+(/[^\s?#]*)?$"
_URL = like(URL, "an address like https://host/path, without login and query", 1024)
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
_PATH = like(r"^/\S*$", "a path that starts with /", 1024)
_State = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPING", "STOPPED"]


class Routes(Part, frozen=True, kw_only=True):
    storage: Annotated[
        Annotated[str, _PATH],
        Meta(description="Where the storage is told.", examples=["/api/{version}/storage"]),
    ] = "/api/{version}/storage"
    job: Annotated[
        Annotated[str, _PATH],
        Meta(description="Where one job is.", examples=["/api/{version}/jobs/{id}"]),
    ] = "/api/{version}/jobs/{id}"
    logs: Annotated[
        Annotated[str, _PATH],
        Meta(
            description="Where its log is, from a byte on.",
            examples=["/api/{version}/jobs/{id}/logs?offset={offset}"],
        ),
    ] = "/api/{version}/jobs/{id}/logs?offset={offset}"


class TrainingJob(Part, frozen=True, kw_only=True):
    api_url: Annotated[
        Annotated[str, _URL] | None,
        Meta(
            description="Where jobs are submitted; default: TRAINING_JOB_API_URL.",
            examples=["https://training.example.com"],
        ),
    ] = None
    token_url: Annotated[
        Annotated[str, _URL] | None,
        Meta(
            description="Where tokens are given; default: TRAINING_JOB_TOKEN_URL.",
            examples=["https://login.example.com/oauth/token"],
        ),
    ] = None
    client_id: Annotated[
        SecretText | None,
        Meta(
            description="Client of the login, only as ${env.NAME}; default: TRAINING_JOB_CLIENT_ID."
        ),
    ] = None
    client_secret: Annotated[
        SecretText | None,
        Meta(
            description="Its secret, only as ${env.NAME}; default: TRAINING_JOB_CLIENT_SECRET.",
        ),
    ] = None
    version: Annotated[
        Annotated[str, like(NAME, "letters, digits, dots, - and _", 20)],
        Meta(description="Version of the API, a part of its paths.", examples=["v2"]),
    ] = "v2"
    namespace: Annotated[
        Plain | None,
        Meta(
            description="Tells this project's jobs from those of others; default: "
            "TRAINING_JOB_NAMESPACE, else its repository.",
            examples=["churn"],
        ),
    ] = None
    token_method: Annotated[
        Literal["auto", "GET", "POST"],
        Meta(description="How a token is asked for; auto: GET, and POST where that is refused."),
    ] = "auto"
    bucket: Annotated[
        Annotated[str, like(BUCKET, "the name of a bucket", 63)],
        Meta(description="The bucket of the service's storage.", examples=["data"]),
    ] = "data"
    folder: Annotated[
        Plain,
        Meta(description="Where in it the files of a job are.", examples=["jobs/{name}-{id}"]),
    ] = "jobs/{name}-{id}"
    routes: Annotated[Routes, Meta(description="Where the API has what.")] = field(
        default_factory=Routes
    )
    statuses: Annotated[
        dict[Plain, _State],
        Meta(
            description="Words of the API for a status -> what they mean.",
            examples=[{"Enqueued": "PENDING"}],
        ),
    ] = {}


class Resources(Part, frozen=True, kw_only=True):
    cpus: Annotated[Annotated[int, Meta(ge=1)], Meta(description="Processors.", examples=[1])]
    gpus: Annotated[
        Annotated[int, Meta(ge=0)], Meta(description="Graphics processors.", examples=[0])
    ] = 0
    memory: Annotated[
        Annotated[int, Meta(ge=1)], Meta(description="Memory, in MB.", examples=[2048])
    ]


class Outputs(Part, frozen=True, kw_only=True):
    saved_model: Annotated[
        Plain | None,
        Meta(
            description="Folder for all that the job leaves behind; it is replaced as a whole.",
            examples=["build/model"],
        ),
    ] = None


_ENV_NAME = named(r"^[A-Za-z_][A-Za-z0-9_.-]*$", "letters, digits, dots, - and _")


class Job(Part, frozen=True, kw_only=True):
    key: Annotated[Key, Meta(description="What the stage calls it.", examples=["train"])]
    name: Annotated[
        Annotated[str, like(NAME, "letters, digits, dots, - and _", 100)] | None,
        Meta(description="Internal name of the job; default: its key.", examples=["wide-deep"]),
    ] = None
    script: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1_000_000)],
        Meta(
            description="File of the repository that is run; or, of several lines, its text.",
            examples=["train.py"],
        ),
    ]
    image: Annotated[
        Plain,
        Meta(description="Container image that it runs in.", examples=["tensorflow:1.4.0"]),
    ]
    completion_time: Annotated[
        Plain,
        Meta(description="The time that the job may take, as the API has it.", examples=["1h"]),
    ]
    env: Annotated[
        dict[Annotated[str, _ENV_NAME], str | Ref],
        Meta(
            description="Environment, and arguments of the script: TEST_DATA is --test_data=…",
            examples=[{"EPOCHS": "20"}],
        ),
    ] = {}
    resources: Annotated[
        Resources | None, Meta(description="What it needs; or say resource_plan_id.")
    ] = None
    resource_plan_id: Annotated[
        Plain | None,
        Meta(description="The plan that it runs in, in place of resources.", examples=["basic"]),
    ] = None
    requirements: Annotated[
        list[Plain] | str,
        Meta(
            description="Packages for pip: a list, a file of the repository, or lines of text.",
            examples=[["numpy==1.26.4"]],
        ),
    ] = []
    python_major_version: Annotated[
        Annotated[int, Meta(ge=2, le=3)], Meta(description="2 or 3.", examples=[3])
    ] = 3
    data: Annotated[
        dict[str, Plain | Ref],
        Meta(
            description="Name beside the script -> file of the repository, or s3:// address.",
            examples=[{"train.csv": "data/train.csv"}],
        ),
    ] = {}
    outputs: Annotated[Outputs, Meta(description="What is fetched once it has succeeded.")] = field(
        default_factory=Outputs
    )
    metrics: Annotated[
        dict[Plain, Plain],
        Meta(
            description="Metric -> pattern for its log, whose first group is the value.",
            examples=[{"accuracy": "accuracy=([0-9.]+)"}],
        ),
    ] = {}
    metrics_file: Annotated[
        Plain | None,
        Meta(
            description="JSON file with numbers that the job leaves behind.",
            examples=["metrics.json"],
        ),
    ] = None
    rerun: Rerun = "on_change"
    watch: Watch = []
    timeout: Timeout = "1h"
    require: Require = []


class StageFile(StageBase, frozen=True, kw_only=True):
    """What should exist on one stage."""

    platform: Annotated[Literal["training_job"], Meta(description="Where it all runs.")] = (
        "training_job"
    )
    training_job: Annotated[
        TrainingJob, Meta(description="Where the API is and how it speaks.")
    ] = field(default_factory=TrainingJob)
    jobs: Annotated[list[Job], Meta(description="Scripts that are run.")] = []
