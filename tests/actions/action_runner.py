"""Runs the shell steps of an action or a job as GitHub's runner does: expressions, files, PATH."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
_TOKEN = re.compile(r"\s*('[^']*'|&&|\|\||==|!=|!|\(|\)|hashFiles\('[^']*'\)|[\w.-]+(?:\(\))?)")
_OPERATORS = {"&&": " and ", "||": " or ", "!": " not "}
_STATUS = ("success()", "always()", "failure()", "cancelled()")


@dataclass(frozen=True)
class Done:
    """One step that ran. ``inputs``: what a ``uses`` step was given."""

    name: str
    code: int = 0
    output: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Runner:
    """One job: ``environ`` holds GITHUB_* and RUNNER_*; ``contexts`` is what expressions see."""

    workspace: Path
    environ: dict[str, str]
    contexts: dict[str, Any]
    done: list[Done] = field(default_factory=list)
    summary: str = ""
    failed: bool = False

    def run(self, action: Path, inputs: Mapping[str, str], *, skip: tuple[str, ...] = ()) -> bool:
        """Run the action. ``skip``: ids of steps that already ran. Whether it succeeded."""
        document = load(action / "action.yml")
        self.contexts["github"]["action_path"] = str(action)
        self.contexts["inputs"] = {}
        values = {name: self.fill(str(it["default"])) for name, it in document["inputs"].items()}
        assert set(inputs) <= set(values)
        self.contexts["inputs"] = {**values, **inputs}
        return self.run_steps(document["runs"]["steps"], skip)

    def run_job(self, workflow: Path, job: str) -> bool:
        """Run the steps of a job, all but the installation. Whether it succeeded."""
        steps = load(workflow)["jobs"][job]["steps"]
        return self.run_steps([it for it in steps if "pip install" not in it.get("run", "")])

    def run_steps(self, steps: list[dict[str, Any]], skip: tuple[str, ...] = ()) -> bool:
        for step in steps:
            if step.get("id") not in skip and self.evaluate(self.condition(step)):
                self.step(step)
        return not self.failed

    def outputs(self, action: Path) -> dict[str, str]:
        document = load(action / "action.yml")
        return {name: self.fill(it["value"]) for name, it in document["outputs"].items()}

    @property
    def steps(self) -> dict[str, Any]:
        found: dict[str, Any] = self.contexts.setdefault("steps", {})
        return found

    def condition(self, step: Mapping[str, Any]) -> str:
        text = _EXPRESSION.sub(r"\1", str(step.get("if", "success()")))
        return text if any(word in text for word in _STATUS) else f"success() && ({text})"

    def step(self, step: Mapping[str, Any]) -> None:
        name = step.get("name") or step["uses"]
        if "uses" in step:
            given = {key: self.fill(str(text)) for key, text in step["with"].items()}
            self.done.append(Done(name, inputs=given))
            self.steps[step.get("id", name)] = {"outputs": {}, "outcome": "success"}
            return
        # an action names its shell, and then a pipe that breaks ends the step
        pipefail = ["--noprofile", "--norc", "-e", "-o", "pipefail"]
        options = pipefail if step.get("shell") == "bash" else ["-e"]
        temp = Path(self.environ["RUNNER_TEMP"])
        files = {key: temp / f"_{key}" for key in ("OUTPUT", "PATH", "ENV", "STEP_SUMMARY")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        script = temp / "_script.sh"
        script.write_text(step["run"], encoding="utf-8")
        own = {key: self.fill(str(text)) for key, text in step.get("env", {}).items()}
        result = subprocess.run(
            ["bash", *options, str(script)],
            cwd=self.workspace / self.fill(str(step.get("working-directory", "."))),
            env={
                **self.environ,
                **{f"GITHUB_{key}": str(file) for key, file in files.items()},
                **own,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=100,
            check=False,
        )
        self.done.append(Done(name, result.returncode, result.stdout))
        self.failed |= result.returncode != 0
        outcome = "failure" if result.returncode else "success"
        outputs = read_pairs(files["OUTPUT"])
        self.steps[step.get("id", name)] = {"outputs": outputs, "outcome": outcome}
        self.environ |= read_pairs(files["ENV"])
        for line in files["PATH"].read_text(encoding="utf-8").splitlines():
            self.environ["PATH"] = line + os.pathsep + self.environ["PATH"]
        self.summary += files["STEP_SUMMARY"].read_text(encoding="utf-8")

    def fill(self, text: str) -> str:
        """``text`` with its expressions replaced."""
        return _EXPRESSION.sub(lambda match: shown(self.evaluate(match[1])), text)

    def evaluate(self, expression: str) -> Any:
        words = _TOKEN.findall(expression)
        return eval("".join(self.word(word) for word in words), {"__builtins__": {}})

    def word(self, word: str) -> str:
        if word in _OPERATORS:
            return _OPERATORS[word]
        if word.startswith("'") or word in {"==", "!=", "(", ")"}:
            return word
        if word.endswith("()"):
            good = not self.failed
            return {"always()": "True", "cancelled()": "False", "success()": repr(good)}[word]
        if word.startswith("hashFiles("):
            return repr("1" if (self.workspace / word[11:-2]).exists() else "")
        value: Any = self.contexts
        for name in word.split("."):
            value = value.get(name, "") if isinstance(value, Mapping) else ""
        return repr("" if value is None else value)

    def text(self, name: str) -> str:
        """What the step of this name wrote."""
        return next(step.output for step in self.done if step.name == name)


def load(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_pairs(file: Path) -> dict[str, str]:
    """``name=value`` lines and ``name<<END … END`` blocks."""
    pairs: dict[str, str] = {}
    lines = iter(file.read_text(encoding="utf-8").splitlines())
    for line in lines:
        name, equals, value = line.partition("=")
        if "<<" in name:
            name, end = line.split("<<", 1)
            block = []
            while (line := next(lines)) != end:
                block.append(line)
            value = "\n".join(block)
        else:
            assert equals, line
        pairs[name] = value
    return pairs


def make_runner(
    workspace: Path,
    temp: Path,
    environ: Mapping[str, str],
    *,
    event_name: str,
    head: str = "org/repo",
    api_url: str = "http://127.0.0.1:1",
) -> Runner:
    """A job of the repository org/repo. ``head``: the repository a pull request comes from."""
    temp.mkdir()
    event: dict[str, Any] = {"repository": {"full_name": "org/repo"}}
    names = {"GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main"}
    if event_name.startswith("pull_request"):
        event |= {
            "number": 7,
            "pull_request": {
                "number": 7,
                "head": {"ref": "change", "repo": {"full_name": head}},
                "base": {"ref": "main", "repo": {"full_name": "org/repo"}},
            },
        }
        names = {
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_REF_NAME": "7/merge",
            "GITHUB_BASE_REF": "main",
            "GITHUB_HEAD_REF": "change",
        }
    file = temp / "event.json"
    file.write_text(json.dumps(event), encoding="utf-8")
    return Runner(
        workspace,
        {
            **environ,
            **names,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "someone",
            "GITHUB_API_URL": api_url,
            "GITHUB_EVENT_NAME": event_name,
            "GITHUB_EVENT_PATH": str(file),
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_RUN_ID": "42",
            "GITHUB_WORKSPACE": str(workspace),
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(temp),
        },
        {
            "github": {
                "event": event,
                "token": "token-of-the-job",
                "repository": "org/repo",
                "actor": "someone",
            }
        },
    )
