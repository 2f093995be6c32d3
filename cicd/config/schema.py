"""What the stage files of all platforms share, as msgspec structs.

Only shape, patterns and lengths; what one part says of another is checked elsewhere.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, field
from msgspec.structs import fields

from cicd.config import formats
from cicd.config.fields import Duration, Key, Part, Plain, Scalar, SecretText, like, named
from cicd.config.lifecycle_schema import Lifecycle
from cicd.config.sync_schema import Sync
from cicd.values import Happening


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


UrlPath = Annotated[str, like("^/", "a path that starts with /", 1024)]


class SmokeTest(Part, frozen=True, kw_only=True):
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"], Meta(description="HTTP method.")
    ] = "GET"
    path: Annotated[
        UrlPath | None,
        Meta(description="Path below the service's URL.", examples=["/predict"]),
    ] = None
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


class AnySmokeTest(SmokeTest, frozen=True, kw_only=True):
    """The same for services that take any body, or have parts that answer each for themselves."""

    body: Annotated[
        str | None,
        Meta(description="Body as it is, in place of json.", examples=["5.1,3.5,1.4"]),
    ] = None
    content_type: Annotated[str, Meta(description="What the body is.", examples=["text/csv"])] = ""
    variant: Annotated[str, Meta(description="The part that is to answer.")] = ""


class Notice(Part, frozen=True, kw_only=True):
    on: Annotated[
        list[Happening],
        Meta(min_length=1, description="What is told.", examples=[["failed", "recovered"]]),
    ]
    to: Annotated[
        Annotated[SecretText, Meta(extra_json_schema={"description": ""})],
        Meta(
            description="Where it is told: an address of Apprise, or webhook+https://…; "
            "it is a secret as a whole.",
            examples=["${env.SLACK_URL}"],
        ),
    ]
    secret: Annotated[
        SecretText | None,
        Meta(
            description="Signs what a webhook+https:// address gets; only as ${env.NAME}.",
            examples=["${env.WEBHOOK_SECRET}"],
        ),
    ] = None


class Limits(Part, frozen=True, kw_only=True):
    max_delete_percent: Annotated[
        Annotated[float, Meta(ge=0, le=100)],
        Meta(
            description="Percentage that one apply may delete of the live runs and "
            "services: of each kind, and of all together; counts from two on.",
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
        Meta(description="Used where nothing else names one.", examples=[["python", "serve.py"]]),
    ] = []
    env: Annotated[
        dict[str, str],
        Meta(description="Environment under the program's own.", examples=[{"LOG_LEVEL": "debug"}]),
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


# what runs or serves has these, as far as its platform can do them
Rerun = Annotated[
    Literal["on_change", "always", "never"],
    Meta(description="When a run that completed is repeated."),
]
Watch = Annotated[
    list[Plain],
    Meta(
        description="Files (globs, from the root) whose content counts as input.",
        examples=[["templates/workloads/*.py"]],
    ),
]
Timeout = Annotated[Duration, Meta(description="How long to wait.", examples=["30m"])]
Require = Annotated[
    list[Gate],
    Meta(
        description="Bounds on the run's metrics; else it failed.",
        examples=[[{"metric": "accuracy", "min": 0.9}]],
    ),
]
OnFailure = Annotated[
    Literal["rollback", "keep"], Meta(description="What an update that fails leaves behind.")
]


class RunItem(Part, frozen=True, kw_only=True):
    """Something that runs and ends, as far as all platforms have it."""

    key: Annotated[Key, Meta(description="What the stage calls it.", examples=["train"])]
    rerun: Rerun = "on_change"
    watch: Watch = []
    timeout: Timeout = "30m"
    require: Require = []


class ServiceItem(Part, frozen=True, kw_only=True):
    """Something that answers until it is taken away, as far as all platforms have it."""

    key: Annotated[Key, Meta(description="What the stage calls it.", examples=["serve"])]
    timeout: Timeout = "30m"
    smoke_test: Annotated[
        AnySmokeTest | None, Meta(description="A request to it once it is up.")
    ] = None
    on_failure: OnFailure = "rollback"


# a platform may have more words for either
PRUNE = Meta(description="What is deleted that this file does not name.")
LOCAL = Meta(description="How the emulator stands in for images and data.")


class StageBase(Part, frozen=True, kw_only=True):
    """What should exist on one stage. A platform adds its sections, and its name as the one value
    that ``platform`` may have."""

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
    platform: Annotated[str, Meta(description="Where it all runs.")]
    variables: Annotated[
        dict[str, Scalar], Meta(description="For ${var.NAME}.", examples=[{"image_tag": "1.0"}])
    ] = {}
    lifecycle: Annotated[
        Lifecycle | None,
        Meta(description="What has to be so before anything changes that serves."),
    ] = None
    prune: Annotated[Literal["none", "stage", "everything"], PRUNE] = "none"
    limits: Annotated[Limits, Meta(description="Over either, deletes need --over-limits.")] = field(
        default_factory=Limits
    )
    protect: Annotated[
        list[Annotated[str, like("^[a-z_]+/.+$", "kind/name")]],
        Meta(description="Never deleted or replaced: kind/name.", examples=[["kind/name"]]),
    ] = []
    notify: Annotated[
        list[Notice],
        Meta(
            description="Who is told of what.",
            examples=[[{"on": ["failed"], "to": "${env.SLACK_URL}"}]],
        ),
    ] = []
    sync: Annotated[
        Sync | None,
        Meta(
            description="What cicd controller may do by itself; default: look only.",
            examples=[{"auto": True, "heal": True}],
        ),
    ] = None
    local: Annotated[Local, LOCAL] = field(default_factory=Local)


_FIRST = ("$schema", "extends", "stage", "branch", "platform")


def keys_of(file: type[StageBase], name: str) -> tuple[str, ...]:
    """The keys of a stage file in the order in which people write them: what it is, where it goes
    (the section called like the platform, ``name``), what should be there, and the bounds."""
    shared = [key for key in StageBase.__struct_encode_fields__ if key not in _FIRST]
    own = [key for key in file.__struct_encode_fields__ if key not in (*_FIRST, *shared)]
    place = [key for key in own if key == name]
    rest = [key for key in own if key != name]
    variables, *bounds = shared
    return (*_FIRST, *place, variables, *rest, *bounds)


def part_of(file: type[StageBase], section: str) -> type[Part] | None:
    """What a section, or each of its items, is made of."""
    found = (info.type for info in fields(file) if info.encode_name == section)
    return next((part for kind in found for part in _parts_in(kind)), None)


def _parts_in(kind: Any) -> Iterator[type[Part]]:
    if isinstance(kind, type) and issubclass(kind, Part):
        yield kind
    for inner in get_args(kind):
        yield from _parts_in(inner)
