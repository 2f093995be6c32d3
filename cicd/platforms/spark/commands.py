"""What commands say of Spark: see ``cicd.platforms.commands``."""

from __future__ import annotations

from cicd.platforms.commands import Imports, Short

SHORT = {
    "job": Short(
        "List jobs, also those of no stage file.",
        "List jobs, newest first, also those of no stage file.",
        ("dev --status failed --since 7d", "dev --key train --limit 5 -o json"),
    ),
}
IMPORTS = Imports()
