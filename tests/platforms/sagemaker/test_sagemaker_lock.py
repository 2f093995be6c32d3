"""The lock of a stage: an object of the bucket, else a parameter of SSM, and never both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cicd.apply.lease import Lease
from cicd.errors import Conflict, PlatformError
from cicd.model import Holder, Stage
from cicd.platforms import registry
from cicd.platforms.base import Platform
from cicd.platforms.sagemaker.lock_places import ParameterPlace
from tests.emulator.sagemaker.aws import ROLE, Aws

REFUSED = "AccessDenied"
CANNOT: Mapping[str, tuple[dict[str, Any], ...]] = {
    "no right to write": ({"operation": "sagemaker.s3.put", "status": 403, "code": REFUSED},),
    "no conditional writes": (
        {"operation": "sagemaker.s3.put", "status": 501, "code": "NotImplemented"},
    ),
    "no bucket, and nobody may make one": (
        {"operation": "sagemaker.s3.put", "status": 404},
        {"operation": "sagemaker.s3.head", "status": 404},
        {"operation": "sagemaker.s3.get", "status": 404},
    ),
    "nothing of S3 at all": tuple(
        {"operation": f"sagemaker.s3.{verb}", "status": 403, "code": REFUSED}
        for verb in ("put", "head", "get", "delete")
    ),
}


@contextmanager
def broken(aws: Aws, *rules: Mapping[str, Any]) -> Iterator[None]:
    for rule in rules:
        aws.ask("POST", "/emulator/faults", rule)
    try:
        yield
    finally:
        aws.ask("DELETE", "/emulator/faults", None)


@contextmanager
def platform_of(aws: Aws, root: Path, prefix: str) -> Iterator[Platform]:
    settings = {"role": ROLE, "bucket": "locks-bucket", "prefix": prefix}
    place = {"region": "eu-central-1"}
    stage = Stage("dev", "", str(root), "sagemaker", place, None, (), settings=settings)
    found = registry.connect(stage, dict(aws.environ))
    try:
        yield found
    finally:
        found.close()


def parameters(aws: Aws) -> list[str]:
    pytest.importorskip("moto")
    return [one["Name"] for one in aws.client("ssm").describe_parameters()["Parameters"]]


@pytest.mark.parametrize("why", CANNOT)
def test_where_the_bucket_cannot_hold_a_lock_a_parameter_does(
    why: str, aws: Aws, tmp_path: Path
) -> None:
    name = f"cannot/{list(CANNOT).index(why)}"
    with broken(aws, *CANNOT[why]), platform_of(aws, tmp_path, "cannot") as platform:
        mine, theirs, persons = (platform.lock(name) for _ in range(3))
        assert mine and theirs and persons
        assert mine.look() is None
        mine.take(Holder("one", name="me"), 60)
        assert parameters(aws) == [f"/cicd/cannot/locks/{name.replace('/', '_2B')}"]
        with pytest.raises(Conflict):
            theirs.take(Holder("two"), 60)
        found = theirs.look()
        assert found and (found.run, found.name, found.has_expired) == ("one", "me", False)
        mine.renew(Holder("one"), 120)
        later = theirs.look()
        assert later and later.until > found.until
        seen = persons.look()  # of cicd unlock, which has taken nothing
        assert seen and seen.run == "one"
        persons.drop()
        persons.drop()
        assert parameters(aws) == []
        theirs.take(Holder("two"), -5)
        expired = mine.look()
        assert expired and expired.has_expired
        theirs.drop()


def test_two_applies_meet_at_the_parameter_and_a_dead_one_is_cleared_away(
    aws: Aws, tmp_path: Path
) -> None:
    rules = CANNOT["no right to write"]
    with broken(aws, *rules), platform_of(aws, tmp_path, "meet") as platform:

        def lease(run: str) -> Lease:
            lock, gate = platform.lock("apply"), platform.lock("apply/gate")
            assert lock and gate
            me = Holder(run, name=run)
            return Lease(lock, gate, me, lambda holder: False, sleep=lambda seconds: None)

        first, second = lease("first"), lease("second")
        assert first.take() is None
        blocker = second.take()
        assert blocker and blocker.run == "first"
        first.give_back()
        assert second.take() is None
        second.give_back()
        dead = platform.lock("apply")
        assert dead
        dead.take(Holder("dead"), -60)
        third = lease("third")
        assert third.take() is None
        third.give_back()
        assert parameters(aws) == []


def test_a_bucket_that_can_hold_it_is_asked_alone(aws: Aws, tmp_path: Path) -> None:
    with platform_of(aws, tmp_path, "bucket") as platform:
        lock = platform.lock("apply")
        assert lock
        lock.take(Holder("one"), 60)
        lock.renew(Holder("one"), 60)
        assert parameters(aws) == []
        lock.drop()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(412, "PreconditionFailed", Conflict), (409, "ConditionalRequestConflict", Conflict)],
)
def test_what_passes_by_itself_moves_no_lock(
    aws: Aws, tmp_path: Path, status: int, code: str, kind: type[PlatformError]
) -> None:
    """Else two would have it: one in each place."""
    rule = {"operation": "sagemaker.s3.put", "status": status, "code": code}
    with platform_of(aws, tmp_path, "passing") as platform:
        platform.remember("bucket", "is there")
        lock = platform.lock("apply")
        assert lock
        with broken(aws, rule), pytest.raises(kind):
            lock.take(Holder("one"), 60)
        assert parameters(aws) == []


def test_where_neither_can_the_words_of_both_are_told(aws: Aws, tmp_path: Path) -> None:
    login = {**aws.environ, "AWS_SECRET_ACCESS_KEY": "wrong"}
    with platform_of(Aws(aws.world, login), tmp_path, "neither") as platform:
        lock = platform.lock("apply")
        assert lock
        with pytest.raises(PlatformError) as caught:
            lock.take(Holder("one"), 60)
        assert caught.value.status == 403
        assert "nor is there another place for it: " in caught.value.message
        with pytest.raises(PlatformError):
            lock.look()


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("cicd/dev/locks/apply", "/cicd/dev/locks/apply"),
        ("cicd/churn/locks/a+b", "/cicd/churn/locks/a_2Bb"),
        ("cicd/grün/locks/x y~1", "/cicd/gr_C3_BCn/locks/x_20y_1"),
    ],
)
def test_a_parameter_has_only_letters_that_one_may_have(key: str, name: str) -> None:
    assert ParameterPlace(None, key).name == name  # type: ignore[arg-type]
