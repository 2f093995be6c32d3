"""What waits: all that serves and what is there for that alone, on any platform."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cicd.model import Action, Change, Kind, Lifecycle, Options, Ref, Resource, SmokeTest
from cicd.model import Gate as Bound
from cicd.plan.gated import before_gate, gated_keys, needed_by_test, sources_of, waiting
from cicd.plan.reviewed import reviewed_fingerprint, reviewed_parts
from cicd.platforms.sagemaker.kinds import KINDS as SAGEMAKER
from cicd.platforms.training_job.kinds import KINDS as JOBS
from cicd.values import Hidden, Program, Secret
from tests.plan.plan_world import (
    KINDS,
    a_stage,
    artifact,
    configuration,
    deployment,
    destination,
    execution,
    key,
    schedule,
    secret,
)

MODEL = {"model": Ref(key("execution/train"), "artifacts.model")}
AICORE = (
    secret("generic_secret"),
    artifact("data"),
    configuration("train", input_artifact_bindings={"data": Ref(key("artifact/data"))}),
    execution("train"),
    configuration("evaluate", input_artifact_bindings=MODEL),
    execution("evaluate"),
    schedule("weekly"),
    configuration("serve", input_artifact_bindings=MODEL),
    deployment("serve"),
    destination("D"),
)


def made(text: str, *needs: str, **spec: object) -> Resource:
    refs = {f"need{number}": Ref(key(need)) for number, need in enumerate(needs)}
    return Resource(key(text), {"name": text, **refs, **spec})


ENDPOINT = (
    made("training_job/train"),
    made("model_package/churn", "training_job/train"),
    made("model/churn", "model_package/churn"),
    made("model/other"),
    made("transform_job/try", "model/churn"),
    made("endpoint_config/c", "model/churn", "model/other"),
    made("endpoint/serve", "endpoint_config/c"),
    made("scaling/serve", "endpoint/serve"),
)
PUBLISH = (made("dataset/d"), made("job/train", "dataset/d"), made("job/publish", "job/train"))


@pytest.mark.parametrize(
    ("resources", "kinds", "named", "wanted"),
    [
        (AICORE, KINDS, (), {"configuration/serve", "deployment/serve", "destination/D"}),
        (
            ENDPOINT,
            SAGEMAKER,
            (),
            {"model/other", "endpoint_config/c", "endpoint/serve", "scaling/serve"},
        ),
        (PUBLISH, JOBS, (), set()),
        (PUBLISH, JOBS, ("job/publish",), {"job/publish"}),
        (
            AICORE,
            KINDS,
            ("schedule/weekly",),
            {"configuration/serve", "deployment/serve", "destination/D", "schedule/weekly"},
        ),
        ((), KINDS, (), set()),
        # a run that asks a service waits with it
        (
            (*AICORE, made("execution/load", "deployment/serve")),
            KINDS,
            (),
            {"configuration/serve", "deployment/serve", "destination/D", "execution/load"},
        ),
    ],
)
def test_what_serves_waits_and_what_is_there_for_that_alone(
    resources: tuple[Resource, ...],
    kinds: dict[str, Kind],
    named: tuple[str, ...],
    wanted: set[str],
) -> None:
    found = gated_keys(resources, kinds, [key(name) for name in named])
    assert {str(one) for one in found} == wanted


def test_changes_wait_and_what_stays_does_not_and_a_service_that_goes_away_does() -> None:
    gated = gated_keys(AICORE, KINDS)
    changes = [
        Change(key("execution/train"), Action.RUN, ""),
        Change(key("configuration/serve"), Action.NO_OP, ""),
        Change(key("deployment/serve"), Action.UPDATE, ""),
        Change(key("deployment/gone"), Action.DELETE, ""),
        Change(key("execution/old"), Action.DELETE, ""),
    ]
    waits = waiting(changes, gated, KINDS)
    assert [str(one) for one in waits] == ["deployment/serve", "deployment/gone"]


def test_the_test_and_what_it_stands_on_are_known() -> None:
    lifecycle = Lifecycle(test=key("execution/evaluate"))
    gated = gated_keys(AICORE, KINDS)
    assert before_gate(AICORE, gated, lifecycle) == {key("execution/evaluate")}
    assert key("execution/train") in needed_by_test(AICORE, lifecycle)
    assert sources_of(AICORE, KINDS, gated) == {key("execution/train")}
    assert before_gate(AICORE, gated, Lifecycle()) == frozenset()


def parts(*changes: tuple[str, dict[str, object]], **stage: object) -> dict[str, str]:
    """The parts of the sample with fields of its things changed."""
    specs = dict(changes)
    resources = [replace(one, spec={**one.spec, **specs.get(str(one.key), {})}) for one in AICORE]
    whole = a_stage(
        resources,
        **{
            "lifecycle": Lifecycle(test=key("execution/evaluate")),
            "commit": "c" * 40,
            "programs": (
                Program("t.yaml", "s", "1", "p1", called={"executable_id": "demo-train"}),
            ),
            **stage,
        },
    )
    return reviewed_parts(whole, gated_keys(AICORE, KINDS), KINDS)


BEFORE = parts()


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        (parts(commit="d" * 40), []),
        (parts(digest="other", source_digest="other", branch="other", file="x.yaml"), []),
        (parts(("schedule/weekly", {"cron": "1 1 * * 1"})), []),
        (parts(("generic_secret/s", {"data": {"KEY": Secret("v2")}})), []),
        (parts(("deployment/serve", {"ttl": "1h"})), ["deployment/serve ttl"]),
        (
            parts(("configuration/serve", {"parameter_bindings": {"greeting": "hi"}})),
            [
                "configuration/serve parameter_bindings",
                "configuration/serve parameter_bindings.greeting",
            ],
        ),
        (
            parts(("execution/train", {"inputs": "i2", "files": {"src/train.py": "d1"}})),
            ["execution/train files.src/train.py"],
        ),
        (parts(("artifact/data", {"url": "ai://default/new"})), ["artifact/data url"]),
        (
            parts(("configuration/evaluate", {"name": "other"})),
            ["configuration/evaluate name"],
        ),
        (parts(prune="stage"), ["prune"]),
        (parts(name="prd"), ["stage"]),
        (parts(target={"resource_group": "other"}), ["target resource_group"]),
        (parts(target={"resource_group": "cicd-dev", "launchpad_url": "https://x"}), []),
        (
            parts(
                programs=(
                    Program("t.yaml", "s", "1", "p2", called={"executable_id": "demo-train"}),
                )
            ),
            ["program t.yaml s"],
        ),
        (
            parts(lifecycle=Lifecycle(test=key("execution/evaluate"), test_data="d.csv")),
            ["lifecycle test_data"],
        ),
    ],
)
def test_an_approval_is_bound_to_all_that_is_to_serve_and_to_nothing_else(
    after: dict[str, str], wanted: list[str]
) -> None:
    names = sorted(BEFORE.keys() | after.keys())
    assert [name for name in names if BEFORE.get(name) != after.get(name)] == wanted
    assert (reviewed_fingerprint(BEFORE) == reviewed_fingerprint(after)) is not bool(wanted)


def test_a_text_with_the_commit_in_it_is_the_same_in_every_commit() -> None:
    one = parts(("configuration/serve", {"name": "a" + "c" * 40}))
    other = parts(("configuration/serve", {"name": "a" + "d" * 40}), commit="d" * 40)
    assert one == other != BEFORE


def test_a_looser_gate_of_what_is_to_serve_is_another_content() -> None:
    strict = replace(AICORE[3], options=Options(require=(Bound("accuracy", 0.9),)))
    resources = [strict if one.key == strict.key else one for one in AICORE]
    found = reviewed_parts(a_stage(resources), gated_keys(AICORE, KINDS), KINDS)
    plain = reviewed_parts(a_stage(AICORE), gated_keys(AICORE, KINDS), KINDS)
    assert [n for n in found if found[n] != plain.get(n)] == ["execution/train require"]


def test_a_smoke_test_counts_and_its_credentials_do_not() -> None:
    def found(header: str | Secret, path: str = "/v1") -> dict[str, str]:
        asked = SmokeTest(path, headers={"X": header})
        service = replace(AICORE[8], options=Options(smoke_test=asked))
        resources = [service if one.key == service.key else one for one in AICORE]
        return reviewed_parts(a_stage(resources), gated_keys(AICORE, KINDS), KINDS)

    assert found(Secret("one")) == found(Secret("other"))
    assert found(Hidden("one")) != found(Hidden("other"))
    before, after = found("one"), found("one", "/v2")
    assert [n for n in before if before[n] != after[n]] == ["deployment/serve smoke_test"]


def test_a_text_of_the_environment_counts_and_is_never_told() -> None:
    one, other = (
        parts(("configuration/serve", {"name": Hidden(text)})) for text in ("one-text", "other")
    )
    assert one != other
    assert "one-text" not in str(one)
