"""What AI Core has, each noun with its own type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.platforms.aicore.content import Artifacts, Configurations
from cicd.platforms.aicore.nodes import NodeReservations
from cicd.platforms.aicore.runs import Deployments, Executions
from cicd.platforms.aicore.schedules import Schedules
from cicd.platforms.aicore.secrets import (
    DockerRegistrySecrets,
    GenericSecrets,
    ObjectStoreSecrets,
)
from cicd.platforms.aicore.tenant import Applications, Repositories, ResourceGroups
from cicd.platforms.destination.entries import Destinations


class Nouns:
    """``by_kind``: the same by the names of their kinds; destinations only where there is a login
    for them."""

    def __init__(self, by_kind: Mapping[str, Any]) -> None:
        self.groups: ResourceGroups = by_kind["resource_group"]
        self.repositories: Repositories = by_kind["repository"]
        self.applications: Applications = by_kind["application"]
        self.artifacts: Artifacts = by_kind["artifact"]
        self.configurations: Configurations = by_kind["configuration"]
        self.executions: Executions = by_kind["execution"]
        self.deployments: Deployments = by_kind["deployment"]
        self.schedules: Schedules = by_kind["schedule"]
        self.nodes: NodeReservations = by_kind["node_reservation"]
        self.generic: GenericSecrets = by_kind["generic_secret"]
        self.docker: DockerRegistrySecrets = by_kind["docker_registry_secret"]
        self.stores: ObjectStoreSecrets = by_kind["object_store_secret"]
        self.destinations: Destinations | None = by_kind.get("destination")
