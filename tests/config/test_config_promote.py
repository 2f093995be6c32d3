"""Promotion: which values go from one stage file to another, and how the text is edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cicd.config.edit import Item, Step, with_value
from cicd.config.files import yaml_trees
from cicd.config.inherit import read_whole
from cicd.config.promote import (
    Promotion,
    check_promoted,
    layout_of,
    promoted_text,
    promotion,
)
from cicd.config.tree import Node, plain
from cicd.config.yaml_text import Verbatim, block_lines, flow_text
from cicd.errors import Refused, Usage
from cicd.platforms.aicore import dialect
from cicd.platforms.registry import DIALECTS

LAYOUT = layout_of(dialect)

BASE = """\
variables: {image: "org/app:1", group: shared}
artifacts:
  - {key: data, name: Data, kind: dataset, url: "ai://default/v1", scenario_id: scen}
executions:
  - key: train
    configuration:
      name: T
      scenario_id: scen
      executable_id: train
      parameter_bindings: {epochs: "10", image: "${var.image}"}
      input_artifact_bindings: {data: data}
"""
DEV = """\
extends: base.yaml
branch: main
aicore: {resource_group: "dev-${var.group}"}
git: {application: app, revision: main}
variables: {image: "org/app:2", group: dev}
limits: {max_delete: 3}
executions:
  - key: train
    configuration:
      parameter_bindings: {epochs: "20", extra: "${var.group}"}
"""
PRD = """\
extends: base.yaml # all stages share it
branch: prd
aicore: {resource_group: "prd-${var.group}"}
variables: # of production
  group: prd

# the end
"""


def tree(tmp_path: Path, name: str, text: str) -> Node:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / name).write_bytes(text.encode())
    return read_whole(tmp_path / name, tmp_path, DIALECTS).tree


def promoted(
    tmp_path: Path, source: str, target: str, *select: str, suffix: str = "yaml"
) -> tuple[Promotion, str]:
    """What is promoted, and the target's new text, checked to hold just that."""
    before = tree(tmp_path, f"prd.{suffix}", target)
    found = promotion(tree(tmp_path, "dev.yaml", source), before, dialect, select)
    text = promoted_text(target, found.changes, LAYOUT, is_json=suffix == "json")
    after = tree(tmp_path, f"prd.{suffix}", text)
    check_promoted(before, after, found.changes, dialect.identity)
    again = promotion(tree(tmp_path, "dev.yaml", source), after, dialect, select)
    assert not again.changes
    return found, text


def test_overrides_are_added_to_the_own_file_and_comments_stay(tmp_path: Path) -> None:
    found, text = promoted(tmp_path, DEV, PRD)
    assert text == PRD.replace(
        "  group: prd\n",
        '  group: prd\n  image: "org/app:2"\n'
        "executions:\n  - key: train\n    configuration:\n      parameter_bindings:\n"
        '        epochs: "20"\n        extra: "${var.group}"\n',
    )
    assert [(c.key, c.path, c.before) for c in found.changes] == [
        ("execution/train", "configuration.parameter_bindings.epochs", "10"),
        ("execution/train", "configuration.parameter_bindings.extra", None),
        ("variable/image", "image", "org/app:1"),
    ]
    assert found.notes == (
        "variable group stays: aicore.resource_group of the target uses it too "
        "(--select variable/group carries it over)",
    )


def test_variables_are_looked_at_whatever_comes_before_them(tmp_path: Path) -> None:
    """One that nothing uses, and one that is the same in both, are no end."""
    bindings = "{a: '${var.same}', b: '${var.wanted}'}"
    run = f"executions: [{{key: train, configuration: {{parameter_bindings: {bindings}}}}}]\n"
    source = f'extends: base.yaml\nvariables: {{unused: "1", same: "2", wanted: "3"}}\n{run}'
    target = f'extends: base.yaml\nvariables: {{unused: "9", same: "2", wanted: "8"}}\n{run}'
    found, _ = promoted(tmp_path, source, target)
    assert [(c.key, c.before, c.value) for c in found.changes] == [("variable/wanted", "8", "3")]


def test_a_variable_of_what_is_carried_over_anyway_has_no_other_user(tmp_path: Path) -> None:
    git = "git: {application: app, revision: '${var.tag}'}\n"
    stages = [f'extends: base.yaml\nvariables: {{tag: "v{n}"}}\n{git}' for n in (2, 1)]
    found, _ = promoted(tmp_path, *stages)
    assert [(c.key, c.before) for c in found.changes] == [("variable/tag", "v1")]
    assert found.notes == ()
    used = stages[1].replace("application: app", "application: 'app-${var.tag}'")
    found, _ = promoted(tmp_path, stages[0], used)
    assert [c.key for c in found.changes] == []
    assert "git.application of the target uses it too" in found.notes[0]


GIT = "git: {application: app, path: p"


@pytest.mark.parametrize(
    ("source", "target", "revision"),
    [
        (f"{GIT}, revision: v2}}", f"{GIT}, revision: v1}}", "v2"),
        (f"{GIT}, revision: v2}}", f"{GIT}}}", "v2"),
        (f"{GIT}, revision: v1}}", f"{GIT}, revision: v1}}", None),
        (f"{GIT}, revision: dev}}", f"{GIT}, revision: v1}}", None),
        (f"{GIT}, revision: '${{git.commit}}'}}", f"{GIT}, revision: v1}}", None),
        (f"{GIT}, revision: 'x-${{git.branch}}'}}", f"{GIT}, revision: v1}}", None),
        (f"{GIT}}}", f"{GIT}, revision: v1}}", None),
        (f"{GIT}, revision: v2}}", "prune: none", None),
        ("prune: none", f"{GIT}, revision: v1}}", None),
    ],
)
def test_a_revision_goes_along_unless_it_follows_the_stages_own_branch(
    tmp_path: Path, source: str, target: str, revision: str | None
) -> None:
    found, _ = promoted(tmp_path, f"branch: dev\n{source}\n", f"branch: prd\n{target}\n")
    expected = [] if revision is None else [("git", "revision", revision)]
    assert [(c.key, c.path, c.value) for c in found.changes] == expected


@pytest.mark.parametrize(
    ("source", "target", "is_carried"),
    [
        ("20", "'20'", False),
        ("'20'", "20", False),
        ("20", "20.0", True),
        ("true", "'true'", False),
        ("x", "y", True),
        ("[1, 2]", "['1', '2']", False),
        ("[1, 2]", "[2, 1]", True),
        ("[1]", "1", True),
        ("1", "[1]", True),
        ("{a: 1}", "{a: '1'}", False),
        ("{a: 1}", "x", True),
    ],
)
def test_what_means_the_same_is_not_carried_over(
    source: str, target: str, *, is_carried: bool
) -> None:
    run = (
        "executions: [{{key: train, configuration: {{name: T, parameter_bindings: {{p: {}}}}}}}]\n"
    )
    mine, theirs = (
        yaml_trees(f"branch: b\n{run.format(value)}", "f")[0] for value in (source, target)
    )
    assert bool(promotion(mine, theirs, dialect).changes) is is_carried


def test_what_only_the_target_has_is_told(tmp_path: Path) -> None:
    run = "executions: [{{key: {key}, configuration: {{name: T, parameter_bindings: {bound}}}}}]\n"
    source = f"branch: dev\n{run.format(key='train', bound='{a: x}')}"
    for target, told in (
        (run.format(key="train", bound="{a: x, b: y, c: z}"), ["b", "c"]),
        (run.format(key="train", bound="{a: x}"), []),
    ):
        found, _ = promoted(tmp_path, source, f"branch: prd\n{target}")
        start = "execution/train configuration.parameter_bindings."
        assert [text for text in found.only_in_target if text.startswith(start)] == [
            f"{start}{name}" for name in told
        ]
    found, _ = promoted(tmp_path, source, f"branch: prd\n{run.format(key='old', bound='{}')}")
    assert "execution/old" in found.only_in_target


def test_selected_keys_only(tmp_path: Path) -> None:
    found, _ = promoted(tmp_path, DEV, PRD, "variable/group")
    assert [c.key for c in found.changes] == ["variable/group"]
    with pytest.raises(Usage, match="execution/train, git, variable/image"):
        promoted(tmp_path, DEV, PRD, "execution/tain")


NEW = """\
artifacts:
  - {key: more, name: More, kind: dataset, url: "ai://default/more", scenario_id: scen}
deployments:
  - key: serve
    configuration:
      name: S
      scenario_id: scen
      executable_id: serving
      parameter_bindings: {rate: 1.10}
      input_artifact_bindings: {data: more}
    ttl: 24h
    destination_name: DEV
"""


def test_what_only_the_source_has_is_added_when_selected(tmp_path: Path) -> None:
    target = "aicore: {resource_group: prd-group}\nexecutions:\n- {configuration: {name: Old}}\n"
    found, text = promoted(tmp_path, NEW, target)
    assert (found.changes, text) == ((), target)
    assert found.only_in_source == ("artifact/more", "deployment/serve")
    assert found.only_in_target == ("execution/old",)
    found, text = promoted(tmp_path, NEW, target, "deployment/*")
    assert [c.key for c in found.changes] == ["deployment/serve", "artifact/more"]
    assert "rate: 1.10\n" in text
    assert "ttl" not in text
    assert "DEV" not in text
    assert found.notes == (
        "deployment/serve is added without ttl, destination_name: each stage has its own",
    )


def run(bindings: str) -> str:
    configuration = f"{{name: T, scenario_id: scen, executable_id: train, {bindings}}}"
    return f"executions: [{{key: train, configuration: {configuration}}}]\n"


@pytest.mark.parametrize(
    ("source", "target", "wanted"),
    [
        ("{a: 2}", "{a: 1}", "{a: 2}"),
        ("{a: 2}", "{a: '1'}", "{a: '2'}"),
        ("{a: it's}", "{a: '1'}", "{a: 'it''s'}"),
        ('{a: "x\\ny"}', "{a: '1'}", '{a: "x\\ny"}'),
        ("{a: 1.10}", "{a: 1.1}", "{a: 1.10}"),
        ("{a: '1'}", "{a: 1}", "{a: 1}"),
        ("{a: 1, b: 'x, y'}", "{a: 1}", '{a: 1, b: "x, y"}'),
        ("{a: 1}", "{}", "{a: 1}"),
        ("{a: 1}", "[]", "{a: 1}"),
        ("{a: 1, b: 2}", "[{key: a, value: 3}]", "[{key: a, value: 1}, {key: b, value: 2}]"),
        ("[{key: a, value: 2}]", "{a: 1, z: 9}", "{a: 2, z: 9}"),
        ("{a: yes}", '{a: "no"}', '{a: "yes"}'),
        ("{a: Zürich}", "{a: ''}", "{a: 'Zürich'}"),
    ],
)
def test_values_keep_the_style_of_the_target(
    tmp_path: Path, source: str, target: str, wanted: str
) -> None:
    before = run(f"parameter_bindings: {target}")
    if target == "[]":  # nothing says that this list is one of bindings
        before, wanted = run("name2: x"), wanted
        before = before.replace(", name2: x", "")
        _, text = promoted(tmp_path, run(f"parameter_bindings: {source}"), before)
        assert text == run("parameter_bindings: {a: 1}")
        return
    _, text = promoted(tmp_path, run(f"parameter_bindings: {source}"), before)
    assert text == run(f"parameter_bindings: {wanted}")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_endings_stay(tmp_path: Path, line_end: str) -> None:
    _, text = promoted(tmp_path, DEV, PRD.replace("\n", line_end))
    assert text.count("\n") == text.count(line_end) == 14


def test_json_is_edited_as_json(tmp_path: Path) -> None:
    target = """{\n\t"extends": "base.yaml",\n\t"executions": [\n\t\t{"key": "train",
\t\t "configuration": {"parameter_bindings": {"epochs": 5}}}\n\t]\n}\n"""
    _, text = promoted(tmp_path, DEV, target, suffix="json")
    assert '{"epochs": "20", "extra": "${var.group}"}' in text
    assert ',\n\t"variables": {"image": "org/app:2"' in text


def test_aliases_are_left_to_people(tmp_path: Path) -> None:
    shared = "configuration: &c {name: T, parameter_bindings: {epochs: '1'}}"
    target = f"executions:\n- key: other\n  {shared}\n- key: train\n  configuration: *c\n"
    with pytest.raises(Refused, match="an alias stands there"):
        promoted(tmp_path, DEV.replace("extends: base.yaml\n", ""), target, "execution/train")


def test_a_change_anywhere_else_is_refused(tmp_path: Path) -> None:
    before, after = (tree(tmp_path, "x.yaml", PRD.replace("prd\n", t)) for t in ("a\n", "b\n"))
    with pytest.raises(Refused, match="would not come out right at branch"):
        check_promoted(before, after, (), dialect.identity)


@pytest.mark.parametrize(
    ("text", "path", "value", "wanted"),
    [
        ("a:\n  b: 1 # one\n\n# two\nc: 2\n", ("a", "d"), "x", "a:\n  b: 1 # one\n  d: x\n"),
        ("variables:\nlocal: {}\n", ("variables", "x"), "1", 'variables: {x: "1"}\nlocal'),
        ("local: {}\n", ("git", "revision"), "v1", "local: {}\ngit:\n  revision: v1\n"),
        ("a: |\n  x\n  y\nb: 1\n", ("a",), "z", "a: z\nb: 1\n"),
        (
            "l: [\n  {key: a, v: 1},\n]\n",
            ("l", Item("key", "b"), "v"),
            Verbatim("2"),
            "v: 1},\n  {",
        ),
        ("a: 1", ("b",), "2", 'a: 1\nb: "2"'),
        ("v: {x: &x 1, y: *x}", ("v", "z"), "t", "y: *x, z: t}"),
    ],
)
def test_splices(text: str, path: tuple[Step, ...], value: str, wanted: str) -> None:
    assert wanted in with_value(text, path, value, LAYOUT)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (Verbatim("3"), "3"),
        (Verbatim("-1.5"), "-1.5"),
        (Verbatim("1.10"), '"1.10"'),
        (Verbatim("1e3"), '"1e3"'),
        (Verbatim("007"), '"007"'),
        (Verbatim("true"), "true"),
        (Verbatim("null"), "null"),
        (Verbatim("yes"), '"yes"'),
        ("3", '"3"'),
        ({"a": [Verbatim("2"), Verbatim("0.50")], "ä": "x"}, '{"a": [2, "0.50"], "ä": "x"}'),
    ],
)
@pytest.mark.parametrize("before", ['{"v": {"x": 9}}', '{"v": {}}', "{}"])
def test_numbers_in_json_keep_their_digits_or_are_texts(
    before: str, value: Any, wanted: str
) -> None:
    changed = with_value(before, ("v", "x"), value, LAYOUT, is_json=True)
    assert json.loads(changed) == {"v": {"x": json.loads(wanted)}}
    assert wanted in changed


BOUND = ("executions", Item("key", "a"), "configuration", "parameter_bindings")
BINDINGS = "executions:\n- key: a\n  configuration: {parameter_bindings: [{key: p, value: 1}]}\n"


@pytest.mark.parametrize(
    ("text", "path", "value", "wanted"),
    [
        ("a:\nb: 1\n", ("a",), "3", 'a: "3"\nb: 1\n'),
        ("a: 'x'\n", ("a",), "it's", "a: 'it''s'\n"),
        ('a: "x"\n', ("a",), 'q"q', 'a: "q\\"q"\n'),
        ("a: 1\na: 2\n", ("a",), "3", 'a: 1\na: "3"\n'),
        ("b: ~\n", ("b", "c"), "x", "b: {c: x}\n"),
        ("b: null # y\n", ("b", "c"), "x", "b: {c: x} # y\n"),
        ("b:   # y\n", ("b", "c"), "x", "b: {c: x}   # y\n"),
        ("\ufeffa: 1\n", ("a",), "x", "\ufeffa: x\n"),
        ("a: >\n  x\n\n\nb: 1\n", ("a",), "z", "a: z\n\n\nb: 1\n"),
        (BINDINGS, (*BOUND, "p"), "x", BINDINGS.replace("value: 1", "value: x")),
        (BINDINGS, (*BOUND, "q"), "x", BINDINGS.replace("1}", "1}, {key: q, value: x}")),
        (
            BINDINGS.replace(", value: 1", ""),
            (*BOUND, "p"),
            "x",
            BINDINGS.replace("value: 1", "value: x"),
        ),
    ],
)
def test_a_value_is_set_and_every_other_character_stays(
    text: str, path: tuple[Step, ...], value: str, wanted: str
) -> None:
    assert with_value(text, path, value, LAYOUT) == wanted


@pytest.mark.parametrize(
    ("text", "path", "line", "why"),
    [
        ("l: [1, 2]\n", ("l", "x"), 1, '"x" in a list'),
        ("a: 1\nl:\n- b\n", ("l", "x"), 3, '"x" in a list'),
        ("a: &x 1\n", ("a",), 1, "it is no plain value"),
        ("a: !!str 1\n", ("a",), 1, "it is no plain value"),
        ("b: 1\na: [1]\n", ("a",), 2, "it is no plain value"),
        ("a: 1\n", ("a", "b"), 1, "it is not what was expected there"),
        ("a: 'x'\n", ("a", "b"), 1, "it is not what was expected there"),
        ("a: ''\n", ("a", "b"), 1, "it is not what was expected there"),
    ],
)
def test_what_cannot_be_edited_safely_is_left_to_people(
    text: str, path: tuple[Step, ...], line: int, why: str
) -> None:
    with pytest.raises(Refused) as error:
        with_value(text, path, "x", LAYOUT)
    assert error.value.message == f"line {line} cannot be edited safely: {why}"
    assert error.value.hint == "change it by hand"


@pytest.mark.parametrize("text", ["{", "a: [", "- a: b: c"])
def test_a_text_that_cannot_be_read_is_left_to_people(text: str) -> None:
    with pytest.raises(Refused):
        with_value(text, ("a",), "x", LAYOUT)


def test_text_of_values_reads_back_as_the_same() -> None:
    value = {
        "no": "yes",
        "1.10": ["1.10", "1e3", "2026-01-01", "~", "", " x", "a: b", "a #b", "- x", "*x", "&x"],
        "Zürich": {"e": [], "m": {}, "n": None, "t": True, "f": 1.5, "x\ty": "\u2028\x85\x7f\n"},
        "list": [["a", "b"], [{"k": {"l": ["${var.x}"]}}], "😀"],
    }
    assert plain(yaml_trees("\n".join(block_lines(value)), "x")[0]) == value
    assert plain(yaml_trees(f"a: {flow_text(value)}", "x")[0]) == {"a": value}
