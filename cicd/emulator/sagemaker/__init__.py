"""Amazon SageMaker: jobs that really run and endpoints that really answer, for the AWS SDKs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cicd.emulator.front_door import FrontDoor
from cicd.emulator.sagemaker.names import ALL, NAME, PREFIX, error, named

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from cicd.emulator.state.credentials import Credentials
    from cicd.emulator.world import World

REGION = "eu-central-1"
"""Where clients are told to be; things may be in any."""


def variables(url: str, credentials: Credentials) -> dict[str, str]:
    """What the AWS SDKs read, Python's and the others each its own word for the region; one url for
    all services."""
    regions = {"AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION}
    return {"AWS_ENDPOINT_URL": f"{url}{PREFIX}", **regions, **credentials.s3_login}


def make(world: World) -> ASGIApp:
    """The application."""
    from cicd.emulator.sagemaker.door import Door

    return Door(world)


SAGEMAKER = FrontDoor(
    NAME,
    make,
    variables=variables,
    error=error,
    named=named,
    names=ALL,
    about="Amazon SageMaker and what it needs of AWS, for the AWS SDKs",
)
