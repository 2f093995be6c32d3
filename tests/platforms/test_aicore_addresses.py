"""Artifacts that other stages have made, at the addresses that AI Core resolves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd.model import Hidden, Key, Ref, Resource
from cicd.platforms import registry
from cicd.platforms.aicore.addresses import taking, translated, unresolvable
from tests.platforms.aicore_world import environ, stage

KEY = Key("artifact", "model")


def artifact(url: Any) -> Resource:
    return Resource(KEY, {"name": "m", "url": url}, source="stages/serve.yaml:7:5")


def store(name: str, **spec: Any) -> Resource:
    return Resource(Key("object_store_secret", name), {"name": name, "type": "S3", **spec})


STORES = [
    store("default", bucket="models"),
    store("houses", bucket="models", path_prefix="/houses/"),
    store("other", bucket=Hidden("hidden-bucket"), path_prefix="a/b"),
    store("oss"),
]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://models/churn/v1", "ai://default/churn/v1"),
        ("s3a://models/churn/v1/", "ai://default/churn/v1"),
        ("s3://models/houses/v1", "ai://houses/v1"),
        ("s3://models/houses-2/v1", "ai://default/houses-2/v1"),
        ("s3://hidden-bucket/a/b/c", "ai://other/c"),
        ("s3://hidden-bucket/a/bc", "s3://hidden-bucket/a/bc"),
        ("s3://elsewhere/churn", "s3://elsewhere/churn"),
        ("ai://default/churn", "ai://default/churn"),
        ("file:///project/build/model", "file:///project/build/model"),
        (Hidden("s3://models/churn"), Hidden("ai://default/churn")),
        (Ref(Key("job", "fit"), "outputs.model", "train"),) * 2,
    ],
)
def test_an_address_in_a_bucket_of_the_stage_goes_through_its_secret(url: Any, said: Any) -> None:
    *_, found = translated([*STORES, artifact(url)], {KEY})
    assert found.spec["url"] == said and type(found.spec["url"]) is type(said)


def test_only_what_another_stage_tells_is_translated() -> None:
    ref = Ref(Key("job", "fit"), "outputs.model", "train")
    assert taking([artifact(ref), artifact("s3://models/a"), *STORES]) == {KEY}
    wishes = [*STORES, artifact("s3://models/a")]
    assert translated(wishes, taking(wishes)) == wishes


def test_a_bucket_of_no_secret_is_warned_of_at_its_line() -> None:
    [problem] = unresolvable([artifact("s3://elsewhere/churn")], {KEY})
    assert str(problem) == (
        "stages/serve.yaml:7:5: warning: artifact/model: AI Core cannot resolve "
        "s3://elsewhere/churn: declare the secret of its bucket under secrets.object_store"
    )
    assert [*unresolvable([artifact("ai://default/churn")], {KEY})] == []
    assert [*unresolvable([artifact("s3://elsewhere/churn")], ())] == []


def test_a_platform_translates_what_it_was_connected_for() -> None:
    ref = Ref(Key("job", "fit"), "outputs.model", "train")
    found = stage()
    wishes = replace(found, resources=(*found.resources, *STORES, artifact(ref)))
    platform = registry.connect(wishes, environ("http://127.0.0.1:1"))
    *_, made = platform.complete([*STORES, artifact("s3://models/churn")])
    assert made.spec["url"] == "ai://default/churn"
    platform.close()
