"""From what an endpoint is to what it shall be: the next request for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cicd.errors import Conflict
from cicd.model import Spec
from cicd.platforms.sagemaker.endpoints import deployment, pending_config, weights_of

COUNT = "DesiredInstanceCount"
WEIGHT = "DesiredWeight"


@dataclass(frozen=True)
class Move:
    """A request, and whether another has to follow it once the endpoint is in service again."""

    operation: str
    body: Mapping[str, Any]
    has_sequel: bool = False


class Moves:
    """The moves of the endpoints of one stage. ``config``: what is in a configuration, by its name;
    None where it is not there."""

    def __init__(self, config: Callable[[str], Spec | None]) -> None:
        self._config = config
        self._has_sequel: set[tuple[str, str]] = set()

    def next(self, told: Mapping[str, Any], wish: Spec) -> Move | None:
        """What is to be sent of an endpoint, by its description; None for nothing. Raises Conflict
        where it has to be in service first."""
        name, now = str(told["EndpointName"]), str(told["EndpointConfigName"])
        goal = (name, str(wish["config"]))
        is_up, goes_on = told["EndpointStatus"] == "InService", goal in self._has_sequel
        if pending_config(told) == wish["config"]:
            if goes_on or weighted(told, wish):
                self._has_sequel.add(goal)
                raise in_between(name)
            return None
        if is_up:
            self._has_sequel.discard(goal)
        if is_up and now == wish["config"]:
            return weighted(told, wish)
        if is_up and goes_on:
            return None  # AWS has gone back: whoever waits sees that
        return moved_to(told, wish, self._config(now), self._config(str(wish["config"])))

    def sent(self, move: Move, name: str) -> None:
        """After it was sent. Raises Conflict where another has to follow."""
        if move.has_sequel:
            self._has_sequel.add((name, str(move.body["EndpointConfigName"])))
            raise in_between(name)


def in_between(name: str) -> Conflict:
    """What keeps apply waiting until the weights can be sent."""
    return Conflict(f"{name} is on its way to its configuration: its weights follow")


def moved_to(told: Mapping[str, Any], wish: Spec, before: Spec | None, after: Spec | None) -> Move:
    """To another configuration. ``before``, ``after``: what is in the present one and in that,
    None where it is not there.

    What has been scaled or weighted meanwhile stays, but for what the stage itself has changed: AWS
    would else begin with the numbers of the configuration.
    """
    body: dict[str, Any] = {"EndpointConfigName": wish["config"]}
    if how := deployment(wish.get("deployment")):
        body["DeploymentConfig"] = how
    initial = after["weights"] if after else {}
    now, will_be = weights_of(told), initial
    wanted = wish.get("weights")
    if before and after and before["variants"].keys() == after["variants"].keys():
        body["RetainAllVariantProperties"] = True
        changed = [COUNT] if _counts(before) != _counts(after) else []
        changed += [WEIGHT] if now != wanted and wanted == initial else []
        if changed:
            told_so = [{"VariantPropertyType": name} for name in changed]
            body["ExcludeRetainedVariantProperties"] = told_so
        will_be = initial if WEIGHT in changed else now
    return Move("update_endpoint", body, has_sequel=bool(wanted and after) and will_be != wanted)


def weighted(told: Mapping[str, Any], wish: Spec) -> Move | None:
    """To other weights alone; None where they are as wanted."""
    now, wanted = weights_of(told), wish.get("weights") or {}
    shares = [
        {"VariantName": name, "DesiredWeight": weight}
        for name, weight in wanted.items()
        if now.get(name) != weight
    ]
    operation = "update_endpoint_weights_and_capacities"
    return Move(operation, {"DesiredWeightsAndCapacities": shares}) if shares else None


def _counts(config: Spec) -> dict[str, Any]:
    """How many instances each variant begins with; none for what is serverless."""
    return {name: one.get("instance", {}).get("count") for name, one in config["variants"].items()}
