"""Deployments for real, in both sandboxes: ready, replaced under load, crashing, stopped."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from cicd.emulator.jobs import Image, Replicas, Upstream
from cicd.emulator.runner.local import LocalRunner, create
from cicd.emulator.runner.serving.handover import connected
from cicd.emulator.runner.serving.template import BadTemplate, Scaling, check, read
from cicd.emulator.runner.settings import Settings
from tests.emulator.emulator_client import wait_for
from tests.emulator.runner.runner_journal import (
    ENVIRON,
    HAS_BWRAP,
    MemoryJournal,
    deployment,
    pause,
    serving,
)

FAST = Settings(grace=1.0, ready=10.0, crashes=2, backoff=0.05)
MODES = [
    pytest.param(
        "bubblewrap", marks=pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not installed")
    ),
    "process",
]


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(params=MODES)
def runner(request: pytest.FixtureRequest, journal: MemoryJournal) -> Iterator[LocalRunner]:
    mode: Literal["bubblewrap", "process"] = request.param
    found = create(journal, environ=ENVIRON, settings=replace(FAST, sandbox=mode))
    yield found
    found.close()


def ask(runner: LocalRunner, path: str = "/", deployment_id: str = "d1") -> str:
    """One request, as the inference URL sends it."""
    with runner.upstream(deployment_id) as upstream:
        if upstream is None:
            return "nothing"
        with contextlib.closing(connect(upstream)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read().decode()


def connect(upstream: Upstream) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port or None, timeout=20)
    if upstream.socket:
        connection.sock = connected(upstream.socket, 20)
    return connection


def status(journal: MemoryJournal, word: str, times: int = 1) -> None:
    journal.wait(lambda: [s for _, s, *_ in journal.statuses].count(word) >= times)


def test_any_number_of_servers_use_the_same_port(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    for name in ("d1", "d2"):
        job = deployment(tmp_path, serving(), id=name, parameters={"answer": f"I am {name}"})
        runner.deploy(replace(job, folder=tmp_path / name))
    status(journal, "RUNNING", 2)
    assert [ask(runner, "/", name) for name in ("d1", "d2")] == ["I am d1", "I am d2"]
    runner.stop_deployment("d1")
    assert journal.end("d1") == "STOPPED"
    assert ask(runner) == "nothing"
    assert ask(runner, "/", "d2") == "I am d2"


def test_the_model_is_at_mnt_models(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights.txt").write_text("0.5", encoding="utf-8")
    text = serving()["spec"]["template"]["spec"].replace(
        "    env:\n",
        "    env:\n"
        "    - {name: STORAGE_URI, value: '{{inputs.artifacts.model}}'}\n"
        "    - {name: MODEL, value: /mnt/models}\n",
    )
    text = text.replace("[python, /app/src/server.py]", "[sh, -c]").replace(
        '["8080"]', '["cat $MODEL/weights.txt; echo; exec python /app/src/server.py 8080"]'
    )
    template = serving(text, artifacts=[{"name": "model"}])
    assert check(template) == []
    for source in (model, model / "weights.txt"):
        job = deployment(
            tmp_path, template, id=source.name, inputs={"model": source}, parameters={"answer": "x"}
        )
        runner.deploy(replace(job, folder=tmp_path / f"run-{source.name}"))
        journal.wait(lambda name=source.name: journal.last(name) == "RUNNING")  # type: ignore[misc]
    journal.wait(lambda: journal.texts.count("0.5") == 2)


def with_volumes(secret: str) -> dict[str, object]:
    """A server that says what is in the secret, and writes into an empty folder first."""
    text = serving()["spec"]["template"]["spec"]
    text = text.replace("[python, /app/src/server.py]", "[sh, -c]").replace(
        '["8080"]',
        '["echo own > $SCRATCH/x; cat $SCRATCH/x $LOGIN/key; echo; '
        'exec python /app/src/server.py 8080"]',
    )
    text = text.replace(
        "    env:\n",
        "    volumeMounts:\n"
        "    - {name: login, mountPath: /etc/login, readOnly: true}\n"
        "    - {name: scratch, mountPath: /scratch}\n"
        "    env:\n"
        "    - {name: LOGIN, value: /etc/login}\n"
        "    - {name: SCRATCH, value: /scratch}\n",
    )
    volumes = f"  volumes: [{{name: login, secret: {{secretName: {secret}}}}}, {{name: scratch, "
    return serving(text.replace("  containers:\n", f"{volumes}emptyDir: {{}}}}]\n  containers:\n"))


def test_a_secret_may_be_mounted_as_a_volume(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    """As SAP documents it for generic secrets; and an empty folder beside it."""
    template = with_volumes("logins")
    assert check(template) == []
    secrets = {"logins": {"key": "from the secret"}}
    runner.deploy(deployment(tmp_path, template, secrets=secrets, parameters={"answer": "hi"}))
    status(journal, "RUNNING")
    assert ask(runner) == "hi"
    journal.wait(lambda: "own" in journal.texts and "from the secret" in journal.text)


def test_a_mounted_secret_that_is_not_there_is_the_reason_of_the_end(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    runner.deploy(deployment(tmp_path, with_volumes("nowhere"), parameters={"answer": "hi"}))
    assert journal.end("d1") == "DEAD"
    assert "secret nowhere does not exist in the resource group" in journal.message


@contextlib.contextmanager
def load(runner: LocalRunner) -> Iterator[list[str]]:
    """Four clients that ask all the time; what they were told."""
    answers: list[str] = []
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            try:
                answers.append(ask(runner))
            except (OSError, http.client.HTTPException) as error:
                answers.append(repr(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_no_request_fails_while_a_server_is_replaced(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    values = {"delay": "0.02"}
    job = deployment(tmp_path, serving(), parameters={"answer": "one", **values})
    runner.deploy(job)
    status(journal, "RUNNING")
    with load(runner) as answers:
        for revision, answer in enumerate(("two", "three"), start=2):
            parameters = {"answer": answer, **values}
            runner.deploy(replace(job, revision=revision, parameters=parameters))
            status(journal, "RUNNING", revision)
            pause(0.1)
    assert set(answers) == {"one", "two", "three"}
    assert journal.revisions == [1, 2, 3]


def test_a_request_in_flight_is_answered_by_the_server_that_goes(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    job = deployment(tmp_path, serving(), parameters={"answer": "old", "delay": "1.0"})
    runner.deploy(job)
    status(journal, "RUNNING")
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(ask(runner)))
    thread.start()
    pause(0.1)
    runner.deploy(replace(job, revision=2, parameters={"answer": "new"}))
    status(journal, "RUNNING", 2)
    assert ask(runner) == "new"
    thread.join()
    assert answers == ["old"]


def test_a_revision_that_never_gets_ready_changes_nothing(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    job = deployment(tmp_path, serving(), parameters={"answer": "good", "delay": "0.02"})
    runner.deploy(job)
    status(journal, "RUNNING")
    with load(runner) as answers:
        runner.deploy(replace(job, revision=2, parameters={"answer": "bad", "start": "no number"}))
        status(journal, "DEAD")
    assert set(answers) == {"good"}
    assert "not ready after 2 starts: exit code 1" in journal.message
    assert "ValueError" in journal.details["details"][0]["last_log_messages"]
    assert ask(runner) == "good"
    runner.deploy(replace(job, revision=3, parameters={"answer": "good again"}))
    status(journal, "RUNNING", 2)
    assert ask(runner) == "good again"
    assert journal.revisions == [1, 3]


def test_a_server_that_ends_is_started_again(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    runner.deploy(deployment(tmp_path, serving(), parameters={"answer": "here"}))
    status(journal, "RUNNING")
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(runner, "/die")
    journal.wait(lambda: "server is ready again" in journal.texts)
    assert ask(runner) == "here"
    assert any("server ended: exit code 3; restart in" in text for text in journal.texts)
    assert journal.last("d1") == "RUNNING"


def test_a_server_that_is_late_is_dead(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    template = serving()
    template["spec"]["template"]["metadata"] = {
        "annotations": 'serving.knative.dev/progress-deadline: "0.3s"\n'
    }
    runner.deploy(deployment(tmp_path, template, parameters={"start": "60"}))
    status(journal, "DEAD")
    assert "port 8080 was not ready after 0.3 s" in journal.message
    runner.stop_deployment("d1")
    assert journal.end("d1") in {"DEAD", "STOPPED"}


def test_the_readiness_probe_decides(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    probe = "    readinessProbe: {httpGet: {path: /mnt/none, port: 8080}}\n    env:\n"
    text = serving()["spec"]["template"]["spec"].replace("    env:\n", probe)
    template = serving(text)
    template["spec"]["template"]["metadata"] = {
        "annotations": "serving.knative.dev/progress-deadline: 0.5s"
    }
    runner.deploy(deployment(tmp_path, template))
    status(journal, "DEAD")
    assert "not ready" in journal.message
    assert journal.revisions == []


def test_stop_while_it_comes_up(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    runner.deploy(deployment(tmp_path, serving(), parameters={"start": "60"}))
    status(journal, "PENDING")
    runner.stop_deployment("d1")
    assert journal.end("d1") == "STOPPED"


def test_the_command_may_come_from_the_image(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    text = serving()["spec"]["template"]["spec"].replace(
        "    command: [python, /app/src/server.py]\n", ""
    )
    template = serving(text)
    runner.deploy(replace(deployment(tmp_path, template, id="without"), folder=tmp_path / "x"))
    assert journal.end("without") == "DEAD"
    assert "has no command" in journal.message
    job = deployment(tmp_path, template, parameters={"answer": "image"})
    image = replace(job.images["img"], command=("python", "/app/src/server.py"))
    runner.deploy(replace(job, images={"img": image}))
    status(journal, "RUNNING")
    assert ask(runner) == "image"


def test_a_program_that_insists_on_a_taken_port_is_told_what_to_do(
    journal: MemoryJournal, tmp_path: Path
) -> None:
    runner = create(journal, environ=ENVIRON, settings=replace(FAST, sandbox="process"))
    with contextlib.closing(runner), socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = serving()["spec"]["template"]["spec"]
        template = serving(
            text.replace("containerPort: 8080", f"containerPort: {port}").replace(
                "[python, /app/src/server.py]", "[sh, -c]"
            )
        )
        runner.deploy(deployment(tmp_path, template))
        assert journal.end("d1") == "DEAD"
    assert f"port {port} is in use, so the program was given PORT=" in journal.message
    assert "name the port in args or env of the template" in journal.message


def test_programs_that_read_port_get_one_each(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    text = serving()["spec"]["template"]["spec"]
    own = text.replace("[python, /app/src/server.py]", "[sh, -c]").replace(
        '["8080"]', '["exec python /app/src/server.py $PORT"]'
    )
    for name in ("d1", "d2"):
        job = deployment(tmp_path, serving(own), id=name, parameters={"answer": name})
        runner.deploy(replace(job, folder=tmp_path / name))
    status(journal, "RUNNING", 2)
    assert [ask(runner, "/", name) for name in ("d1", "d2")] == ["d1", "d2"]


def idle_after(seconds: str, minimum: str = "0") -> dict[str, Any]:
    """A template that is scaled to zero so soon."""
    text = serving()["spec"]["template"]["spec"]
    template = serving(text.replace("minReplicas: 1", f"minReplicas: {minimum}"))
    note = f'autoscaling.knative.dev/window: "{seconds}"\n'
    template["spec"]["template"]["metadata"] = {"annotations": note}
    return template


def test_nobody_asks_so_it_is_stopped_and_the_next_request_starts_it(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    job = deployment(tmp_path, idle_after("0.2s"), parameters={"answer": "awake"})
    runner.deploy(job)
    status(journal, "RUNNING")
    journal.wait(lambda: "no request for 0.2 s: scaled to zero" in journal.texts)
    assert runner.replicas("d1") == Replicas(minimum=0, maximum=2, running=0)
    with runner.upstream("d1") as upstream:
        assert upstream and upstream.is_waking
    journal.wait(lambda: "server is ready again" in journal.texts)
    assert journal.last("d1") == "RUNNING"
    # a new revision comes up whether the one before sleeps or not
    runner.deploy(replace(job, revision=2, parameters={"answer": "new"}))
    journal.wait(lambda: journal.revisions == [1, 2])
    runner.stop_deployment("d1")
    assert journal.end("d1") == "STOPPED"
    assert runner.replicas("d1") is None


def test_a_request_while_it_is_being_stopped_starts_it_again(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    template = idle_after("0.2s")
    text = template["spec"]["template"]["spec"].replace("[python, /app/src/server.py]", "[sh, -c]")
    slow = "trap 'sleep 0.5; exit' TERM; python /app/src/server.py 8080 & while true; do wait; done"
    template["spec"]["template"]["spec"] = text.replace('["8080"]', f'["{slow}"]')
    runner.deploy(deployment(tmp_path, template, parameters={"answer": "awake"}))
    status(journal, "RUNNING")

    wait_for(lambda: runner.replicas("d1"), lambda found: bool(found and not found.running))
    with runner.upstream("d1") as upstream:
        assert upstream and upstream.is_waking
    journal.wait(lambda: "server is ready again" in journal.texts)
    assert not any("server ended" in text for text in journal.texts)


def test_a_server_in_use_is_not_scaled_to_zero(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    values = {"answer": "late", "delay": "0.6"}
    runner.deploy(deployment(tmp_path, idle_after("0.3s"), parameters=values))
    status(journal, "RUNNING")
    assert ask(runner) == "late"


def test_a_crash_shows_and_a_crash_loop_is_dead(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    runner.deploy(deployment(tmp_path, serving(), parameters={"answer": "here"}))
    status(journal, "RUNNING")
    kinds = [item["type"] for item in journal.details["deployment_info"]]
    assert kinds == ["IngressReady", "PredictorReady", "Ready"]
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(runner, "/die")
    status(journal, "RUNNING", 3)
    [crashed, again] = journal.statuses[-2:]
    assert crashed[2].startswith("server ended: exit code 3; restart in")
    assert crashed[3]["aiApiDetails"]["statusUpdater"]["message"][0]["message"] == crashed[2]
    assert again[2] == ""
    (tmp_path / "source" / "server.py").write_text("raise SystemExit(5)", encoding="utf-8")
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(runner, "/die")
    assert journal.end("d1") == "DEAD"
    assert journal.message == "not ready after 2 starts: exit code 5"
    assert journal.details["details"][0]["exit_code"] == 5
    assert ask(runner) == "nothing"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("minReplicas: 0", Scaling(0, 2)),
        ("minReplicas: 3", Scaling(3, 3)),
        ("minReplicas: 1\n  maxReplicas: 5\n  containerConcurrency: 4", Scaling(1, 5, 60.0, 4)),
        ("timeout: 7", Scaling(1, 2, timeout=7.0)),
        ("minReplicas: '{{inputs.parameters.start}}'", Scaling(0, 2)),
    ],
)
def test_scaling_is_read(text: str, expected: Scaling) -> None:
    predictor = serving()["spec"]["template"]["spec"].replace("minReplicas: 1", text)
    assert check(serving(predictor)) == []
    assert read(serving(predictor), {}).scaling == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("minReplicas: many", "minReplicas: must be a whole number"),
        ("minReplicas: -1", "minReplicas: must be a whole number"),
        ("minReplicas: 2\n  maxReplicas: 1", "maxReplicas: is below"),
        ("minReplicas: 0\n  maxReplicas: 0", "maxReplicas: is below"),
    ],
)
def test_scaling_that_makes_no_sense_is_refused(text: str, expected: str) -> None:
    predictor = serving()["spec"]["template"]["spec"].replace("minReplicas: 1", text)
    with pytest.raises(BadTemplate, match=expected):
        read(serving(predictor), {})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("    image: img\n", "", "containers[0].image: is missing"),
        ("    image: img\n", "    image: img\n    lifecycle: {}\n", "lifecycle: not supported"),
        ("predictor:", "predictor:\n  model: {}", "predictor.model: not supported"),
        ("inputs.parameters.answer", "inputs.parameters.anwser", "is not declared"),
        ("predictor:", "predictor: [", "spec.template.spec: "),
        ("predictor:", "explainer:", "predictor"),
        ("  containers:", "  volumes: [{name: v, hostPath: {}}]\n  containers:", "hostPath: not"),
        (
            "    image: img",
            "    volumeMounts: [{name: v, mountPath: /v}]\n    image: img",
            "no volume",
        ),
        ("name: ANSWER", "name: STORAGE_URI", "must be {{inputs.artifacts.NAME}}"),
    ],
)
def test_what_cannot_be_served_is_refused(before: str, after: str, expected: str) -> None:
    text = serving()["spec"]["template"]["spec"]
    assert before in text
    assert expected in " ".join(check(serving(text.replace(before, after))))


@pytest.mark.parametrize("document", [None, {}, {"spec": {}}, {"spec": {"template": {}}}, []])
def test_what_is_no_serving_template_is_refused(document: Any) -> None:
    assert check(document)


def test_a_parameter_cannot_change_the_template(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    answer = "x'}\n    image: other # {{inputs.parameters.start}}"
    runner.deploy(deployment(tmp_path, serving(), parameters={"answer": answer}))
    status(journal, "RUNNING")
    assert ask(runner) == answer


def test_an_unknown_image_is_named(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    images: dict[str, Image] = {}
    runner.deploy(deployment(tmp_path, serving(), images=images))
    assert journal.end("d1") == "DEAD"
    assert "image img" in journal.message
