"""The whole API as one list."""

from __future__ import annotations

from cicd.emulator.routes import (
    applications,
    artifacts,
    configurations,
    deployments,
    destinations,
    executions,
    itself,
    logs,
    metrics,
    oauth,
    repositories,
    resource_groups,
    scenarios,
    secrets,
)
from cicd.emulator.web import Operation

OPERATIONS: tuple[Operation, ...] = (
    *oauth.OPERATIONS,
    *itself.OPERATIONS,
    *resource_groups.OPERATIONS,
    *repositories.OPERATIONS,
    *applications.OPERATIONS,
    *secrets.OPERATIONS,
    *scenarios.OPERATIONS,
    *artifacts.OPERATIONS,
    *configurations.OPERATIONS,
    *logs.OPERATIONS,
    *executions.OPERATIONS,
    *deployments.OPERATIONS,
    *metrics.OPERATIONS,
    *destinations.OPERATIONS,
)
