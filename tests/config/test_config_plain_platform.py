"""What the stage files of a platform mean that says only what they look like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from cicd.config import GitFacts, Surroundings, load_stage
from cicd.config.fields import entries_at
from cicd.config.load import check_stage
from cicd.config.plain_dialect import completed
from cicd.model import Gate, Hidden, Ref, Resource, Stage
from cicd.values import Key as Name
from tests.platforms.plain import dialect

GOOD = {"PLAIN_API_URL": "https://there"}


def surroundings(root: Path, text: str, env: Mapping[str, str] = GOOD) -> Surroundings:
    (root / "stages").mkdir(exist_ok=True)
    (root / "stages/dev.yaml").write_text(f"platform: plain\n{text}", encoding="utf-8")
    return Surroundings(root, env, {}, GitFacts(), {"plain": completed(dialect)})


def stage(root: Path, text: str, env: Mapping[str, str] = GOOD) -> Stage:
    return load_stage("dev", surroundings(root, text, env))


def built(root: Path, text: str, env: Mapping[str, str] = GOOD) -> dict[str, Resource]:
    return {str(wish.key): wish for wish in stage(root, text, env).resources}


def told(root: Path, text: str, env: Mapping[str, str] = GOOD) -> list[str]:
    found = check_stage("dev", surroundings(root, text, env))
    return [f"{one.line}: {one.severity} {one.rule}: {one.message}" for one in found]


def test_an_item_asks_for_a_resource_that_is_just_its_fields(tmp_path: Path) -> None:
    text = "endpoints: [{key: e, name: e-dev}]\nmodels: [{key: m, data: x}]\n"
    found = built(tmp_path, text)
    assert found["endpoint/e"].spec == {"name": "e-dev", "variants": []}
    assert found["model/m"].spec == {"name": "m", "data": "x"}
    assert found["model/m"].source == "stages/dev.yaml:3:10"


def test_fields_that_say_how_it_is_applied_are_no_part_of_it(tmp_path: Path) -> None:
    text = (
        "jobs: [{key: j, timeout: 2m, rerun: never, require: [{metric: a, min: 1}]}]\n"
        "endpoints: [{key: e, smoke_test: {path: /ping, body: x}}]\n"
    )
    found = built(tmp_path, text)
    job, endpoint = found["job/j"], found["endpoint/e"]
    assert job.spec.keys() == {"name", "data", "args", "settings", "size", "inputs", "files"}
    assert job.spec["size"] == {"cpus": 1, "class": "small"}
    assert (job.options.timeout, job.options.rerun) == (120.0, "never")
    assert job.options.require == (Gate("a", 1.0),)
    test = endpoint.options.smoke_test
    assert test and (test.path, test.body) == ("/ping", "x")


def test_a_key_of_another_section_becomes_a_reference_wherever_it_stands(tmp_path: Path) -> None:
    text = (
        "models: [{key: m, data: x}]\n"
        "endpoints:\n"
        "- {key: e, variants: [{model: m}, {model: m, weight: 2}], fallback: f}\n"
        "- {key: f}\n"
    )
    spec = built(tmp_path, text)["endpoint/e"].spec
    model = Ref(Name("model", "m"))
    assert spec["variants"] == [{"model": model, "weight": 1.0}, {"model": model, "weight": 2.0}]
    assert spec["fallback"] == Ref(Name("endpoint", "f"))


def test_a_text_of_the_environment_is_hidden_also_deep_inside(tmp_path: Path) -> None:
    env = {**GOOD, "X": "s3cret", "Y": "huge"}
    more = "size: {class: '${env.Y}'}, args: [one, '${env.Y}']"
    text = f"jobs: [{{key: j, settings: {{A: '${{env.X}}'}}, {more}}}]\n"
    spec = built(tmp_path, text, env)["job/j"].spec
    assert isinstance(spec["args"][1], Hidden)
    assert isinstance(spec["settings"]["A"], Hidden) and isinstance(spec["size"]["class"], Hidden)
    assert "s3cret" not in repr(spec) and "huge" not in repr(spec)
    other = built(tmp_path, text, {**env, "Y": "tiny"})["job/j"].spec
    assert other["inputs"] != spec["inputs"]


def test_what_it_is_called_stays_plain_also_where_the_environment_says_it(tmp_path: Path) -> None:
    env = {**GOOD, "X": "e-dev"}
    [wish] = built(tmp_path, "endpoints: [{key: e, name: 'a-${env.X}'}]\n", env).values()
    assert wish.spec["name"] == "a-e-dev" and not isinstance(wish.spec["name"], Hidden)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("args: [a, b]", "args: [b, a]"),
        ("args: ['${env.X}']", "args: ['${env.Y}']"),
        ("size: {cpus: 1}", "size: {cpus: 2}"),
        ("settings: {a: '1'}", "settings: {a: '2'}"),
    ],
)
def test_whatever_it_takes_in_is_an_input_of_a_run(tmp_path: Path, one: str, other: str) -> None:
    env = {**GOOD, "X": "x", "Y": "y"}
    found = [
        built(tmp_path, f"jobs: [{{key: j, {text}}}]\n", env)["job/j"].spec["inputs"]
        for text in (one, other, one)
    ]
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize(
    ("text", "file", "counts"),
    [
        ("script: run.py", "run.py", True),
        ("script: ./run.py", "run.py", True),
        ("script: src", "src/deep/a.py", True),
        ("script: 'a[1].py'", "a[1].py", True),
        ("data: {train: grüße.csv}", "grüße.csv", True),
        ("watch: ['*.py']", "run.py", True),
        ("script: 's3://bucket/run.py'", "run.py", False),
        ('script: "print(1)\\nprint(2)\\n"', "run.py", False),
    ],
)
def test_what_a_file_holds_that_it_names_is_an_input_of_a_run(
    tmp_path: Path, text: str, file: str, counts: bool
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    found = []
    for content in ("one", "two", "two"):
        path.write_text(content, encoding="utf-8")
        found.append(built(tmp_path, f"jobs: [{{key: j, {text}}}]\n")["job/j"].spec)
    first, second, third = found
    assert (first["inputs"] != second["inputs"]) == counts and second == third
    assert list(first["files"]) == ([file] if counts else [])


def test_the_files_of_a_run_are_the_programs_of_the_stage(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("1", encoding="utf-8")
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    job = "{key: %s, script: run.py, data: {a: a.csv}}"
    found = stage(tmp_path, f"jobs: [{job % 'j'}, {job % 'k'}]\n").programs
    assert [program.file for program in found] == ["run.py", "a.csv"]
    assert found[0].is_called_by({"script": "run.py"}) and not found[1].called


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (
            "models: [{key: m, data: '${jobs.trian.url}'}]\njobs: [{key: train}]\n",
            "2: error unknown-reference: model/m refers to job/trian, which is not defined (did you"
            ' mean "train"?)',
        ),
        (
            "jobs: [{key: j, settings: {A: '${jobs.nothing.url}'}}]\n",
            "2: error unknown-reference: job/j refers to job/nothing, which is not defined",
        ),
        (
            "models: [{key: churn, data: x}]\n"
            "endpoints:\n- key: e\n  variants:\n  - model: churn\n  - model: chrun\n",
            "7: error unknown-reference: endpoint/e refers to model/chrun, which is not defined"
            ' (did you mean "churn"?)',
        ),
        (
            "endpoints: [{key: e, fallback: f}, {key: f, fallback: e}]\n",
            "2: error reference-cycle: these need each other: endpoint/e -> endpoint/f ->"
            " endpoint/e: take one reference out",
        ),
        (
            "jobs: [{key: j, script: nothing.py}]\n",
            '2: error missing-file: job/j takes in "nothing.py", which is not there: write it, or'
            " correct the path",
        ),
        (
            "jobs: [{key: j, data: {a: dta/a.csv, b: data/a.csv}}]\n",
            '2: error missing-file: job/j takes in "dta/a.csv", which is not there: write it, or'
            " correct the path",
        ),
        (
            "jobs: [{key: j, data: {a: data/b.csv}}]\n",
            '2: error missing-file: job/j takes in "data/b.csv", which is not there (did you mean'
            ' "data/a.csv"?)',
        ),
        (
            "jobs:\n- key: j\n  data:\n    a: ../a.csv\n",
            '5: error missing-file: job/j takes in "../a.csv", which leads out of the project',
        ),
        (
            "jobs: [{key: j, script: /etc/passwd}]\n",
            '2: error missing-file: job/j takes in "/etc/passwd", which must be relative to the'
            " project",
        ),
    ],
)
def test_what_an_item_names_must_be_there(tmp_path: Path, text: str, finding: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").write_text("1", encoding="utf-8")
    assert told(tmp_path, text) == [finding]


def test_who_names_what_does_not_fit_is_not_wrong_too(tmp_path: Path) -> None:
    text = "models: [{key: m}]\nendpoints: [{key: e, variants: [{model: m}]}]\n"
    assert [one.split()[2] for one in told(tmp_path, text)] == ["missing-key:"]


def test_where_a_stage_goes_is_said_by_its_file_or_else_by_the_environment(tmp_path: Path) -> None:
    there, other = {"api_url": "https://there"}, {"api_url": "https://other"}
    assert stage(tmp_path, "").target == there
    assert stage(tmp_path, "plain: {region: eu}\n").target == there
    assert stage(tmp_path, "plain: {api_url: 'https://other'}\n").target == other
    assert stage(tmp_path, "").digest != stage(tmp_path, "", {"PLAIN_API_URL": "else"}).digest


def test_a_stage_that_goes_nowhere_is_only_warned_of_where_nothing_is_sent(tmp_path: Path) -> None:
    message = "no api url: set plain.api_url or PLAIN_API_URL"
    assert told(tmp_path, "", {}) == [f"1: warning missing-target: {message}"]
    with pytest.raises(Exception, match=message):
        stage(tmp_path, "", {})
    assert [one.split()[2] for one in told(tmp_path, "plain: {api_url: [1]}\n", {})] == [
        "wrong-type:"
    ]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ((), {("a", 0, "b"): 1, ("a", 0, "c"): 2, ("a", 1, "b"): 3, ("d", "b"): 4}),
        (("a",), {("a", 0, "b"): 1, ("a", 0, "c"): 2, ("a", 1, "b"): 3}),
        (("a", "b"), {("a", 0, "b"): 1, ("a", 1, "b"): 3}),
        (("a", "c"), {("a", 0, "c"): 2}),
        (("d", "b"), {("d", "b"): 4}),
        (("d", "b", "e"), {}),
        (("e",), {}),
        (("f",), {}),
    ],
)
def test_what_stands_at_a_path_is_found_with_its_place(
    path: tuple[str, ...], found: dict[tuple[str | int, ...], int]
) -> None:
    values = {"a": [{"b": 1, "c": 2}, {"b": 3, "c": None}], "d": {"b": 4}, "e": None}
    assert dict(entries_at(values, path)) == found
