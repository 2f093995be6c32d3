"""The whole story with services that answer in other ways than ours: one job, each line of its log
once, the model, and nothing to do the second time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.cli.root import execute
from tests.emulator.training_job.training_job_client import Service
from tests.faults.training_job_world import hastened_here
from tests.platforms.stub_server import Reply, running
from tests.platforms.training_job.other_service import LINES, OtherService, Ways

STAGE = """\
platform: training_job
training_job: {{namespace: {name}}}
jobs:
  - key: train
    name: {name}
    script: train.py
    image: tensorflow/tensorflow:1.4.0
    completion_time: "10000"
    data: {{t.csv: t.csv}}
    resources: {{cpus: 1, gpus: 0, memory: 512}}
    outputs: {{saved_model: build/model}}
    metrics: {{accuracy: "accuracy=([0-9.]+)"}}
    require: [{{metric: accuracy, min: 0.7}}]
"""
OTHER_WAYS = {
    "accepted, lower case, tokens by POST": Ways(
        submitted=202, asked=202, spelt="lower", tokens="POST"
    ),
    "200, as words begin, a storage with its scheme": Ways(
        submitted=200, spelt="title", times="java", endpoint="http://{}/"
    ),
    "nothing but a status, a storage that says not secure": Ways(
        fields=frozenset({"status"}), life=..., secure="false"
    ),
    "nothing of what was submitted, nor of a secure storage": Ways(
        submitted=204, is_silent=True, asked=203, secure=None
    ),
    "null, and more, a log that is late": Ways(
        nulls=True, more={"retries": 0, "hint": {"a": [1, None]}}, life=None, late=409
    ),
    "wrapped, no times, a log that is later": Ways(
        wrapped="job", times="none", life="3600", late=503
    ),
    "times as numbers, half a log now and then": Ways(
        times="milliseconds", content_type="text/plain", halves=True
    ),
    "times of HTTP, other words": Ways(
        times="http",
        content_type="application/yaml",
        words={"PENDING": "Queued", "RUNNING": "Started", "SUCCESSFUL": "DONE"},
    ),
    "words that nobody knows for a while, no offsets": Ways(
        words={"PENDING": "HATCHING", "RUNNING": "Levitating"}, has_offsets=False
    ),
    "half a log, and no offsets": Ways(has_offsets=False, halves=True, late=400),
    "a log in small pieces": Ways(at_once=7),
}
SAID = "there is no image tensorflow/tensorflow:1.4.0"
REFUSALS = {
    "text": Reply(400, SAID),
    "of the RFC": Reply(422, {"error": "invalid_image", "error_description": SAID}),
    "an object": Reply(400, {"error": {"code": 17, "message": SAID}}),
    "a page without a type": Reply(404, SAID),
}
Run = Callable[..., str]


@pytest.fixture
def run(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Run]:
    service.world.faults.clear()
    for file, text in {
        "stages/dev.yaml": STAGE.format(name=tmp_path.name),
        "train.py": "print()\n",
        "t.csv": f"of {tmp_path.name}\n",
    }.items():
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "*")

    def run(*arguments: str, code: int = 0) -> str:
        with hastened_here():
            ended = execute(list(arguments))
        told = capsys.readouterr()
        assert ended == code, told
        return told.out + told.err

    yield run


@pytest.fixture
def meet(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Another service with these ways."""
    with running() as (server, url):

        def begin(ways: Ways) -> OtherService:
            for name, value in {
                "API_URL": url,
                "TOKEN_URL": f"{url}/oauth/token",
                "CLIENT_ID": "me",
                "CLIENT_SECRET": "a-secret-of-mine",
            }.items():
                monkeypatch.setenv(f"TRAINING_JOB_{name}", value)
            return OtherService(ways, service, server, url)

        yield begin


@pytest.mark.parametrize("name", OTHER_WAYS)
def test_a_service_may_answer_in_other_ways(
    name: str, run: Run, meet: Callable[..., OtherService], tmp_path: Path
) -> None:
    other = meet(OTHER_WAYS[name])
    if "DONE" in other.ways.words.values():
        stage = tmp_path / "stages/dev.yaml"
        text = stage.read_text(encoding="utf-8").replace(
            "namespace:", "statuses: {Done: SUCCEEDED}, namespace:"
        )
        stage.write_text(text, encoding="utf-8")
    told = run("apply", "dev", "--yes")
    lines = [line.partition(" │ ")[2] for line in told.splitlines() if " │ " in line]
    assert [line for line in lines if line in LINES] == LINES
    assert (tmp_path / "build/model/saved_model/model.pb").read_text() == "weights"
    assert "No changes" in run("apply", "dev", "--yes")
    assert run("logs", "dev", "train").splitlines() == LINES
    assert other.submitted == 1


@pytest.mark.parametrize("name", REFUSALS)
def test_what_a_service_refuses_is_told_in_its_words(
    name: str, run: Run, meet: Callable[..., OtherService], tmp_path: Path
) -> None:
    meet(Ways(refusal=REFUSALS[name]))
    told = run("apply", "dev", "--yes", code=1)
    [line] = [line for line in told.splitlines() if " │ failed" in line]
    assert SAID in line and "a-secret-of-mine" not in told
    assert not (tmp_path / "build").exists()
