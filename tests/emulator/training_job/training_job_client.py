"""An emulator in this process, and a client of its training-job API that is not ours: requests for
the API, boto3 for the storage."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import requests
import yaml

from cicd.emulator.host.opening import open_world
from cicd.emulator.host.server import default_runner, http_server, listen
from cicd.emulator.training_job import TRAINING_JOB
from cicd.emulator.world import World
from tests.emulator.emulator_client import wait_for

ENDS = ("SUCCESSFUL", "FAILED", "STOPPED")
RESOURCES = {"cpus": 1, "gpus": 0, "memory": 2048}
KEYS = [
    "containerID",
    "finishTime",
    "job_id",
    "name",
    "startTime",
    "status",
    "submissionTime",
]


@dataclass
class Service:
    """What a client knows: the four variables; and for some tests the emulator itself."""

    variables: Mapping[str, str]
    session: requests.Session
    opened: World | None = None
    objects: Any = None

    @property
    def world(self) -> World:
        """Of an emulator in this process."""
        assert self.opened
        return self.opened

    @property
    def api(self) -> str:
        return f"{self.variables['TRAINING_JOB_API_URL']}/api/v2"

    @property
    def login(self) -> tuple[str, str]:
        return (
            self.variables["TRAINING_JOB_CLIENT_ID"],
            self.variables["TRAINING_JOB_CLIENT_SECRET"],
        )

    def token(self) -> str:
        url = self.variables["TRAINING_JOB_TOKEN_URL"]
        query = {"grant_type": "client_credentials"}
        answer = self.session.get(url, params=query, auth=self.login, timeout=30)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def sign_in(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {self.token()}"

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        """A request below the base of the API."""
        return self.session.request(method, f"{self.api}{path}", timeout=30, **more)

    def storage(self) -> dict[str, Any]:
        found: dict[str, Any] = self.send("GET", "/storage").json()
        return found

    def s3(self) -> Any:
        """boto3 on the storage of the API; the bucket is there."""
        if self.objects is None:  # it takes a moment to make one
            self.objects = s3_client(self.storage())
            self.objects.create_bucket(Bucket="data")
        return self.objects

    def submit(self, command: str, files: Mapping[str, bytes] | None = None, **job: Any) -> str:
        """The id of a new job whose files are in the storage."""
        job_id = str(uuid.uuid4())
        if files:
            s3 = self.s3()
            for name, content in files.items():
                s3.put_object(Bucket="data", Key=f"jobs/test-{job_id}/{name}", Body=content)
        body = yaml.safe_dump(document(command, **job), allow_unicode=True)
        answer = self.send("POST", f"/jobs/{job_id}", data=body.encode())
        assert answer.status_code == 201, answer.text
        assert list(answer.json()) == KEYS
        return job_id

    def status(self, job_id: str) -> dict[str, Any]:
        answer = self.send("GET", f"/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def wait(self, job_id: str, *words: str) -> dict[str, Any]:
        """The status of a job once it is one of the words, or it has ended."""
        wanted = words or ENDS
        found: dict[str, Any] = wait_for(
            lambda: self.status(job_id),
            lambda shown: shown["status"] in (*wanted, *ENDS),
            seconds=60,
            gap=0.03,
        )
        assert found["status"] in wanted, (found, self.log(job_id))
        return found

    def log(self, job_id: str, offset: int | None = None) -> str:
        query = {} if offset is None else {"offset": str(offset)}
        answer = self.send("GET", f"/jobs/{job_id}/logs", params=query)
        assert answer.status_code == 200, answer.text
        return answer.content.decode()

    def files(self, job_id: str, name: str = "test") -> dict[str, bytes]:
        """What the storage has of a job."""
        s3, prefix = self.s3(), f"jobs/{name}-{job_id}/"
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="data", Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        return {
            key.removeprefix(prefix): s3.get_object(Bucket="data", Key=key)["Body"].read()
            for key in keys
        }

    def run(self, command: str, files: Mapping[str, bytes] | None = None, **job: Any) -> str:
        """The id of a job that has ended well."""
        job_id = self.submit(command, files, **job)
        assert self.wait(job_id)["status"] == "SUCCESSFUL", self.log(job_id)
        return job_id

    def fault(self, **rule: Any) -> None:
        """Put a fault rule into force, as ``cicd emulator faults add`` does."""
        token = self.world.credentials.issue("aicore", issuer=self.world.base_url)
        answer = requests.post(
            f"{self.world.base_url}/emulator/faults",
            json={name.replace("_", "-"): value for name, value in rule.items()},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text


def document(command: str = "true", **job: Any) -> dict[str, Any]:
    """The body of a submission, whose parts may be said otherwise; None leaves one out."""
    execution = {
        "command": command,
        "completionTime": "10000",
        "image": "python:3.11",
        "resources": RESOURCES,
        **job.pop("execution", {}),
    }
    made = {"name": "test", **job, "execution": execution}
    return {"job": without_none({**made, "execution": without_none(execution)})}


def without_none(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}


def s3_client(
    storage: Mapping[str, Any], *, signature_version: str | None = None, **other: Any
) -> Any:
    """boto3 as a client of the API makes it of what it is told."""
    login = {
        "aws_access_key_id": storage["accessKey"],
        "aws_secret_access_key": storage["secretKey"],
        **other,
    }
    config = import_module("botocore.config").Config(
        retries={"max_attempts": 1},
        s3={"addressing_style": "path"},
        signature_version=signature_version,
    )
    url = f"http{'s' if storage['secure'] else ''}://{storage['endpoint']}"
    return import_module("boto3").client(
        "s3", endpoint_url=url, region_name="us-east-1", config=config, **login
    )


@contextmanager
def emulator(data: Path) -> Iterator[Service]:
    """An emulator that really runs jobs, and a client that is signed in."""
    data.mkdir(exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(data)}
    with listen(data, 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        world = open_world(data, url, environ, default_runner(environ, data))
        server = http_server(world)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with requests.Session() as session:
                session.trust_env = False
                variables = TRAINING_JOB.variables(url, world.credentials)
                service = Service(variables, session, world)
                service.sign_in()
                yield service
        finally:
            server.should_exit = True
            thread.join()
            world.close()
