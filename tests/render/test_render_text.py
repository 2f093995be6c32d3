"""Plans, outcomes and status as a person sees them."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.model import (
    Action,
    Change,
    FieldChange,
    Key,
    LiveResource,
    Outcome,
    Plan,
    Ref,
    Resource,
    Result,
    Secret,
    State,
    Status,
)
from cicd.render.explain import render_explanation
from cicd.render.text import (
    MAX_VALUE,
    render_outcomes,
    render_plan,
    show,
    show_both,
)
from cicd.words import log_line, printable
from tests.render.render_sample import is_golden

MODEL = Ref(Key("execution", "train"), "artifacts.model")


def a_plan(*changes: Change, warnings: tuple[str, ...] = (), **more: Any) -> Plan:
    target = {"resource_group": "cicd-dev"}
    return Plan("dev", "aicore", target, "c0ffee", "now", changes, "f1", warnings, **more)


def a_change(key: str, action: Action, reason: str, *fields: FieldChange, **more: Any) -> Change:
    return Change(Key(*key.split("/")), action, reason, fields, **more)


def a_live(key: str, live_id: str) -> LiveResource:
    return LiveResource(Key(*key.split("/")), live_id, {}, Status(State.RUNNING, "RUNNING"))


PLAN = a_plan(
    a_change("artifact/data", Action.NO_OP, "equal artifact a1 exists"),
    a_change(
        "configuration/train",
        Action.CREATE,
        "parameter_bindings.epochs changed",
        FieldChange("parameter_bindings.epochs", "10", "20"),
        consequence="a new one is made beside the old one (epochs 10 → 20)",
    ),
    a_change(
        "execution/train",
        Action.RUN,
        "inputs changed: parameter_bindings.epochs, src/train.py",
        consequence="trains again (epochs 10 → 20, train.py changed)",
        causes=(
            FieldChange("configuration", "train c1", "train (new)"),
            FieldChange("parameter_bindings.epochs", "10", "20"),
            FieldChange("src/train.py", "0a1b2c3d4e", "5f6a7b8c9d", "file"),
        ),
        treatment=(FieldChange("require.r2.min", 0.8, 0.6, "loosened"),),
    ),
    a_change(
        "deployment/serve",
        Action.UPDATE,
        "configuration changed",
        FieldChange("configuration", "c1", Ref(Key("configuration", "serve"))),
        live=a_live("deployment/serve", "d1"),
        consequence="takes currency EUR → USD; the same URL goes on answering",
        causes=(
            FieldChange("configuration", "serve c1", "serve (new)"),
            FieldChange("parameter_bindings.currency", "EUR", "USD"),
        ),
    ),
    a_change(
        "deployment/other",
        Action.REPLACE,
        "ttl changed: fixed at creation",
        FieldChange("ttl", "1h", None, "fixed at creation"),
        live=a_live("deployment/other", "d2"),
    ),
    a_change(
        "deployment/Old One",
        Action.DELETE,
        "not in the stage file, prune: stage",
        live=a_live("deployment/Old One", "d3"),
    ),
    warnings=("execution/train: something to know",),
    treatment=(FieldChange("limits.max_delete", 10, 100, "loosened"),),
)


def test_a_plan_in_short() -> None:
    assert render_plan(PLAN) == (
        """\
stage dev · aicore · cicd-dev
  stage: limits.max_delete: 10 → 100 (loosened)
  + configuration/train: a new one is made beside the old one (epochs 10 → 20)
      parameter_bindings.epochs: "10" → "20"
  ▶ execution/train: trains again (epochs 10 → 20, train.py changed)
      require.r2.min: 0.8 → 0.6 (loosened)
  ~ deployment/serve: takes currency EUR → USD; the same URL goes on answering
  ± deployment/other d2: ttl changed: fixed at creation
      ttl: "1h" → (none) (fixed at creation)
  - deployment/Old One d3: not in the stage file, prune: stage
warning: execution/train: something to know
Plan: 1 to create, 1 to update, 1 to replace, 1 to run, 1 to delete, 1 unchanged"""
    )


def test_verbose_shows_what_stays_and_what_a_new_thing_is() -> None:
    spec = {"name": "train", "bindings": {"model": MODEL, "empty": {}}, "key": Secret("s3cret")}
    new = Resource(Key("configuration", "new"), spec)
    plan = a_plan(
        a_change("artifact/data", Action.NO_OP, "unchanged"),
        a_change("configuration/new", Action.CREATE, "new", desired=new, is_new=True),
    )
    assert render_plan(plan, verbose=True).splitlines()[1:-1] == [
        "  = artifact/data (unchanged)",
        "  + configuration/new: new",
        '      name: "train"',
        "      bindings.model: execution/train.artifacts.model (known after apply)",
        "      key: ***",
    ]
    assert "1 to create, 0 to update, 0 to run, 0 to delete, 1 unchanged" in render_plan(plan)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "No changes. 0 resources are as desired."),
        (1, "No changes. 1 resource is as desired."),
        (7, "No changes. 7 resources are as desired."),
    ],
)
def test_no_changes(count: int, text: str) -> None:
    changes = [a_change(f"artifact/a{n}", Action.NO_OP, "unchanged") for n in range(count)]
    assert render_plan(a_plan(*changes)) == f"stage dev · aicore · cicd-dev\n{text}"


def test_colour_adds_nothing_but_colour() -> None:
    coloured = render_plan(PLAN, colour=True)
    assert "\x1b[32m+ configuration/train\x1b[0m: " in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == render_plan(PLAN)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", '"x"'),
        ("", '""'),
        ("zwölf →", '"zwölf →"'),
        ("a\r\nb\tc", '"a\\r\\nb\\tc"'),
        ("\x1b[31mred\x07", '"\\u001b[31mred\\u0007"'),
        ("abc\u202edef\u2028", '"abc\\u202edef\\u2028"'),
        ("half\ud800", '"half\\ud800"'),
        ("C:\\dir", '"C:\\\\dir"'),
        (None, "(none)"),
        (True, "true"),
        (1.5, "1.5"),
        ([1, "a"], '[1, "a"]'),
        ({"a": MODEL, "b": Secret("s")}, '{"a": "(known after apply)", "b": "***"}'),
        (MappingProxyType({"a": 1}), '{"a": 1}'),
        (MODEL, "execution/train.artifacts.model (known after apply)"),
        (Secret("s"), "***"),
        (
            "0123456789abcdef" * 4,
            '"0123456789abcdef0123456789abc…456789abcdef0123456789abcdef" (66 characters)',
        ),
    ],
)
def test_values_are_one_safe_line(value: Any, text: str) -> None:
    assert show(value) == text


def test_long_values_are_cut_in_the_middle() -> None:
    text = show("begin " + "x" * 5000 + " end")
    assert text.index(" (5,012 characters)") == MAX_VALUE
    assert text.startswith('"begin xx')
    assert 'xx end" (' in text
    assert "…" in text


@pytest.mark.parametrize(
    ("before", "after", "one", "two"),
    [
        ("hi", "ho", '"hi"', '"ho"'),
        (None, "x" * 99, "(none)", show("x" * 99)),
        ("a" * 99 + "1" + "z" * 99, "a" * 99 + "2" + "z" * 99, "…aaa1zzz… (201", "…aaa2zzz… (201"),
        ("line\n" * 40 + "one", "line\n" * 40 + "two", 'line\\none" (245', 'line\\ntwo" (245'),
        ("ü" * 80, "ü" * 80 + " and more", 'üüü" (82', 'üüü and more" (91'),
    ],
)
def test_of_two_long_values_the_part_that_differs_is_seen(
    before: Any, after: Any, one: str, two: str
) -> None:
    for shown, told in zip(show_both(before, after), (one, two), strict=True):
        assert len(shown) <= MAX_VALUE + len(" (999 characters)")
        for part in told.split("…") if shown != told else ():
            assert part in shown


@given(st.text())
def test_no_text_can_break_the_line(text: str) -> None:
    change = a_change("k/n", Action.UPDATE, text, FieldChange(text, text, text))
    lines = render_plan(a_plan(change)).split("\n")
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
    assert printable("plain text") == "plain text"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\tat java.lang.Thread.run(Thread.java:840)", " " * 8 + "at java.lang.Thread.run"),
        ("a\tb", "a       b"),
        ("größe\t1\t2", "größe   1       2"),
        ("50%\r100%\x1b[2J", r"50%\r100%\x1b[2J"),
    ],
)
def test_tabs_of_a_log_are_spaces_and_what_moves_the_cursor_is_escaped(
    text: str, shown: str
) -> None:
    failed = Outcome(Key("job", "score"), Action.RUN, Result.FAILED, log=(text,))
    told = [
        log_line(text),
        render_outcomes([failed]),
        render_explanation("job/score", [], [text], []),
    ]
    assert all(shown in one and "\t" not in one for one in told)


OUTCOMES = [
    Outcome(Key("artifact", "data"), Action.NO_OP, Result.UNCHANGED, id="a1"),
    Outcome(
        Key("execution", "train"),
        Action.RUN,
        Result.FAILED,
        id="e12",
        status="DEAD",
        error="exit code 1\nlast line: \x1b[31mboom",
        seconds=12.34,
    ),
    Outcome(
        Key("deployment", "serve"),
        Action.UPDATE,
        Result.APPLIED,
        id="d1",
        status="RUNNING",
        url="https://host/d1",
        seconds=3,
    ),
    Outcome(Key("destination", "D"), Action.CREATE, Result.SKIPPED, error="needs execution/train"),
    Outcome(Key("execution", "slow"), Action.RUN, Result.TIMED_OUT, id="e13", seconds=1800),
    Outcome(
        Key("execution", "new"),
        Action.RUN,
        Result.APPLIED,
        id="e14",
        status="UNKNOWN",
        is_started=True,
    ),
]


def test_outcomes() -> None:
    assert render_outcomes(OUTCOMES) == (
        """\
  execution/train   run     failed     DEAD     12.3 s    e12
      exit code 1
      last line: \\x1b[31mboom
  deployment/serve  update  applied    RUNNING  3.0 s     d1
      https://host/d1
  destination/D     create  skipped
      needs execution/train
  execution/slow    run     timed out           1800.0 s  e13
  execution/new     run     started             0.0 s     e14
Done: 1 applied, 1 started, 1 unchanged, 1 failed, 1 skipped, 1 timed out"""
    )


def test_outcomes_in_colour_and_verbose() -> None:
    coloured = render_outcomes(OUTCOMES, colour=True, verbose=True)
    assert "artifact/data" in coloured
    plain = re.sub(r"\x1b\[\d+m", "", coloured)
    assert plain == render_outcomes(OUTCOMES, verbose=True)
    assert coloured != plain


def test_no_outcomes() -> None:
    assert render_outcomes([]) == "Done: nothing to do"


def test_the_text_as_it_is_to_look() -> None:
    assert is_golden("plan.txt", render_plan(PLAN, verbose=True) + "\n")


@pytest.mark.parametrize(
    ("reasons", "last"),
    [
        (["does not exist"], "Nothing to destroy."),
        (["kept: it cannot be deleted", "does not exist"], "Nothing to destroy, 1 kept."),
        (["kept: cicd did not make it", "goes with the resource group", ""], "1 to delete, 1 kept"),
        (["goes with the resource group", ""], "Plan: 1 to delete"),
    ],
)
def test_a_destroy_names_what_stays_and_never_calls_it_as_desired(
    reasons: list[str], last: str
) -> None:
    changes = []
    for number, reason in enumerate(reasons):
        key = Key("artifact", f"a{number}")
        live = None if reason == "does not exist" else a_live(str(key), key.name)
        action = Action.NO_OP if reason else Action.DELETE
        changes.append(Change(key, action, reason or "destroy", live=live))
    text = render_plan(a_plan(*changes, is_destroy=True))
    assert text.splitlines()[-1].endswith(last)
    for change in changes:
        assert (str(change.key) in text) == (change.live is not None)
