"""Small parts of plans at their bounds: whose one is, what is secret, what goes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cicd.errors import CicdError, Refused, Usage
from cicd.model import (
    Action,
    Change,
    FieldChange,
    Key,
    Kind,
    Options,
    Ref,
    Resource,
    Secret,
    SmokeTest,
    State,
    Status,
)
from cicd.plan import check_guards, make_destroy_plan, make_plan, make_stop_plan
from cicd.plan.bound import _moved_change, explain_drift, explain_place, explain_version
from cicd.plan.causes import FILE, telling
from cicd.plan.consequence import _changed_in_place, _only_section, _pointer, _short, _templates
from cicd.plan.diff import as_secret_as, freeze, undeclared
from cicd.plan.document import fingerprint, to_document
from cicd.plan.guards import _counts, _succeeded
from cicd.plan.history import read_history, takes_back, tell_undone, version_field
from cicd.plan.selection import check_patterns
from cicd.plan.unmanaged import running
from cicd.values import Hidden
from tests.plan.other_kinds import KINDS as OTHER_KINDS
from tests.plan.other_kinds import live, wish
from tests.plan.other_kinds import plan_of as other_plan
from tests.plan.plan_world import (
    CREATED_AT,
    KINDS,
    a_live,
    a_stage,
    actions,
    artifact,
    change_of,
    configuration,
    deployment,
    destination,
    execution,
    plan_of,
)


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        ({"stage": "dev"}, ""),
        ({"stage": "dev", "project": None}, ""),
        ({"stage": "prod"}, "was made for prod, not dev"),
        ({"stage": "dev", "project": "shop"}, "was made for shop/dev, not dev"),
        ({}, "was made for , not dev"),
    ],
)
def test_a_saved_plan_is_of_one_stage(saved: dict[str, Any], expected: str) -> None:
    assert explain_place(saved, a_stage(name="dev")) == expected


def test_a_saved_plan_of_the_same_stage_of_another_project_is_not_its_own() -> None:
    stage = a_stage(name="dev", project="shop")
    assert explain_place({"stage": "dev", "project": "shop"}, stage) == ""
    assert explain_place({"stage": "dev"}, stage) == "was made for dev, not shop/dev"


def test_a_plan_of_another_version_says_which() -> None:
    assert "made by cicd unknown with schema_version" in explain_version({})
    told = explain_version({"schema_version": 99, "tool_version": "9.1"})
    assert told.startswith("it was made by cicd 9.1 with schema_version 99, and this one reads ")


S = Secret("s3cret")


@pytest.mark.parametrize(
    ("after", "before", "hidden"),
    [
        (S, "old", True),
        (S, 5, False),
        ("plain", "old", False),
        (None, "old", False),
        ({"a": S}, {"a": "old"}, True),
        ({"a": "x"}, {"a": "old"}, False),
        ({"b": S}, {"a": "old"}, False),
        ([S], ["old"], True),
        (["x", S], ["old"], True),
        ((S,), ("old",), True),
        (["x"], ["old"], False),
        ([S], {"a": "old"}, False),
        ({"a": [S]}, {"a": ["old"]}, True),
    ],
)
def test_what_stood_where_a_secret_goes_is_not_shown(
    after: Any, before: Any, *, hidden: bool
) -> None:
    found = as_secret_as(after, before)
    leaf = found
    while isinstance(leaf, dict | list | tuple):
        leaf = leaf["a"] if isinstance(leaf, dict) else leaf[0]
    assert isinstance(leaf, Hidden) is hidden
    if not hidden:
        assert freeze(found) == freeze(before)


def service(now: Any, wanted: Any, action: Action = Action.UPDATE) -> Change:
    live = a_live(deployment(configuration=now), "d1")
    wish = deployment(configuration=wanted)
    return Change(Key("deployment", "serve"), action, "", desired=wish, live=live)


@pytest.mark.parametrize(
    ("change", "sides", "expected"),
    [
        (service("c1", "c2"), (), True),
        (service("c1", "c1"), (), False),
        (service("c1", "c2", Action.NO_OP), (), False),
        (service("c1", None), (), False),
        (service(None, "c2"), (), False),
        (service("c1", "c2"), ("c2", "c1"), True),
        (service("c1", "c2"), ("c1", "c2"), False),
        (service("c1", "c2"), ("c2", "c9"), False),
        (service("c1", "c2"), ("c9", "c1"), False),
    ],
)
def test_a_service_goes_back_to_a_content_that_was_there(
    change: Change, sides: tuple[str, ...], *, expected: bool
) -> None:
    assert takes_back(change, KINDS, *sides) is expected


def test_what_is_only_there_or_only_wanted_goes_back_to_nothing() -> None:
    change = service("c1", "c2")
    assert not takes_back(replace(change, live=None), KINDS)
    assert not takes_back(replace(change, desired=None), KINDS)


BOTH = [
    configuration("train"),
    execution("train"),
    configuration("serve"),
    deployment("train", configuration="c1"),
]


def test_a_name_of_two_things_that_run_has_to_be_said_in_full() -> None:
    lives = [
        a_live(configuration("train"), "c1"),
        a_live(execution("train", configuration="c1"), "e1", State.RUNNING),
        a_live(deployment("train", configuration="c1"), "d1", State.RUNNING),
    ]

    def plan(*patterns: str) -> Any:
        return make_stop_plan(a_stage(BOTH), BOTH, lives, KINDS, patterns, created_at=CREATED_AT)

    with pytest.raises(Usage, match="train is more than one") as error:
        plan("train")
    assert error.value.hint == "say deployment/train or execution/train" or (
        error.value.hint == "say execution/train or deployment/train"
    )
    assert [str(change.key) for change in plan("execution/train").changes] == ["execution/train"]


def test_what_does_not_run_is_told_what_does() -> None:
    with pytest.raises(Usage, match="configuration/serve is nothing that runs") as error:
        make_stop_plan(
            a_stage(BOTH), BOTH, [], KINDS, ["configuration/serve"], created_at=CREATED_AT
        )
    assert error.value.hint == "runs and deployments can be stopped"


OLD: dict[str, Any] = {"executable_id": "old"}


@pytest.mark.parametrize(
    ("live", "wish", "expected"),
    [
        ({**OLD}, {}, ("replace", "d1")),
        ({"scenario_id": "old"}, {}, ("update", "d1")),
        ({"configuration_name": "else"}, {}, ("create", "")),
        ({"owner": "prod", **OLD}, {}, ("create", "")),
        ({"owner": "", **OLD}, {}, ("create", "")),
        ({"known_as": "deployment/other", **OLD}, {}, ("create", "")),
        ({**OLD}, {"existing_id": "d1"}, ("replace", "d1")),
    ],
)
def test_a_service_of_another_program_is_the_one_of_its_name_replaced(
    live: dict[str, Any], wish: dict[str, Any], expected: tuple[str, str]
) -> None:
    names = {"configuration_name", "scenario_id", "executable_id"}
    spec = {name: value for name, value in live.items() if name in names}
    told = {name: value for name, value in live.items() if name not in names}
    found = a_live(deployment(), "d1", spec=spec, **{"owner": "dev", **told})
    stays = configuration("other"), deployment("other", **OLD)
    desired = [configuration("serve"), deployment(options=Options(**wish)), *stays]
    plan = plan_of(desired, [a_live(configuration("serve"), "c2"), found])
    change = change_of(plan, "deployment/serve")
    assert (change.action.value, change.id) == expected


def test_what_another_key_takes_as_it_is_is_not_replaced_before() -> None:
    found = a_live(deployment(**OLD), "d1", owner="dev")
    other = deployment(configuration_name="serve", **OLD)
    taken = replace(other, key=Key("deployment", "as-it-is"))
    plan = plan_of(
        [configuration("serve"), deployment(), taken],
        [a_live(configuration("serve"), "c2"), found],
    )
    assert actions(plan)["deployment/serve"] == "create"
    assert change_of(plan, "deployment/as-it-is").id == "d1"


def test_what_is_reached_by_two_ways_hides_no_other_user() -> None:
    """All that is to be deleted goes before what it needs, also behind things that stay."""
    repository = Resource(Key("repository", "repo"), {"name": "repo", "url": "https://h/r"})
    application = Resource(Key("application", "app"), {"name": "app", "repository": "https://h/r"})
    application = replace(application, depends_on=frozenset({repository.key}))

    def kept(name: str, *needs: Key) -> Resource:
        return replace(artifact(name), depends_on=frozenset(needs))

    one, two = kept("one", repository.key), kept("two", repository.key)
    both = kept("both", one.key, two.key)
    server = replace(deployment(configuration="c2"), depends_on=frozenset({both.key}))
    desired = [repository, application, one, two, both, server]
    lives = [a_live(wish, name) for wish, name in ((repository, "repo"), (application, "app"))]
    lives += [a_live(wish, wish.key.name) for wish in (one, two, both)] + [a_live(server, "d1")]
    plan = make_destroy_plan(a_stage(desired), desired, lives, KINDS, created_at=CREATED_AT)
    needs = {str(change.key): change.depends_on for change in plan.changes}
    assert set(map(str, needs["repository/repo"])) == {"application/app", "deployment/serve"}


def test_a_job_under_way_whose_spec_changes_is_named_by_what_changed() -> None:
    wanted = wish("job", "train", epochs=2)
    under_way = live("job", "j1", Status(State.RUNNING, "InProgress"), name="train", epochs=1)
    [change] = other_plan([wanted], [under_way]).changes
    assert (change.action, change.reason) == (
        Action.RUN,
        "inputs changed: epochs, j1 is still InProgress",
    )


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("abc", "b", "loosened"),
        ("b", "abc", "tightened"),
        ("b", "b2", "tightened"),
        ("x", "y", ""),
        (5, "5", ""),
        ("5", 5, ""),
        (None, 5, "tightened"),
        ("5", None, "loosened"),
    ],
)
def test_the_text_that_an_answer_has_to_hold_is_more_or_less_strict(
    before: Any, after: Any, reason: str
) -> None:
    def treated(text: Any) -> list[Resource]:
        test = SmokeTest("/v2/predict", expect_contains=text)
        return [configuration("serve"), deployment(options=Options(smoke_test=test))]

    lives = [a_live(configuration("serve"), "c2"), a_live(deployment(configuration="c2"), "d1")]
    plan = make_plan(
        a_stage(treated(after)),
        treated(after),
        lives,
        KINDS,
        created_at=CREATED_AT,
        former=a_stage(treated(before)),
    )
    told = [x for x in change_of(plan, "deployment/serve").treatment if "contains" in x.path]
    assert [(x.before, x.after, x.reason) for x in told] == (
        [] if before == after else [(before, after, reason)]
    )


@pytest.mark.parametrize("state", State)
def test_only_what_runs_right_now_is_running(state: State) -> None:
    found = running([a_live(deployment(configuration="c2"), "d1", state)], KINDS)
    assert bool(found) is (state is State.RUNNING)


PARTIAL = Kind("thing", partial=frozenset({"labels"}))


@pytest.mark.parametrize(
    ("there", "wanted", "expected"),
    [
        ({"labels": {"a": "1", "b": "2"}}, {"labels": {"a": "1"}}, ["labels.b"]),
        ({"labels": {"b": "1", "a": "2"}}, {"labels": {}}, ["labels.a", "labels.b"]),
        ({"labels": {"a": "1"}}, {"labels": {"a": "2", "c": "3"}}, []),
        ({"labels": None}, {"labels": {"a": "1"}}, []),
        ({}, {"labels": {"a": "1"}}, []),
        ({"labels": {"a": "1"}}, {}, []),
        ({"other": {"a": "1"}}, {"other": {}}, []),
    ],
)
def test_what_is_live_of_a_partial_map_and_not_declared_is_remarked(
    there: dict[str, Any], wanted: dict[str, Any], expected: list[str]
) -> None:
    told = undeclared(there, wanted, PARTIAL)
    tail = " is live and not declared here: it was removed, or is another's"
    assert told == [f"{name}{tail}" for name in expected]


@pytest.mark.parametrize(("state", "is_refused"), [(State.SUCCEEDED, False), (State.RUNNING, True)])
def test_only_runs_that_have_ended_make_way_for_a_new_one_without_loss(
    state: State, *, is_refused: bool
) -> None:
    desired = [configuration("train", {"a": "new"}), execution("train")]
    lives = [a_live(configuration("train", {"a": "old"}), "c1")]
    former = execution("train", configuration="c1")
    lives += [a_live(former, f"e{n}", state, owner="dev") for n in range(9)]
    stage = a_stage(desired, prune="stage")
    plan = plan_of(desired, lives, prune="stage")
    told = []
    try:
        check_guards(plan, stage, KINDS, lives)
    except Refused as refusal:
        told = [str(refusal)]
    assert any("would be deleted: 100% is over" in line for line in told) is is_refused


def test_a_destination_follows_only_a_new_url() -> None:
    server = Key("deployment", "serve")
    pointer = Resource(Key("destination", "DEST"), {"name": "D", "url": Ref(server, "url")})
    user = Resource(pointer.key, {"name": "D", "url": "u", "user": Ref(server, "id")})
    lives = [a_live(configuration("serve"), "c2")]
    for wanted, spec, told in (
        (pointer, {"url": "old"}, "follows to the new URL of deployment/serve"),
        (user, {"user": "old"}, "is changed in place (the new user from serve)"),
    ):
        there = a_live(wanted, "D", spec=spec)
        plan = plan_of([configuration("serve"), deployment(), wanted], [*lives, there])
        assert change_of(plan, "destination/DEST").consequence == told


def field(path: str, before: Any, after: Any) -> dict[str, Any]:
    return {"path": path, "before": before, "after": after}


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ([field("a", 1, 2)], [field("a", 1, 2)], []),
        ([field("a", 1, 2)], [field("a", 1, 3)], ["a was 1 → 2, is now 1 → 3"]),
        ([field("inputs", 1, 2)], [field("inputs", 1, 3)], ["inputs was 1 → 2, is now 1 → 3"]),
        ([field("files.x", 1, 2)], [field("files.x", 1, 3)], ["file x changed"]),
        (
            [field("inputs", 1, 2), field("files.x", 1, 2)],
            [field("inputs", 1, 3), field("files.x", 1, 3)],
            ["file x changed"],
        ),
        (
            [field("a", 1, 2), field("files.x", 1, 2)],
            [field("a", 1, 3), field("files.x", 1, 3)],
            ["file x changed", "a was 1 → 2, is now 1 → 3"],
        ),
    ],
)
def test_fields_that_moved_since_a_plan_was_saved_are_told_the_files_first(
    was: list[Any], now: list[Any], expected: list[str]
) -> None:
    before, after = ({"action": "run", "id": "e1", "reason": "", "fields": x} for x in (was, now))
    told = _moved_change("execution/train", before, after)
    assert told == [f"execution/train: {line}" for line in expected]


@pytest.mark.parametrize(
    ("known", "pattern", "hint"),
    [
        (["a/train", "b/train"], "train", "did you mean a/train or b/train?"),
        (["a/train", "a/trains"], "a/trai", "did you mean a/train?"),
        (["a/x"], "b/yyyyyyyy", "it has a/x"),
        ([f"a/x{n}" for n in range(5)], "zzzz", "it has a/x0, a/x1, a/x2, a/x3, a/x4"),
        ([f"a/x{n}" for n in range(6)], "zzzz", "it has a/x0, a/x1, a/x2, a/x3, a/x4 and 1 more"),
        ([], "zzzz", "it has nothing that it could fit"),
    ],
)
def test_a_glob_that_fits_nothing_says_what_is_near(
    known: list[str], pattern: str, hint: str
) -> None:
    keys = [Key(*text.split("/")) for text in known]
    with pytest.raises(Usage, match=f"^--select {pattern} fits nothing in stage dev") as error:
        check_patterns("--select", [pattern], keys, "dev")
    assert error.value.hint == hint
    check_patterns("--select", ["*/*", "a/*"][: bool(known)], keys, "dev")


@pytest.mark.parametrize(("prune", "is_known"), [("none", False), ("resource_group", True)])
def test_what_is_only_live_is_selected_only_where_it_may_be_deleted(
    prune: str, *, is_known: bool
) -> None:
    desired, lives = [artifact()], [a_live(deployment("old"), "d1")]
    if is_known:
        plan_of(desired, lives, prune=prune, select=["deployment/d1"])
        return
    with pytest.raises(Usage, match="--select deployment/d1 fits nothing in stage dev"):
        plan_of(desired, lives, prune=prune, select=["deployment/d1"])


@pytest.mark.parametrize(
    ("state", "owner", "is_told"),
    [
        (State.STOPPED, "dev", True),
        (State.STOPPED, "", True),
        (State.STOPPED, "tst", False),
        (State.RUNNING, "dev", False),
        (State.FAILED, "dev", False),
    ],
)
def test_a_stopped_former_version_of_a_service_is_told(
    state: State, owner: str, *, is_told: bool
) -> None:
    desired = [configuration("serve"), deployment(), configuration("train"), execution()]
    lives = [
        a_live(configuration("serve"), "c1"),
        a_live(configuration("train"), "c2"),
        a_live(deployment(configuration="c1"), "d1", owner="dev"),
        a_live(execution(configuration="c2"), "e1", State.SUCCEEDED, owner="dev"),
        a_live(deployment(configuration="c1"), "d0", state, owner=owner),
        a_live(execution(configuration="c2"), "e0", state, owner=owner),
    ]
    told = [hint for hint in plan_of(desired, lives).hints if "is a former" in hint]
    expected = "deployment d0 is STOPPED: it is a former deployment/serve, and stays (prune: none)"
    assert told == ([expected] if is_told else [])


def test_a_service_of_another_program_is_found_behind_others() -> None:
    old = a_live(deployment(**OLD), "d1", owner="dev")
    newer = a_live(deployment("else", configuration="c9"), "d2", created_at="2027-01-01")
    desired = [configuration("serve"), deployment()]
    plan = plan_of(desired, [a_live(configuration("serve"), "c2"), newer, old])
    change = change_of(plan, "deployment/serve")
    assert (change.action.value, change.id) == ("replace", "d1")


def test_only_what_a_run_has_made_is_told_with_its_maker() -> None:
    desired = [configuration("serve"), deployment(), destination()]
    lives = [
        a_live(configuration("serve"), "c1"),
        a_live(deployment(configuration="c1"), "d1", outputs={"url": "https://x/d1"}),
        a_live(destination(), "DEST", spec={"url": "https://x/d0"}),
    ]
    [url] = change_of(plan_of(desired, lives), "destination/DEST").fields
    assert url == FieldChange("url", "https://x/d0", "https://x/d1")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 28, "x" * 28),
        ("x" * 29, ""),
        ("a/" + "x" * 27, "x" * 27),
        ("a/" + "x" * 28, "x" * 28),
        ("a/" + "x" * 29, ""),
        ("a b/" + "x" * 24, "a b/" + "x" * 24),
        ("a b/" + "x" * 26, ""),
        ("a/b", "a/b"),
        ("a" * 12, "a" * 12),
        ("a" * 13, ""),
        ("1234-abcdef00", ""),
        ("z" * 13, "z" * 13),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1.5, "1.5"),
        ("", ""),
        (None, ""),
        ([1], ""),
    ],
)
def test_a_sentence_shows_a_value_that_is_short_enough(value: Any, shown: str) -> None:
    assert _short(value) == shown


@pytest.mark.parametrize(
    ("cause", "is_told"),
    [
        (FieldChange("configuration", "serve 11111111", "serve 22222222"), False),
        (FieldChange("configuration", "serve 11111111", "serve (new)"), False),
        (FieldChange("configuration", "serve 11111111", "other 11111111"), True),
        (FieldChange("configuration", "serve", "serve"), True),
        (FieldChange("configuration", None, "serve 22222222"), True),
        (FieldChange("parameter_bindings.a", "x 1", "x 2"), True),
        (FieldChange("my file.py", "x 1", "x 2", FILE), True),
    ],
)
def test_another_content_of_the_same_name_alone_tells_nothing(
    cause: FieldChange, *, is_told: bool
) -> None:
    assert telling([cause]) == ([cause] if is_told else [])


def test_only_what_is_pruned_and_goes_on_by_itself_makes_a_share() -> None:
    assert {name for name, kind in KINDS.items() if _counts(kind)} == {
        "deployment",
        "execution",
        "schedule",
    }
    assert {name for name, kind in OTHER_KINDS.items() if _counts(kind)} == {"job", "endpoint"}


@pytest.mark.parametrize(("repeats", "is_no_loss"), [(True, True), (False, False)])
def test_only_a_run_that_is_repeated_is_no_loss(*, repeats: bool, is_no_loss: bool) -> None:
    former = a_live(execution(configuration="c1"), "e1", State.SUCCEEDED)
    action = Action.RUN if repeats else Action.NO_OP
    changes = (
        Change(Key("execution", "train"), action, "", desired=execution()),
        Change(Key("execution", "e1"), Action.DELETE, "", live=former),
    )
    plan = replace(plan_of([artifact()]), changes=changes)
    assert _succeeded(plan, KINDS) == ({("execution", "e1")} if is_no_loss else set())


def test_a_run_that_goes_on_is_a_loss_though_it_is_repeated() -> None:
    former = a_live(execution(configuration="c1"), "e1", State.RUNNING)
    changes = (
        Change(Key("execution", "train"), Action.RUN, "", desired=execution()),
        Change(Key("execution", "e1"), Action.DELETE, "", live=former),
    )
    assert _succeeded(replace(plan_of([artifact()]), changes=changes), KINDS) == set()


def test_the_fingerprint_does_not_depend_on_the_order_of_names_in_a_map() -> None:
    def of(value: dict[str, Any]) -> str:
        fields = (FieldChange("m", None, value),)
        change = Change(Key("a", "x"), Action.UPDATE, "", fields, desired=artifact())
        stage = a_stage(
            target={"a": "1", "b": "2"} if "a" in [*value][:1] else {"b": "2", "a": "1"}
        )
        return fingerprint(stage, [change])

    assert of({"a": 1, "b": {"c": 2, "d": 3}}) == of({"b": {"d": 3, "c": 2}, "a": 1})
    assert of({"a": 1, "b": {"c": 2, "d": 3}}) != of({"b": {"d": 2, "c": 3}, "a": 1})


def test_a_service_that_tells_no_names_has_the_history_of_what_it_runs() -> None:
    """Its fields may be ids alone: then the content says which others are of its family."""
    contents = [
        a_live(configuration("serve", {"a": "1"}), "c1", created_at="2026-01-01"),
        a_live(configuration("serve", {"a": "2"}), "c2", created_at="2026-01-02"),
        a_live(configuration("other"), "c3", created_at="2026-01-03"),
    ]
    names = ("configuration_name", "scenario_id", "executable_id")
    told: dict[str, Any] = dict.fromkeys(names)
    service = a_live(deployment(configuration="c2", **told), "d1")
    assert [item.content.id for item in read_history(service, contents, KINDS)] == ["c2", "c1"]
    wish = deployment(**told)
    found = read_history(service, contents, KINDS, wish)
    assert [item.content.id for item in found] == ["c2", "c1"]
    gone = a_live(deployment(configuration="c9", **told), "d1")
    assert read_history(gone, contents, KINDS, wish) == []


def in_place(reason: str = "", fields: Sequence[FieldChange] = (), **more: Any) -> str:
    desired = more.pop("desired", destination())
    change = Change(Key("destination", "D"), Action.UPDATE, reason, tuple(fields), **more)
    return _changed_in_place(replace(change, desired=desired), KINDS["destination"])


@pytest.mark.parametrize(
    ("reason", "fields", "desired", "expected"),
    [
        ("", [FieldChange("status", "X", "Y")], destination(), "is still X: apply waits for Y"),
        ("", [FieldChange("status", "X", "Y")], None, "is stopped"),
        ("--replace", [], destination(), "is sent again (--replace)"),
        ("why", [], destination(), "is changed in place"),
        ("", [FieldChange("url", "a", "b")], destination(), "is changed in place (url a → b)"),
        (
            "",
            [FieldChange("status", "X", "Y"), FieldChange("url", "a", "b")],
            destination(),
            "is changed in place (status X → Y, url a → b)",
        ),
    ],
)
def test_what_is_changed_in_place_says_what_of_it(
    reason: str, fields: list[FieldChange], desired: Resource | None, expected: str
) -> None:
    assert in_place(reason, fields, desired=desired) == expected


@pytest.mark.parametrize(
    ("undone", "is_told"),
    [
        ({}, False),
        ({"deployment/serve": ("c2", "c1")}, True),
        ({"deployment/serve": ("c1", "c2")}, False),
        ({"deployment/serve": ("c2", "c9")}, False),
        ({"deployment/serve": ("c9", "c1")}, False),
        ({"deployment/other": ("c2", "c1")}, False),
    ],
)
def test_only_what_goes_back_to_what_was_left_undoes_a_rollback(
    undone: dict[str, tuple[str, str]], *, is_told: bool
) -> None:
    plan = replace(plan_of([artifact()]), changes=(service("c1", "c2"),))
    [told] = tell_undone(plan, undone, KINDS).changes
    assert told.consequence.startswith("undoes the rollback to c1: ") is is_told
    assert is_told or told == service("c1", "c2")


def test_a_document_without_its_sources_says_that_it_has_none() -> None:
    saved = {**to_document(plan_of([artifact()])), "fingerprint": "0"}
    for bound in ({}, None, {"offline": False}):
        told = explain_drift({**saved, "bound": bound}, plan_of([artifact()]))
        assert told == ["it does not say which stage file and variables it was made from"]


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((1, 0), "1 artifact"),
        ((2, 0), "2 artifacts"),
        ((3, 1), "3 artifacts and 1 configuration"),
        ((1, 2), "1 artifact and 2 configurations"),
    ],
)
def test_what_goes_with_a_group_is_counted(counts: tuple[int, int], told: str) -> None:
    group = Resource(Key("resource_group", "g"), {"name": "g"})
    lives = [a_live(group, "g", owner="dev", status=Status(State.SUCCEEDED, "PROVISIONED"))]
    desired = [group]
    for make, number in zip((artifact, configuration), counts, strict=True):
        wishes = [make(f"x{n}") for n in range(number)]
        lives += [a_live(wish, f"{make.__name__}{n}") for n, wish in enumerate(wishes)]
        desired += wishes
    plan = make_destroy_plan(a_stage(desired), desired, lives, KINDS, created_at=CREATED_AT)
    assert f"{told} would go with resource_group/g" in plan.warnings


@pytest.mark.parametrize(("owner", "id"), [("dev", "c0"), ("", "c0"), ("tst", "c0")])
def test_content_is_known_by_what_is_in_it_whoever_made_it(owner: str, id: str) -> None:
    there = [a_live(configuration("serve"), id, owner=owner)]
    plan = plan_of([configuration("serve")], there)
    change = change_of(plan, "configuration/serve")
    assert (change.action, change.id) == (Action.NO_OP, id)


@pytest.mark.parametrize(("known_as", "action"), [("", "no_op"), ("deployment/zwei", "create")])
def test_what_is_known_to_be_of_another_key_is_not_taken(known_as: str, action: str) -> None:
    two = replace(deployment(), key=Key("deployment", "zwei"))
    lives = [
        a_live(configuration("serve"), "c1"),
        a_live(deployment(configuration="c1"), "d1", owner="dev", known_as=known_as),
    ]
    plan = plan_of([configuration("serve"), deployment(), two], lives)
    assert actions(plan)["deployment/serve"] == action


def test_the_version_of_a_service_is_a_field_of_it_whatever_its_content_is_called() -> None:
    kinds = {"deployment": Kind("deployment", role="service", version=("field", "content"))}
    assert version_field(service("c1", "c2"), kinds) == "field"
    assert version_field(service("c1", "c2"), {"deployment": Kind("deployment")}) == ""


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        (("deployment/b", "deployment/a"), "is made and points to deployment/a"),
        (("configuration/a", "deployment/b"), "is made and points to deployment/b"),
        (("configuration/a",), "is made"),
        ((), "is made"),
    ],
)
def test_a_new_pointer_says_the_first_service_that_it_points_to(
    needs: tuple[str, ...], told: str
) -> None:
    keys = frozenset(Key(*text.split("/")) for text in needs)
    made = Change(Key("destination", "D"), Action.CREATE, "", (), keys, destination())
    assert _pointer(made, KINDS) == told


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (["commit"], ""),
        (["commit", "executables.t"], ""),
        (["branch"], "branch"),
        (["revision", "commit"], "revision"),
        (["a", "commit", "path"], "a, path"),
    ],
)
def test_what_else_of_an_application_changes_is_told(paths: list[str], told: str) -> None:
    fields = tuple(FieldChange(path, "1", "2") for path in paths)
    change = Change(Key("application", "app"), Action.UPDATE, "", fields)
    sentence = _templates(change, KINDS["application"])
    for name in ("branch", "revision", "a ", "path", "commit", "executables"):
        assert (f"{name.strip()} 1 → 2" in sentence) is (name.strip() in told.split(", "))


@pytest.mark.parametrize(
    ("commit", "is_other"), [(None, False), ("c0ffee", False), ("other", True)]
)
def test_the_fingerprint_sees_a_commit_that_is_brought_from_elsewhere(
    commit: str | None, *, is_other: bool
) -> None:
    stage = a_stage()

    def of(text: str | None) -> str:
        wish = artifact(**({} if text is None else {"commit": text}))
        return fingerprint(stage, [Change(wish.key, Action.UPDATE, "", desired=wish)])

    assert (of(commit) != of(None)) is is_other
    assert (of(commit) != of("third")) is True


@pytest.mark.parametrize(
    ("paths", "section"),
    [
        (["a.b"], "a"),
        (["a.b", "a.c"], "a"),
        (["a.b", "c.d"], ""),
        (["a"], ""),
        (["a", "a.b"], ""),
        ([], ""),
    ],
)
def test_differences_in_one_section_alone_are_named_by_it(paths: list[str], section: str) -> None:
    assert _only_section([FieldChange(path, 1, 2) for path in paths]) == section


def test_a_kind_that_the_platform_has_not_is_no_crash_of_any_plan() -> None:
    strange = [Resource(Key("spaceship", "x"), {})]
    with pytest.raises(CicdError, match="spaceship"):
        plan_of(strange)
    with pytest.raises(CicdError, match="spaceship"):
        make_destroy_plan(a_stage(strange), strange, [], KINDS, created_at=CREATED_AT)
