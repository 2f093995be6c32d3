"""Secrets that templates name and nobody declares: asked for once, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cicd.model import Key, Options, Resource
from cicd.platforms.base import Platform
from tests.platforms.aicore_world import DEPLOYMENT, EXECUTION, GROUP, connected, group
from tests.platforms.stub_server import Reply, StubServer, page, refused, running

DOCKER = "/v2/admin/dockerRegistrySecrets"
GENERIC = "/v2/admin/secrets"
STORES = "/v2/admin/objectStoreSecrets"
PLACE = "templates/s.yaml:13:35"


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with running() as (server, url):
        server.url = url
        server.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("PROVISIONED")))
        server.otherwise = page()
        yield server


@pytest.fixture
def platform(stub: StubServer) -> Iterator[Platform]:
    with connected(stub) as made:
        yield made


def using(wish: Resource, *keys: Key) -> Resource:
    return replace(wish, options=Options(uses=tuple((key, PLACE) for key in keys)))


def said(platform: Platform, *desired: Resource) -> list[str]:
    found, _ = platform.review(desired, platform.read(desired))
    assert {problem.severity for problem in found} <= {"warning"}
    return [str(problem) for problem in found]


THERE = [
    (DOCKER, "docker_registry_secret", "docker registry secret"),
    (GENERIC, "generic_secret", "generic secret"),
    (STORES, "object_store_secret", "object store secret"),
]


@pytest.mark.parametrize(("path", "kind", "words"), THERE)
def test_a_secret_that_is_nowhere_is_said_at_the_line_that_names_it(
    platform: Platform, stub: StubServer, path: str, kind: str, words: str
) -> None:
    stub.on("GET", path, page({"name": "another"}))
    [text] = said(platform, GROUP, using(DEPLOYMENT, Key(kind, "pull-me")))
    assert text.startswith(f'{PLACE}: warning: deployment/serve: there is no {words} "pull-me"')


@pytest.mark.parametrize(("path", "kind", "_"), THERE)
def test_a_secret_that_somebody_made_is_none_of_our_business(
    platform: Platform, stub: StubServer, path: str, kind: str, _: str
) -> None:
    name = "mine-object-store-secret" if path == STORES else "mine"
    stub.on("GET", path, page({"name": "another"}, {"name": name}))
    assert said(platform, GROUP, using(DEPLOYMENT, Key(kind, "mine"))) == []


@pytest.mark.parametrize("answer", [Reply(403, "RBAC: access denied"), refused(404, "no group")])
def test_a_list_that_may_not_be_seen_says_nothing(
    platform: Platform, stub: StubServer, answer: Reply
) -> None:
    stub.on("GET", DOCKER, answer)
    assert said(platform, GROUP, using(DEPLOYMENT, Key("docker_registry_secret", "x"))) == []


def test_a_list_is_asked_for_once_and_only_where_something_uses_it(
    platform: Platform, stub: StubServer
) -> None:
    said(platform, GROUP, DEPLOYMENT, EXECUTION)
    assert stub.sent("GET", DOCKER) == stub.sent("GET", GENERIC) == stub.sent("GET", STORES) == []
    before = len(stub.sent("GET"))
    pull = Key("docker_registry_secret", "x")
    texts = said(platform, GROUP, using(DEPLOYMENT, pull), using(EXECUTION, pull))
    assert len(texts) == 2
    assert len(stub.sent("GET", DOCKER)) == 1
    assert len(stub.sent("GET")) - before == before + 1
