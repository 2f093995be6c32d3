"""Stage files of more than one platform: each is read in the words of its own, and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pytest_mock import MockerFixture

from cicd.cli.root import execute
from cicd.config import GitFacts, Surroundings, check_stage, load_former, load_stage
from cicd.config.dialect import Around, Dialect
from cicd.config.files import yaml_trees
from cicd.config.inherit import read_whole
from cicd.config.json_schema import schema_of
from cicd.config.plain_dialect import completed
from cicd.config.promote import check_promoted, layout_of, promoted_text, promotion
from cicd.config.rulebook import RULES, book
from cicd.config.schema import keys_of
from cicd.config.surroundings import StandIns
from cicd.config.tree import Paths, plain
from cicd.errors import InvalidStage, Problem
from cicd.model import LiveResource, Stage, State, Status
from cicd.platforms import registry
from cicd.platforms.aicore import dialect as aicore
from cicd.values import Key, Ref, Secret
from tests.platforms.plain import dialect as plain_dialect
from tests.platforms.toy import dialect

toy = completed(dialect)
DIALECTS: Mapping[str, Dialect] = {"aicore": aicore, "toy": toy}
GIT = GitFacts("0" * 40, "main")
STAGE = """\
platform: toy
branch: main
toy: {box: box-1, token: "${env.TOKEN}"}
variables: {size: 3}
jobs:
  - key: wind
    script: wind.py
    knobs: {turns: 010, size: "${var.size}"}
    watch: ["*.txt"]
    timeout: 90s
    require: [{metric: speed, min: 1}]
  - {key: draw, script: wind.py, knobs: {from: "${jobs.wind.files.plan}"}}
services:
  - {key: ride, serves: "${jobs.draw.result}", smoke_test: {json: {x: 1}}}
prune: everything
protect: [service/ride]
"""
WORDS = (
    "AI Core",
    "execution",
    "deployment",
    "scenario",
    "artifact",
    "resource_group",
    "resource group",
    "template",
    "destination",
)
"""What a toy must never be told of."""


def project(root: Path, text: str = STAGE, name: str = "dev.yaml") -> Path:
    (root / "stages").mkdir(exist_ok=True)
    (root / "wind.py").write_text("print(1)\n", encoding="utf-8")
    (root / "notes.txt").write_text("notes\n", encoding="utf-8")
    (root / "stages" / name).write_text(text, encoding="utf-8")
    return root


def found(root: Path, text: str = STAGE, **env: str) -> list[str]:
    problems = check_stage(
        "dev",
        Surroundings(root=project(root, text), env=env, variables={}, git=GIT, dialects=DIALECTS),
    )
    return [f"{problem} [{problem.rule}]" for problem in problems]


def loaded(root: Path, text: str = STAGE, **variables: str) -> Stage:
    return load_stage(
        "dev",
        Surroundings(
            root=project(root, text),
            env={"TOKEN": "t0ken"},
            variables=variables,
            git=GIT,
            dialects=DIALECTS,
        ),
    )


def changed(before: str, after: str) -> str:
    assert STAGE.count(before) == 1, before
    return STAGE.replace(before, after)


# loading


def test_a_stage_is_loaded_in_the_words_of_its_platform(tmp_path: Path) -> None:
    stage = loaded(tmp_path)
    assert (stage.platform, stage.target, stage.prune) == ("toy", {"box": "box-1"}, "everything")
    wind, draw, release, ride = stage.resources
    assert [str(item.key) for item in (wind, draw, ride)] == [
        *("job/wind", "job/draw", "service/ride")
    ]
    assert wind.spec["knobs"] == {"turns": "010", "size": "3"}
    assert wind.spec["files"].keys() == {"notes.txt", "wind.py"}
    assert wind.options.timeout == 90.0 and wind.options.require[0].metric == "speed"
    assert draw.spec["knobs"] == {"from": Ref(Key("job", "wind"), "files.plan")}
    assert release.spec["serves"] == Ref(Key("job", "draw"), "result")
    assert ride.options.smoke_test and ride.options.smoke_test.path == ""


def test_what_decides_on_a_run_changes_with_its_script_and_with_watched_files(
    tmp_path: Path,
) -> None:
    def inputs() -> str:
        return str(stage_inputs(loaded(tmp_path)))

    def stage_inputs(stage: Stage) -> Any:
        return stage.resources[0].spec["inputs"]

    first = inputs()
    assert first == inputs()
    (tmp_path / "wind.py").write_text("print(2)\n", encoding="utf-8")
    (tmp_path / "stages/dev.yaml").unlink()
    stage = load_former(
        "dev",
        Surroundings(
            root=write(tmp_path / "stages/dev.yaml", STAGE).parents[1],
            env={"TOKEN": "t"},
            variables={},
            git=GIT,
            dialects=DIALECTS,
        ),
    )
    assert stage_inputs(stage) != first


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_same_things_in_another_box_are_another_digest(tmp_path: Path) -> None:
    assert loaded(tmp_path).digest != loaded(tmp_path, changed("box-1", "box-2")).digest


def test_credentials_of_a_platform_come_from_the_environment_alone(tmp_path: Path) -> None:
    [problem] = found(tmp_path, changed('"${env.TOKEN}"', "plain-text"), TOKEN="t")
    assert "a credential is written as ${env.NAME}" in problem
    with pytest.raises(InvalidStage, match="the environment variable TOKEN is not set"):
        load_stage(
            "dev",
            Surroundings(root=project(tmp_path), env={}, variables={}, git=GIT, dialects=DIALECTS),
        )
    [tree] = yaml_trees(STAGE, "f")
    assert ("toy", "token") in toy.SECRETS and tree.get("toy", "token")


@pytest.mark.parametrize("suffix", ["yaml", "yml", "json"])
def test_the_platform_may_be_named_by_what_a_stage_extends(tmp_path: Path, suffix: str) -> None:
    if suffix == "json":
        [tree] = yaml_trees(STAGE.replace("010", "10"), "f")
        text = json.dumps(plain(tree))
    else:
        text = STAGE
    project(tmp_path, text, f"base.{suffix}")
    over = f"extends: base.{suffix}\njobs: [{{key: wind, knobs: [{{key: turns, turned: 7}}]}}]\n"
    stage = loaded(tmp_path, over)
    assert stage.resources[0].spec["knobs"] == {"turns": "7", "size": "3"}


# what is wrong with a file


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("jobs:\n", "executions: []\njobs:\n", 'unknown key "executions"'),
        ("jobs:\n", "tasks: []\njobs:\n", 'unknown key "tasks" (write jobs)'),
        ("jobs:\n", "aicore: {resource_group: x}\njobs:\n", 'unknown key "aicore"'),
        ("timeout: 90s", "ttl: 24h", 'unknown key "ttl" in jobs[0] (possible: key, rerun, watch'),
        ("prune: everything", "prune: resource_group", "must be one of none, stage, everything"),
        (
            "script: wind.py\n",
            "script: gone.py\n",
            'job/wind takes in "gone.py", which is not there',
        ),
        ("{box: box-1,", "{", "warning: no box: set toy.box or TOY_BOX [missing-target]"),
        ("${jobs.wind.files.plan}", "${jobs.wind.file.plan}", '"${jobs.wind.files.plan}"?)'),
        ("${jobs.draw.result}", "${jobs.draw.files.x}", "is possible in knobs only"),
        ("${jobs.draw.result}", "${executions.draw.artifacts.x}", "is unknown (there are: var"),
        (
            "{key: draw,",
            "{key: wind, script: wind.py}\n  - {key: draw,",
            "job/wind is already defined at stages/dev.yaml:6:10",
        ),
        ('"*.txt"', '"*.csv"', 'job/wind watches "*.csv", which matches no file'),
        ("min: 1", "min: 2, max: 1", "to be over its max: swap them"),
        ("service/ride]", "service/rid]", 'does not define (did you mean "service/ride"?)'),
        ('size: "${var.size}"', 'size: "${jobs.draw.result}"', "these need each other: job/"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_platform(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    problems = found(tmp_path, changed(before, after), TOKEN="t")
    assert len(problems) == 1, problems
    assert says in problems[0]
    told = problems[0].replace(after.split(":")[0], "")
    assert not [word for word in WORDS if word in told and word not in after], problems


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "toi",
            'platform is "toi", must be one of aicore, toy (did you mean "toy"?) [wrong-value]',
        ),
        ("Toy", 'must be one of aicore, toy (did you mean "toy"?)'),
        ("kubernetes", 'platform is "kubernetes", must be one of aicore, toy [wrong-value]'),
        ("sagemaker", 'platform is "sagemaker", must be one of aicore, toy [wrong-value]'),
        ('"${var.size}"', "it must be plain: variables come after it [misplaced-variable]"),
    ],
)
def test_a_platform_that_is_none_is_told_with_those_there_are_and_nothing_else(
    tmp_path: Path, name: str, says: str
) -> None:
    [problem] = found(tmp_path, changed("platform: toy", f"platform: {name}"), TOKEN="t")
    assert problem.startswith("stages/dev.yaml:1:11: ")
    assert says in problem


def test_a_mistyped_platform_hides_nothing_that_is_wrong_in_its_words(tmp_path: Path) -> None:
    text = changed("platform: toy", "platform: tyo").replace("script: wind.py\n", "scrip: x\n")
    says = "\n".join(found(tmp_path, text, TOKEN="t"))
    assert 'did you mean "toy"' in says and 'unknown key "scrip"' in says


def test_a_file_that_names_no_platform_is_one_of_the_first(tmp_path: Path) -> None:
    problems = found(tmp_path, "aicore: {resource_group: rg-dev}\njobs: []\n")
    assert len(problems) == 1 and 'unknown key "jobs"' in problems[0]
    turned = {"toy": toy, "aicore": aicore}
    text = "toy: {box: b}\nexecutions: []\n"
    checked = check_stage(
        "dev",
        Surroundings(root=project(tmp_path, text), env={}, variables={}, git=GIT, dialects=turned),
    )
    assert [problem.message for problem in checked] == ['unknown key "executions"']


# the schema of editors

SCHEMA = schema_of(DIALECTS)
JOB = {"key": "a", "script": "a.py"}
RUN = {"configuration": {"name": "a", "scenario_id": "scen", "executable_id": "exec"}}


def is_valid(file: Mapping[str, Any]) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(file))


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"executions": [RUN]},
        {"platform": "aicore", "executions": [RUN]},
        {"platform": "toy", "jobs": [JOB]},
        {"platform": "toy", "jobs": [{**JOB, "timeout": "${var.t}"}]},
        {"platform": "toy", "prune": "everything", "toy": {"box": "x"}},
        {"prune": "resource_group"},
        {"prune": "everything"},
    ],
)
def test_the_schema_takes_what_the_platform_of_the_file_has(file: dict[str, Any]) -> None:
    assert is_valid(file)


@pytest.mark.parametrize(
    "file",
    [
        {"jobs": [JOB]},
        {"toy": {"box": "x"}},
        {"platform": "aicore", "jobs": [JOB]},
        {"platform": "toy", "executions": [RUN]},
        {"platform": "toy", "jobs": [{**JOB, "wait_for_status": "COMPLETED"}]},
        {"platform": "toy", "jobs": [{**JOB, "timeout": "soon"}]},
        {"platform": "toy", "prune": "resource_group"},
        {"platform": "spark"},
        {"platform": "TOY"},
        {"platform": None},
        {"platform": "toy", "local": {"artifacts": {}}},
    ],
)
def test_the_schema_refuses_what_only_another_platform_has(file: dict[str, Any]) -> None:
    assert not is_valid(file)


def offered(platform: str | None) -> list[str]:
    """The keys that an editor offers at the top of a file of a platform."""
    file = {} if platform is None else {"platform": platform}
    keys: list[str] = []
    for branch in SCHEMA["allOf"]:
        if jsonschema.Draft202012Validator(branch["if"]).is_valid(file):
            name = branch["then"]["$ref"].rpartition("/")[2]
            keys += SCHEMA["$defs"][name]["properties"]
    return keys


@pytest.mark.parametrize(
    ("test", "is_wrong"),
    [
        ('{json: {x: 1}, body: "1,2"}', True),
        ('{body: "", json: 0}', True),
        ('{json: [], body: "${env.TOKEN}"}', True),
        ("{json: {x: 1}}", False),
        ('{body: "1,2", content_type: text/csv}', False),
        ('{json: null, body: "1,2"}', False),
        ("{json: {x: 1}, body: null}", False),
    ],
)
def test_a_smoke_test_with_two_bodies_is_refused_at_its_line(
    tmp_path: Path, test: str, is_wrong: bool
) -> None:
    text = changed("smoke_test: {json: {x: 1}}", f"smoke_test: {test}")
    problems = [one for one in found(tmp_path, text, TOKEN="t") if "two-bodies" in one]
    assert len(problems) == is_wrong
    assert all("service/ride has json and body" in one for one in problems)
    line = 1 + text.splitlines().index(next(x for x in text.splitlines() if "smoke_test" in x))
    assert all(one.startswith(f"stages/dev.yaml:{line}:") for one in problems)


def test_editors_offer_the_keys_of_the_platform_in_the_order_of_a_file() -> None:
    assert offered("toy") == [
        *("$schema", "extends", "stage", "branch", "platform", "toy", "variables"),
        *("jobs", "services", "lifecycle", "prune", "limits", "protect", "notify", "sync", "local"),
    ]
    assert offered(None) == offered("aicore")
    assert "executions" in offered(None) and "jobs" not in offered(None)
    assert offered("toy") == list(keys_of(toy.File, "toy"))
    assert offered("spark") == []


def test_every_reference_inside_the_schema_leads_somewhere() -> None:
    """Each platform has its parts to itself, also those of the same name."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name in DIALECTS:
        for text in references(SCHEMA["$defs"][name]):
            assert text.startswith(f"#/$defs/{name}/$defs/")
            assert text.rpartition("/")[2] in SCHEMA["$defs"][name]["$defs"]


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [text for child in value.values() for text in references(child)]
    children = value if isinstance(value, list) else []
    return [text for child in children for text in references(child)]


# promoting

OVER = "extends: base.yaml\nplatform: toy\n"


def promoted(tmp_path: Path, source: str, target: str, *select: str) -> tuple[list[str], str]:
    trees = []
    for name, text in (("dev.yaml", source), ("prd.yaml", target)):
        project(tmp_path, text, name)
        trees.append(read_whole(tmp_path / "stages" / name, tmp_path, DIALECTS).tree)
    result = promotion(trees[0], trees[1], toy, select)
    text = promoted_text(target, result.changes, layout_of(toy))
    (tmp_path / "stages/prd.yaml").write_text(text, encoding="utf-8")
    after = read_whole(tmp_path / "stages/prd.yaml", tmp_path, DIALECTS).tree
    check_promoted(trees[1], after, result.changes, toy.identity)
    return [f"{change.key} {change.path}".strip() for change in result.changes], text


def test_what_a_dialect_carries_is_promoted_and_nothing_else(tmp_path: Path) -> None:
    target = STAGE.replace("010", "5").replace("90s", "2m").replace("box-1", "box-9")
    keys, text = promoted(tmp_path, STAGE, target, "job/*")
    assert keys == ["job/wind knobs.turns"]
    assert "turns: 010" in text and "timeout: 2m" in text and "box: box-9" in text
    assert promoted(tmp_path, STAGE, target, "toy")[0] == ["toy box"]


def test_a_list_that_stands_for_a_map_is_edited_as_the_list_that_it_is(tmp_path: Path) -> None:
    target = STAGE.replace(
        'knobs: {turns: 010, size: "${var.size}"}',
        'knobs: [{key: turns, turned: "1"}]',
    )
    keys, text = promoted(tmp_path, STAGE, target)
    assert set(keys) == {"job/wind knobs.turns", "job/wind knobs.size"}
    assert '[{key: turns, turned: "010"}, {key: size, turned: "${var.size}"}]' in text


def test_a_new_item_leaves_behind_what_stays_and_takes_along_what_it_needs(
    tmp_path: Path,
) -> None:
    target = "platform: toy\nbranch: prd\nprune: none\n"
    assert "timeout" not in promoted(tmp_path, STAGE, target, "job/wind")[1]
    trees = [
        yaml_trees(f"platform: plain\n{text}", "f")[0]
        for text in (
            "models: [{key: m, data: x}, {key: n, data: y}, {key: o, data: z}]\n"
            "endpoints: [{key: e, variants: [{model: m}, {model: n}], fallback: o}]\n",
            "prune: none\n",
        )
    ]
    result = promotion(trees[0], trees[1], completed(plain_dialect), ["endpoint/e"])
    assert [change.key for change in result.changes] == ["endpoint/e", "model/m", "model/n"]
    assert result.only_in_source == ("model/o",)


# the registry


@pytest.fixture
def registered(mocker: MockerFixture) -> None:
    """One line more in the registry."""
    mocker.patch.dict(registry.PLATFORMS, {"toy": "tests.platforms.toy.adapter"})


@pytest.mark.usefixtures("registered")
def test_one_line_in_the_registry_makes_a_platform_known_to_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path))
    monkeypatch.setenv("TOKEN", "t")
    assert execute(["validate", "dev"]) == 0
    assert execute(["schema"]) == 0
    out = capsys.readouterr().out
    assert '"const": "toy"' in out and '"const": "aicore"' in out
    assert execute(["explain", "bad-gate"]) == 0
    assert "to do: lower it" in capsys.readouterr().out
    (tmp_path / "stages/prd.yaml").write_text(
        "branch: prd\naicore: {resource_group: rg-prd}\n", encoding="utf-8"
    )
    assert execute(["promote", "dev", "prd", "--dry-run"]) == 64
    assert "FROM is a stage of toy and TO one of aicore" in capsys.readouterr().err


class Asked(dict[str, Any]):
    """Dialects that note which of them were asked for."""

    def __init__(self) -> None:
        super().__init__({"aicore": aicore, "toy": toy})
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize(
    ("stand_ins", "env", "box"),
    [
        ("offline", {}, "some-box"),
        ("local", {}, "local-box"),
        ("local", {"TOY_BOX": "mine"}, "mine"),
        ("", {"TOY_BOX": "mine"}, "mine"),
    ],
)
def test_only_the_platform_of_the_stage_says_what_stands_in_for_the_environment(
    tmp_path: Path, stand_ins: StandIns, env: dict[str, str], box: str
) -> None:
    asked = Asked()
    around = Surroundings(tmp_path, env, {}, GIT, asked, stand_ins=stand_ins)
    read = around.env_of(toy)
    assert read["TOY_BOX"] == box and "AICORE_RESOURCE_GROUP" not in read
    project(tmp_path, changed('"${env.TOKEN}"', '"${env.AICORE_RESOURCE_GROUP}"'))
    with pytest.raises(InvalidStage, match="variable AICORE_RESOURCE_GROUP is not set"):
        load_stage("dev", around)
    assert asked.names == {"toy"}


def test_what_says_where_a_stage_goes_is_read_past_what_hides_values() -> None:
    noted: list[str] = []

    class Noting(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            noted.append(name)
            return super().__getitem__(name)

    env = {"TOY_BOX": "b", "TOKEN": "t"}
    around = Surroundings(Path(), Noting(env), {}, GIT, {"toy": toy}, places=env)
    read = around.env_of(toy)
    assert (read["TOY_BOX"], read["TOKEN"], noted) == ("b", "t", ["TOKEN"])


def test_a_rule_is_worded_by_the_first_platform_that_has_its_own_words_for_it() -> None:
    rules = book([aicore.RULES, toy.RULES])
    assert rules["bad-gate"].says == "A toy cannot pass that gate."
    assert rules["missing-resource-group"] == aicore.RULES["missing-resource-group"]
    assert rules["missing-file"] == RULES["missing-file"]
    assert [*book([aicore.RULES, toy.RULES])][: len(book([aicore.RULES]))] == [
        *book([aicore.RULES])
    ], "the rules of one more platform stand behind all others"
    assert book([])["bad-gate"] == RULES["bad-gate"]
    assert book([toy.RULES, {"bad-gate": RULES["bad-gate"]}])["bad-gate"].says.startswith("A toy")


# paths


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("toy.token", ("toy", "token"), True),
        ("toy.token", ("toy", "token", "x"), False),
        ("toy.token", ("toy",), False),
        ("secrets.*.*.data.**", ("secrets", "generic", 0, "data"), True),
        ("secrets.*.*.data.**", ("secrets", "generic", 0, "data", "k", "x"), True),
        ("secrets.*.*.data.**", ("secrets", "generic", 0, "name"), False),
        ("*.*.knobs.*", ("jobs", 0, "knobs", "a"), True),
        ("*.*.knobs.*", ("jobs", 0, "knobs"), False),
        ("toy.token", (), False),
    ],
)
def test_paths_fit_patterns(pattern: str, path: tuple[str | int, ...], fits: bool) -> None:
    assert (path in Paths(pattern)) is fits


def test_no_part_of_a_dialect_needs_an_sdk_or_a_network() -> None:
    program = """
import sys
for name in ("ai_core_sdk", "ai_api_client_sdk", "requests", "urllib3", "boto3", "socket"):
    sys.modules[name] = None
import importlib, pkgutil
from cicd.platforms.registry import DIALECTS
for dialect in DIALECTS.values():
    parts = getattr(dialect, "__path__", ())
    for module in pkgutil.walk_packages(parts, f"{dialect.__name__}."):
        importlib.import_module(module.name)
print(sorted(name for name in sys.modules if name.startswith("cicd.platforms.aicore.")
    and not name.startswith("cicd.platforms.aicore.dialect")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_both_are_dialects_as_far_as_types_can_tell() -> None:
    assert [dialect.NAME for dialect in DIALECTS.values()] == list(DIALECTS)
    assert not isinstance(Problem, Secret)


# importing


def test_what_is_live_becomes_a_stage_file_of_its_platform(tmp_path: Path) -> None:
    status = Status(State.SUCCEEDED, "done")
    live = [LiveResource(Key("job", "wind"), "1", {"script": "wind.py"}, status)]
    found = toy.export(live, Around("dev", {"box": "box-7"}, tmp_path))
    stage = loaded(tmp_path, found.text)
    assert stage.target == {"box": "box-7"}
    assert [str(item.key) for item in stage.resources] == ["job/wind"]
    assert [program.file for program in stage.programs] == ["wind.py"]
    assert toy.needs(stage, live[0]) == ["wind.py"]
    other = LiveResource(Key("job", "x"), "2", {"script": "x.py"}, status)
    assert toy.needs(stage, other) == []
