"""What a reviewer reads: the real command line, plans in all its forms, an emulator behind it."""

from __future__ import annotations

import json
import subprocess
from html import unescape
from typing import Any

from tests.acceptance.conftest import Project


def planned(project: Project, *arguments: str) -> dict[str, Any]:
    result = project.cicd("plan", "dev", "--local", "--output", "json", *arguments)
    assert result.returncode == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def change(document: dict[str, Any], key: str) -> dict[str, Any]:
    (found,) = [item for item in document["changes"] if item["key"] == key]
    return dict(found)


def applied(project: Project) -> Project:
    result = project.cicd("apply", "dev", "--local", "--yes")
    assert result.returncode == 0, result.stdout + result.stderr
    return project


def test_a_first_deployment_lists_its_values_in_every_form(small: Project) -> None:
    document = planned(small)
    for item in document["changes"]:
        assert item["fields"], item["key"]
        assert all(field["before"] is None for field in item["fields"])
    fields = change(document, "configuration/train")["fields"]
    values = {field["path"]: field["after"] for field in fields}
    assert values["parameter_bindings.word"] == "hello"
    assert [
        (item["path"], item["after"]) for item in change(document, "execution/train")["treatment"]
    ] == [("require.letters.min", 3.0)]
    for form in ("markdown", "html"):
        text = unescape(small.cicd("plan", "dev", "--local", "--output", form).stdout)
        for value in ('"hello"', '"small-training"', "GET /v1/greet", "small-train 1"):
            assert value.replace("-", "\\-") in text or value in text, (form, value)
    assert "trains for the first time (word hello)" in small.cicd("plan", "dev", "--local").stdout
    verbose = small.cicd("plan", "dev", "--local", "-v").stdout
    assert 'parameter_bindings.word: "hello"' in verbose
    assert 'parameter_bindings.word: "hello"' not in small.cicd("plan", "dev", "--local").stdout


def test_all_that_changed_is_named_together_and_a_loosened_gate_with_it(small: Project) -> None:
    applied(small)
    small.edit("stages/dev.yaml", "word: hello}", "word: goodbye}")
    small.edit("src/train.py", "training on", "learning from")
    small.edit("templates/train.yaml", "value: hello", "value: hi")
    small.edit("stages/dev.yaml", "min: 3", "min: 2")
    small.edit("stages/dev.yaml", ", expect: {contains: hi}", "")
    document = planned(small)
    run = change(document, "execution/train")
    assert run["consequence"] == (
        "trains again (word hello → goodbye, train.py changed, train.yaml changed)"
    )
    assert [(item["path"], item["reason"]) for item in run["treatment"]] == [
        ("require.letters.min", "loosened")
    ]
    server = change(document, "deployment/serve")
    assert server["consequence"] == "takes the new model from train; the same URL goes on answering"
    assert [(item["path"], item["after"]) for item in server["treatment"]] == [
        ("smoke_test.expect.contains", None)
    ]
    names = [item["before"] for item in server["causes"] if item["path"] == "configuration"]
    assert [name.rpartition(" ")[0] for name in names] == ["small-serving"]
    (line,) = change(document, "application/small")["templates"]
    assert line == "small-train (templates/train.yaml): parameter word: default hello → hi"
    text = small.cicd("plan", "dev", "--local", "--output", "markdown").stdout
    assert "**Loosened:** <code>execution/train</code>" in text
    assert "2 checks loosened" in text
    assert applied(small)
    assert planned(small)["summary"]["no_op"] == 8
    assert not any(item["treatment"] for item in planned(small)["changes"])


def test_a_value_that_comes_from_elsewhere_and_is_the_same_changes_nothing(small: Project) -> None:
    applied(small)
    for before, after, options in (
        ("word: hello}", 'word: "${env.WORD}"}', ()),
        ("word: hello}", 'word: "hel${env.REST}"}', ()),
        ("word: hello}", "word: any}", ("--var", "word=hello")),
        ("key: train", "key: train\n    rerun: on_change", ()),
    ):
        small.edit("stages/dev.yaml", before, after)
        env = {"WORD": "hello", "REST": "lo"}
        result = small.cicd("plan", "dev", "--local", *options, env=env)
        assert "No changes. 8 resources are as desired." in result.stdout, result.stdout
        small.edit("stages/dev.yaml", after, before)
    small.edit("stages/dev.yaml", "word: hello}", 'word: "${env.WORD}"}')
    result = small.cicd("plan", "dev", "--local", env={"WORD": "hi"})
    assert "trains again (word changed)" in result.stdout


TREATMENTS = [
    ("min: 3", "min: 1", "require.letters.min: 3 → 1 (loosened)"),
    ("branch: main", "branch: main\nprotect: []\nprune: stage", 'prune: "none" → "stage"'),
    ("branch: main", "branch: main\nlimits: {max_delete: 99}", "limits.max_delete: 10 → 99"),
    ("destination_name: SMALL", "destination_name: SMALL\n    on_failure: keep", "on_failure"),
    ("destination_name: SMALL", "destination_name: SMALL\n    timeout: 2h", '"15m" → "2h"'),
    ("watch: [src/train.py]", "rerun: never\n    watch: [src/train.py]", '"never"'),
]


def test_what_only_changes_how_things_are_treated_shows(small: Project) -> None:
    applied(small)
    for before, after, told in TREATMENTS:
        assert told not in small.cicd("plan", "dev", "--local").stdout
        small.edit("stages/dev.yaml", before, after)
        text = small.cicd("plan", "dev", "--local")
        assert text.returncode == 0, text.stderr
        assert told in text.stdout
        assert "No changes." in text.stdout
        small.edit("stages/dev.yaml", after, before)


def test_with_git_the_commit_that_was_applied_last_is_what_a_plan_compares_with(
    small: Project,
) -> None:
    def git(*arguments: str) -> str:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        command = ["git", *author, *arguments]
        return subprocess.run(
            command, cwd=small.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    small.write(".gitignore", ".cicd\n")
    url = small.root.as_uri()
    small.edit("stages/dev.yaml", "application: small,", f"application: small, repository: {url},")
    git("add", "-A")
    git("commit", "--quiet", "-m", "one")
    assert small.cicd("emulator", "start").returncode == 0
    small.environ |= small.emulator_environment() | {"AICORE_RESOURCE_GROUP": "small-dev"}
    stand_ins = small.cicd("plan", "dev", "--local")
    assert stand_ins.returncode == 0, stand_ins.stderr
    result = small.cicd("apply", "dev", "--yes")
    assert result.returncode == 0, result.stdout + result.stderr
    small.edit("stages/dev.yaml", "min: 3", "min: 1")
    git("commit", "--quiet", "-a", "-m", "two")
    result = small.cicd("plan", "dev", "--output", "json")
    assert result.returncode == 0, result.stderr
    (run,) = [item for item in json.loads(result.stdout)["changes"] if item["kind"] == "execution"]
    assert [(item["path"], item["before"], item["after"]) for item in run["treatment"]] == [
        ("require.letters.min", 3.0, 1.0)
    ]
