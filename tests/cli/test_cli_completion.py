"""Completion as a shell asks for it: through click's variables, in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.conftest import REPOSITORY, Project, make_project


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    """The example's stages and templates, and no account."""
    root = tmp_path / "example"
    root.mkdir()
    project = make_project(root)
    for folder in ("stages", "templates"):
        for file in (REPOSITORY / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                project.write(
                    file.relative_to(REPOSITORY).as_posix(), file.read_text(encoding="utf-8")
                )
    return project


def completed(project: Project, line: str) -> list[str]:
    """What is offered at the end of ``line``; nothing is ever said on standard error."""
    words = line.split(" ")
    env = {
        "_CICD_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    result = project.cicd(env=env)
    assert result.returncode == 0
    assert result.stderr == ""
    return [item.split(",", 1)[1] for item in result.stdout.splitlines() if "," in item]


@pytest.mark.parametrize("command", ["plan", "apply", "status", "logs", "destroy"])
def test_stages(repository: Project, command: str) -> None:
    assert completed(repository, f"cicd {command} ") == ["dev", "prd", "tst"]


def test_stages_of_every_format_and_each_once(repository: Project) -> None:
    repository.write("stages/one.json", "{}")
    repository.write("stages/two.yml", "stage: two")
    assert completed(repository, "cicd plan dev ") == ["one", "prd", "tst", "two"]
    assert completed(repository, "cicd plan dev t") == ["tst", "two"]


def test_a_path_is_completed_by_the_shell(repository: Project) -> None:
    assert completed(repository, "cicd plan stages/d") == ["stages/d"]


def test_keys_of_logs(repository: Project) -> None:
    both = ["train", "serve", "execution/train", "deployment/serve"]
    assert completed(repository, "cicd logs dev ") == both
    assert completed(repository, "cicd logs stages/dev.yaml ") == both
    assert completed(repository, "cicd logs dev t") == ["train"]
    assert completed(repository, "cicd logs dev execution/") == ["execution/train"]


def test_keys_of_options(repository: Project) -> None:
    assert completed(repository, "cicd plan dev --select co") == [
        "configuration/train",
        "configuration/serve",
    ]
    assert completed(repository, "cicd apply prd --exclude dest") == [
        "destination/HOUSE_PRICES_prd"
    ]
    assert completed(repository, "cicd apply --rerun ") == ["execution/train"]
    assert completed(repository, "cicd plan dev --var epochs=1 --replace ") == ["deployment/serve"]


def test_a_credential_that_is_not_set_does_not_matter(repository: Project) -> None:
    repository.edit(
        "stages/base.yaml",
        "  path: templates",
        "  username: ${env.NO}\n  password: ${env.NO}\n  path: templates",
    )
    assert completed(repository, "cicd logs dev s") == ["serve"]


def test_nothing_and_no_noise_where_something_is_wrong(repository: Project) -> None:
    assert completed(repository, "cicd logs nope ") == []
    repository.write("stages/tst.yaml", "extends: [")
    assert completed(repository, "cicd logs tst ") == []
    assert completed(repository, "cicd plan --rerun ") == ["execution/train"]
    elsewhere = Project(repository.root.parent, repository.environ)
    assert completed(elsewhere, "cicd plan ") == []


def test_nothing_is_written(repository: Project) -> None:
    completed(repository, "cicd logs dev ")
    assert not (repository.root / ".cicd").exists()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_it_can_be_switched_on(repository: Project, shell: str) -> None:
    result = repository.cicd(env={"_CICD_COMPLETE": f"{shell}_source"})
    assert result.returncode == 0
    assert f"{shell}_complete" in result.stdout
