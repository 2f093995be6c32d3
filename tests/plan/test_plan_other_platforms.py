"""Planning for a platform that is not like AI Core: what each fault was, and that it is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cicd.errors import Refused, Usage
from cicd.model import Action, Key, Kind, Limits, LiveResource, Ref, Resource, State, Status
from cicd.plan import check_guards, make_destroy_plan, make_plan, make_stop_plan
from cicd.plan.history import choose_version, make_rollback_plan, read_history, tell_undone
from tests.plan.other_kinds import (
    KINDS,
    UP,
    deletes,
    endpoint,
    live,
    model,
    of_endpoint,
    of_model,
    of_setting,
    plan_of,
    setting,
    stage,
    wish,
)

WANTED = [model(1), setting(), endpoint()]
THERE = [
    of_model("m1", "s3://m1", at="1"),
    of_setting("s1", "m1", at="1"),
    of_endpoint("churn", "s1"),
]
FROM_JOB = wish("model", "churn", data=Ref(Key("job", "train"), "model"))


# -- content that can go: not while it is used, and some of it is kept --------------------------


def test_content_that_a_stage_names_is_not_pruned_though_it_is_shared() -> None:
    for prune in ("stage", "everything"):
        assert not plan_of(WANTED, THERE, prune=prune).has_changes


def test_content_that_a_service_of_nobody_runs_is_not_pruned() -> None:
    theirs = [
        of_model("m7", "s3://m7", owner="tst", name="other"),
        of_setting("s7", "m7", owner="tst", name="other"),
        of_endpoint("other", "s7", owner="tst", name="other"),
    ]
    plan = plan_of(WANTED, [*THERE, *theirs], prune="stage")
    assert deletes(plan) == set()
    kept = {
        name: replace(kind, prunable=name != "endpoint", keep=0) for name, kind in KINDS.items()
    }
    wide = make_plan(
        stage(WANTED, prune="everything"), WANTED, [*THERE, *theirs], kept, created_at=""
    )
    assert deletes(wide) == set()


def test_content_that_the_service_runs_until_it_is_updated_is_not_pruned_with_it() -> None:
    kinds = {name: replace(kind, keep=0) for name, kind in KINDS.items()}
    wanted = [model(2), setting(), endpoint()]
    plan = make_plan(
        stage(wanted, prune="everything"), wanted, THERE, kinds, created_at="2026-01-01"
    )
    assert [c.action for c in plan.changes] == [Action.CREATE, Action.CREATE, Action.UPDATE]


def test_content_is_pruned_by_the_apply_after_the_one_that_took_it_out_of_use() -> None:
    kinds = {name: replace(kind, keep=0) for name, kind in KINDS.items()}
    there = [
        *THERE[:2],
        of_model("m2", "s3://m2", at="2"),
        of_setting("s2", "m2", at="2"),
        of_endpoint("churn", "s2"),
    ]
    wanted = [model(2), setting(), endpoint()]
    plan = make_plan(stage(wanted, prune="stage"), wanted, there, kinds, created_at="")
    assert deletes(plan) == {"s1", "m1"}


def test_content_is_not_pruned_where_a_selection_leaves_it_out() -> None:
    plan = make_plan(
        stage(WANTED, prune="everything"),
        WANTED,
        THERE,
        {name: replace(kind, keep=0) for name, kind in KINDS.items()},
        created_at="2026-01-01",
        select=["model/*"],
    )
    assert deletes(plan) == set()


def old_versions(count: int) -> list[LiveResource]:
    found = []
    for number in range(count):
        at = f"0{number}"
        found.append(of_model(f"m-{number}", f"s3://old{number}", at=at))
        found.append(of_setting(f"s-{number}", f"m-{number}", at=at))
    return found


@pytest.mark.parametrize("prune", ["stage", "everything"])
def test_the_newest_of_what_nobody_uses_are_kept_with_what_they_take_in(prune: str) -> None:
    plan = plan_of(WANTED, [*THERE, *old_versions(5)], prune=prune)
    # two settings are kept, their models with them, and one more model
    assert deletes(plan) == {"s-0", "s-1", "s-2", "m-0", "m-1"}


def test_users_go_before_what_they_use() -> None:
    plan = plan_of(WANTED, [*THERE, *old_versions(5)], prune="stage")
    kinds = [change.key.kind for change in plan.changes if change.action is Action.DELETE]
    assert kinds == sorted(kinds, key=["setting", "model"].index)


def test_what_has_a_name_is_not_pruned_while_it_is_used_either() -> None:
    kinds = {
        "box": Kind("box", prunable=True),
        "server": Kind("server", prunable=True, role="service", log=True),
    }
    wanted = [wish("server", "web", boxes=[{"box": "b1"}])]
    lives = [
        live("box", "b1", UP, name="one"),
        live("box", "b2", UP, name="two"),
        live("server", "web", UP, name="web", boxes=[{"box": "b1"}]),
    ]
    plan = make_plan(stage(wanted, prune="everything"), wanted, lives, kinds, created_at="")
    assert deletes(plan) == {"b2"}


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        (Kind("job", role="run"), "run"),
        (Kind("job", is_run=True, log=True), "run"),
        (Kind("endpoint", log=True), "service"),
        (Kind("model", identity=()), "content"),
        (Kind("box"), "ground"),
        (Kind("route", role="pointer"), "pointer"),
    ],
)
def test_a_kind_that_says_no_role_has_the_one_that_the_rest_of_it_tells(
    kind: Kind, role: str
) -> None:
    assert (kind.role, kind.is_run) == (role, role == "run")
    assert kind.is_service == (role == "service") and kind.runs == (role in {"run", "service"})


def test_each_family_keeps_its_own() -> None:
    others = [of_model(f"o-{n}", f"s3://o{n}", at=str(n), name="other") for n in range(3)]
    plan = plan_of(WANTED, [*THERE, *others, of_model("m-9", "s3://x", at="0")], prune="stage")
    assert deletes(plan) == {"o-0", "o-1"}


# -- how far a stage may prune -------------------------------------------------------------------


def test_prune_stage_takes_what_this_stage_made_and_nothing_of_others() -> None:
    lives = [
        *THERE,
        of_endpoint("mine", "s1", name="mine"),
        of_endpoint("theirs", "s1", name="theirs", owner="tst"),
        of_endpoint("nobody", "s1", name="nobody", owner=""),
    ]
    assert deletes(plan_of(WANTED, lives, prune="stage")) == {"mine"}
    assert deletes(plan_of(WANTED, lives, prune="everything")) == {"mine", "theirs", "nobody"}
    assert deletes(plan_of(WANTED, lives, prune="none")) == set()


def test_a_scope_of_fields_reaches_what_shares_them_with_the_stage() -> None:
    kinds = {"box": Kind("box", prunable=True, scope=("team", "area"))}
    wanted = [wish("box", "a", team="t", area="x")]
    lives = [
        live("box", "a", UP, name="a", team="t", area="x"),
        live("box", "b", UP, name="b", team="t", area="x"),
        live("box", "c", UP, name="c", team="t", area="y"),
        live("box", "d", UP, name="d", team="t"),
    ]
    plan = make_plan(stage(wanted, prune="stage"), wanted, lives, kinds, created_at="")
    assert deletes(plan) == {"b"}


def test_a_stage_file_that_was_emptied_is_refused_in_the_words_of_its_platform() -> None:
    plan = plan_of([], THERE, prune="stage")
    assert deletes(plan) == {"churn"}  # its content is kept, to go back to
    with pytest.raises(Refused, match="declares no jobs, models or endpoints, and prune: stage"):
        check_guards(plan, stage([], prune="stage"), KINDS, THERE)


def test_a_stage_of_jobs_alone_is_not_taken_for_empty() -> None:
    job = wish("job", "train", epochs=1)
    there = [live("job", "j1", name="train", epochs=1), of_model("m0", "s3://m0")]
    kinds = {name: replace(kind, keep=0) for name, kind in KINDS.items()}
    plan = make_plan(stage([job], prune="stage"), [job], there, kinds, created_at="")
    assert deletes(plan) == {"m0"}
    check_guards(plan, stage([job], prune="stage"), kinds, there)


def test_content_makes_no_share_of_what_would_go_smaller_or_larger() -> None:
    lives = [*THERE, of_endpoint("old", "s1", name="old"), *old_versions(9)]
    plan = plan_of(WANTED, lives, prune="stage")
    with pytest.raises(Refused, match="1 of 2 live endpoints would be deleted: 50%"):
        check_guards(plan, stage(WANTED, prune="stage", limits=Limits()), KINDS)


# -- what cannot be stopped, and what is known by its name ---------------------------------------


@pytest.mark.parametrize("pattern", ["endpoint/churn", "churn-endpoint", "endpoint/*"])
def test_stopping_a_service_that_can_only_be_deleted_is_refused(pattern: str) -> None:
    wanted = [*WANTED[:2], replace(endpoint(), key=Key("endpoint", "churn-endpoint"))]
    pattern = pattern.replace("endpoint/churn", "endpoint/churn-endpoint")
    with pytest.raises(Usage, match="endpoint/churn-endpoint cannot be stopped, only deleted"):
        make_stop_plan(stage(wanted), wanted, THERE, KINDS, [pattern], created_at="")


def test_stopping_everything_stops_what_can_be() -> None:
    job = wish("job", "train", epochs=1)
    wanted, under_way = [*WANTED, job], Status(State.RUNNING, "InProgress")
    lives = [*THERE, live("job", "j1", under_way, name="train", epochs=1)]
    plan = make_stop_plan(stage(wanted), wanted, lives, KINDS, ["*"], created_at="")
    assert [(str(change.key), change.id) for change in plan.changes] == [("job/train", "j1")]


def test_a_word_for_what_does_not_run_names_what_can_be_stopped() -> None:
    with pytest.raises(Usage, match="model/churn is nothing that runs") as caught:
        make_stop_plan(stage(WANTED), WANTED, THERE, KINDS, ["model/churn"], created_at="")
    assert caught.value.hint == "runs can be stopped"


def test_replacing_what_has_a_name_says_that_nothing_answers_meanwhile() -> None:
    wanted = [*WANTED[:2], endpoint(size=2)]
    there = [*THERE[:2], of_endpoint("churn", "s1", size=1)]
    change = plan_of(wanted, there).changes[-1]
    assert change.action is Action.REPLACE
    assert "the same URL, and no answer from the delete until the new one runs" in (
        change.consequence
    )


# -- a run that is all that its spec says --------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"epochs": 10}, {"epochs": 20}, "epochs"),
        ({"image": "a:1", "inputs": "x"}, {"image": "a:2", "inputs": "y"}, "image"),
        ({"env": {"A": "1"}}, {"env": {"A": "2"}}, "env.A"),
        ({"channels": [{"name": "t", "url": "u"}]}, {"channels": [{"name": "t", "url": "v"}]}, "c"),
        ({}, {"gpu": True}, "gpu"),
    ],
)
def test_a_job_runs_again_for_any_field_that_differs(
    before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    job = wish("job", "train", **after)
    plan = plan_of([job], [live("job", "j1", name="train", **before)])
    (change,) = plan.changes
    assert change.action is Action.RUN and change.id == "j1"
    assert change.fields and change.fields[0].path.startswith(told)
    assert "inputs changed" in change.reason and told in change.reason


def test_a_job_with_the_same_spec_does_not_run_again() -> None:
    spec: dict[str, Any] = {
        "epochs": 10,
        "inputs": "x",
        "files": {"train.py": "1"},
        "env": {"A": "1"},
    }
    plan = plan_of([wish("job", "train", **spec)], [live("job", "j1", name="train", **spec)])
    assert not plan.has_changes


def test_a_job_whose_files_alone_differ_runs_again_for_them() -> None:
    there = live("job", "j1", name="train", inputs="x", files={"train.py": "1"})
    job = wish("job", "train", inputs="y", files={"train.py": "2"})
    (change,) = plan_of([job], [there]).changes
    assert change.action is Action.RUN and "train.py" in change.reason


def test_a_job_under_way_with_another_spec_is_not_followed() -> None:
    there = live("job", "j1", Status(State.RUNNING, "InProgress"), name="train", epochs=1)
    (change,) = plan_of([wish("job", "train", epochs=2)], [there]).changes
    assert change.action is Action.RUN and change.live is None and change.before == "j1"
    (same,) = plan_of([wish("job", "train", epochs=1)], [there]).changes
    assert same.live == there


def test_what_an_upstream_job_makes_anew_is_a_reason_to_run() -> None:
    made = Ref(Key("job", "train"), "models.best")
    wanted = [wish("job", "train", epochs=2), wish("job", "score", model=made)]
    lives = [
        live("job", "j1", name="train", epochs=1),
        live("job", "j2", name="score", model="s3://old"),
    ]
    assert [change.action for change in plan_of(wanted, lives).changes] == [Action.RUN] * 2


# -- versions of a service, whatever they are called ---------------------------------------------

HISTORY = [
    of_model("m1", "s3://m1", at="1"),
    of_model("m2", "s3://m2", at="2"),
    of_setting("s1", "m1", at="1"),
    of_setting("s2", "m2", at="2"),
    of_setting("s9", "m2", at="9", name="another"),
    of_endpoint("churn", "s2"),
]


def test_the_history_of_a_service_is_all_content_of_what_it_runs() -> None:
    history = read_history(HISTORY[-1], HISTORY, KINDS)
    assert [(item.content.id, item.is_running) for item in history] == [("s2", True), ("s1", False)]
    assert [str(field.path) for field in history[1].fields] == ["variants.0.model"]
    assert choose_version(Key("endpoint", "churn"), history, None, KINDS).id == "s1"


def test_a_rollback_gives_the_service_the_other_content() -> None:
    wanted = [model(2), setting(), endpoint()]
    change = plan_of(wanted, HISTORY).changes[-1]
    assert change.action is Action.NO_OP
    plan = make_rollback_plan(
        stage(wanted), wanted, HISTORY, KINDS, change, HISTORY[2], created_at=""
    )
    (back,) = plan.changes
    assert (back.action, back.fields[0].path) == (Action.UPDATE, "setting")
    assert (back.fields[0].before, back.fields[0].after) == ("s2", "s1")


def test_a_plan_that_takes_a_rollback_back_says_so() -> None:
    wanted = [model(2), setting(), endpoint()]
    rolled_back = [*HISTORY[:-1], of_endpoint("churn", "s1")]
    plan = tell_undone(plan_of(wanted, rolled_back), {"endpoint/churn": ("s2", "s1")}, KINDS)
    assert plan.changes[-1].consequence.startswith("undoes the rollback to s1")


@pytest.mark.parametrize("wanted", ["s1", None, "zz"])
def test_what_runs_no_content_cannot_be_rolled_back(wanted: str | None) -> None:
    kinds = {**KINDS, "endpoint": replace(KINDS["endpoint"], version=None)}
    history = read_history(HISTORY[-1], HISTORY, kinds)
    assert history == []
    with pytest.raises(Usage, match="endpoint/churn has no versions"):
        choose_version(Key("endpoint", "churn"), history, wanted, kinds)


# -- references inside lists ---------------------------------------------------------------------


def test_what_a_list_refers_to_is_found_as_what_was_there_before() -> None:
    wanted = [model(3), setting(), endpoint()]
    plan = plan_of(wanted, HISTORY)
    # the model that the running setting has, not only the newest
    assert [(f.path, f.before, f.after) for f in plan.changes[0].fields] == [
        ("data", "s3://m2", "s3://m3")
    ]
    older = plan_of(wanted, [*HISTORY[:-1], of_endpoint("churn", "s1")])
    assert older.changes[0].fields[0].before == "s3://m1"


# -- taking a stage down -------------------------------------------------------------------------


def test_destroying_deletes_services_first_and_content_with_all_versions() -> None:
    plan = make_destroy_plan(
        stage(WANTED), WANTED, [*THERE, *old_versions(2)], KINDS, created_at=""
    )
    kinds = [change.key.kind for change in plan.changes]
    assert kinds == ["endpoint"] + ["setting"] * 3 + ["model"] * 3
    assert not plan.warnings


@pytest.mark.parametrize("takes", [{}, {"variants": "model"}])
def test_destroying_leaves_what_a_service_of_others_runs(takes: dict[str, str]) -> None:
    kinds = {**KINDS, "setting": replace(KINDS["setting"], takes=takes)}
    theirs = [
        of_setting("s7", "m1", owner="tst", name="other"),
        of_endpoint("other", "s7", owner="tst", name="other"),
    ]
    plan = make_destroy_plan(stage(WANTED), WANTED, [*THERE, *theirs], kinds, created_at="")
    told = {str(item.key): item.reason for item in plan.changes if item.action != "delete"}
    assert told == {"model/churn": "kept: setting other uses it too"}
    assert deletes(plan) == {"churn", "s1"}


@pytest.mark.parametrize("gone", [{"s1"}, {"s1", "m1"}, {"s1", "m1", "s-0"}, {"s1", "s-1"}])
def test_destroying_goes_on_where_another_one_was_killed_amid_the_content(gone: set[str]) -> None:
    """What is left may be former versions alone, of which nothing is as the stage file says."""
    theirs = [of_model("m8", "s3://m8", owner="tst"), of_setting("s8", "m8", owner="tst")]
    there = [live for live in [*THERE[:2], *old_versions(2)] if live.id not in gone]
    plan = make_destroy_plan(stage(WANTED), WANTED, [*there, *theirs], KINDS, created_at="")
    assert deletes(plan) == {live.id for live in there}


def test_destroying_leaves_the_content_of_other_stages() -> None:
    theirs = [of_model("m8", "s3://m8", owner="tst"), of_setting("s8", "m8", owner="tst")]
    plan = make_destroy_plan(stage(WANTED), WANTED, [*THERE, *theirs], KINDS, created_at="")
    assert deletes(plan) == {"churn", "s1", "m1"}


JOB_STAYS = {
    **KINDS,
    "job": replace(KINDS["job"], deletable=False, takes={"content": "model"}),
}


@pytest.mark.parametrize(
    ("state", "kinds", "expected"),
    [
        (State.RUNNING, JOB_STAYS, {"churn", "s1"}),
        (State.SUCCEEDED, JOB_STAYS, {"churn", "s1", "m1"}),
        (State.FAILED, JOB_STAYS, {"churn", "s1", "m1"}),
    ],
)
def test_destroying_leaves_what_a_run_that_stays_still_needs(
    state: State, kinds: Mapping[str, Kind], expected: set[str]
) -> None:
    job = live("job", "j1", Status(state, "x"), owner="tst", content="m1", name="other")
    plan = make_destroy_plan(stage(WANTED), WANTED, [*THERE, job], kinds, created_at="")
    assert deletes(plan) == expected


@pytest.mark.parametrize(
    ("wanted", "jobs"),
    [
        ([model(9), setting(), endpoint()], []),
        ([model(1), setting(kms="k"), endpoint()], []),
        ([wish("job", "train"), FROM_JOB, setting(), endpoint()], []),
        (
            [wish("job", "train"), FROM_JOB, setting(), endpoint()],
            [live("job", "t1", Status(State.STOPPED, "Stopped"), name="train", at="3")],
        ),
    ],
    ids=["changed data", "changed below it", "nothing has run", "the last run has failed"],
)
def test_destroying_takes_former_content_where_none_is_as_the_file_asks_for(
    wanted: list[Resource], jobs: list[LiveResource]
) -> None:
    theirs = [of_model("m8", "s3://m8", owner="tst"), of_setting("s8", "m8", owner="tst")]
    lives = [*THERE, *jobs, *theirs]
    plan = make_destroy_plan(stage(wanted), wanted, lives, KINDS, created_at="")
    assert deletes(plan) == {"churn", "s1", "m1", *(job.id for job in jobs)}


def test_a_run_that_stays_hides_no_other_user_behind_it() -> None:
    ended = live("job", "j1", Status(State.SUCCEEDED, "x"), owner="tst", content="m1", name="a")
    runs = live("job", "j2", Status(State.RUNNING, "x"), owner="tst", content="m1", name="b")
    for jobs in ([ended, runs], [runs, ended]):
        lives = [*jobs, *THERE]
        plan = make_destroy_plan(stage(WANTED), WANTED, lives, JOB_STAYS, created_at="")
        told = {str(item.key): item.reason for item in plan.changes if item.action != "delete"}
        assert told == {"model/churn": "kept: job b uses it too"}


def test_of_several_that_only_can_be_deleted_the_first_is_named() -> None:
    two = replace(endpoint(), key=Key("endpoint", "zwei"))
    wanted = [*WANTED, two]
    with pytest.raises(Usage, match=r"^endpoint/churn cannot be stopped"):
        make_stop_plan(stage(wanted), wanted, [], KINDS, ["endpoint/*"], created_at="")
