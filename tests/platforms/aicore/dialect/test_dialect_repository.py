"""``git.path`` is relative to the project; what AI Core is told is made from it."""

from __future__ import annotations

import pytest

from cicd.config.remotes import absolute_url, https_url
from cicd.config.variables import GitFacts
from cicd.platforms.aicore.dialect.repository import sent_path, submodule_of

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
