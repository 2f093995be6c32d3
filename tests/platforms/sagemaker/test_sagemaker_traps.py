"""The traps of UpdateEndpoint, each by the number that the facts of SageMaker give it, and what
else is peculiar to endpoints there: against a SageMaker that really serves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cicd.errors import Conflict, NotFound, PlatformError
from cicd.model import Action, Key, Options, Ref, Resource, Stage, State
from cicd.plan.planner import make_plan
from cicd.platforms import registry
from cicd.platforms.base import Platform
from tests.emulator.sagemaker.aws import BUCKET, IMAGE, QUICK, ROLE, Aws, packed

SCRIPT = """\
import os
def model_fn(folder):
    word = os.environ["WORD"]
    if word == "broken":
        raise SystemExit("this model cannot be loaded")
    return word
def predict_fn(data, model):
    return model
"""
LARGE = {"type": "ml.m5.large", "count": 1}
SERVERLESS = {"memory_mb": 1024, "max_concurrency": 2}


def config(name: str, weights: dict[str, float] | None = None, **variants: Any) -> Resource:
    """A configuration of variants by name: their model, or that and on what it runs."""
    told = {
        key: one if isinstance(one, tuple) else (one, {"instance": LARGE})
        for key, one in variants.items()
    }
    spec = {
        "name": name,
        "models": {key: f"model-{one[0]}" for key, one in told.items()},
        "variants": {key: one[1] for key, one in told.items()},
        "weights": weights or dict.fromkeys(told, 1.0),
        "data_capture": {},
        "async": {},
        "kms_key": "",
    }
    return Resource(Key("endpoint_config", name), spec)


class Served:
    """One endpoint, and the platform that moves it."""

    def __init__(self, aws: Aws, platform: Platform, name: str) -> None:
        self.aws = aws
        self.platform = platform
        self.name = name
        self.client = aws.client("sagemaker")

    def wish(self, to: str, **more: Any) -> Resource:
        spec = {"name": self.name, "config": to, **more}
        return Resource(Key("endpoint", self.name), spec, Options("InService"))

    def make(self, wanted: Resource) -> str:
        return self.platform.create(wanted).id

    def start(self, to: str, **more: Any) -> None:
        self.platform.create(self.wish(to, **more))
        self.wait()

    def move(self, to: str, **more: Any) -> None:
        """As apply does: what is not possible yet is asked for again."""
        wish = self.wish(to, **more)
        while True:
            try:
                self.platform.update(self.live, wish)
                break
            except Conflict:
                self.wait()
        self.wait()

    def wait(self) -> None:
        waiter = self.client.get_waiter("endpoint_in_service")
        waiter.wait(EndpointName=self.name, WaiterConfig=QUICK)

    @property
    def live(self) -> Any:
        found = self.platform.find(self.wish(""), frozenset())
        assert found
        return found

    def sent(self) -> list[str]:
        """Every change of an endpoint that was asked for."""
        asked = [str(one["operation"]) for one in self.aws.world.faults.requests()]
        return [one for one in asked if one.startswith("sagemaker.UpdateEndpoint")]

    def now(self, field: str) -> dict[str, Any]:
        told = self.client.describe_endpoint(EndpointName=self.name)
        return {one["VariantName"]: one.get(field) for one in told["ProductionVariants"]}

    def answer(self) -> Any:
        runtime = self.aws.client("sagemaker-runtime")
        told = runtime.invoke_endpoint(
            EndpointName=self.name, Body=b"1", ContentType="application/json"
        )
        return json.load(told["Body"])


@pytest.fixture(scope="module")
def platform(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    s3, sagemaker = aws.client("s3"), aws.client("sagemaker")
    place = {"LocationConstraint": "eu-central-1"}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    s3.put_object(Bucket=BUCKET, Key="m.tar.gz", Body=packed({"code/inference.py": SCRIPT}))
    for word in ("one", "two", "broken"):
        container = {
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{BUCKET}/m.tar.gz",
            "Environment": {"WORD": word},
        }
        sagemaker.create_model(
            ModelName=f"model-{word}", ExecutionRoleArn=ROLE, PrimaryContainer=container
        )
    settings = {"role": ROLE, "bucket": BUCKET, "prefix": "traps"}
    root = str(tmp_path_factory.mktemp("project"))
    stage = Stage(
        "dev", "", root, "sagemaker", {"region": "eu-central-1"}, None, (), settings=settings
    )
    found = registry.connect(stage, dict(aws.environ))
    yield found
    found.close()


@pytest.fixture
def served(aws: Aws, platform: Platform, request: pytest.FixtureRequest) -> Iterator[Served]:
    aws.world.faults.forget_requests()
    name = request.node.name.partition("[")[0].removeprefix("test_").replace("_", "-")[:40]
    made = Served(aws, platform, f"{name}-{abs(hash(request.node.name)) % 10**6}")
    yield made


def test_weights_alone_are_sent_alone_and_read_back(served: Served) -> None:
    one = served.make(config("shares", {"main": 9, "trial": 1}, main="one", trial="two"))
    served.start(one, weights={"main": 9.0, "trial": 1.0})
    wish = served.wish(one, weights={"main": 1.0, "trial": 3.0})
    [change] = make_plan(
        Stage("dev", "", "", "sagemaker", {}, None, (wish,)),
        [wish],
        [served.live],
        served.platform.kinds,
        created_at="",
    ).changes
    assert (change.action, change.reason) == (
        Action.UPDATE,
        "weights.main, weights.trial changed",
    )
    told = "takes other weights: main 9.0 → 1.0, trial 1.0 → 3.0; the same URL goes on answering"
    assert change.consequence == told
    served.aws.world.faults.forget_requests()
    served.move(one, weights={"main": 1.0, "trial": 3.0})
    assert served.sent() == ["sagemaker.UpdateEndpointWeightsAndCapacities"]
    assert served.now("CurrentWeight") == {"main": 1.0, "trial": 3.0}
    served.move(one, weights={"main": 1.0, "trial": 3.0})
    assert len(served.sent()) == 1
    assert served.live.spec["weights"] == {"main": 1.0, "trial": 3.0}


@pytest.mark.parametrize(
    ("former", "wanted", "sent"),
    [
        # what the new configuration begins with is what is asked for
        ({"main": 3, "trial": 1}, {"main": 1, "trial": 1}, ["UpdateEndpoint"]),
        # nothing else is asked for than what is there: it stays
        ({"main": 1, "trial": 1}, {"main": 1, "trial": 1}, ["UpdateEndpoint"]),
    ],
)
def test_a_new_configuration_with_other_weights_is_one_update(
    served: Served, former: dict[str, float], wanted: dict[str, float], sent: list[str]
) -> None:
    one = served.make(config("before", former, main="one", trial="two"))
    served.start(one, weights=former)
    two = served.make(config("after", wanted, main="two", trial="one"))
    served.move(two, weights=wanted)
    assert served.sent() == [f"sagemaker.{name}" for name in sent]
    assert served.now("CurrentWeight") == wanted
    assert served.live.spec["config"] == two


@pytest.mark.parametrize("names", [("main", "trial"), ("main", "other")])
def test_a_configuration_that_is_there_with_other_weights_gets_them_afterwards(
    served: Served, names: tuple[str, str]
) -> None:
    """Of configurations of one content there is one, whatever weights it was made with."""
    first, second = names
    served.make(config("there", {"main": 9, "trial": 1}, main="one", trial="two"))
    made = served.make(config("there", {"main": 5, "trial": 1}, main="one", trial="two"))
    start = served.make(config("start", None, **{first: "two", second: "two"}))
    served.start(start)
    served.move(made, weights={"main": 5.0, "trial": 1.0})
    assert served.now("CurrentWeight") == {"main": 5.0, "trial": 1.0}
    assert served.sent() == [
        "sagemaker.UpdateEndpoint",
        "sagemaker.UpdateEndpointWeightsAndCapacities",
    ]


def test_trap_5_1_an_update_that_goes_back_in_silence_never_reads_back(served: Served) -> None:
    one, two = served.make(config("good", main="one")), served.make(config("other", main="two"))
    served.start(one)
    rule = {"operation": "sagemaker.UpdateEndpoint", "rollback": True, "times": 1}
    served.aws.ask("POST", "/emulator/faults", rule)
    served.move(two)
    assert (served.live.status.raw, served.live.status.message) == ("InService", "")
    assert served.live.spec["config"] == one
    broken = served.make(config("bad", main="broken"))
    served.move(broken)
    assert "did not pass the ping health check" in served.live.status.message
    assert served.live.spec["config"] == one and served.answer() == "one"


def test_trap_5_2_the_reason_of_an_earlier_failure_does_not_make_a_success_fail(
    served: Served,
) -> None:
    one, two = served.make(config("good", main="one")), served.make(config("other", main="two"))
    served.start(one)
    served.move(served.make(config("bad", main="broken")))
    reason = served.live.status.message
    assert "did not pass the ping health check" in reason
    served.move(two)
    told = served.client.describe_endpoint(EndpointName=served.name)
    assert told["FailureReason"] == reason  # AWS goes on telling it
    assert served.live.spec["config"] == two
    assert (served.live.status.state, served.live.status.message) == (State.RUNNING, "")
    served.move(served.make(config("bad", main="broken")))
    assert served.live.spec["config"] == two
    assert served.live.status.message == reason  # the same again is no older one


def test_trap_5_3_a_configuration_that_an_endpoint_names_is_never_collected(
    served: Served,
) -> None:
    """Without it AWS lets nobody update the endpoint any more, whoever made that."""
    made = [
        served.make(
            config("versions", main=("one", {"instance": LARGE, "startup_timeout": 60 + n}))
        )
        for n in range(6)
    ]
    served.client.create_endpoint(EndpointName=served.name, EndpointConfigName=made[0])
    served.wait()
    stage = Stage("dev", "", "", "sagemaker", {}, None, (), prune="stage")

    def collected() -> set[str]:
        lives = served.platform.read([], everything=True)
        plan = make_plan(stage, [], lives, served.platform.kinds, created_at="")
        assert {change.key.kind for change in plan.changes} <= {"endpoint_config"}
        return {change.id for change in plan.changes if change.id in made}

    # the one that is served stays, and the newest three to go back to
    assert collected() == {made[1], made[2]}
    served.client.update_endpoint(EndpointName=served.name, EndpointConfigName=made[1])
    assert collected() == {made[2]}  # it has the one and is on its way to the other
    served.wait()
    assert collected() == {made[0], made[2]}
    # also where all goes that the stage does not name: what is another's is not even seen
    stage = replace(stage, prune="everything")
    settings = {"role": ROLE, "bucket": BUCKET, "prefix": "traps"}
    wider = replace(stage, root="/", platform="sagemaker", settings=settings)
    wider = replace(wider, target={"region": "eu-central-1"})
    platform = registry.connect(wider, dict(served.aws.environ))
    lives = platform.read([], everything=True)
    assert {served.name, made[1], "model-one"}.isdisjoint(live.id for live in lives)
    assert made[2] in {live.id for live in lives}
    served.client.delete_endpoint_config(EndpointConfigName=made[1])
    with pytest.raises(NotFound, match="Could not find endpoint configuration") as caught:
        platform.update(served.live, served.wish(made[2]))
    platform.close()
    assert f"with --replace endpoint/{served.name} it is deleted" in caught.value.hint


def test_trap_5_4_what_was_scaled_and_weighted_meanwhile_stays(served: Served) -> None:
    one = served.make(config("first", main="one", trial="one"))
    served.start(one)
    live = [{"VariantName": "main", "DesiredInstanceCount": 3, "DesiredWeight": 7.0}]
    served.client.update_endpoint_weights_and_capacities(
        EndpointName=served.name, DesiredWeightsAndCapacities=live
    )
    served.wait()
    two = served.make(config("second", main="two", trial="one"))
    served.move(two)
    assert served.now("CurrentInstanceCount") == {"main": 3, "trial": 1}
    assert served.now("CurrentWeight") == {"main": 7.0, "trial": 1.0}
    # a count that the stage itself has changed takes effect, and the weights stay all the same
    more = ("two", {"instance": {**LARGE, "count": 2}})
    served.move(served.make(config("third", main=more, trial="one")))
    assert served.now("CurrentInstanceCount") == {"main": 2, "trial": 1}
    assert served.now("CurrentWeight") == {"main": 7.0, "trial": 1.0}
    # and so does a weight, and the counts stay
    weights = {"main": 1.0, "trial": 1.0}
    served.client.update_endpoint_weights_and_capacities(
        EndpointName=served.name,
        DesiredWeightsAndCapacities=[{"VariantName": "trial", "DesiredInstanceCount": 4}],
    )
    served.wait()
    fourth = served.make(config("fourth", main=("one", more[1]), trial="one"))
    served.move(fourth, weights=weights)
    assert served.now("CurrentInstanceCount") == {"main": 2, "trial": 4}
    assert served.now("CurrentWeight") == weights
    # other variants: nothing of the former ones can stay
    served.move(served.make(config("fifth", main="one", other="two")))
    assert served.now("CurrentInstanceCount") == {"main": 1, "other": 1}


def test_trap_5_5_how_traffic_moves_is_sent_and_what_aws_would_not_do_is_told(
    served: Served,
) -> None:
    one, two = served.make(config("good", main="one")), served.make(config("other", main="two"))
    served.start(one)
    canary = {"traffic": "canary", "step": {"percent": 10}, "wait": 60, "alarms": ["errors"]}
    served.move(two, deployment=canary)
    told = served.client.describe_endpoint(EndpointName=served.name)["LastDeploymentConfig"]
    routing = told["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert (routing["Type"], routing["CanarySize"]["Value"]) == ("CANARY", 10)
    assert told["AutoRollbackConfiguration"]["Alarms"] == [{"AlarmName": "errors"}]
    # of other names AWS would take no notice of it, without a word
    for variant, count in (("main", 0), ("renamed", 1)):
        next_one = config("next", None, **{variant: "two"})
        wish = served.wish("", deployment=canary)
        spec = {**wish.spec, "config": Ref(next_one.key)}
        wish = replace(wish, spec=spec, source="stages/dev.yaml:9:5")
        problems, _ = served.platform.review([next_one, wish], [served.live])
        assert [(one.line, one.severity) for one in problems] == [(9, "warning")] * count


def test_trap_5_6_an_update_whose_goal_is_under_way_already_is_not_sent_again(
    served: Served,
) -> None:
    one, two = served.make(config("good", main="one")), served.make(config("other", main="two"))
    served.start(one)
    served.platform.update(served.live, served.wish(two))
    served.platform.update(served.live, served.wish(two))
    assert served.live.spec["pending"] == two
    with pytest.raises(Conflict, match="in-progress"):
        served.platform.update(served.live, served.wish(one))
    served.wait()
    assert served.live.spec["config"] == two and "pending" not in served.live.spec
    assert len(served.sent()) == 2  # the one that was refused is the second


def test_trap_5_7_an_endpoint_whose_way_back_failed_is_updated_and_never_deleted(
    served: Served,
) -> None:
    one = served.make(config("good", main="one"))
    served.start(one)
    rule = {
        "operation": "sagemaker.DescribeEndpoint",
        "status_word": "UpdateRollbackFailed",
        "times": 1,
    }
    served.aws.ask("POST", "/emulator/faults", rule)
    live = served.live
    assert (live.status.state, live.status.raw) == (State.UNKNOWN, "UpdateRollbackFailed")
    assert "it serves old and new" in live.status.message
    two = served.make(config("other", main="two"))
    for wanted in (one, two):
        wish = served.wish(wanted)
        [change] = make_plan(
            Stage("dev", "", "", "sagemaker", {}, None, (wish,), prune="everything"),
            [wish],
            [live],
            served.platform.kinds,
            created_at="",
        ).changes
        assert change.action is Action.UPDATE


def test_trap_5_8_weights_cannot_be_changed_while_an_endpoint_moves(served: Served) -> None:
    one = served.make(config("good", main="one", trial="two"))
    served.start(one, weights={"main": 1.0, "trial": 1.0})
    other = [{"VariantName": "main", "DesiredWeight": 2.0}]
    served.client.update_endpoint(EndpointName=served.name, EndpointConfigName=one)
    with pytest.raises(Conflict, match="its weights follow"):
        served.platform.update(served.live, served.wish(one, weights={"main": 5.0, "trial": 1.0}))
    assert served.sent()[1:] == []
    served.wait()
    served.client.update_endpoint_weights_and_capacities(
        EndpointName=served.name, DesiredWeightsAndCapacities=other
    )
    served.move(one, weights={"main": 5.0, "trial": 1.0})
    assert served.now("CurrentWeight") == {"main": 5.0, "trial": 1.0}


def test_trap_5_9_an_endpoint_with_instances_is_made_anew_to_be_serverless(
    served: Served,
) -> None:
    one = served.make(config("instances", main="one"))
    none = ("two", {"serverless": SERVERLESS})
    two = served.make(config("serverless", main=none))
    served.start(one)
    with pytest.raises(PlatformError, match="cannot be updated to a serverless one"):
        served.platform.update(served.live, served.wish(two))
    wish = served.wish(two, serverless=True)
    stage = Stage("dev", "", "", "sagemaker", {}, None, (wish,))
    [change] = make_plan(stage, [wish], [served.live], served.platform.kinds, created_at="").changes
    assert change.action is Action.REPLACE
    assert "AWS makes no serverless endpoint of one with instances" in change.consequence
    assert "no answer from the delete until the new one runs" in change.consequence
    # the other way is open, once
    name = f"{served.name}-less"
    served.client.create_endpoint(EndpointName=name, EndpointConfigName=two)
    served.client.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=QUICK)
    back = Resource(
        Key("endpoint", "x"), {"name": name, "config": one}, source="stages/dev.yaml:3:5"
    )
    live = served.platform.find(back, frozenset())
    assert live and live.spec["serverless"] is True
    problems, _ = served.platform.review([back], [live])
    assert [(one.severity, one.line) for one in problems] == [("warning", 3)]
    assert "there is no way back" in problems[0].message
    [change] = make_plan(stage, [back], [live], served.platform.kinds, created_at="").changes
    assert change.action is Action.UPDATE


def test_trap_5_10_an_endpoint_is_let_go_by_what_scales_it_before_it_is_deleted(
    served: Served,
) -> None:
    one = served.make(config("good", main="one"))
    served.start(one)
    bounds = {"min": 1, "max": 2, "target": 70.0, "metric": "invocations"}
    variants = {"main": {**bounds, "instance_type": LARGE["type"]}}
    spec = {"name": served.name, "endpoint": served.name, "variants": variants}
    wish = Resource(Key("scaling", "x"), spec)
    served.platform.create(wish)
    [scaling] = served.platform.read([wish])
    assert scaling.spec == spec
    stage = Stage("dev", "", "", "sagemaker", {}, None, (), prune="everything")
    lives = [served.live, scaling]
    plan = make_plan(stage, [], lives, served.platform.kinds, created_at="")
    assert [str(change.key.kind) for change in plan.changes] == ["scaling", "endpoint"]
    # where somebody else scales it nothing is let go unasked
    other = served.make(
        config("larger", main=("one", {"instance": {**LARGE, "type": "ml.c5.large"}}))
    )
    with pytest.raises(PlatformError, match="must be deregistered as scalable targets"):
        served.platform.update(served.live, served.wish(other))
    served.platform.delete(scaling)
    served.platform.delete(scaling)
    assert served.platform.read([wish]) == []
    served.platform.update(served.live, served.wish(other))
    served.wait()
