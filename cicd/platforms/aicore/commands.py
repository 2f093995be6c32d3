"""What commands say of SAP AI Core: see ``cicd.platforms.commands``."""

from __future__ import annotations

from cicd.platforms.commands import Imports, Short

SHORT = {
    "deployment": Short(
        "List deployments, also those of no stage file.",
        "List the deployments of the resource group, newest first, also those of nobody.",
        ("dev --unmanaged", "dev --status RUNNING -o json"),
    ),
    "execution": Short(
        "List runs, also those of no stage file.",
        "List the runs of the resource group, newest first, also those of nobody's stage file.",
        ("dev --status DEAD --since 7d", "dev --key train --limit 5 -o json"),
    ),
    "artifact": Short(
        "List models, data sets and results.",
        "List the artifacts of the resource group, newest first.",
        ("dev --kind model", "dev --name 'churn-*' -o json"),
        {"kind": "model, dataset, resultset …"},
    ),
}
IMPORTS = Imports(
    target={"resource_group": "What to import from AI Core."},
    select={"scenario": "Only what belongs to these scenarios."},
)
