"""What commands say of the training-job API: see ``cicd.platforms.commands``."""

from __future__ import annotations

from cicd.platforms.commands import Imports, Short

SHORT = {
    "job": Short(
        "List training jobs, also those of no stage file.",
        "List training jobs, newest first, also those of no stage file.",
        ("dev --status failed --since 7d", "dev --key train --limit 5 -o json"),
    ),
    "dataset": Short(
        "List the data that jobs take in.",
        "List the data that jobs take in, newest first.",
        ("dev", "dev --unmanaged -o json"),
    ),
    "artifact": Short(
        "List what jobs have made.",
        "List what jobs have made, newest first.",
        ("dev", "dev --job ID -o json"),
    ),
}
IMPORTS = Imports()
