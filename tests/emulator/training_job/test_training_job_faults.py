"""Everything that can go wrong with the service, on demand, as ``cicd emulator faults`` does it."""

from __future__ import annotations

import uuid

import pytest
import requests

from tests.emulator.emulator_client import wait_for
from tests.emulator.training_job.training_job_client import Service, document

NAME = "training_job"


def test_a_token_is_refused_once(service: Service) -> None:
    service.fault(operation=f"{NAME}.token.create", times=1, status=401)
    url, query = service.variables["TRAINING_JOB_TOKEN_URL"], {"grant_type": "client_credentials"}
    first = service.session.get(url, params=query, auth=service.login, timeout=30)
    refused = {"error": "unauthorized", "error_description": "Bad credentials"}
    assert (first.status_code, first.json()) == (401, refused)
    assert service.token()


def test_a_token_is_over_in_the_middle(service: Service) -> None:
    service.fault(operation=f"{NAME}.job.*", after=1, times=1, tokens="expired")
    assert service.send("GET", "/jobs").status_code == 200
    for path in ("/jobs", "/jobs", "/storage"):
        answer = service.send("GET", path)
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_token"})
    service.sign_in()
    assert service.send("GET", "/jobs").status_code == 200


def test_all_tokens_are_revoked(service: Service) -> None:
    old = service.token()
    service.fault(operation=f"{NAME}.storage.get", times=1, tokens="revoked")
    for token in (old, old):
        headers = {"Authorization": f"Bearer {token}"}
        assert service.send("GET", "/storage", headers=headers).status_code == 401
    service.sign_in()
    assert service.send("GET", "/storage").status_code == 200


@pytest.mark.parametrize("lifetime", [0, 0.2])
def test_a_token_lives_as_long_as_it_says(service: Service, lifetime: float) -> None:
    service.fault(operation=f"{NAME}.token.create", times=1, lifetime=lifetime)
    service.sign_in()
    wait_for(lambda: service.send("GET", "/jobs").status_code, lambda status: status == 401)
    service.sign_in()
    assert service.send("GET", "/jobs").status_code == 200


@pytest.mark.parametrize("effect", [{"reset": True}, {"status": 503}, {"lost": "reset"}])
def test_the_storage_is_out_of_reach(service: Service, effect: dict[str, object]) -> None:
    s3 = service.s3()
    s3.put_object(Bucket="data", Key="k", Body=b"1")
    service.fault(path="/data*", **effect)
    with pytest.raises(Exception, match=r"closed|503|reached|Connection"):
        s3.get_object(Bucket="data", Key="k")
    assert service.send("GET", "/jobs").status_code == 200
    service.world.faults.clear()
    assert s3.get_object(Bucket="data", Key="k")["Body"].read() == b"1"


@pytest.mark.parametrize("lost", [500, 504, "reset"])
def test_a_submit_takes_effect_and_its_answer_is_lost(service: Service, lost: int | str) -> None:
    service.fault(operation=f"{NAME}.job.create", times=1, lost=lost)
    path = f"/jobs/{uuid.uuid4()}"
    if lost == "reset":
        with pytest.raises(requests.ConnectionError):
            service.send("POST", path, json=document())
    else:
        assert service.send("POST", path, json=document()).status_code == lost
    assert service.send("POST", path, json=document()).status_code == 409
    service.wait(path.rpartition("/")[2], "SUCCESSFUL")


def test_a_submit_that_is_refused_has_no_effect(service: Service) -> None:
    service.fault(operation=f"{NAME}.job.create", times=1, status=500, message="out of luck")
    path = f"/jobs/{uuid.uuid4()}"
    answer = service.send("POST", path, json=document())
    assert (answer.status_code, answer.json()) == (500, {"error": "out of luck"})
    assert service.send("GET", path).status_code == 404


def test_a_status_is_a_word_that_nobody_knows(service: Service) -> None:
    job_id = service.run("true")
    for word in ("HIBERNATING", "", "Running", "🙂"):
        service.fault(operation=f"{NAME}.job.*", **{"status-word": word})
        assert service.status(job_id)["status"] == word
        assert {one["status"] for one in service.send("GET", "/jobs").json()} == {word}
        service.world.faults.clear()
    assert service.status(job_id)["status"] == "SUCCESSFUL"


def test_there_is_no_log_before_a_job_runs(service: Service) -> None:
    service.fault(operation=f"{NAME}.log.get", **{"log-late": True})
    service.fault(operation=f"{NAME}.job.create", stuck=True)
    waiting = service.submit("echo never")
    for _ in "twice":
        answer = service.send("GET", f"/jobs/{waiting}/logs")
        assert answer.status_code == 404 and "log" in answer.json()["error"]
    assert service.status(waiting)["status"] == "PENDING"
    service.world.faults.clear()
    assert service.log(waiting) == ""
    service.fault(operation=f"{NAME}.log.get", **{"log-late": True})
    running = service.run("echo now")
    assert "now\n" in service.log(running)


def test_a_log_is_shorter_than_before(service: Service) -> None:
    job_id = service.submit("seq 1 100; while [ ! -e go ]; do sleep 0.05; done; echo after")
    wait_for(lambda: service.log(job_id), lambda said: "\n100\n" in said)
    whole = service.log(job_id)
    service.fault(operation=f"{NAME}.log.get", times=1, **{"log-shorter": True})
    assert service.log(job_id, len(whole)) == ""
    left = service.log(job_id)
    assert whole.endswith(left) and 0 < len(left) <= len(whole) // 2
    assert service.log(job_id, 5) == left[5:]
    service.send("DELETE", f"/jobs/{job_id}")
    service.wait(job_id, "STOPPED")


@pytest.mark.parametrize("path", ["", "/logs"])
def test_a_job_vanishes(service: Service, path: str) -> None:
    job_id = service.submit("sleep 600")
    other = service.run("true")
    service.wait(job_id, "RUNNING")
    service.fault(path=f"/{NAME}/api/v2/jobs/{job_id}*", times=1, vanish=True)
    assert service.send("GET", f"/jobs/{job_id}{path}").status_code == 404
    assert service.send("GET", f"/jobs/{job_id}").status_code == 404
    assert job_id not in service.send("GET", "/jobs").text
    assert service.status(other)["status"] == "SUCCESSFUL"
    assert service.send("POST", f"/jobs/{job_id}", json=document()).status_code == 201


def test_an_answer_takes_longer_than_a_client_waits(service: Service) -> None:
    job_id = service.run("true")
    urls = {
        "job.get": f"{service.api}/jobs/{job_id}",
        "log.get": f"{service.api}/jobs/{job_id}/logs",
        "storage.get": f"{service.api}/storage",
        "token.create": service.variables["TRAINING_JOB_TOKEN_URL"],
    }
    for operation, url in urls.items():
        service.fault(operation=f"{NAME}.{operation}", times=1, slow=1)
        with pytest.raises(requests.Timeout):
            service.session.get(url, timeout=0.1)
        assert service.session.get(url, timeout=30).status_code in (200, 400)


@pytest.mark.parametrize("effect", [{"dies": 0}, {"reset": True}, {"body": "not-json"}])
def test_what_the_emulator_can_do_to_others_it_can_do_here(
    service: Service, effect: dict[str, object]
) -> None:
    kind = "job.create" if "dies" in effect else "job.get"
    service.fault(operation=f"{NAME}.{kind}", times=1, **effect)
    job_id = service.submit("sleep 600" if "dies" in effect else "true")
    if "reset" in effect:
        with pytest.raises(requests.ConnectionError):
            service.status(job_id)
    elif "body" in effect:
        assert service.send("GET", f"/jobs/{job_id}").text == "this is not JSON"
    else:
        service.wait(job_id, "FAILED")
        assert "OOMKilled" in service.log(job_id)


def test_requests_are_recorded_by_the_names_of_their_operations(service: Service) -> None:
    service.world.faults.forget_requests()
    service.run("true")
    known = {record["operation"] for record in service.world.faults.requests()}
    assert {f"{NAME}.job.create", f"{NAME}.job.get"} <= known
    assert f"{NAME}.log.get" in service.world.faults.known
