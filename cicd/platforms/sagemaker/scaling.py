"""How many instances the variants of an endpoint have, by how much they are asked: Application Auto
Scaling. It is a thing of its own beside its endpoint, which must be up for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cicd.errors import Denied, NotFound, PlatformError
from cicd.model import Key, LiveResource, Resource, State, Status
from cicd.platforms.sagemaker.api import Api
from cicd.platforms.sagemaker.nouns import NOUNS
from cicd.platforms.sagemaker.things import Things

SERVICE = "application-autoscaling"
KIND = "scaling"
REGISTERED = Status(State.SUCCEEDED, "Registered")
POLICY = "cicd"
NAMESPACE = {"ServiceNamespace": "sagemaker"}
DIMENSION = {"ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
METRICS = {
    "invocations": "SageMakerVariantInvocationsPerInstance",
    "concurrency": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
}
SAYABLE = {"TargetValue", "PredefinedMetricSpecification", "ScaleInCooldown", "ScaleOutCooldown"}
"""What of a policy a stage file can say."""
MOST = 50
"""Variants of one question."""


class Scalings:
    """Those of the endpoints of one stage."""

    def __init__(
        self, api: Api, things: Things, endpoints: Callable[[], Iterable[LiveResource]]
    ) -> None:
        self._api = api
        self._things = things
        self._endpoints = endpoints

    def listed(self) -> list[LiveResource]:
        """Those of the stage's endpoints: nobody lists others."""
        return self.beside(self._endpoints())

    def all(self, found: Sequence[LiveResource]) -> list[LiveResource]:
        """Those of the endpoints among what was found."""
        return self.beside(live for live in found if live.key.kind == "endpoint")

    def of(self, wishes: Sequence[Resource]) -> list[LiveResource]:
        """Those that are there of what is wished for."""
        names = [str(wish.spec["name"]) for wish in wishes]
        found = (self._things.find(NOUNS["endpoint"], name) for name in names)
        return self.beside([live for live in found if live])

    def beside(self, endpoints: Iterable[LiveResource]) -> list[LiveResource]:
        """Those of endpoints that are there; none where this login may not look."""
        lives = {live.id: live for live in endpoints}
        ids = [
            _resource(name, variant)
            for name, live in lives.items()
            for variant in live.spec.get("weights") or ()
        ]
        found: dict[str, dict[str, Any]] = {}
        for target in self._targets(ids):
            _, name, _, variant = str(target["ResourceId"]).split("/")
            found.setdefault(name, {})[variant] = target
        return [self._live(lives[name], variants) for name, variants in found.items()]

    def _targets(self, ids: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for start in range(0, len(ids), MOST):
            asked = {**NAMESPACE, **DIMENSION, "ResourceIds": list(ids[start : start + MOST])}
            try:
                for page in self._api.pages(SERVICE, "describe_scalable_targets", **asked):
                    yield from page.get("ScalableTargets", ())
            except Denied:
                return

    def _live(
        self, endpoint: LiveResource, targets: Mapping[str, Mapping[str, Any]]
    ) -> LiveResource:
        config = self._things.config(str(endpoint.spec["config"])) or {"variants": {}}
        variants = {}
        for name, target in targets.items():
            instance = config["variants"].get(name, {}).get("instance", {}).get("type", "")
            variants[name] = {"instance_type": instance, **self._told(endpoint.id, name, target)}
        created = min(str(target["CreationTime"]) for target in targets.values())
        return LiveResource(
            Key(KIND, endpoint.id),
            endpoint.id,
            {"name": endpoint.id, "endpoint": endpoint.id, "variants": variants},
            REGISTERED,
            {"id": endpoint.id},
            created_at=created,
            owner=endpoint.owner,
        )

    def _told(self, endpoint: str, variant: str, target: Mapping[str, Any]) -> dict[str, Any]:
        """A target in the words of a stage file."""
        asked = {**NAMESPACE, **DIMENSION, "ResourceId": _resource(endpoint, variant)}
        policies = self._policies(asked)
        bounds = {"min": target["MinCapacity"], "max": target["MaxCapacity"]}
        return {**bounds, **(policy_of(policies[0]) if len(policies) == 1 else {})}

    def _policies(self, place: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """All by which a variant is scaled."""
        pages = self._api.pages(SERVICE, "describe_scaling_policies", **place)
        return [policy for page in pages for policy in page.get("ScalingPolicies", ())]

    def find(self, wish: Resource, known: frozenset[str]) -> LiveResource | None:
        """The one that a wish names."""
        return next(iter(self.of([wish])), None)

    def get(self, live: LiveResource) -> LiveResource:
        """It as it is now. Raises NotFound."""
        endpoint = self._things.find(NOUNS["endpoint"], live.id)
        found = self.beside([endpoint] if endpoint else [])
        if not found:
            raise NotFound(f"{live.id} is not scaled")
        return found[0]

    def update(self, live: LiveResource, wish: Resource) -> LiveResource:
        """Register every variant of a wish, and no other."""
        gone = live.spec["variants"].keys() - wish.spec["variants"].keys()
        self.release(live.id, gone)
        return self.create(wish, "", {})

    def create(self, wish: Resource, token: str, marks: Mapping[str, str]) -> LiveResource:
        """Register every variant of a wish. May be repeated."""
        name, wanted = str(wish.spec["name"]), wish.spec["variants"]
        for variant, told in wanted.items():
            place = {**NAMESPACE, **DIMENSION, "ResourceId": _resource(name, variant)}
            bounds = {"MinCapacity": told["min"], "MaxCapacity": told["max"]}
            self._write("register_scalable_target", **place, **bounds)
            # two would both scale: that of somebody else is changed
            names = [str(one["PolicyName"]) for one in self._policies(place)]
            by = names[0] if len(names) == 1 else POLICY
            self._write("put_scaling_policy", **place, **policy(told, by))
        return LiveResource(
            Key(KIND, name), name, {**wish.spec, "endpoint": name}, REGISTERED, {"id": name}
        )

    def delete(self, live: LiveResource) -> None:
        """Scale nothing of an endpoint any more."""
        self.release(live.id, live.spec["variants"])

    def release(self, endpoint: str, variants: Iterable[str]) -> None:
        """Scale these variants no more, if anything does."""
        for variant in variants:
            place = {**NAMESPACE, **DIMENSION, "ResourceId": _resource(endpoint, variant)}
            with suppress(NotFound):
                self._write("deregister_scalable_target", **place)

    def _write(self, operation: str, **body: Any) -> None:
        self._api.call(SERVICE, operation, is_write=True, **body)


def is_scaled(error: PlatformError) -> bool:
    """Whether an endpoint cannot be updated because of what scales it."""
    return "deregistered as scalable target" in error.message


def _resource(endpoint: str, variant: str) -> str:
    return f"endpoint/{endpoint}/variant/{variant}"


def policy(told: Mapping[str, Any], called: str = POLICY) -> dict[str, Any]:
    """How a variant is scaled, as it is sent."""
    tracking: dict[str, Any] = {
        "TargetValue": told["target"],
        "PredefinedMetricSpecification": {"PredefinedMetricType": METRICS[told["metric"]]},
    }
    for field, name in (("scale_in", "ScaleInCooldown"), ("scale_out", "ScaleOutCooldown")):
        if field in told:
            tracking[name] = told[field]
    return {
        "PolicyName": called,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }


def policy_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """The same in the words of a stage file; nothing of what no stage file can say."""
    tracking = told.get("TargetTrackingScalingPolicyConfiguration") or {}
    metric = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType", "")
    names = {name: ours for ours, name in METRICS.items()}
    if metric not in names or not tracking.keys() <= SAYABLE:
        return {}
    found = {"target": float(tracking["TargetValue"]), "metric": names[metric]}
    for field, name in (("scale_in", "ScaleInCooldown"), ("scale_out", "ScaleOutCooldown")):
        if name in tracking:
            found[field] = tracking[name]
    return found
