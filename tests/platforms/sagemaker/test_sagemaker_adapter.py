"""What the adapter does beside the contract: locks, tags, things of others, how much it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cicd.errors import Conflict, NotFound, PlatformError, Throttled, Usage
from cicd.model import Holder, Key, Resource, Stage
from cicd.platforms import registry
from cicd.platforms.base import Platform
from tests.emulator.sagemaker.aws import IMAGE, ROLE, Aws
from tests.platforms.sagemaker.test_sagemaker_contract import config, model

DATA = "s3://bucket/model.tar.gz"
Connect = Callable[..., Platform]
MARKS = {"cicd.stage": "dev", "cicd.key": "model/greet", "cicd.commit": "c0ffee"}


@pytest.fixture
def connect(aws: Aws, tmp_path: Path) -> Iterator[Connect]:
    made: list[Platform] = []

    def connected(prefix: str, *wishes: Resource) -> Platform:
        settings = {"role": ROLE, "bucket": "adapter-bucket", "prefix": prefix}
        place = {"region": "eu-central-1"}
        stage = Stage("dev", "", str(tmp_path), "sagemaker", place, None, wishes, settings=settings)
        made.append(registry.connect(stage, dict(aws.environ)))
        return made[-1]

    yield connected
    for platform in made:
        platform.close()


@pytest.mark.parametrize(
    ("place", "region"),
    [({"role": ROLE}, ""), ({}, ""), ({"region": ""}, ""), ({"role": ROLE}, "eu-central-1")],
)
def test_an_import_that_names_no_region_takes_that_of_the_environment_or_says_so(
    place: dict[str, str], region: str, tmp_path: Path
) -> None:
    stage = Stage("dev", "", str(tmp_path), "sagemaker", place, None, ())
    if region:
        registry.connect(stage, {"AWS_REGION": region}).close()
        return
    with pytest.raises(Usage, match="in which region"):
        registry.connect(stage, {})


def asked(aws: Aws) -> list[str]:
    """The operations of SageMaker so far."""
    return [str(record["operation"]) for record in aws.world.faults.requests()]


def test_a_lock_is_one_persons_until_it_is_dropped(connect: Connect) -> None:
    platform = connect("lock")
    mine, theirs = platform.lock("apply"), platform.lock("apply")
    assert mine and theirs
    assert mine.look() is None
    mine.take(Holder("one", name="me"), 60)
    with pytest.raises(Conflict):
        theirs.take(Holder("two"), 60)
    found = theirs.look()
    assert found
    assert (found.run, found.name, found.has_expired) == ("one", "me", False)
    mine.renew(Holder("one"), 120)
    later = theirs.look()
    assert later and later.until > found.until
    theirs.drop()
    theirs.drop()
    theirs.take(Holder("two"), -5)
    expired = mine.look()
    assert expired and expired.has_expired
    with pytest.raises(Conflict):  # somebody has taken it over
        mine.renew(Holder("one"), 60)
    theirs.drop()


def test_what_is_made_is_tagged_at_once_and_the_same_is_made_once(
    aws: Aws, connect: Connect
) -> None:
    wish = model("one", DATA)
    wish = replace(wish, spec={**wish.spec, "tags": {"team": "churn"}})
    platform = connect("tags", wish)
    made = platform.create(wish, "token", MARKS)
    assert platform.create(wish, "other", MARKS).id == made.id
    assert made.id.startswith("tags--greet--")
    client = aws.client("sagemaker")
    arn = client.describe_model(ModelName=made.id)["ModelArn"]
    tags = {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {
        "team": "churn",
        "cicd:stage": "dev",
        "cicd:key": "model/greet",
        "cicd:commit": "c0ffee",
    }


def test_a_name_that_somebody_took_for_something_else_is_a_conflict(
    aws: Aws, connect: Connect
) -> None:
    wish = model("taken", DATA)
    platform = connect("taken", wish)
    made = platform.create(wish)
    platform.delete(made)
    container = {"Image": IMAGE, "ModelDataUrl": DATA}
    aws.client("sagemaker").create_model(
        ModelName=made.id, ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    with pytest.raises(Conflict):
        platform.create(wish)


def test_calls_grow_with_the_stage_and_not_with_the_account(aws: Aws, connect: Connect) -> None:
    wishes = [model("few", DATA, key=f"m{number}") for number in range(3)]
    platform = connect("few", *wishes)
    made = [platform.create(wish) for wish in wishes]
    second = config("c", made[0].id)
    platform.create(second)

    def read() -> int:
        aws.world.faults.forget_requests()
        found = connect("few", *wishes).read([*wishes, second])
        assert {live.id for live in found} >= {live.id for live in made}
        return len(asked(aws))

    first = read()
    assert first
    client = aws.client("sagemaker")
    container = {"Image": IMAGE, "ModelDataUrl": DATA}
    for number in range(110):  # more than a page
        client.create_model(
            ModelName=f"others-{number}", ExecutionRoleArn=ROLE, PrimaryContainer=container
        )
    assert read() <= first
    ids = [live.id for live in platform.browse("model")]
    assert {f"others-{number}" for number in range(110)} <= set(ids)
    assert len(ids) == len(set(ids))


def test_the_things_of_a_stage_with_a_longer_name_are_not_its_own(connect: Connect) -> None:
    ours, theirs = model("a", DATA, key="x-greet"), model("b", DATA, key="greet")
    one = connect("team", ours)
    two = connect("team-x", theirs)
    one.create(ours)
    made = two.create(theirs)
    assert [live.key.name for live in one.read([ours])] == ["x-greet"]
    assert made.id not in {live.id for live in one.read([], everything=True)}
    assert [live.key.name for live in two.read([theirs])] == ["greet"]


def test_what_aws_does_not_see_yet_is_asked_for_again(aws: Aws, connect: Connect) -> None:
    wish = model("late", DATA)
    platform = connect("late", wish)
    made = platform.create(wish)
    rule = {"operation": "sagemaker.CreateEndpointConfig", "stale": 60, "times": 1}
    aws.ask("POST", "/emulator/faults", rule)
    with pytest.raises(Throttled, match="Could not find model"):
        platform.create(config("late", made.id))
    assert platform.create(config("late", made.id)).spec["models"] == {"main": made.id}
    with pytest.raises(NotFound):
        platform.create(config("never", "nothing-of-that-name"))


def test_another_region_has_nothing_of_it(connect: Connect) -> None:
    platform = connect("region")
    with pytest.raises(NotFound, match="this login is for eu-central-1"):
        platform.survey({"region": "us-east-1"})


def test_a_role_that_nobody_may_assume_yet_is_tried_again(aws: Aws, connect: Connect) -> None:
    wish = model("role", DATA)
    platform = connect("role", wish)
    said = "Could not assume role arn:aws:iam::123456789012:role/new. Please ensure that it exists"
    refused = {"operation": "sagemaker.CreateModel", "status": 400, "times": 1, "message": said}
    aws.ask("POST", "/emulator/faults", {**refused, "code": "ValidationException"})
    with pytest.raises(Throttled, match="Could not assume role") as told:
        platform.create(wish)
    assert "may assume it" in told.value.hint  # which apply does for a minute, and then tells
    assert platform.create(wish).id.startswith("role--greet--")
    other = {**refused, "message": "The role has no such path", "code": "ValidationException"}
    aws.ask("POST", "/emulator/faults", other)
    with pytest.raises(PlatformError) as error:
        platform.create(model("role", DATA, key="other"))
    assert type(error.value) is PlatformError


def test_a_model_that_nobody_has_is_told_where_the_stage_names_it(
    aws: Aws, connect: Connect
) -> None:
    places = {"bought": "stages/dev.yaml:7:9", "none": "stages/dev.yaml:9:9"}
    uses = tuple((Key("model", name), place) for name, place in places.items())
    wish = config("served", "bought")
    wish = replace(wish, options=replace(wish.options, uses=uses))
    container = {"Image": IMAGE, "ModelDataUrl": DATA}
    aws.client("sagemaker").create_model(
        ModelName="bought", ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    [problem], live = connect("taken").review([wish], [])
    assert (problem.line, problem.severity, live) == (9, "error", [])
    assert "none is no model of this stage, nor is there any of that name" in problem.message
