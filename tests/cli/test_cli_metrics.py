"""``cicd metrics``: what a run recorded, at once and as it comes."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest
from pytest_mock import MockerFixture

from cicd.automation import metrics
from tests.cli.operated import Cicd, Operated, cicd, operated

__all__ = ["cicd", "operated"]


def test_last_value_bounds_tags_and_info(cicd: Cicd, operated: Operated) -> None:
    text = cicd("metrics", "dev", "train")
    assert text.splitlines()[0] == f"execution/train · {operated.ids['best']} · COMPLETED"
    accuracy = next(line for line in text.splitlines() if line.startswith("accuracy"))
    assert accuracy.split() == ["accuracy", "0.95", "1", "2026-01-01T00:00:01Z", "0.6", "0.95", "2"]
    assert f"  cicd.commit: {'b' * 40}" in text
    assert "  notes: two\n    lines" in text


def test_an_older_run_as_json(cicd: Cicd, operated: Operated) -> None:
    found = cicd.json("metrics", "dev", "train~1")
    assert found["id"] == operated.ids["good"]
    assert found == {
        **cicd.json("metrics", "dev", "--run", found["id"]),
        "key": "execution/train~1",
    }
    loss = next(item for item in found["metrics"] if item["name"] == "loss")
    assert (loss["value"], loss["min"], loss["max"], loss["count"]) == (0.2, 0.2, 0.9, 2)
    assert found["tags"]["cicd.key"] == "execution/train"
    assert len(found["points"]) == 6


def test_a_run_that_recorded_nothing(cicd: Cicd) -> None:
    assert "no metrics" in cicd("metrics", "dev", "train~2")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [((), "metrics of what?"), (("serve",), "has no run serve"), (("*ve*",), "has no run")],
)
def test_wrong_use(cicd: Cicd, arguments: tuple[str, ...], expected: str) -> None:
    code = 64
    if arguments == ("*ve*",):
        expected, code = "execution/never has not been started yet", 1
    assert expected in cicd.both("metrics", "dev", *arguments, code=code)[1]


def test_points_come_once_until_the_run_ends(
    cicd: Cicd, operated: Operated, mocker: MockerFixture
) -> None:
    id = operated.start("hanging", 6, configuration="hangs", mode="hang")
    operated.track(id, {"loss": [3.0]})
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            operated.track(id, {"loss": [3.0, 2.0]})
        if looks == 2:
            path = f"/v2/lm/executions/{id}"
            operated.client.send("PATCH", path, {"targetStatus": "STOPPED"}, status=202)
            operated.client.wait(path, "STOPPED")
        assert looks < 3

    clock = SimpleNamespace(sleep=sleep, monotonic=time.monotonic)
    mocker.patch.object(metrics, "time", clock)
    out = cicd("metrics", "dev", id, "--follow", "--output", "json", code=1)
    assert [(p["step"], p["value"]) for p in map(json.loads, out.splitlines())] == [(0, 3), (1, 2)]
    again = cicd("metrics", "dev", id, "--follow", code=1)
    assert again.splitlines()[-1] == "2026-01-01T00:00:01Z loss=2 step 1"
