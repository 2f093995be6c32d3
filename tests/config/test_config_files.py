"""Reading YAML and JSON: places, and every odd file refused with one clear message."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_mock import MockerFixture
from yaml.error import MarkedYAMLError, YAMLError

from cicd.config.files import (
    MAX_BYTES,
    MAX_DEPTH,
    is_file,
    is_folder,
    label,
    read_tree,
    scalar,
    yaml_trees,
)
from cicd.config.json_source import json_tree
from cicd.config.tree import Place, plain
from cicd.config.yaml_problem import syntax_problem
from cicd.errors import InvalidStage

BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)

BAD_YAML = {
    "a:\n\tb: 1": "f.yaml:2:1: not valid YAML: a tab cannot indent YAML: use spaces",
    "a: 1\nb: 2\na: 3": 'f.yaml:3:1: the key "a" is already set in line 1',
    "a: &x [*x]": "nested deeper than 50 levels",
    BOMB: "expands to more than 50,000 values",
    "a: *x": "f.yaml:1:4: not valid YAML: found undefined alias 'x'",
    "a: 1\n---\nb: 2": "f.yaml:3:1: a second document starts here",
    "": "f.yaml: the file is empty",
    "# nothing\n": "f.yaml: the file is empty",
    "a: !!python/object:os.system x": "the tag tag:yaml.org,2002:python/object:os.system",
    "a: !mine 1": "f.yaml:1:4: the tag !mine is not supported",
    "? [a]\n: b": "f.yaml:1:3: a key must be plain text",
    "image: {{workflow.parameters.image}}": "f.yaml:1:9: put quotes around text that begins with "
    '{{: "{{workflow.parameters.image}}"',
    "a: [1, {{inputs.parameters.x}}]": 'put quotes around text that begins with {{: "{{inputs.',
    "a:\n  - {{ item }}": 'f.yaml:2:6: put quotes around text that begins with {{: "{{ item }}"',
    "- {{item}}": 'put quotes around text that begins with {{: "{{item}}"',
    "a: {{b: c}: d}": "f.yaml:1:5: a key must be plain text",
    "a: b: c": "f.yaml:1:5: not valid YAML: no ':' is possible here: put quotes around text",
    "a: 'x": "f.yaml:1:4: not valid YAML: the quote that begins here is never closed",
    'a: 1\nb: "x\nc: 2\n': "f.yaml:2:4: not valid YAML: the quote that begins here is never closed",
    'a: "x\n---\nb: 1': "f.yaml:1:4: not valid YAML: the quote that begins here is never closed",
    'a: "x\nb: "y"\nc: 1': "f.yaml:1:4: not valid YAML: the quote that begins here ends in line 2",
    "- a: 'x\n- b\n- c: 'y'": "f.yaml:1:6: not valid YAML: the quote that begins here ends in",
    "a: 'it's'": "f.yaml:1:8: not valid YAML: text goes on behind its closing quote",
    "a: [1,\n  2\n": "f.yaml:1:4: not valid YAML: the [ that begins here is never closed",
    "a: 1\nb: [": "f.yaml:2:4: not valid YAML: the [ that begins here is never closed",
    "a: [1, {b: [2], c\n": "f.yaml:1:8: not valid YAML: the { that begins here is never closed",
    "a: {b: 1\n": "f.yaml:1:4: not valid YAML: the { that begins here is never closed",
    "a: {b: 1\nc: 2": "f.yaml:2:2: not valid YAML: did not find expected ',' or '}'; is the",
    "a: \0": "f.yaml:1:0: character #x0000 is not allowed",
    "a: 1\nb: \x07\n": "f.yaml:2:0: character #x0007 is not allowed",
    'a: "\\0"': "f.yaml:1:4: NUL or half a surrogate pair",
    'a: "\\ud83d"': "f.yaml:1:7: not valid YAML: half a surrogate pair",
    'a: "\\U99999999"': "not valid YAML: half a surrogate pair, and what is beyond Unicode",
    "[" * 1_001: "nested too deeply",
    f"{'[' * 400}{']' * 400}": "nested deeper than 50 levels",
    f"{'[' * 5_000}{']' * 5_000}": "f.yaml: nested too deeply: flatten it",
    "a: [b\nc: d\n": "f.yaml:2:2: not valid YAML: did not find expected ',' or ']'; is the one in",
    "a: 1\n  b: 2": "f.yaml:2:4: not valid YAML: no ':' is possible here",
    "a:\n  b: 1\n c: 2": "f.yaml:3:2: not valid YAML: no key is possible here: check the",
    "- a\nb: c": "f.yaml:2:1: not valid YAML: a list stands above, so - must come here",
    "a: 1\nb\nc: 2": "f.yaml:2:1: not valid YAML: this key has no ':'",
    "a: @b": "f.yaml:1:4: not valid YAML: @ cannot start text without quotes",
    "a: */5 *": "f.yaml:1:5: not valid YAML: did not find expected alphabetic or numeric",
    "a: * b": "character: put quotes around text that starts with *",
    "a: {<<: 1}": "<< needs a map",
    f"a: !{'x' * 1_000_000} b": "xxx… is not supported: leave it out",
    f"[a,!{'x' * 30_000}]": "put quotes around text that starts with !",
}

BAD_JSON = {
    '{"a": [1, 2,]}': (
        "f.json:1:12: not valid JSON: Illegal trailing comma before end of array"
        if sys.version_info >= (3, 13)
        else "f.json:1:13: not valid JSON: Expecting value (is there a comma too many before it?)"
    ),
    '{\n "a": 1,\n}': (
        "f.json:2:8: not valid JSON: Illegal trailing comma before end of object"
        if sys.version_info >= (3, 13)
        else "f.json:3:1: not valid JSON: Expecting property name"
    ),
    '{"a": 1 "b"}': "f.json:1:9: not valid JSON: Expecting ',' delimiter",
    '{\n\t"a": 1,\n\t"a": 2}': 'f.json:3:2: the key "a" is set twice',
    '{"a": NaN}': "NaN is not a JSON number",
    "[" * 100_000: "nested too deeply",
    "[" * 60 + "]" * 60: "nested deeper than 50 levels",
    '{"a": 1} x': "f.json:1:10: not valid JSON: Extra data",
    '{"a": "\\ud800"}': "f.json:1:7: NUL or half a surrogate pair",
    " \n": "f.json: the file is empty",
    "null": "f.json: the file is empty",
    "{'a': 1}": "f.json:1:2: not valid JSON",
}


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a": ', "}"), ('[{"a": ', "}]")])
def test_json_may_be_as_deep_as_yaml(begin: str, end: str) -> None:
    levels = (MAX_DEPTH - 1) // (len(end))
    deep = json.dumps(1)
    for _ in range(levels):
        deep = begin + deep + end
    json_tree(deep, "f.json", MAX_DEPTH)
    yaml_trees(deep, "f.yaml")
    for read in (
        lambda text: json_tree(text, "f.json", MAX_DEPTH),
        lambda text: yaml_trees(text, "f"),
    ):
        with pytest.raises(InvalidStage, match="nested deeper than 50 levels"):
            read(begin + begin + deep + end + end)


@pytest.mark.parametrize("error", [ValueError("odd\n  thing"), YAMLError("odd thing")])
def test_whatever_else_the_parser_says_is_said_of_the_file(
    mocker: MockerFixture, error: Exception
) -> None:
    mocker.patch("cicd.config.files.compose", side_effect=error)
    with pytest.raises(InvalidStage) as caught:
        yaml_trees("a: never read before", "f.yaml")
    [problem] = caught.value.problems
    assert (str(problem), problem.line, problem.column) == (
        "f.yaml: not valid YAML: odd thing",
        0,
        0,
    )


def test_what_libyaml_says_without_a_place_is_said_of_the_file() -> None:
    found = syntax_problem(MarkedYAMLError(problem="odd"), "a: 1", "f.yaml")
    assert (found.line, found.column, str(found)) == (0, 0, "f.yaml: not valid YAML: odd")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [("f.yaml", *case) for case in BAD_YAML.items()]
    + [("f.json", *case) for case in BAD_JSON.items()],
)
def test_bad_files_are_refused_with_their_place(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    with pytest.raises(InvalidStage) as caught:
        read_tree(path, name)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a: \xff\n", "f.yaml:1:4: not UTF-8 text"),
        (b"\xff\n", "f.yaml:1:1: not UTF-8 text"),
        (b"\n\xff\n", "f.yaml:2:1: not UTF-8 text"),
        (b"a: 1\nb: \xff\n", "f.yaml:2:4: not UTF-8 text"),
        ("a: ü".encode("latin-1"), "f.yaml:1:4: not UTF-8 text"),
        ("a: 1".encode("utf-16"), "not UTF-8 text"),
        (b"a" * (MAX_BYTES + 1), "larger than 10,000,000 bytes"),
    ],
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(raw)
    with pytest.raises(InvalidStage, match=message):
        read_tree(path, "f.yaml")


def test_a_folder_or_a_missing_file_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(InvalidStage, match="cannot be read"):
            read_tree(path, "f.yaml")


@pytest.mark.parametrize(
    ("name", "there"),
    [("f.yaml", (True, False)), ("d", (False, True)), ("no", (False, False))],
)
def test_a_path_is_a_file_a_folder_or_neither(
    tmp_path: Path, name: str, there: tuple[bool, bool]
) -> None:
    (tmp_path / "f.yaml").touch()
    (tmp_path / "d").mkdir()
    assert (is_file(tmp_path / name), is_folder(tmp_path / name)) == there
    assert not is_file(tmp_path / ("x" * 5000))
    assert not is_folder(tmp_path / ("x" * 5000))


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_places_do_not_depend_on_line_endings_or_a_byte_order_mark(
    tmp_path: Path, newline: str, mark: bytes
) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(mark + "a: ü\nb:\n  - c: 1\n".replace("\n", newline).encode())
    tree = read_tree(path, "f.yaml")
    assert plain(tree) == {"a": "ü", "b": [{"c": 1}]}
    assert tree.place_of("b", 0, "c", key=True) == Place("f.yaml", 3, 5)
    assert tree.place_of("b", 0, "c") == Place("f.yaml", 3, 8)
    assert str(tree.place_of("b", 7)) == "f.yaml:3:3"


def test_json_keeps_places_tabs_and_emoji(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text('{\r\n\t"a": "\\ud83d\\ude00",\r\n\t"b": [1.10, {}]\r\n}', encoding="utf-8")
    tree = read_tree(path, "f.json")
    assert plain(tree) == {"a": "😀", "b": [1.1, {}]}
    assert tree.place_of("b", key=True) == Place("f.json", 3, 2)
    number = tree.get("b", 0)
    assert number is not None
    assert (number.text, number.place) == ("1.10", Place("f.json", 3, 8))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("12", 12),
        ("-1", -1),
        ("0x1F", 31),
        ("0o17", 15),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        (".nan", ".nan"),
        ("9" * 5000, "9" * 5000),
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ("v1", "v1"),
    ],
)
def test_unquoted_text_is_yaml_1_2(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)
    [tree] = yaml_trees(f"a: {text}", "f")
    assert plain(tree) == {"a": value}


def test_merge_keys_and_aliases_work() -> None:
    [tree] = yaml_trees("x: &x {a: 1, b: 1}\ny: {<<: *x, b: 2}\nz: {<<: [*x, {c: 3}]}", "f")
    assert plain(tree)["y"] == {"a": 1, "b": 2}
    assert plain(tree)["z"] == {"a": 1, "b": 1, "c": 3}


def test_quoted_and_tagged_text_stays_text() -> None:
    [tree] = yaml_trees("a: '1'\nb: !!str 2\nc: |\n  3\n", "f")
    assert plain(tree) == {"a": "1", "b": "2", "c": "3\n"}


def test_files_are_named_relative_to_the_root(tmp_path: Path) -> None:
    assert label(tmp_path / "stages" / "dev.yaml", tmp_path) == "stages/dev.yaml"
    assert label(tmp_path.parent / "x.yaml", tmp_path) == (tmp_path.parent / "x.yaml").as_posix()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None)
@given(JSON, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_json_trees_hold_what_the_standard_library_reads(
    value: object, indent: int | str | None, is_ascii: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    assert plain(json_tree(text, "f", 50)) == json.loads(text)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>%@'\"\\?#, \n\t0.~<", max_size=30))
def test_any_text_is_read_or_refused_properly(text: str) -> None:
    try:
        trees = yaml_trees(text, "f")
    except InvalidStage as error:
        assert error.problems
    else:
        assert all(tree.place.file == "f" for tree in trees)
