"""The training-job API: scripts run in images, on files that lie beside them.

The service is retired; what it was says the documentation of SAP Data Hub's operator
``trainingClient``. Routes, bodies and words are those of its public clients; which of them are
known and which inferred says ``docs/training-job.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cicd.emulator.front_door import FrontDoor, Served

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from cicd.emulator.state.credentials import Credentials
    from cicd.emulator.world import World

BUCKET = "data"
JOB = "/api/v2/jobs/{uuid}"


def variables(url: str, credentials: Credentials) -> dict[str, str]:
    """What clients of the API read."""
    from cicd.emulator.training_job.login import Login

    login = Login(credentials)
    return {
        "TRAINING_JOB_API_URL": f"{url}/training_job",
        "TRAINING_JOB_TOKEN_URL": f"{url}/training_job/oauth/token",
        "TRAINING_JOB_CLIENT_ID": login.client_id,
        "TRAINING_JOB_CLIENT_SECRET": login.client_secret,
    }


def make(world: World) -> ASGIApp:
    """The application."""
    from cicd.emulator.training_job.app import create_app

    return create_app(world)


def error(status: int, message: str, code: str, operation: str) -> dict[str, str]:
    """The body of an error."""
    return {"error": "invalid_token" if status == 401 else message}


def login_error(status: int, message: str, code: str, operation: str) -> dict[str, str]:
    """The body of an error of who gives out tokens."""
    from cicd.emulator.training_job.login import BAD_CREDENTIALS

    return BAD_CREDENTIALS if status == 401 else {"error": message}


TRAINING_JOB = FrontDoor(
    "training_job",
    make,
    operations=(
        Served("token.create", "GET", "/oauth/token", login_error),
        Served("token.create", "POST", "/oauth/token", login_error),
        Served("storage.get", "GET", "/api/v2/storage"),
        Served("job.list", "GET", "/api/v2/jobs"),
        Served("job.create", "POST", JOB),
        Served("job.get", "GET", JOB),
        Served("job.delete", "DELETE", JOB),
        Served("log.get", "GET", f"{JOB}/logs"),
    ),
    variables=variables,
    bucket=BUCKET,
    error=error,
    about="the training-job API, whose jobs are scripts that run in an image",
)
