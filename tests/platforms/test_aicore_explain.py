"""What is likely when a run or deployment fails, from what AI Core says in its many shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cicd.model import Key, LiveResource, State, Status
from cicd.platforms import registry
from cicd.platforms.aicore.dialect.template_needs import Needs
from cicd.platforms.base import Finding, Platform
from tests.platforms.aicore_world import environ, stage
from tests.platforms.stub_server import Reply, StubServer, page, running

ID = "e0123456789abcdef"
NEEDS = Needs(
    images=("docker.io/org/train:{{workflow.parameters.tag}}",),
    pull_secrets=("registry",),
    secrets=("api-key",),
    plans=("train.l",),
)


@pytest.fixture
def stub() -> Iterator[StubServer]:
    """A tenant in which all that NEEDS names is there."""
    with running() as (server, url):
        server.url = url
        server.on("GET", "/v2/admin/dockerRegistrySecrets", page({"name": "registry"}))
        server.on("GET", "/v2/admin/secrets", page({"name": "api-key"}))
        server.on("GET", "/v2/admin/objectStoreSecrets", page({"name": "default"}))
        plans = {"train.l": {"cpu": "7", "memory": "55Gi", "gpu": "1"}}
        server.on("GET", "/v2/admin/resources/instanceTypes", Reply(200, plans))
        configuration = {
            "id": "c1",
            "name": "training",
            "parameterBindings": [{"key": "tag", "value": "1.4"}],
            "inputArtifactBindings": [{"key": "data", "artifactId": "a1"}],
        }
        server.on("GET", "/v2/lm/configurations/c1", Reply(200, configuration))
        artifact = {"id": "a1", "url": "ai://default/d", "name": "data"}
        server.on("GET", "/v2/lm/artifacts/a1", Reply(200, artifact))
        yield server


@pytest.fixture
def platform(stub: StubServer) -> Iterator[Platform]:
    connected = registry.connect(stage(), environ(stub.url))
    yield connected
    connected.close()


def a_run(stub: StubServer, kind: str, *lines: str, **rest: Any) -> LiveResource:
    """Something that the tenant has, with this log."""
    document = {"id": ID, "configurationId": "c1", "configurationName": "training", **rest}
    stub.on("GET", f"/v2/lm/{kind}s/{ID}", Reply(200, {"status": "DEAD", **document}))
    times = [f"2026-01-01T00:00:{number:02d}Z" for number in range(len(lines))]
    items = [{"timestamp": t, "msg": m} for t, m in zip(times, lines, strict=True)]
    log = {"data": {"result": items[::-1]}}
    stub.on("GET", f"/v2/lm/{kind}s/{ID}/logs", Reply(200, log))
    return LiveResource(Key(kind, "train"), ID, {}, Status(State.UNKNOWN, "UNKNOWN"))


def explained(
    platform: Platform, live: LiveResource, needs: Needs = NEEDS
) -> dict[str, list[Finding]]:
    """Check -> findings."""
    found: dict[str, list[Finding]] = {}
    for finding in platform.explain(platform.get(live), needs):
        found.setdefault(finding.check, []).append(finding)
    return found


def container(message: str = "", code: int | None = None, said: str = "") -> dict[str, Any]:
    """The statusDetails of an execution, as AI Core has them."""
    details = {"container_name": "main", "exit_code": code, "message": message, "pod_name": "p"}
    return {"details": [{**details, "last_log_messages": said, "ready": False}]}


def reported(message: str) -> dict[str, Any]:
    """The statusDetails of an execution whose containers tell nothing."""
    return {"workflow_info": [{"id": ID, "exit_code": None, "message": message}]}


def reconciled(message: str) -> dict[str, Any]:
    """The statusDetails of a deployment, as AI Core has them."""
    entry = [{"code": "500", "message": message}]
    return {"aiApiDetails": {"statusUpdater": {"message": entry}, "reconciler": {"message": []}}}


@pytest.mark.parametrize(
    ("kind", "details", "lines", "expected"),
    [
        (
            "deployment",
            reconciled('Back-off pulling image "docker.io/org/x:9": ImagePullBackOff'),
            (),
            "the image of a container cannot be pulled",
        ),
        (
            "execution",
            container("failed to pull: manifest unknown: manifest unknown"),
            (),
            "no such image or tag",
        ),
        (
            "deployment",
            reconciled("ErrImagePull: pull access denied, repository may require docker login"),
            (),
            "the registry does not let it in",
        ),
        (
            "deployment",
            reconciled("toomanyrequests: You have reached your pull rate limit"),
            (),
            "no more for now",
        ),
        ("execution", container("OOMKilled (exit code 137)", 137), ("epoch 3",), "more memory"),
        ("execution", container("", 137), (), "more memory"),
        ("execution", container("Error", 1), ("Traceback", "MemoryError"), "more memory"),
        (
            "deployment",
            reconciled("0/9 nodes are available: 9 Insufficient nvidia.com/gpu."),
            (),
            "there is no room for it",
        ),
        (
            "execution",
            reported("Task currently un-schedulable due to lack of resource"),
            (),
            "there is no room for it",
        ),
        ("deployment", reconciled("exceeded quota: pods=50, used 50"), (), "a quota is used up"),
        (
            "deployment",
            reconciled('CreateContainerConfigError: secret "api-key" not found'),
            (),
            "a secret that its template names is not there",
        ),
        (
            "execution",
            container("Error (exit code 1)", 1),
            ("botocore.errorfactory.NoSuchKey: The specified key does not exist.",),
            "an input is not where its artifact says",
        ),
        (
            "execution",
            container("Error", 1, "An error occurred (InvalidAccessKeyId) when calling PutObject"),
            (),
            "the object store refuses the login",
        ),
        (
            "execution",
            reported("Pod was active on the node longer than the specified deadline"),
            (),
            "longer than it may",
        ),
        (
            "deployment",
            reconciled("CrashLoopBackOff: back-off 5m0s restarting"),
            (),
            "again and again",
        ),
        (
            "deployment",
            reconciled("Readiness probe failed: dial tcp: connect: connection refused"),
            (),
            "does not answer on its port",
        ),
        (
            "execution",
            container("", 127),
            ("sh: 1: trian.py: command not found",),
            "command of the container",
        ),
        (
            "execution",
            container("Error", 1),
            ("ModuleNotFoundError: No module named 'torch'",),
            "a Python package is missing",
        ),
        (
            "execution",
            container("Error", 1),
            ("exec /bin/sh: exec format error",),
            "another processor",
        ),
        (
            "execution",
            container("Error", 1),
            ("PermissionError: [Errno 13] Permission denied: '/app'",),
            "user 65534",
        ),
        ("execution", container("Error", 139), (), "crashed in native code"),
        (
            "execution",
            reported("secret api-key does not exist in the resource group"),
            ("step e1: secret api-key does not exist in the resource group",),
            "a secret that its template names is not there",
        ),
        (
            "execution",
            reported("nothing stands in for image x/y:1 on this machine"),
            (),
            "nothing stands in for its image",
        ),
    ],
)
def test_a_failure_says_what_is_likely_and_what_to_do(
    stub: StubServer,
    platform: Platform,
    kind: str,
    details: dict[str, Any],
    lines: tuple[str, ...],
    expected: str,
) -> None:
    found = explained(platform, a_run(stub, kind, *lines, statusDetails=details))
    assert found["status"][0].state == "error"
    assert expected in found["likely"][0].text
    assert found["likely"][0].cure


@pytest.mark.parametrize(
    ("message", "code", "line", "expected"),
    [
        ("nothing stands in for image acme/x:1 on this machine", None, "", "nothing stands in"),
        ("not ready after 3 starts: port 8080 was not ready after 8 s", 143, "", "on its port"),
        ("not ready after 3 starts: exit code 0", 0, "bye", "a server goes on"),
        ("exit code 127", 127, "cannot start serve: No such file or directory", "command of the"),
        ("env X: secret gone does not exist in the resource group", None, "", "a secret that"),
        ("more than 500 processes at once (exit code 137)", 137, "", "more processes"),
        ("Evicted: more than 20 GiB written to disk (exit code 137)", 137, "", "the disk is full"),
    ],
)
def test_what_the_emulator_says_has_one_cause(
    stub: StubServer, platform: Platform, message: str, code: int | None, line: str, expected: str
) -> None:
    details = {**reconciled(message), **container("", code)} if code else reconciled(message)
    live = a_run(stub, "deployment", line, statusDetails=details)
    [found] = explained(platform, live)["likely"]
    assert expected in found.text


def test_a_failure_of_unknown_words_points_at_its_log(stub: StubServer, platform: Platform) -> None:
    live = a_run(stub, "execution", "loss is nan", statusDetails=container("Error", 3))
    (likely,) = explained(platform, live)["likely"]
    assert "the end of its log says why" in likely.text
    assert "exit code 3" in platform.get(live).status.message


@pytest.mark.parametrize("message", ["", "Pod was rejected", "Error"])
def test_what_never_began_does_not_point_at_a_log_that_is_not_there(
    stub: StubServer, platform: Platform, message: str
) -> None:
    (likely,) = explained(platform, a_run(stub, "execution", statusDetails=reported(message)))[
        "likely"
    ]
    assert "its program never began" in likely.text


@pytest.mark.parametrize("status", ["PENDING", "UNKNOWN"])
def test_what_waits_says_for_what(stub: StubServer, platform: Platform, status: str) -> None:
    found = explained(platform, a_run(stub, "deployment", status=status))
    assert "it waits for a node" in found["likely"][0].text
    told = reconciled("0/3 nodes are available: 3 Insufficient memory")
    found = explained(platform, a_run(stub, "deployment", status=status, statusDetails=told))
    assert "no room" in found["likely"][0].text


@pytest.mark.parametrize(
    ("kind", "status"), [("execution", "COMPLETED"), ("deployment", "RUNNING")]
)
def test_what_is_well_has_no_likely_cause(
    stub: StubServer, platform: Platform, kind: str, status: str
) -> None:
    live = a_run(stub, kind, "warning: No module named 'tensorboard'", status=status)
    found = explained(platform, live)
    assert "likely" not in found
    assert found["status"] == [Finding("status", "ok", status)]


def test_what_its_template_needs_is_looked_for(stub: StubServer, platform: Platform) -> None:
    found = explained(platform, a_run(stub, "execution"))
    assert found["image"] == [Finding("image", "ok", "docker.io/org/train:1.4")]
    assert found["pull secret"] == [Finding("pull secret", "ok", '"registry" is there')]
    assert found["secret"] == [Finding("secret", "ok", '"api-key" is there')]
    assert found["resource plan"][0].text == "train.l: 7 CPU, 55Gi memory, 1 GPU"
    assert found["input"][0].text == "data: ai://default/d"
    assert found["object store"][0].state == "ok"


@pytest.mark.parametrize(
    ("path", "check", "text"),
    [
        ("/v2/admin/dockerRegistrySecrets", "pull secret", 'no docker registry secret "registry"'),
        ("/v2/admin/secrets", "secret", 'no generic secret "api-key"'),
        ("/v2/admin/objectStoreSecrets", "object store", 'no object store secret "default"'),
    ],
)
def test_a_secret_that_is_not_there_is_said(
    stub: StubServer, platform: Platform, path: str, check: str, text: str
) -> None:
    stub.on("GET", path, page())
    (finding,) = explained(platform, a_run(stub, "execution"))[check]
    assert finding.state in {"error", "warning"}
    assert text in finding.text
    assert finding.cure


def test_an_input_that_is_gone_is_said(stub: StubServer, platform: Platform) -> None:
    stub.on("GET", "/v2/lm/artifacts/a1", Reply(404, {"error": {"code": "1", "message": "no"}}))
    (finding,) = explained(platform, a_run(stub, "execution"))["input"]
    assert (finding.state, "no artifact a1" in finding.text) == ("error", True)


@pytest.mark.parametrize("status", [403, 404, 500, 501])
def test_what_a_login_may_not_see_is_left_out(
    stub: StubServer, platform: Platform, status: int
) -> None:
    refused = Reply(status, {"error": {"code": "x", "message": "no"}})
    paths = ("dockerRegistrySecrets", "secrets", "objectStoreSecrets", "resources/instanceTypes")
    for path in paths:
        stub.on("GET", f"/v2/admin/{path}", refused)
    stub.on("GET", "/v2/lm/configurations/c1", refused)
    found = explained(platform, a_run(stub, "execution", statusDetails=container("", 137)))
    assert found.keys() == {"status", "likely", "image", "resource plan"}


@pytest.mark.parametrize(
    "details",
    [None, {}, [], "text", 7, {"details": None}, {"details": [None, 1, {"exit_code": "1"}]}],
)
def test_details_of_any_shape_are_taken(stub: StubServer, platform: Platform, details: Any) -> None:
    found = explained(platform, a_run(stub, "execution", statusDetails=details))
    assert found["status"][0].text == "DEAD"


def test_the_end_of_a_log_is_its_last_lines_in_their_order(
    stub: StubServer, platform: Platform
) -> None:
    lines = [f"line {number}" for number in range(30)]
    lines.insert(28, 'time="2026-01-01" level=info msg="sub-process exited"')
    live = a_run(stub, "execution", *lines)
    assert [entry.text for entry in platform.tail(live, 3)] == ["line 27", "line 28", "line 29"]
    assert stub.sent("GET", f"/v2/lm/executions/{ID}/logs")[0].query["$order"] == "desc"


@pytest.mark.parametrize("status", [400, 404])
def test_where_there_is_no_log_the_last_words_of_the_container_count(
    stub: StubServer, platform: Platform, status: int
) -> None:
    details = container("Error", 1, "a\nb\nlast")
    live = platform.get(a_run(stub, "execution", statusDetails=details))
    gone = Reply(status, {"error": {"code": "x", "message": "no log"}})
    stub.on("GET", f"/v2/lm/executions/{ID}/logs", gone)
    assert [entry.text for entry in platform.tail(live, 2)] == ["b", "last"]


@pytest.mark.parametrize(
    ("needs", "check", "expected"),
    [
        (Needs(images=("docker.io/Org/x:1",)), "image", [("warning", "is no name of an image")]),
        (Needs(images=("a b",)), "image", [("warning", '"a b" is no name of an image')]),
        (
            Needs(images=("x:{{workflow.parameters.tag}}", "x:{{parameters.tag}}", "y:{{z}}")),
            "image",
            [("ok", "x:1.4"), ("ok", "y:{{z}}")],
        ),
        (
            Needs(images=("x@sha256:AB", "Y:Z")),
            "image",
            [("ok", "x@sha256:AB"), ("warning", '"Y:Z"')],
        ),
        (
            Needs(secrets=("api-key", "other", "default", "api-key")),
            "secret",
            [("ok", '"api-key" is there'), ("error", '"other"'), ("error", '"default"')],
        ),
        (
            Needs(plans=("train.l", "none", "{{inputs.parameters.p}}")),
            "resource plan",
            [("ok", "train.l: 7 CPU, 55Gi memory, 1 GPU"), ("ok", "none")],
        ),
        (Needs(plans=("odd", "small")), "resource plan", [("ok", "odd"), ("ok", "small: 1 CPU")]),
    ],
)
def test_all_that_a_template_needs_is_looked_for_by_its_name(
    stub: StubServer,
    platform: Platform,
    needs: Needs,
    check: str,
    expected: list[tuple[str, str]],
) -> None:
    plans = {"train.l": {"cpu": "7", "memory": "55Gi", "gpu": "1"}, "odd": 7, "small": {"cpu": "1"}}
    stub.on("GET", "/v2/admin/resources/instanceTypes", Reply(200, plans))
    found = explained(platform, a_run(stub, "execution"), needs)[check]
    assert [finding.state for finding in found] == [state for state, _ in expected]
    assert all(text in finding.text for finding, (_, text) in zip(found, expected, strict=True))


def test_a_secret_of_an_object_store_has_a_longer_name(
    stub: StubServer, platform: Platform
) -> None:
    stub.on("GET", "/v2/admin/secrets", page({"name": "mine-object-store-secret"}))
    found = explained(platform, a_run(stub, "execution"), Needs(secrets=("mine",)))["secret"]
    assert [finding.text for finding in found] == ['"mine" is there']


def test_where_nothing_is_needed_nothing_is_asked(stub: StubServer, platform: Platform) -> None:
    found = explained(platform, a_run(stub, "execution"), Needs())
    assert not {"image", "pull secret", "secret", "resource plan"} & found.keys()
    asked = {request.path.rpartition("/")[2] for request in stub.sent("GET")}
    assert not asked & {"dockerRegistrySecrets", "secrets", "instanceTypes"}


@pytest.mark.parametrize(
    ("status", "lines", "details", "text"),
    [
        ("DEAD", ("words",), {}, "its program ended by itself"),
        ("DEAD", (), container("x", 3), "its program ended by itself"),
        ("DEAD", (), container("odd", 0), "its program never began"),
        ("PENDING", (), {}, "it waits for a node"),
        ("NOVEL", (), {}, "it waits for a node"),
        ("STOPPED", (), {}, None),
        ("RUNNING", ("words",), {}, None),
    ],
)
def test_without_known_words_it_is_told_how_far_it_came(
    stub: StubServer,
    platform: Platform,
    status: str,
    lines: tuple[str, ...],
    details: dict[str, Any],
    text: str | None,
) -> None:
    live = a_run(stub, "execution", *lines, status=status, statusDetails=details)
    found = [finding.text for finding in explained(platform, live).get("likely", ())]
    assert [line.startswith(text or "") for line in found] == ([True] if text else [])


def test_what_no_run_is_has_only_its_status(platform: Platform) -> None:
    failed = Status(State.FAILED, "ERROR", "why")
    live = LiveResource(Key("repository", "r"), "r", {}, failed)
    assert list(platform.explain(live, NEEDS)) == [Finding("status", "error", "ERROR: why")]
