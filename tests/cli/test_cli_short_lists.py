"""Commands that are called like a kind: every platform has them, from what its kinds are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete
from pytest_mock import MockerFixture

from cicd.automation.listing import Wanted
from cicd.cli.filters import filters_of
from cicd.cli.root import COMMANDS, execute, main, sections
from cicd.model import Kind
from cicd.platforms import registry
from cicd.words import plural, singular

STAGE = """\
platform: toy
toy: {box: box}
jobs: [{key: wind, script: wind.txt}]
services: [{key: ride, serves: you}]
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Path:
    """A project of the toy; it and a twin of it are known."""
    module = "tests.platforms.toy.adapter"
    mocker.patch.dict(registry.PLATFORMS, {"toy": module, "twin": module})
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/dev.yaml").write_text(STAGE, encoding="utf-8")
    (tmp_path / "wind.txt").write_text("blew\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert execute([*arguments]) == code
    return "".join(capsys.readouterr())


def test_a_new_kind_of_run_or_service_has_a_command_of_its_own(
    toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "apply", "dev", "--yes")
    head, row = said(capsys, "jobs", "dev").splitlines()
    assert head.split()[:3] == ["ID", "STATUS", "KEY"]
    assert row.split()[1:3] == ["done", "job/wind"]
    (service,) = json.loads(said(capsys, "services", "dev", "-o", "json"))["services"]
    assert service["key"] == "service/ride"
    assert service["release"].startswith("ride-")
    assert "Nothing fits" in said(capsys, "jobs", "dev", "--status", "failed")
    assert "Nothing fits" in said(capsys, "services", "dev", "--release", "other")
    assert "Nothing fits" in said(capsys, "services", "dev", "--unmanaged")
    assert "the platform has no execution" in said(capsys, "executions", "dev", code=64)


def test_it_stands_among_all_commands_and_has_a_help_page(
    toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = said(capsys, "--help")
    assert "services List services, also those of no stage file." in " ".join(page.split())
    assert page.index("\n  list ") < page.index("\n  artifacts ") < page.index("\n  services ")
    assert page.count("\n  jobs ") == page.count("\n  services ") == 1
    assert "\n  releases " not in page, "versions of a service are no list of their own"
    help_page = said(capsys, "services", "--help")
    assert "--release" in help_page
    assert "    cicd services dev --unmanaged -o json\n" in help_page
    assert "No such command 'job'. Did you mean jobs?" in said(capsys, "job", "dev", code=64)


def test_a_platform_that_is_not_there_has_no_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert "No such command 'services'." in said(capsys, "services", "dev", code=64)
    assert "\n  services " not in said(capsys, "--help")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (("job",), {"jobs"}),
        (("s",), {"status", "stop", "schema", "services"}),
        (("jobs", "d"), {"dev"}),
        (("services", "--re"), {"--release"}),
        (("deployments", "--exec"), {"--executable"}),
        (("artifacts", "--"), {"--kind", "--scenario", "--name", "--execution"}),
    ],
)
def test_the_shell_completes_it(toy: Path, typed: tuple[str, ...], found: set[str]) -> None:
    *before, last = typed
    shell = ShellComplete(main, {}, "cicd", "_CICD_COMPLETE")
    assert found <= {item.value for item in shell.get_completions(before, last)}


def test_the_words_that_a_platform_has_for_lists_are_those_of_its_kinds() -> None:
    found = registry.short_lists()
    asked = {
        kind for name in registry.PLATFORMS for kind in registry.listed(registry.kinds_on(name))
    }
    assert found.keys() == asked
    assert all(text.summary and text.about and len(text.examples) > 1 for text in found.values())


def test_of_a_kind_of_two_platforms_the_first_one_has_the_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    (tmp_path / "late").mkdir()
    (tmp_path / "late/__init__.py").write_text("", encoding="utf-8")
    kinds = 'Kind("execution", role="run", columns={"queue": "QUEUE"}), Kind("trial", role="run")'
    text = f"from cicd.model import Kind\nKINDS = {{kind.name: kind for kind in ({kinds})}}\n"
    (tmp_path / "late/kinds.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    mocker.patch.dict(registry.PLATFORMS, {"late": "late.adapter"})
    lists = registry.short_lists()
    assert lists["execution"].summary == "List runs, also those of no stage file."
    assert lists["trial"].summary == "List trials, also those of no stage file."
    command = main.get_command(click.Context(main), "executions")
    assert command
    options = {option for param in command.params for option in param.opts}
    assert {"--queue", "--scenario"} <= options, "filters of both"


def test_no_kind_is_loaded_to_list_the_commands() -> None:
    code = (
        "import sys; from cicd.cli.root import execute; execute(['--help']); "
        "sys.exit('cicd.model' in sys.modules or 'msgspec' in sys.modules)"
    )
    asked = subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False)
    assert asked.returncode == 0, "a platform needs a module `commands` with its words"


def test_no_command_is_called_like_a_kind_that_another_one_has() -> None:
    names = [name for section in sections().values() for name in section]
    assert len({*names}) == len(names)
    assert {"executions", "deployments", "artifacts"} <= {*names} - {*COMMANDS}


RUN = Kind("train", role="run", columns={"id": "ID", "image": "IMAGE"})
MODEL = Kind(
    "model",
    role="content",
    columns={"name": "NAME", "data_id": "DATA", "flavour": "FLAVOUR", "train_id": "TRAIN"},
)
ENDPOINT = Kind(
    "endpoint",
    role="service",
    version=("setup", "setup"),
    columns={"setup_name": "SETUP", "instance_type": "INSTANCE TYPE", "size": ""},
)
KINDS = {kind.name: kind for kind in (RUN, MODEL, ENDPOINT)}


@pytest.mark.parametrize(
    ("kind", "line", "wanted"),
    [
        ("train", "--image i --key k", {"fields": {"image": ("i",)}, "key": "k"}),
        ("train", "--status A --status b --since 7d", {"statuses": ("A", "b"), "since": "7d"}),
        ("train", "--unmanaged", {"is_unmanaged": True}),
        ("endpoint", "--setup s", {"version": "s"}),
        ("endpoint", "--instance-type large", {"fields": {"instance_type": ("large",)}}),
        ("model", "--train r1 --name m*", {"maker": "r1", "name": "m*"}),
        ("model", "--flavour a --flavour b", {"fields": {"flavour": ("a", "b")}}),
        ("model", "--data d", {"fields": {"data_id": ("d",)}}),
        ("model", "", {}),
    ],
)
def test_filters_come_from_the_columns_of_a_kind(
    kind: str, line: str, wanted: Mapping[str, Any]
) -> None:
    @click.command()
    @filters_of(kind, [KINDS], {"flavour": "one of them"} if kind == "model" else {})
    def command(wanted: Wanted) -> Wanted:
        return wanted

    plain: Any = {"since": None, "key": None, "name": None, "fields": {}, "statuses": ()}
    assert command.main(line.split(), standalone_mode=False) == Wanted(**{**plain, **wanted})


@pytest.mark.parametrize("option", ["--size", "--train", "--flavour", "--id"])
def test_what_has_no_column_or_is_of_another_kind_is_no_filter(option: str) -> None:
    command = click.command()(filters_of("endpoint", [KINDS], {})(lambda wanted: wanted))
    with pytest.raises(click.NoSuchOption):
        command.main([option, "x"], standalone_mode=False)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "nothing says what to import (add --resource-group NAME)"),
        (("--platform", "aicore"), "add --resource-group NAME"),
        (("--platform", "toy"), "add --target NAME=VALUE"),
        (("--platform", "toy", "--scenario", "x*"), "add --target NAME=VALUE"),
        (("--platform", "tyo", "--target", "box=b"), 'there is no platform "tyo"'),
        (("--resource-group", ""), "nothing says what to import"),
    ],
)
def test_what_to_import_is_asked_for_in_the_words_of_the_platform(
    toy: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert told in said(capsys, "import", "new", *arguments, code=64)
    assert not (toy / "stages/new.yaml").exists()


def test_an_import_tells_what_differs_by_the_kinds_of_its_own_platform(
    toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "apply", "dev", "--yes")
    told = said(capsys, "import", "new", "--platform", "toy", "--target", "box=box")
    assert "wrote stages/new.yaml: 1 job, 1 service" in told
    assert (toy / "stages/new.yaml").read_text(encoding="utf-8").startswith("platform: toy\n")


def test_one_of_each_kind_is_called_like_it() -> None:
    kinds = [*registry.every_kind(), "copy"]
    assert [singular(plural(kind)) for kind in kinds] == kinds
