"""How long things take: the numbers, and that a change of pace reaches what waits already."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.emulator import timestamps
from cicd.emulator.errors import EmulatorError
from cicd.emulator.host import control
from cicd.emulator.state import realism
from cicd.emulator.state.realism import TIMINGS, Pace, remaining, share
from tests.emulator.emulator_client import (
    Client,
    commit,
    onboard,
    running,
    synced,
    template_files,
    wait_for,
)

GROUPS = "/v2/admin/resourceGroups"


@pytest.mark.parametrize("span", [(0.0, 0.0), (10.0, 20.0), (4.0, 69.0)])
def test_a_share_is_in_its_range_and_always_the_same(span: realism.Range) -> None:
    found = [share(span, f"e{number}") for number in range(50)]
    assert found == [share(span, f"e{number}") for number in range(50)]
    assert all(span[0] <= each <= span[1] for each in found)
    assert len(set(found)) == (1 if span == (0, 0) else 50)


def test_what_remains_is_counted_from_a_stored_moment() -> None:
    assert remaining(timestamps.now(), 0) == 0
    assert remaining(None, 60) == 0
    assert remaining("2020-01-01T00:00:00Z", 60) == 0
    assert 50 < remaining(timestamps.now(), 60) <= 60


def test_only_real_makes_anybody_wait() -> None:
    for level in ("instant", "fast"):
        timings = TIMINGS[level]
        spans = [value for value in vars(timings).values() if isinstance(value, tuple)]
        assert set(spans) == {(0, 0)}
    assert TIMINGS["instant"].waits


def test_a_level_is_kept_in_the_data_folder(tmp_path: Path) -> None:
    assert Pace(tmp_path).level == "fast"
    control.choose_realism(tmp_path, "real")
    assert Pace(tmp_path).level == "real"
    (tmp_path / "realism").write_text("nonsense")
    assert Pace(tmp_path).level == "fast"
    with pytest.raises(EmulatorError, match="instant, fast, real"):
        control.choose_realism(tmp_path, "slow")


def level(client: Client, name: str) -> None:
    client.send("PUT", "/emulator/realism", {"level": name}, status=200)
    assert client.get("/emulator/realism")["level"] == name


def test_real_waits_over_a_restart_until_the_pace_changes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    commit(tmp_path / "repository", template_files())
    with running(data) as client:
        onboard(client, tmp_path / "repository")
        synced(client)
        old = client.execute()
        client.wait(f"/v2/lm/executions/{old}", "COMPLETED")
        client.send("PUT", "/emulator/realism", {"level": "slow"}, status=400)
        level(client, "real")
        execution, deployment = client.execute(), client.deploy()
        client.send("DELETE", f"/v2/lm/executions/{old}", status=202)
        client.send("POST", GROUPS, {"resourceGroupId": "team"}, status=202)
        check_waiting(client, execution, deployment, old)
    with running(data) as client:
        check_waiting(client, execution, deployment, old)
        client.send("POST", "/v2/admin/applications/app/refresh", status=202)
        level(client, "fast")
        client.wait(f"/v2/lm/executions/{execution}", "COMPLETED")
        client.wait(f"/v2/lm/deployments/{deployment}", "RUNNING")
        client.wait(f"{GROUPS}/team", "PROVISIONED")
        wait_for(
            lambda: client.send("GET", f"/v2/lm/executions/{old}").status_code,
            lambda status: status == 404,
        )
        starts = client.runner.started
        assert sorted(starts) == sorted({execution, f"{deployment}/1"})


def check_waiting(client: Client, execution: str, deployment: str, deleted: str) -> None:
    assert client.get(f"/v2/lm/executions/{execution}")["status"] == "UNKNOWN"
    assert client.get(f"/v2/lm/deployments/{deployment}")["status"] == "UNKNOWN"
    assert client.get(f"/v2/lm/executions/{deleted}")["targetStatus"] == "DELETED"
    assert client.get(f"{GROUPS}/team")["status"] == "PROVISIONING"


def test_a_stop_reaches_a_run_that_waits(tmp_path: Path) -> None:
    commit(tmp_path / "repository", template_files())
    with running(tmp_path / "data") as client:
        onboard(client, tmp_path / "repository")
        synced(client)
        deployment = client.deploy()
        path = f"/v2/lm/deployments/{deployment}"
        client.wait(path, "RUNNING")
        level(client, "real")
        other = {"configurationId": client.configuration("serve", greeting="two")}
        client.send("PATCH", path, other, status=202)
        assert client.get(path)["status"] == "PENDING"
        # the old configuration serves meanwhile
        inference = f"/v2/inference/deployments/{deployment}/v1/x"
        assert client.get(inference)["revision"] == 1
        client.send("PATCH", path, {"targetStatus": "STOPPED"}, status=202)
        assert client.get(path)["status"] == "STOPPING"
        level(client, "fast")
        client.wait(path, "STOPPED")
        assert client.runner.started == [f"{deployment}/1"]


def test_instant_answers_when_it_is_done(tmp_path: Path) -> None:
    with running(tmp_path / "data") as client:
        level(client, "instant")
        for number in range(5):
            client.send("POST", GROUPS, {"resourceGroupId": f"team-{number}"}, status=202)
            assert client.get(f"{GROUPS}/team-{number}")["status"] == "PROVISIONED"


def test_how_often_git_is_looked_at(client: Client) -> None:
    path = "/emulator/realism"
    assert client.get(path) == {"level": "fast", "syncEvery": 60}
    level(client, "real")
    assert client.get(path)["syncEvery"] == 180
    client.send("PUT", path, {"level": "fast", "syncEvery": 7}, status=200)
    assert client.get(path) == {"level": "fast", "syncEvery": 7}
    for wrong in (0, -1, 1.5, "2", True, 10**9):
        client.send("PUT", path, {"level": "fast", "syncEvery": wrong}, status=400)
    level(client, "fast")
    assert client.get(path)["syncEvery"] == 60
