"""The whole API as one list."""

from __future__ import annotations

from cicd.emulator.api.admin import (
    applications,
    destinations,
    itself,
    nodes,
    oauth,
    quotas,
    repositories,
    resource_groups,
    secrets,
    services,
    tenant,
    undocumented,
)
from cicd.emulator.api.faults import routes as fault_rules
from cicd.emulator.api.lm import (
    artifacts,
    configurations,
    dataset,
    deployments,
    executions,
    kpis,
    logs,
    meta,
    metrics,
    scenarios,
    schedules,
)
from cicd.emulator.api.web import Operation

OPERATIONS: tuple[Operation, ...] = (
    *oauth.OPERATIONS,
    *itself.OPERATIONS,
    *fault_rules.OPERATIONS,
    *meta.OPERATIONS,
    *resource_groups.OPERATIONS,
    *repositories.OPERATIONS,
    *applications.OPERATIONS,
    *secrets.OPERATIONS,
    *scenarios.OPERATIONS,
    *artifacts.OPERATIONS,
    *configurations.OPERATIONS,
    *logs.OPERATIONS,
    *executions.OPERATIONS,
    *schedules.OPERATIONS,
    *deployments.OPERATIONS,
    *metrics.OPERATIONS,
    *dataset.OPERATIONS,
    *kpis.OPERATIONS,
    *nodes.OPERATIONS,
    *quotas.OPERATIONS,
    *services.OPERATIONS,
    *tenant.OPERATIONS,
    *undocumented.OPERATIONS,
    *destinations.OPERATIONS,
)
