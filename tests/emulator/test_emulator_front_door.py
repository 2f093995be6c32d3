"""Another API beside AI Core's: what it stands on, and that both leave each other alone."""

from __future__ import annotations

import ast
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd.emulator.host.opening import open_world
from cicd.emulator.host.server import default_runner, http_server, listen
from cicd.emulator.world import World
from tests.emulator import front_door
from tests.emulator.emulator_client import wait_for
from tests.emulator.front_door import TOY

SEAM = {
    "cicd.emulator.api.passing",
    "cicd.emulator.errors",
    "cicd.emulator.front_door",
    "cicd.emulator.runs.lifecycle",
    "cicd.emulator.runs.starting",
    "cicd.emulator.world",
}
ENDS = ("COMPLETED", "DEAD", "STOPPED")
LASTING = "import time; print('begun'); time.sleep(600)"
ANSWERING = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Echo(BaseHTTPRequestHandler):
    def do_POST(self):
        said = self.path.encode() + b' ' + self.rfile.read(int(self.headers['content-length']))
        self.send_response(200)
        self.send_header('content-length', str(len(said)))
        self.end_headers()
        self.wfile.write(said)
HTTPServer(('', 8080), Echo).serve_forever()
"""


@dataclass
class Toy:
    """A client of the front door, and the world behind it."""

    url: str
    world: World
    session: requests.Session

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.url}{path}", timeout=30, **more)

    def start(self, noun: str, code: str) -> str:
        """The path of a new job or server."""
        answer = self.send("POST", f"/toy/{noun}", params={"code": code})
        assert answer.status_code == 201, answer.text
        return f"/toy/{noun}/{answer.json()['id']}"

    def wait(self, path: str, is_done: Callable[[Any], bool]) -> Any:
        return wait_for(lambda: self.send("GET", path).json(), is_done, 60)

    def ended(self, path: str) -> Any:
        return self.wait(path, lambda shown: shown["status"] in ENDS)

    def running(self, path: str) -> Any:
        return self.wait(path, lambda shown: shown["status"] == "RUNNING")


@contextmanager
def emulator(data: Path) -> Iterator[Toy]:
    """An emulator with both front doors, which really runs things."""
    data.mkdir(exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(data)}
    with listen(data, 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        world = open_world(data, url, environ, default_runner(environ, data))
        server = http_server(world, [TOY])
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with requests.Session() as session:
                session.trust_env = False
                yield Toy(url, world, session)
        finally:
            server.should_exit = True
            thread.join()
            world.close()


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    with emulator(tmp_path_factory.mktemp("toy") / "data") as found:
        yield found


def bearer(toy: Toy) -> dict[str, str]:
    token = toy.world.credentials.issue("aicore", issuer=toy.url)
    return {"Authorization": f"Bearer {token}", "AI-Resource-Group": "default"}


def test_the_front_door_stands_on_the_seam_alone() -> None:
    tree = ast.parse(Path(front_door.__file__).read_text(encoding="utf-8"))
    found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in found if name and name.startswith("cicd.")} == SEAM


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("print('fitted'); print('grün')", "COMPLETED", ["fitted", "grün"]),
        ("print('fitting'); raise SystemExit(3)", "DEAD", ["fitting"]),
        ("import os; print(len(os.environ['AICORE_EXECUTION_ID']))", "COMPLETED", ["16"]),
        ("", "COMPLETED", []),
    ],
)
def test_a_job_runs_to_its_end_with_its_log(
    toy: Toy, code: str, status: str, said: list[str]
) -> None:
    shown = toy.ended(toy.start("jobs", code))
    assert shown["status"] == status, shown
    assert [line for line in shown["log"] if line in said] == said
    assert bool(shown["why"]) is (status == "DEAD")


def test_a_server_answers_until_it_is_stopped(toy: Toy) -> None:
    path = toy.start("servers", ANSWERING)
    toy.running(path)
    answer = toy.send("POST", f"{path}/ask/v1/predict", data=b"x" * 3)
    assert (answer.status_code, answer.text) == (200, "/v1/predict xxx")
    assert toy.send("POST", f"{path}/stop").status_code == 202
    assert toy.ended(path)["status"] == "STOPPED"
    assert toy.send("POST", f"{path}/ask/v1/predict").status_code == 503


def test_a_job_is_stopped_and_forgotten(toy: Toy) -> None:
    path = toy.start("jobs", LASTING)
    toy.running(path)
    assert toy.send("DELETE", path).status_code == 412  # what runs is stopped first
    assert toy.send("POST", f"{path}/stop").status_code == 202
    assert toy.ended(path)["status"] == "STOPPED"
    assert toy.send("POST", f"{path}/stop").status_code == 412
    assert toy.send("DELETE", path).status_code == 202
    wait_for(lambda: toy.send("GET", path).status_code, lambda code: code == 404)
    assert toy.send("POST", f"{path}/stop").status_code == 404


def test_a_restart_loses_nothing_and_resumes_what_ran(tmp_path: Path) -> None:
    with emulator(tmp_path / "data") as toy:
        done = toy.start("jobs", "print('once')")
        toy.ended(done)
        job, server = toy.start("jobs", LASTING), toy.start("servers", ANSWERING)
        toy.wait(job, lambda shown: "begun" in shown["log"])
        toy.running(server)
    with emulator(tmp_path / "data") as toy:
        assert toy.send("GET", done).json()["log"].count("once") == 1
        toy.wait(job, lambda shown: shown["log"].count("begun") == 2)
        assert toy.send("GET", job).json()["status"] == "RUNNING"
        toy.running(server)
        assert toy.send("POST", f"{server}/ask/x", data=b"").text == "/x "
        for path in (job, server):
            assert toy.send("POST", f"{path}/stop").status_code == 202
            assert toy.ended(path)["status"] == "STOPPED"


def test_both_front_doors_share_the_clock_and_nothing_else(toy: Toy) -> None:
    headers = bearer(toy)
    path = toy.start("jobs", "print(1)")
    assert toy.send("GET", "/v2/lm/executions", headers=headers).json()["count"] == 0
    one = f"/v2/lm/executions/{path.rpartition('/')[2]}"
    assert toy.send("GET", one, headers=headers).status_code == 404
    assert toy.send("GET", "/toyish/jobs").status_code == 404
    far = {"now": "2031-02-03T04:05:06Z"}
    assert toy.send("PUT", "/emulator/clock", json=far, headers=headers).status_code == 200
    started = toy.send("POST", "/toy/jobs", params={"code": ""}).json()
    assert started["at"].startswith("2031-02-03T04:05")


def test_fault_rules_reach_the_other_front_door_by_its_paths(toy: Toy) -> None:
    rule = {"path": "/toy/*", "method": "POST", "times": 1, "status": 503}
    added = toy.send("POST", "/emulator/faults", json=rule, headers=bearer(toy))
    assert added.status_code == 201, added.text
    assert toy.send("POST", "/toy/jobs", params={"code": ""}).status_code == 503
    assert toy.send("POST", "/toy/jobs", params={"code": ""}).status_code == 201
