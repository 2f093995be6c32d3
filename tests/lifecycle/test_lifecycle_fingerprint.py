"""The same content is the same wherever it is checked out, in whatever commit: every example."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cicd.automation.lifecycle import review_of
from cicd.automation.project import Project

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "promotion": ("prd", "src/train.py", {}),
    "sagemaker": ("dev", "training/train.py", {"SAGEMAKER_ROLE": "arn:aws:iam::1:role/r"}),
    "training-job": (
        "dev",
        "train.py",
        {
            "TRAINING_JOB_API_URL": "https://a.example.com",
            "TRAINING_JOB_TOKEN_URL": "https://t.example.com",
        },
    ),
    "spark": ("dev", "jobs/report.py", {"SPARK_MASTER": "local[*]"}),
    "": ("prd", "templates/workloads/train.py", {}),
}
DEPLOY = {"training-job": "[job/score]", "spark": "[job/report]"}


def checked_out(folder: Path, name: str, message: str) -> Path:
    """A copy of an example whose stage asks for an approval, committed."""
    source = ROOT / "examples" / name if name else ROOT
    parts = sorted(source.iterdir()) if name else [ROOT / "stages", ROOT / "templates"]
    for part in parts:
        if part.is_dir():
            shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns(".cicd"))
        else:
            shutil.copy(part, folder / part.name)
    stage = folder / f"stages/{EXAMPLES[name][0]}.yaml"
    text = stage.read_text("utf-8")
    if "\nlifecycle:" not in text:
        deploy = DEPLOY.get(name, "[]")
        text += f"\nlifecycle: {{approval: {{file: approvals/x.yaml}}, deploy: {deploy}}}\n"
        stage.write_text(text, encoding="utf-8")
    me = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), (*me, "commit", "-qm", message)):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_reviewed_is_the_same_in_every_checkout_and_commit(
    tmp_path: Path, name: str
) -> None:
    stage, program, environ = EXAMPLES[name]
    environ = {**environ, "PATH": os.environ["PATH"], "GIT_USER": "u", "GIT_TOKEN": "t"}
    (tmp_path / "one").mkdir()
    (tmp_path / "further").mkdir()
    folders = [
        checked_out(tmp_path / "one", name, "first"),
        checked_out(tmp_path / "further", name, "second"),
    ]

    def reviewed(folder: Path) -> tuple[str, dict[str, str]]:
        found = review_of(Project(folder, environ=environ).loader().load(stage)[1])
        assert found and found.gated
        return found.fingerprint, dict(found.parts)

    (one, parts), (other, others) = map(reviewed, folders)
    assert {k for k in parts if parts[k] != others.get(k)} == set() and one == other
    with (folders[1] / program).open("a", encoding="utf-8") as file:
        file.write("\nprint('more')\n")
    assert reviewed(folders[1])[0] != one
