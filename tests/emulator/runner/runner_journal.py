"""A journal in memory, and the templates that the runner's tests share."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cicd.emulator.jobs import DeploymentJob, ExecutionJob, Image, Line, Node

ENVIRON = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
PYTHON = str(Path(sys.executable).parent)
ENDS = {"COMPLETED", "DEAD", "STOPPED"}
HAS_BWRAP = shutil.which("bwrap") is not None


class MemoryJournal:
    """Keeps everything; ``wait`` for a condition on it."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.statuses: list[tuple[str, str, str, Mapping[str, Any]]] = []
        self.saved: dict[str, Node] = {}
        self.history: list[Node] = []
        self.published: list[tuple[str, Path]] = []
        self.revisions: list[int] = []
        self.objects = Path(tempfile.mkdtemp(prefix="objects-"))
        self._changed = threading.Condition()

    def log(self, run_id: str, lines: Sequence[Line]) -> None:
        with self._changed:
            self.lines.extend(lines)
            self._changed.notify_all()

    def status(
        self,
        run_id: str,
        status: str,
        *,
        message: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        with self._changed:
            self.statuses.append((run_id, status, message, details or {}))
            self._changed.notify_all()

    def nodes(self, run_id: str) -> Mapping[str, Node]:
        return dict(self.saved)

    def save_node(self, run_id: str, node: Node) -> None:
        with self._changed:
            self.saved[node.id] = node
            self.history.append(node)
            self._changed.notify_all()

    def forget_node(self, run_id: str, node_id: str) -> None:
        with self._changed:
            self.saved.pop(node_id, None)

    def publish(self, run_id: str, global_name: str, path: Path) -> None:
        self.published.append((global_name, path))

    def keep(self, run_id: str, key: str, path: Path) -> None:
        target = self.objects / key
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, target) if path.is_dir() else shutil.copy2(path, target)

    def kept(self, run_id: str, key: str, folder: Path) -> Path:
        return self.objects / key

    def serving(self, deployment_id: str, revision: int) -> None:
        self.revisions.append(revision)

    def wait(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        with self._changed:
            if not self._changed.wait_for(condition, timeout=seconds):
                raise AssertionError(f"{self.statuses}\n{self.text}")

    def end(self, run_id: str) -> str:
        """The status with which the run ended, once it has."""
        self.wait(lambda: self.last(run_id) in ENDS)
        return self.last(run_id)

    def last(self, run_id: str) -> str:
        return next((s for i, s, *_ in reversed(self.statuses) if i == run_id), "")

    @property
    def message(self) -> str:
        return self.statuses[-1][2]

    @property
    def details(self) -> Mapping[str, Any]:
        return self.statuses[-1][3]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]

    def phases(self) -> dict[str, str]:
        """Template -> phase."""
        return {node.template: node.phase for node in self.saved.values()}


def workflow(*templates: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    """A WorkflowTemplate whose first template is the entrypoint."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "example"},
        "spec": {"entrypoint": templates[0]["name"], "templates": list(templates), **spec},
    }


def shell(name: str, text: str, **more: Any) -> dict[str, Any]:
    """A container template that runs a line of shell."""
    container = {"image": "img", "command": ["sh", "-c"], "args": [text]}
    return {"name": name, "container": {**container, **more.pop("container", {})}, **more}


def script(name: str, source: str, **more: Any) -> dict[str, Any]:
    """A script template in Python."""
    return {
        "name": name,
        "script": {"image": "img", "command": ["python"], "source": source},
    } | more


def execution(folder: Path, template: Mapping[str, Any], **more: Any) -> ExecutionJob:
    """A job for it."""
    defaults: dict[str, Any] = {
        "id": "e1",
        "parameters": {},
        "inputs": {},
        "secrets": {},
        "images": {"img": Image()},
        "environment": {"AICORE_EXECUTION_ID": "e1"},
        "folder": folder / "run",
    }
    return ExecutionJob(template=template, **{**defaults, **more})


SERVER = """
import http.server, os, sys, time
time.sleep(float(os.environ.get("SLOW_START", "0")))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        time.sleep(float(os.environ.get("SLOW_ANSWER", "0")))
        if self.path == "/die":
            os._exit(3)
        text = os.environ["ANSWER"]
        if self.path.startswith("/mnt/"):
            text = open(self.path).read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *args):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def serving(predictor: str = "", **inputs: Any) -> dict[str, Any]:
    """A ServingTemplate that runs SERVER, answering its parameter ``answer``."""
    text = predictor or (
        "predictor:\n"
        "  minReplicas: 1\n"
        "  containers:\n"
        "  - name: kserve-container\n"
        "    image: img\n"
        "    ports: [{containerPort: 8080, protocol: TCP}]\n"
        "    command: [python, /app/src/server.py]\n"
        '    args: ["8080"]\n'
        "    env:\n"
        "    - {name: ANSWER, value: '{{inputs.parameters.answer}}'}\n"
        "    - {name: SLOW_START, value: '{{inputs.parameters.start}}'}\n"
        "    - {name: SLOW_ANSWER, value: '{{inputs.parameters.delay}}'}\n"
    )
    parameters = [
        {"name": name, "type": "string", "default": "0"} for name in ("answer", "start", "delay")
    ]
    return {
        "apiVersion": "ai.sap.com/v1alpha1",
        "kind": "ServingTemplate",
        "metadata": {"name": "example"},
        "spec": {
            "inputs": {"parameters": parameters, **inputs},
            "template": {"apiVersion": "serving.kserve.io/v1beta1", "spec": text},
        },
    }


def deployment(folder: Path, template: Mapping[str, Any], **more: Any) -> DeploymentJob:
    """A job for it; SERVER is at /app/src/server.py."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "server.py").write_text(SERVER, encoding="utf-8")
    defaults: dict[str, Any] = {
        "id": "d1",
        "revision": 1,
        "parameters": {},
        "inputs": {},
        "secrets": {},
        "images": {"img": Image(mounts={"/app/src": str(source)})},
        "environment": {},
        "folder": folder / "served",
    }
    return DeploymentJob(template=template, **{**defaults, **more})


def pause(seconds: float) -> None:
    """Let the other side get somewhere."""
    time.sleep(seconds)
