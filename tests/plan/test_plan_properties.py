"""What holds for every stage: plans converge, do not depend on order, and keep secrets."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from cicd.model import Action, Key, Ref, Resource, Secret
from cicd.plan.document import to_document
from cicd.render.text import render_plan
from tests.plan.plan_world import (
    World,
    artifact,
    configuration,
    deployment,
    execution,
    plan_of,
)

Prune = Literal["none", "stage", "resource_group"]
PRUNES = st.sampled_from(["none", "stage", "resource_group"])
SECRET = "hush-hush-value"


@dataclass(frozen=True)
class Service:
    """One chain of a stage: data → training → model → deployment → destination, or parts of it."""

    name: str
    parameters: dict[str, str]
    inputs: str
    ttl: str
    has_data: bool
    trains: bool
    serves: bool
    secret: str


SERVICES = st.lists(
    st.builds(
        Service,
        name=st.sampled_from("abcde"),
        parameters=st.dictionaries(st.sampled_from("pqr"), st.sampled_from(["1", "2", "ü\n"])),
        inputs=st.sampled_from(["i1", "i2"]),
        ttl=st.sampled_from(["1h", "2h"]),
        has_data=st.booleans(),
        trains=st.booleans(),
        serves=st.booleans(),
        secret=st.sampled_from([SECRET, SECRET + "2"]),
    ),
    unique_by=lambda service: service.name,
    max_size=5,
)


def resources(services: list[Service]) -> list[Resource]:
    return [resource for service in services for resource in chain(service)]


def chain(service: Service) -> list[Resource]:
    name, found = service.name, []
    data = {"data": Ref(Key("artifact", name))} if service.has_data else {}
    model = Ref(Key("execution", f"train-{name}"), "artifacts.model")
    if service.has_data:
        found.append(artifact(name, labels=service.parameters))
    if service.trains:
        train = configuration(f"train-{name}", service.parameters, input_artifact_bindings=data)
        found += [train, execution(f"train-{name}", inputs=service.inputs)]
    if service.serves:
        bound = {"model": model} if service.trains else data
        serve = configuration(f"serve-{name}", service.parameters, input_artifact_bindings=bound)
        url = Ref(Key("deployment", f"serve-{name}"), "url")
        entry = {"name": name, "url": url, "client_secret": Secret(service.secret)}
        found += [
            serve,
            deployment(f"serve-{name}", ttl=service.ttl),
            Resource(Key("destination", name), entry),
        ]
    return found


@settings(deadline=None, max_examples=30)
@given(first=SERVICES, second=SERVICES, prune=PRUNES)
def test_after_an_apply_there_is_nothing_to_do(
    first: list[Service], second: list[Service], prune: Prune
) -> None:
    world = World()
    for services in (first, second, first):
        desired = resources(services)
        world.apply(plan_of(desired, world.things(), prune=prune))
        after = plan_of(desired, world.things(), prune=prune)
        assert not after.has_changes, render_plan(after)
        assert after.summary[Action.NO_OP] == len(desired)


@settings(deadline=None, max_examples=25)
@given(first=SERVICES, second=SERVICES, prune=PRUNES, seed=st.integers(0, 99))
def test_the_order_of_what_goes_in_does_not_matter(
    first: list[Service], second: list[Service], prune: Prune, seed: int
) -> None:
    world = World()
    world.apply(plan_of(resources(first), []))
    desired, live = resources(second), world.things()
    plan = plan_of(desired, live, prune=prune)
    random.Random(seed).shuffle(live)
    assert plan_of(desired, live, prune=prune) == plan
    random.Random(seed).shuffle(desired)
    shuffled = plan_of(desired, live, prune=prune)
    assert shuffled.fingerprint == plan.fingerprint
    by_key = {change.key: change for change in plan.changes}
    assert {change.key: change for change in shuffled.changes} == by_key


@settings(deadline=None, max_examples=25)
@given(first=SERVICES, second=SERVICES, prune=PRUNES)
def test_what_is_needed_comes_first_deletes_last_and_all_have_reasons(
    first: list[Service], second: list[Service], prune: Prune
) -> None:
    world = World()
    world.apply(plan_of(resources(first), []))
    plan = plan_of(resources(second), world.things(), prune=prune)
    seen: set[Key] = set()
    for change in plan.changes:
        assert change.depends_on <= seen
        assert change.reason
        seen.add(change.key)
    assert len(seen) == len(plan.changes)
    kinds = [change.action is Action.DELETE for change in plan.changes]
    assert kinds == sorted(kinds)


@settings(deadline=None, max_examples=25)
@given(first=SERVICES, second=SERVICES)
def test_no_secret_gets_out(first: list[Service], second: list[Service]) -> None:
    world = World()
    world.apply(plan_of(resources(first), []))
    plan = plan_of(resources(second), world.things())
    for text in (
        json.dumps(to_document(plan)),
        repr(plan),
        render_plan(plan, colour=True, verbose=True),
        str(to_document(plan)),
    ):
        assert SECRET not in text
