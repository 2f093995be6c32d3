"""The routes of the training-job API, each with its answers."""

from __future__ import annotations

import base64
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests.emulator.training_job.training_job_client import KEYS, RESOURCES, Service, document

GRANT = {"grant_type": "client_credentials"}
REFUSED = {"error": "unauthorized", "error_description": "Bad credentials"}
NOBODY = str(uuid.UUID(int=7))


@pytest.mark.parametrize("how", ["get-basic", "post-basic", "post-form", "post-encoded-basic"])
def test_a_token_is_given_to_who_knows_the_secret(service: Service, how: str) -> None:
    url = service.variables["TRAINING_JOB_TOKEN_URL"]
    name, secret = service.login
    asked: dict[str, Any] = {"method": "POST", "data": GRANT, "auth": service.login}
    if how == "get-basic":
        asked = {"method": "GET", "params": GRANT, "auth": service.login}
    elif how == "post-form":
        asked = {"method": "POST", "data": {**GRANT, "client_id": name, "client_secret": secret}}
    elif how == "post-encoded-basic":
        asked["auth"] = (quote(name, safe=""), quote(secret, safe=""))
    service.session.headers.pop("Authorization", None)
    answer = service.session.request(url=url, timeout=30, **asked)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"access_token", "token_type", "expires_in"}
    assert answer.json()["token_type"] == "bearer" and answer.json()["expires_in"] == 3600
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert service.send("GET", "/jobs", headers=bearer).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ({"data": GRANT, "auth": ("x", "y")}, 401, REFUSED),
        ({"data": GRANT, "headers": {"Authorization": "Basic !"}}, 401, REFUSED),
        ({"data": GRANT, "headers": {"Authorization": "Basic /////w=="}}, 401, REFUSED),
        ({"data": {**GRANT, "client_id": "x"}}, 401, REFUSED),
        ({"data": GRANT}, 401, REFUSED),
        ({"data": {}}, 400, {"error": "unsupported_grant_type"}),
        ({"data": {"grant_type": "password"}}, 400, {"error": "unsupported_grant_type"}),
        ({"data": b"\xff\xfe\0" * 99}, 400, {"error": "unsupported_grant_type"}),
    ],
)
def test_no_token_is_given_to_others(
    service: Service, asked: dict[str, Any], status: int, body: Any
) -> None:
    service.session.headers.pop("Authorization", None)
    answer = service.session.post(service.variables["TRAINING_JOB_TOKEN_URL"], timeout=30, **asked)
    assert (answer.status_code, answer.json()) == (status, body)


def nested(line: bytes) -> bytes:
    """Each level is twice the one before."""
    return b"".join(line % (level, level, level - 1, level - 1) for level in range(1, 60))


ROUTES = [
    ("GET", "/storage"),
    ("GET", "/jobs"),
    ("GET", f"/jobs/{NOBODY}"),
    ("GET", f"/jobs/{NOBODY}/logs"),
    ("POST", f"/jobs/{NOBODY}"),
    ("DELETE", f"/jobs/{NOBODY}"),
    ("GET", "/anything"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_needs_a_token(service: Service, method: str, path: str) -> None:
    good = service.token()
    flipped = base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(good + "==").replace(b"179", b"999", 1)
    ).decode()
    wrong = ["", "Bearer", "Bearer x", f"Basic {good}", f"Bearer {good[:-4]}", f"Bearer {flipped}"]
    of_aicore = service.world.credentials.issue("aicore", issuer="x")
    for header in [*wrong, f"Bearer {of_aicore}", "Bearer \xe9"]:
        headers = {"Authorization": header.encode("latin-1")}
        answer = service.send(method, path, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_token"}), header


def test_a_token_of_this_api_opens_no_other(service: Service) -> None:
    answer = service.session.get(f"{service.world.base_url}/v2/lm/executions", timeout=30)
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize(
    "path", [f"/jobs/{NOBODY}", f"/jobs/{NOBODY}/logs", "/jobs/x", "/xyz", "/"]
)
def test_what_is_not_there_is_404(service: Service, path: str) -> None:
    answer = service.send("GET", path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}


def test_what_is_not_there_cannot_be_stopped(service: Service) -> None:
    assert service.send("DELETE", f"/jobs/{NOBODY}").status_code == 404
    assert service.send("PUT", f"/jobs/{NOBODY}").status_code == 405


def test_the_storage_is_an_endpoint_without_a_path(service: Service) -> None:
    found = service.storage()
    assert set(found) == {"endpoint", "accessKey", "secretKey", "secure"}
    assert f"http://{found['endpoint']}" == service.world.base_url
    assert found["secure"] is False


@pytest.mark.parametrize(
    ("content_type", "written"),
    [
        (None, yaml.safe_dump),
        ("application/json", yaml.safe_dump),
        ("text/yaml", json.dumps),
        ("x", json.dumps),
    ],
)
def test_a_job_is_submitted_in_yaml_or_json_of_any_content_type(
    service: Service, content_type: str | None, written: Any
) -> None:
    job_id = str(uuid.uuid4())
    headers = {} if content_type is None else {"Content-Type": content_type}
    body = written(document(name="jöb")).encode()
    answer = service.send("POST", f"/jobs/{job_id}", data=body, headers=headers)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert list(shown) == KEYS
    assert shown["job_id"] == job_id and shown["name"] == "jöb" and shown["status"] == "PENDING"
    assert shown["containerID"] == shown["startTime"] == "" and shown["finishTime"] is None
    assert time.strptime(shown["submissionTime"], "%Y-%m-%dT%H:%M:%SZ")
    again = service.send("POST", f"/jobs/{job_id}", data=body)
    assert (again.status_code, again.json()) == (409, {"error": f"job {job_id} exists"})
    assert job_id in [one["job_id"] for one in service.send("GET", "/jobs").json()]


def test_a_status_has_seven_keys_from_the_first_to_the_last(service: Service) -> None:
    job_id = service.submit("echo begun; sleep 600")
    running = service.wait(job_id, "RUNNING")
    assert running["containerID"] and running["startTime"] and running["finishTime"] is None
    stopping = service.send("DELETE", f"/jobs/{job_id}")
    assert stopping.status_code == 202
    assert list(stopping.json()) == KEYS and stopping.json()["status"] == "STOPPING"
    stopped = service.wait(job_id, "STOPPED")
    assert list(stopped) == KEYS
    times = [stopped[name] for name in ("submissionTime", "startTime", "finishTime")]
    assert times == sorted(times)
    again = service.send("DELETE", f"/jobs/{job_id}")
    assert (again.status_code, again.json()) == (202, stopped)


def test_a_job_is_stopped_the_moment_it_was_submitted(service: Service) -> None:
    job_id = service.submit("sleep 600")
    assert service.send("DELETE", f"/jobs/{job_id}").status_code == 202
    service.wait(job_id, "STOPPED")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "missing: job"),
        ({"job": {}}, "missing: job"),
        (document(execution={"image": None}), "missing: execution.image"),
        (document(execution={"command": None}), "missing: execution.command"),
        (document(execution={"completionTime": None}), "missing: execution.completionTime"),
        (document(execution={"resources": None}), "missing: execution.resources"),
        (document(name=None), "missing: name"),
        (
            {"job": {"name": "x"}},
            "missing: execution.command, execution.completionTime, execution.image, "
            "execution.resources",
        ),
        (document(execution={"image": ""}), "missing: execution.image"),
        (document(execution={"image": "team/own:1"}), "unknown image team/own:1"),
        (document(execution={"resources": {"cpus": 1}}), "execution.resources.gpus"),
        (document(execution={"resources": {**RESOURCES, "cpus": "1"}}), "cpus must be a whole"),
        (document(execution={"resources": {**RESOURCES, "gpus": 1.5}}), "gpus must be a whole"),
        (
            document(execution={"resources": {**RESOURCES, "memory": True}}),
            "memory must be a whole",
        ),
        (document(execution={"resources": {**RESOURCES, "memory": -1}}), "memory must be a whole"),
        (document(execution={"resources": [1]}), "resources must be a map"),
        (document(execution={"retries": 99}), "retries must be"),
        (document(execution={"command": ["a", "b"]}), "command must be a text"),
        (document(name="../x"), "name must be"),
        (document(name=".."), "name must be"),
        (document(name="a\nb"), "name must be"),
        (document(name={"a": 1}), "name must be a text"),
        (document(env={"A": "1"}), "env must be a list"),
        (document(env=[{"value": "1"}, "x"]), "env[0].name must be"),
        (document(env=[{"name": "A", "value": ["1"]}]), "env[0].value must be"),
        (document(env=[{"name": "A=B", "value": "1"}]), "env[0].name must be"),
        ([], "must be a map"),
        ("text", "must be a map"),
        ({"job": "text"}, "job must be a map"),
        ({"job": {"name": "a", "execution": 7}}, "execution must be a map"),
    ],
)
def test_what_is_wrong_with_a_submission_is_said(service: Service, body: Any, said: str) -> None:
    job_id = str(uuid.uuid4())
    answer = service.send("POST", f"/jobs/{job_id}", data=json.dumps(body))
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"} and said in answer.json()["error"]
    assert service.send("GET", f"/jobs/{job_id}").status_code == 404


def test_all_that_is_wrong_is_said_at_once(service: Service) -> None:
    body = {"job": {"env": 1, "execution": {"resources": {"cpus": "a"}, "retries": -1}}}
    said = service.send("POST", f"/jobs/{NOBODY}", json=body).json()["error"]
    for part in ("name", "execution.image", "resources.gpus", "cpus must", "env must", "retries"):
        assert part in said


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\xfa",
        b"job: [",
        b"job: {a: b",
        b"a: 1\na: 2",
        b"--- 1\n--- 2",
        b"!!python/object/apply:os.system [id]",
        b"&a [*a]",
        b"job: &a {name: *a}",
        b"? [1, 2]\n: 3",
        b"[" * 100_000,
        b"{job: " * 50_000,
        b"9" * 500_000,
        b"job: 0x" + b"f" * 100_000,
        b"\0\0\0",
        b'{"job": "\\ud800"}',
        b"job: !!timestamp 2001-99-99",
        b"a0: &a0 [x]\n" + nested(b"a%d: &a%d [*a%d, *a%d]\n"),
        b"a0: &a0 {x: y}\n" + nested(b"a%d: &a%d {<<: [*a%d, *a%d]}\n"),
        b"job: {name: a, env: [{name: a, value: 0x" + b"f" * 99_999 + b"}]}",
        b"job: {name: a, env: [{name: a, value: !!binary /w==}]}",
        b"x: .nan",
        b"job:\n\t name: tab",
    ],
    ids=lambda body: str(body[:20]),
)
def test_a_hostile_body_is_a_400(service: Service, body: bytes) -> None:
    answer = service.send("POST", f"/jobs/{uuid.uuid4()}", data=body)
    assert answer.status_code == 400, (answer.status_code, answer.text[:200])
    assert set(answer.json()) == {"error"} and len(answer.text) < 2000


def test_a_huge_body_is_refused(service: Service) -> None:
    body = b"#" * (2 * 2**20)
    assert service.send("POST", f"/jobs/{uuid.uuid4()}", data=body).status_code == 413
    assert service.send("GET", "/jobs").status_code == 200


@pytest.mark.parametrize(
    "job_id", ["x", "1" * 36, "..", "%2e%2e", "a" * 5000, "8f1b6c1e-2f5d-4c0a-9a57-1d2e3f40516"]
)
def test_an_id_must_be_a_uuid(service: Service, job_id: str) -> None:
    answer = service.send("POST", f"/jobs/{job_id}", json=document())
    assert answer.status_code in (400, 404, 405), answer.status_code


def test_an_odd_offset_is_a_400(service: Service) -> None:
    job_id = service.submit("true")
    for offset in ("-1", "x", "1.5", "١", "9" * 40, "0x1"):
        answer = service.send("GET", f"/jobs/{job_id}/logs", params={"offset": offset})
        assert answer.status_code == 400 and "offset" in answer.json()["error"], offset


def test_of_many_who_submit_one_id_one_does(service: Service) -> None:
    for _ in range(3):
        path, body = f"/jobs/{uuid.uuid4()}", document()
        with ThreadPoolExecutor(8) as pool:
            sent = [pool.submit(service.send, "POST", path, json=body) for _ in range(8)]
            statuses = sorted(one.result().status_code for one in sent)
        assert statuses == [201, *[409] * 7]
        service.wait(path.rpartition("/")[2], "SUCCESSFUL")
