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

from cicd.emulator.jobs import Image, Upstream
from cicd.emulator.runner import LocalRunner, Settings, create
from cicd.emulator.runner.serving import check
from tests.emulator.runner_journal import (
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
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(20)
        connection.sock.connect(str(upstream.socket))
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


def test_no_request_fails_while_a_server_is_replaced(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    values = {"delay": "0.02"}
    job = deployment(tmp_path, serving(), parameters={"answer": "one", **values})
    runner.deploy(job)
    status(journal, "RUNNING")
    answers: list[str] = []
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            try:
                answers.append(ask(runner))
            except (OSError, http.client.HTTPException) as error:
                answers.append(repr(error))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for revision, answer in enumerate(("two", "three"), start=2):
        parameters = {"answer": answer, **values}
        runner.deploy(replace(job, revision=revision, parameters=parameters))
        status(journal, "RUNNING", revision)
        pause(0.1)
    done.set()
    for thread in threads:
        thread.join()
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
    job = deployment(tmp_path, serving(), parameters={"answer": "good"})
    runner.deploy(job)
    status(journal, "RUNNING")
    runner.deploy(replace(job, revision=2, parameters={"answer": "bad", "start": "no number"}))
    status(journal, "DEAD")
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
        "annotations": {"serving.knative.dev/progress-deadline": "0.5s"}
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


def test_a_port_that_the_template_does_not_pass_on_must_be_free(
    journal: MemoryJournal, tmp_path: Path
) -> None:
    runner = create(journal, environ=ENVIRON, settings=replace(FAST, sandbox="process"))
    with contextlib.closing(runner), socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = serving()["spec"]["template"]["spec"].replace(
            "containerPort: 8080", f"containerPort: {port}"
        )
        runner.deploy(deployment(tmp_path, serving(text)))
        assert journal.end("d1") == "DEAD"
    assert f"port {port} is in use" in journal.message


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("name: kserve-container", "name: web", "containers[0].name: must be kserve-container"),
        ("    image: img\n", "", "containers[0].image: is missing"),
        ("    image: img\n", "    image: img\n    lifecycle: {}\n", "lifecycle: not supported"),
        ("predictor:", "predictor:\n  model: {}", "predictor.model: not supported"),
        ("inputs.parameters.answer", "inputs.parameters.anwser", "is not declared"),
        ("predictor:", "predictor: [", "spec.template.spec: "),
        ("predictor:", "explainer:", "predictor"),
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
