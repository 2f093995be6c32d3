"""``git.path`` is relative to the project; what AI Core is told is made from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd.config.remotes import absolute_url, https_url
from cicd.config.tree import Place
from cicd.config.variables import GitFacts
from cicd.platforms.aicore.dialect.repository import (
    is_here,
    repository_problems,
    sent_path,
    submodule_of,
)

HERE = ("https://github.com/org/ml.git", "file:///home/me/clone")
MODULES = {"templates": "https://github.com/org/templates.git", "lib/x": "../shared"}


@pytest.mark.parametrize(
    ("folder", "remotes", "repository", "path", "sent"),
    [
        ("", HERE, "https://github.com/org/ml", "templates", "templates"),
        ("", HERE, "https://example.com/another", "templates", "templates"),
        ("churn", HERE, None, "templates", "churn/templates"),
        ("churn", HERE, "https://github.com/org/ml", "templates", "churn/templates"),
        ("churn", HERE, "https://github.com/org/ml/", "./templates/", "churn/templates"),
        ("churn", HERE, "https://GitHub.com/Org/ML.git", "templates", "churn/templates"),
        ("churn", HERE, "https://github.com/fork-of/ml", "templates", "churn/templates"),
        ("churn", ("git@github.com:org/ml.git",), "https://github.com/org/ml", "t", "churn/t"),
        ("churn", ("C:\\repos\\ml",), "https://github.com/org/ml", "t", "churn/t"),
        ("churn", HERE, "file:///home/me/clone", "templates", "churn/templates"),
        ("churn", (), "file:///anywhere", "templates", "churn/templates"),
        ("my models/données", HERE, None, "templates", "my models/données/templates"),
        ("churn", HERE, "https://github.com/org/templates-only", "templates", "templates"),
        ("churn", HERE, None, ".", "churn"),
    ],
)
def test_what_is_sent_is_made_from_the_path_in_the_project(
    folder: str, remotes: tuple[str, ...], repository: str | None, path: str, sent: str
) -> None:
    facts = GitFacts(folder=folder, remotes=remotes)
    assert sent_path(facts, repository, path) == sent


@pytest.mark.parametrize(
    ("repository", "path", "sent"),
    [
        ("https://github.com/org/templates", "templates", "."),
        ("https://github.com/org/templates", "templates/argo", "argo"),
        ("https://github.com/org/shared", "lib/x/t", "t"),
        ("https://github.com/org/ml", "templates", "churn/templates"),
        ("https://github.com/org/ml", "lib/templates", "churn/lib/templates"),
    ],
)
def test_a_submodule_named_as_the_repository_is_read_from_its_own_top(
    repository: str, path: str, sent: str
) -> None:
    facts = GitFacts(folder="churn", remotes=HERE, submodules=MODULES)
    assert sent_path(facts, repository, path) == sent


def test_a_path_lies_in_the_innermost_submodule() -> None:
    facts = GitFacts(submodules={"a": "", "a/b": "", "ab": ""})
    found = [submodule_of(facts, path) for path in ("a/x", "a/b/c", "ab", "abc", "x")]
    assert found == ["a", "a/b", "ab", "", ""]


@pytest.mark.parametrize(
    ("url", "remote", "wanted"),
    [
        (
            "../templates.git",
            "https://github.com/org/ml.git",
            "https://github.com/org/templates.git",
        ),
        ("../../other/t", "https://github.com/org/ml/", "https://github.com/other/t"),
        ("./t.git", "https://github.com/org/ml", "https://github.com/org/ml/t.git"),
        ("../t", "git@github.com:org/ml.git", "git@github.com:org/t"),
        ("../t", "git@host:ml.git", "git@host:t"),
        ("../t", "file:///home/me/ml", "file:///home/me/t"),
        ("../t", "", "../t"),
        ("https://github.com/org/t", "https://github.com/org/ml", "https://github.com/org/t"),
    ],
)
def test_a_submodules_url_may_be_relative_to_that_of_its_repository(
    url: str, remote: str, wanted: str
) -> None:
    assert absolute_url(url, remote) == wanted


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("git@github.com:org/t.git", "https://github.com/org/t.git"),
        ("ssh://git@host.example:2222/group/sub/t", "https://host.example/group/sub/t"),
        ("https://github.com/org/t", "https://github.com/org/t"),
    ],
)
def test_ai_core_is_told_no_url_for_ssh(url: str, wanted: str) -> None:
    assert https_url(url) == wanted


OURS, ELSE = "https://github.com/org/ml", "https://github.com/org/else"
SUB = "https://github.com/org/templates.git"
FACTS = GitFacts(folder="churn", remotes=HERE)
WITH_SUB = GitFacts(folder="churn", remotes=HERE, submodules={"templates": SUB})
UNNAMED = GitFacts(folder="churn", remotes=HERE, submodules={"templates": ""})
PLACE = Place("stages/dev.yaml", 3, 4)
NOT_HERE = (
    "stages/dev.yaml:3:4: warning: git.repository is not the repository of this project: "
    '"templates" is read there as it is, and cannot be checked here'
)
NOT_OUT = (
    'stages/dev.yaml:3:4: warning: "templates/a" lies in the submodule templates, which is not '
    "checked out here, so nothing in it is checked: git submodule update --init "
    "(actions/checkout: submodules: true)"
)
NAMELESS = "that of the submodule"
IN_SUB = (
    'stages/dev.yaml:3:4: warning: "templates/a" lies in the submodule templates, and AI Core '
    "reads git.repository: set git.repository to {}, or move the templates here"
)


@pytest.mark.parametrize(
    ("git", "repository", "path", "folders", "more", "expected"),
    [
        (FACTS, OURS, "templates", ["templates"], {}, []),
        (FACTS, None, "templates", ["templates"], {}, []),
        (FACTS, ELSE, "templates", ["templates"], {}, [NOT_HERE]),
        (
            FACTS,
            OURS,
            "churn/templates",
            ["templates"],
            {},
            ['stages/dev.yaml:3:4: git.path is relative to the project (churn): write "templates"'],
        ),
        (
            FACTS,
            OURS,
            "churn",
            [],
            {},
            ['stages/dev.yaml:3:4: git.path is relative to the project (churn): write "."'],
        ),
        (FACTS, OURS, "churn/templates", ["templates", "churn/templates"], {}, []),
        (FACTS, OURS, "churn/templates", [], {}, []),
        (
            FACTS,
            OURS,
            "../shared",
            ["../shared"],
            {},
            [
                'stages/dev.yaml:3:4: "../shared" lies outside of the project (churn): templates '
                "must lie in it"
            ],
        ),
        (FACTS, OURS, "../gone", [], {}, []),
        (GitFacts(remotes=HERE), OURS, "../shared", ["../shared"], {}, []),
        (WITH_SUB, SUB, "templates/a", ["templates/a"], {}, []),
        (WITH_SUB, SUB, "templates/a", [], {}, [NOT_OUT]),
        (WITH_SUB, SUB, "templates/a", ["templates"], {}, [NOT_OUT]),
        (WITH_SUB, OURS, "templates/a", ["templates/a"], {}, [IN_SUB.format(SUB)]),
        (WITH_SUB, OURS, "templates/a", [], {}, [NOT_OUT, IN_SUB.format(SUB)]),
        (WITH_SUB, OURS, "templates/a", ["templates/a"], {"has_override": True}, []),
        (
            UNNAMED,
            OURS,
            "templates/a",
            ["templates/a"],
            {},
            [IN_SUB.format("that of the submodule")],
        ),
    ],
)
def test_what_is_doubtful_about_where_templates_lie_is_said(
    tmp_path: Path,
    git: GitFacts,
    repository: str | None,
    path: str,
    folders: list[str],
    more: dict[str, Any],
    expected: list[str],
) -> None:
    root = tmp_path / "churn"
    root.mkdir()
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    found = repository_problems(git, root, repository, path, PLACE, **more)
    assert [str(problem) for problem in found] == expected


@pytest.mark.parametrize(
    ("git", "repository", "folders", "expected"),
    [
        (FACTS, OURS, [], True),
        (FACTS, ELSE, [], False),
        (GitFacts(), ELSE, [], True),
        (WITH_SUB, SUB, ["templates/a"], True),
        (WITH_SUB, SUB, ["templates"], False),
        (WITH_SUB, SUB, [], False),
        (WITH_SUB, OURS, ["templates/a"], True),
        (WITH_SUB, ELSE, ["templates/a"], False),
    ],
)
def test_templates_that_are_read_elsewhere_are_not_here(
    tmp_path: Path, git: GitFacts, repository: str, folders: list[str], *, expected: bool
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    assert is_here(git, tmp_path, repository, "templates/a") is expected
