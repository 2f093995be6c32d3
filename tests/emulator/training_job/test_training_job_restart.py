"""What an emulator knows of jobs and objects outlives it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cicd.emulator import running
from cicd.emulator.host.testing import Emulator
from tests.emulator.emulator_client import wait_for
from tests.emulator.training_job.training_job_client import Service, document, emulator


def test_a_restart_loses_nothing_and_goes_on_with_what_ran(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with emulator(data) as service:
        bearer = service.session.headers["Authorization"]
        done = service.run("echo once; echo 1 > model")
        failed = service.submit("exit 3")
        service.wait(failed, "FAILED")
        going = service.submit("cat x; echo begun; exec sleep 600", {"x": b"1\n"})
        wait_for(lambda: service.log(going), lambda said: "begun\n" in said)
        listed = service.send("GET", "/jobs").json()
        said, model = service.log(done), service.files(done)
    with emulator(data) as service:
        # a token that was given out before is as good as ever
        assert service.send("GET", "/jobs", headers={"Authorization": bearer}).status_code == 200
        assert service.send("GET", "/jobs").json()[:2] == listed[:2]
        assert service.status(failed)["status"] == "FAILED"
        assert service.log(done) == said and service.files(done) == model
        assert service.send("POST", f"/jobs/{done}", json=document()).status_code == 409
        wait_for(lambda: service.log(going), lambda text: text.count("begun\n") == 2)
        assert service.status(going)["startTime"] == listed[2]["startTime"]
        service.send("DELETE", f"/jobs/{going}")
        service.wait(going, "STOPPED")
        service.run("true")


def test_a_stop_that_was_asked_for_is_done_after_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with emulator(data) as service:
        job_id = service.submit("sleep 600")
        service.wait(job_id, "RUNNING")
        service.world.runner.close()  # what runs it can do no more
        service.send("DELETE", f"/jobs/{job_id}")
    with emulator(data) as service:
        service.wait(job_id, "STOPPED")


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        yield made


def of_process(process: Emulator, session: requests.Session) -> Service:
    """A client of an emulator that is another process."""
    service = Service(process.platform("training_job"), session)
    service.sign_in()
    return service


def test_a_kill_leaves_one_job_and_one_model(tmp_path: Path, session: requests.Session) -> None:
    """The process of an emulator is killed, with what it runs."""
    command = "echo begun; test -e go && cp go model && exit 0; exec sleep 600"
    with running(tmp_path / "data") as process:
        service = of_process(process, session)
        job_id = service.submit(command, {"x": b"1"})
        wait_for(lambda: service.log(job_id), lambda said: "begun\n" in said)
        os.kill(process.endpoint.pid, signal.SIGKILL)
        process.stop()
        process.start()
        service = of_process(process, session)
        [shown] = service.send("GET", "/jobs").json()
        assert shown["job_id"] == job_id and shown["status"] in ("PENDING", "RUNNING")
        assert service.send("POST", f"/jobs/{job_id}", json=document()).status_code == 409
        wait_for(lambda: service.log(job_id), lambda said: said.count("begun\n") == 2)
        service.s3().put_object(Bucket="data", Key=f"jobs/test-{job_id}/go", Body=b"model")
        os.kill(process.endpoint.pid, signal.SIGKILL)
        process.stop()
        process.start()
        service = of_process(process, session)
        assert service.wait(job_id)["status"] == "SUCCESSFUL"
        assert service.files(job_id) == {"x": b"1", "go": b"model", "model": b"model"}
