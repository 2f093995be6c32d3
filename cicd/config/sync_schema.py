"""What ``sync`` of a stage file holds, the same for every platform."""

from typing import Annotated, Literal

from msgspec import Meta, field

from cicd.config.fields import Duration, Part, Plain


class Window(Part, frozen=True, kw_only=True):
    kind: Annotated[
        Literal["allow", "deny"],
        Meta(description="Whether things may be changed then; what is denied is denied."),
    ] = "allow"
    cron: Annotated[
        Plain,
        Meta(
            description="When it begins: minute hour day month weekday.", examples=["0 22 * * 1-5"]
        ),
    ]
    length: Annotated[Duration, Meta(description="How long it is open.", examples=["3h"])]
    zone: Annotated[
        Plain, Meta(description="Whose clocks count (IANA).", examples=["Europe/Berlin"])
    ] = "UTC"


class Retry(Part, frozen=True, kw_only=True):
    limit: Annotated[
        Annotated[int, Meta(ge=0, le=100)], Meta(description="Tries after the first one.")
    ] = 5
    first: Annotated[Duration, Meta(description="Until the first of them.", examples=["30s"])] = (
        "30s"
    )
    factor: Annotated[
        Annotated[float, Meta(ge=1, le=10)], Meta(description="Each pause is so many times longer.")
    ] = 2.0
    most: Annotated[Duration, Meta(description="The longest pause.", examples=["10m"])] = "10m"


class Sync(Part, frozen=True, kw_only=True):
    auto: Annotated[bool, Meta(description="Newer commits are applied by themselves.")] = False
    heal: Annotated[
        bool,
        Meta(description="What differs from the commit that was applied last is put back."),
    ] = False
    every: Annotated[
        Duration,
        Meta(description="Time between two looks; default: --every.", examples=["5m"]),
    ] = ""
    windows: Annotated[
        list[Window],
        Meta(
            description="When anything may be changed; default: always.",
            examples=[[{"cron": "0 22 * * *", "length": "3h"}]],
        ),
    ] = []
    suspend: Annotated[
        bool | str,
        Meta(description="true, or the reason: nothing is changed.", examples=["incident 42"]),
    ] = False
    retry: Annotated[Retry, Meta(description="How what failed and may pass is tried again.")] = (
        field(default_factory=Retry)
    )
