"""What the emulator adds to one run and to one inference request, and moto's server beside it.

Each figure is paired: in every round the emulator and what it is compared with take turns.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.emulator_load import Client, client_of, ready, repository, used
from benchmarks.table import Row
from cicd.emulator import running

RUNS, AT_ONCE, REQUESTS, CALLS = 30, 50, 300, 100
LOOK = 0.005
"""Seconds between two looks whether a run has ended."""
IMAGE = "local/nothing:1"
NAMES = {
    "annotations": {"scenarios.ai.sap.com/name": "b", "executables.ai.sap.com/name": "b"},
    "labels": {"scenarios.ai.sap.com/id": "bench", "ai.sap.com/version": "1"},
}
NOTHING: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "WorkflowTemplate",
    "metadata": {"name": "nothing", **NAMES},
    "spec": {
        "entrypoint": "main",
        "templates": [{"name": "main", "container": {"image": IMAGE, "command": ["true"]}}],
    },
}
SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", 65536, True
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
PREDICTOR = {
    "name": "kserve-container",
    "image": IMAGE,
    "ports": [{"containerPort": 8080}],
    "command": ["python", "-c", SERVER, "8080"],
}
SERVING: dict[str, Any] = {
    "apiVersion": "ai.sap.com/v1alpha1",
    "kind": "ServingTemplate",
    "metadata": {"name": "served", **NAMES},
    "spec": {"template": {"spec": json.dumps({"predictor": {"containers": [PREDICTOR]}})}},
}
MOTO = "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])"


def rows() -> list[Row]:
    """One run, many at once, one inference request, calls like moto's."""
    with tempfile.TemporaryDirectory() as folder:
        source = repository(Path(folder, "repository"), NOTHING, SERVING)
        data = Path(folder, "data")
        with running(data, realism="instant") as emulator, client_of(emulator) as client:
            ready(client, source, IMAGE)
            configuration = configured(client, "nothing")
            return [
                *run_rows(client, configuration, emulator.endpoint.pid),
                *inference_rows(client, emulator.endpoint.pid),
                *moto_rows(client, configuration),
            ]


def configured(client: Client, executable: str) -> str:
    """A configuration of an executable; its id."""
    names = {"name": executable, "scenarioId": "bench", "executableId": executable}
    return str(client.send("POST", "/v2/lm/configurations", names)["id"])


def until(client: Client, path: str, status: str) -> None:
    """Wait until what is at the path has this status."""
    while (found := client.send("GET", path)["status"]) != status:
        assert found != "DEAD", client.send("GET", path)
        time.sleep(LOOK)


def timed(*works: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds that each of the works takes at the median, all in turn."""
    found: list[list[float]] = [[] for _ in works]
    for work in works:
        work()
    for _ in range(rounds):
        for times, work in zip(found, works, strict=True):
            begun = time.perf_counter()
            work()
            times.append((time.perf_counter() - begun) * 1000)
    return [statistics.median(times) for times in found]


# runs ---------------------------------------------------------------------------------------


def run_rows(client: Client, configuration: str, pid: int) -> list[Row]:
    """From the POST to COMPLETED, beside a process of the same program."""
    body = {"configurationId": configuration}

    def post() -> str:
        return f"/v2/lm/executions/{client.send('POST', '/v2/lm/executions', body)['id']}"

    def run() -> None:
        until(client, post(), "COMPLETED")

    before = used(pid)[1]
    one, bare, python = timed(
        run,
        lambda: subprocess.run(["true"], check=True),
        lambda: subprocess.run([sys.executable, "-I", "-c", "pass"], check=True),
        rounds=RUNS,
    )
    spent = (used(pid)[1] - before) / (RUNS + 1) * 1000
    begun = time.perf_counter()
    for path in [post() for _ in range(AT_ONCE)]:
        until(client, path, "COMPLETED")
    took = time.perf_counter() - begun
    return [
        Row("emulator: POST of an execution to COMPLETED", f"{one:.0f} ms", "< 250 ms"),
        Row(
            "the same program, and python -c pass, as bare processes",
            f"{bare:.0f}, {python:.0f} ms",
        ),
        Row("emulator: its own processor time per run", f"{spent:.0f} ms"),
        Row(f"emulator: {AT_ONCE} such executions at once", f"{took:.1f} s", "all COMPLETED"),
    ]


# inference ----------------------------------------------------------------------------------


def inference_rows(client: Client, pid: int) -> list[Row]:
    """A request through the inference URL, and one straight to the same program."""
    body = {"configurationId": configured(client, "served")}
    deployment = client.send("POST", "/v2/lm/deployments", body)["id"]
    until(client, f"/v2/lm/deployments/{deployment}", "RUNNING")
    path = f"/v2/inference/deployments/{deployment}/v1"
    with started([sys.executable, "-c", SERVER, "0"]) as line:
        port = int(line)
        kept = HTTPConnection("127.0.0.1", port)

        def anew() -> None:
            connection = HTTPConnection("127.0.0.1", port)
            ask(connection, "/v1", {})
            connection.close()

        before = used(pid)[1]
        through, straight, fresh = timed(
            lambda: client.send("POST", path, {}),
            lambda: ask(kept, "/v1", {}),
            anew,
            rounds=REQUESTS,
        )
        spent = (used(pid)[1] - before) / REQUESTS * 1000
        kept.close()
    what = "inference: ms more than straight to the program"
    return [
        Row(f"{what}, new connection", f"{through - fresh:.2f}", "< 1.5"),
        Row(f"{what}, connection kept", f"{through - straight:.2f}", "< 1.5"),
        Row("inference: processor time of the emulator per request", f"{spent:.2f} ms"),
    ]


def ask(connection: HTTPConnection, path: str, headers: dict[str, str], body: Any = None) -> Any:
    """The JSON of the answer to a POST."""
    connection.request("POST", path, json.dumps(body or {}), headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status < 300, content
    return json.loads(content)


@contextmanager
def started(command: list[str], begins: str = "") -> Iterator[str]:
    """A program that runs until the end of the block; its first line that begins so."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        try:
            yield next(line for line in process.stdout if line.lstrip().startswith(begins))
        finally:
            process.kill()


# moto ---------------------------------------------------------------------------------------


def moto_rows(client: Client, configuration: str) -> list[Row]:
    """What both have: making a job and asking for its status. moto runs nothing."""
    with started([sys.executable, "-c", MOTO], "* Running on http") as line:
        moto = HTTPConnection("127.0.0.1", urlsplit(line.split()[-1]).port)
        numbers = iter(range(10**6))

        def sagemaker(operation: str, body: dict[str, Any]) -> Any:
            login = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sagemaker/aws4_request"
            headers = {
                "X-Amz-Target": f"SageMaker.{operation}",
                "Content-Type": "application/x-amz-json-1.1",
                "Authorization": f"{login}, SignedHeaders=host, Signature=0",
            }
            return ask(moto, "/", headers, body)

        def create() -> None:
            job = {
                "TrainingJobName": f"job-{next(numbers)}",
                "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
                "RoleArn": "arn:aws:iam::123456789012:role/x",
                "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
                "ResourceConfig": {
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 1,
                },
                "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            }
            sagemaker("CreateTrainingJob", job)

        names = {"name": "more", "scenarioId": "bench", "executableId": "nothing"}
        made, moto_made, read, moto_read = timed(
            lambda: client.send("POST", "/v2/lm/configurations", names),
            create,
            lambda: client.send("GET", f"/v2/lm/configurations/{configuration}"),
            lambda: sagemaker("DescribeTrainingJob", {"TrainingJobName": "job-0"}),
            rounds=CALLS,
        )
        moto.close()
    return [
        Row("emulator: making one thing, and moto", f"{made:.1f}, {moto_made:.1f} ms"),
        Row("emulator: asking for one thing, and moto", f"{read:.1f}, {moto_read:.1f} ms"),
    ]
