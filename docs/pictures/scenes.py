"""Makes the pictures of ``docs/pull-request.md`` anew: ``python -m docs.pictures.scenes [NAME…]``.

Each scene is a real project against the embedded emulator and a stand-in for GitHub; what is drawn
is the comment that ``cicd comment`` wrote there. Needs the extra ``dev`` and Chromium.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docs.pictures.draw import draw
from tests.acceptance.conftest import SMALL, clean_environment
from tests.forges.github_server import TOKEN, GitHub, running

REPOSITORY = Path(__file__).parents[2]
HERE = Path(__file__).parent

WORDS = (
    "artifacts: [{key: words, name: Words, kind: dataset, url: 'ai://default/words',"
    " scenario_id: small}]"
)


@dataclass
class Scene:
    """A project under Git, and the pull request that its changes are seen on."""

    root: Path
    github: GitHub

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    def edit(self, path: str, before: str, after: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert before in text, f"{path} has no {before}"
        file.write_text(text.replace(before, after), encoding="utf-8")

    def commit(self, message: str) -> None:
        author = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
        subprocess.run(["git", "add", "-A"], cwd=self.root, check=True)
        subprocess.run(
            ["git", *author, "commit", "--quiet", "-m", message], cwd=self.root, check=True
        )

    def cicd(self, *arguments: str) -> None:
        """Run it; a plan that would be refused or has failed ends otherwise and is drawn too."""
        environ = {
            **clean_environment(),
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": f"{self.github.url}/api/v3",
            "PYTHONPATH": str(REPOSITORY),
        }
        subprocess.run([sys.executable, "-m", "cicd", *arguments], cwd=self.root, env=environ)

    def apply(self, stage: str = "dev") -> None:
        self.cicd("apply", stage, "--local", "--yes", "-q")

    def comment(self, stage: str = "dev") -> str:
        target = ("--pull-request", "7", "--repository", "org/repo")
        self.cicd("comment", "--stage", stage, "--local", *target)
        return self.github.bodies()[0]


@contextmanager
def scene(files: dict[str, str] | None = None) -> Iterator[Scene]:
    """A project with these files; without any it is the example that ships."""
    with tempfile.TemporaryDirectory() as folder, running() as github:
        root = Path(folder) / "house-prices"
        root.mkdir()
        subprocess.run(["git", "init", "--quiet", "-b", "main", str(root)], check=True)
        made = Scene(root, github)
        for path, text in (files or {}).items():
            made.write(path, text)
        for name in () if files else ("templates", "stages"):
            shutil.copytree(REPOSITORY / name, root / name)
        made.commit("Start")
        try:
            yield made
        finally:
            made.cicd("emulator", "stop")


def first() -> str:
    """A first deployment."""
    with scene() as made:
        return made.comment()


def parameter() -> str:
    """One hyperparameter and a watched file have changed."""
    with scene() as made:
        made.apply()
        made.edit("stages/dev.yaml", 'epochs: "100"', 'epochs: "150"')
        made.edit("templates/workloads/train.py", "history = []", "history: list[Metric] = []")
        made.commit("Train longer")
        return made.comment()


def replaced() -> str:
    """A protected deployment would be replaced, and its smoke test is loosened."""
    with scene() as made:
        made.edit("stages/prd.yaml", "branch: prd", "branch: main")
        made.edit("stages/dev.yaml", "branch: main", "branch: dev")
        made.commit("One branch")
        made.apply("prd")
        made.edit(
            "stages/base.yaml",
            "    smoke_test:\n      method",
            "    ttl: 30d\n    smoke_test:\n      method",
        )
        made.edit("stages/base.yaml", "status: 200, contains: prediction", "status: 200")
        made.commit("Let it end by itself")
        return made.comment("prd")


def hundred() -> str:
    """A hundred changes: 48 trainings that share a parameter, what they need and feed."""
    stage = ["branch: main", "aicore: {resource_group: small-dev}"]
    stage += ["git: {application: small, path: templates, revision: main}"]
    stage += ["variables: {word: hello}", "executions:"]
    for number in range(48):
        stage += [
            f"  - key: train-{number:02}",
            "    configuration:",
            f"      name: training-{number:02}",
            "      scenario_id: small",
            "      executable_id: small-train",
            '      parameter_bindings: {word: "${var.word}"}',
            "    watch: [src/train.py]",
            "    require: [{metric: letters, min: 3}]",
        ]
    text = textwrap.dedent(SMALL["stages/dev.yaml"])
    rest = text[text.index("deployments:") :].replace("executions.train.", "executions.train-00.")
    with scene({**SMALL, "stages/dev.yaml": "\n".join([*stage, rest])}) as made:
        made.apply()
        made.edit("stages/dev.yaml", "word: hello", "word: goodbye")
        made.edit("stages/dev.yaml", "executions:\n", f"{WORDS}\nexecutions:\n")
        made.edit(
            "templates/train.yaml", 'ai.sap.com/version: "1.0.0"', 'ai.sap.com/version: "1.1.0"'
        )
        made.edit("templates/train.yaml", "value: hello", "value: hi")
        made.commit("Another word")
        return made.comment()


def failure() -> str:
    """The newest commit cannot be planned; the last good plan is folded."""
    with scene() as made:
        made.comment()
        made.edit(
            "stages/base.yaml",
            "executable_id: house-prices-serve",
            "executable_id: house-prices-serv",
        )
        made.edit("stages/base.yaml", "min: 0.8", "minimum: 0.8")
        made.commit("Rename")
        return made.comment()


SCENES: dict[str, Callable[[], str]] = {
    "first": first,
    "parameter": parameter,
    "replaced": replaced,
    "hundred": hundred,
    "failure": failure,
}


def main() -> None:
    for name in sys.argv[1:] or SCENES:
        comment = SCENES[name]()
        if folder := os.environ.get("CICD_COMMENTS"):
            Path(folder, f"{name}.md").write_text(comment, encoding="utf-8")
        draw(comment, HERE / f"{name}.png")


if __name__ == "__main__":
    main()
