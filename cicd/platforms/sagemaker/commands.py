"""What commands say of SageMaker: see ``cicd.platforms.commands``."""

from __future__ import annotations

from cicd.platforms.commands import Imports, Question, Short

LOGIN = {
    "AWS_REGION": Question("Region", is_place=True),
    "AWS_ACCESS_KEY_ID": Question("Access key"),
    "AWS_SECRET_ACCESS_KEY": Question("Secret key", is_secret=True),
    "AWS_SESSION_TOKEN": Question("Session token, if any", is_secret=True, is_optional=True),
}
SHORT = {
    "training_job": Short(
        "List training jobs, also those of no stage file.",
        "List training jobs, newest first, also those of no stage file.",
        ("dev --status failed --since 7d", "dev --key train --limit 5 -o json"),
    ),
    "processing_job": Short(
        "List processing jobs, also those of no stage file.",
        "List processing jobs, newest first, also those of no stage file.",
        ("dev", "dev --unmanaged -o json"),
    ),
    "transform_job": Short(
        "List transform jobs, also those of no stage file.",
        "List transform jobs, newest first, also those of no stage file.",
        ("dev", "dev --unmanaged -o json"),
    ),
    "model": Short(
        "List models, also those of no stage file.",
        "List models, newest first, also those of no stage file.",
        ("dev", "dev --unmanaged -o json"),
    ),
    "endpoint": Short(
        "List endpoints, also those of no stage file.",
        "List endpoints, newest first, also those of no stage file.",
        ("dev", "dev --unmanaged -o json"),
    ),
}
IMPORTS = Imports()
