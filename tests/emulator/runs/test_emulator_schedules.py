"""Execution schedules: their rules, their times, and the runs that they start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cicd.emulator.errors import ApiError
from cicd.emulator.runs import scheduling
from tests.emulator.emulator_client import Client, onboard, running, synced, wait_for

SCHEDULES, EXECUTIONS = "/v2/lm/executionSchedules", "/v2/lm/executions"
DAILY = "0 6 * * *"


@pytest.fixture
def calm(shared_ready: Client) -> Iterator[Client]:
    """The shared emulator with nothing scheduled before and after, on its own clock again."""
    yield shared_ready
    for item in shared_ready.get(SCHEDULES)["resources"]:
        shared_ready.send("DELETE", f"{SCHEDULES}/{item['id']}", status=202)
    shared_ready.world.clock.put(timedelta(0))


def schedule(client: Client, configuration: str, **fields: Any) -> str:
    body = {"name": "nightly", "cron": DAILY, "configurationId": configuration, **fields}
    answer = client.send("POST", SCHEDULES, body, status=202)
    assert answer.json()["message"] == "Execution Schedule created"
    assert answer.headers["location"].endswith(answer.json()["id"])
    return str(answer.json()["id"])


def at(client: Client, moment: datetime) -> None:
    """Let it be this time, and everything happen that is due then."""
    client.world.clock.set(moment)
    client.world.scheduler.look()


def started(client: Client, schedule_id: str) -> list[dict[str, Any]]:
    found = client.get(f"{EXECUTIONS}?executionScheduleId={schedule_id}")
    return list(found["resources"])


@pytest.mark.parametrize(
    "cron",
    [
        "0 * * * *",
        "5 6 * * 1-5",
        "0 0 1 */2 *",
        "30 4 29 2 *",
        "0 0 * JAN-MAR SUN",
        "0 0 * * 7",
        "0 * * * * *",
    ],
)
def test_cron_of_five_fields_is_taken(cron: str) -> None:
    """And the hourly one of SAP's documentation, which has a sixth."""
    assert scheduling.check_cron(cron) == cron


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("0 0 * * * 1", "five fields"),
        ("0 0 0 1 *", "Bad day-of-month"),
        ("", "five fields"),
        ("60 * * * *", "Bad minute"),
        ("0 0 30 2 *", "Bad day-of-month"),
        ("0 0 L * *", "five fields"),
        ("@hourly", "five fields"),
        ("* * * * *", "one hour"),
        ("*/30 * * * *", "one hour"),
        ("0,59 3 * * *", "one hour"),
    ],
)
def test_other_crons_are_refused(cron: str, why: str) -> None:
    with pytest.raises(ApiError, match=why):
        scheduling.check_cron(cron)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2026-03-01T05:59:59", "2026-03-01T06:00:00", True),
        ("2026-03-01T06:00:00", "2026-03-02T05:59:59", False),
        ("2026-03-03T05:59:59", "2026-03-03T06:00:00", False),  # its end is this very moment
        ("2026-02-28T05:59:59", "2026-02-28T06:00:00", False),  # before its start
    ],
)
def test_a_run_is_due_once_between_start_and_end(since: str, until: str, expected: bool) -> None:
    row: Any = {
        "cron": DAILY,
        "starts_at": "2026-03-01T06:00:00Z",
        "ends_at": "2026-03-03T06:00:00Z",
        "modified_at": "2026-01-01T00:00:00Z",
    }
    window = [datetime.fromisoformat(f"{text}+00:00") for text in (since, until)]
    assert scheduling.is_due(row, *window) is expected


def test_a_schedule_starts_runs_until_it_is_paused_ended_or_deleted(calm: Client) -> None:
    configuration = calm.configuration()
    mine = schedule(calm, configuration, end="2035-01-06T00:00:00Z")
    six = datetime(2035, 1, 1, 6, tzinfo=UTC)
    at(calm, six - timedelta(seconds=1))
    assert started(calm, mine) == []
    at(calm, six)
    at(calm, six + timedelta(seconds=30))
    [run] = started(calm, mine)
    assert (run["executionScheduleId"], run["configurationId"]) == (mine, configuration)
    calm.wait(f"{EXECUTIONS}/{run['id']}", "COMPLETED")
    other = calm.execute()
    assert "executionScheduleId" not in calm.get(f"{EXECUTIONS}/{other}")
    count = f"{EXECUTIONS}/$count?executionScheduleId={mine}"
    assert calm.send("GET", count, status=200).text == "1"

    calm.send("PATCH", f"{SCHEDULES}/{mine}", {"status": "INACTIVE"}, status=202)
    at(calm, six + timedelta(days=1))
    assert len(started(calm, mine)) == 1
    second = calm.configuration(mode="fail")
    calm.send("PATCH", f"{SCHEDULES}/{mine}", {"status": "ACTIVE"}, status=202)
    calm.send("PATCH", f"{SCHEDULES}/{mine}", {"configurationId": second}, status=202)
    calm.send("PATCH", f"{SCHEDULES}/{mine}", {"cron": "0 7 * * *"}, status=202)
    at(calm, six + timedelta(days=2))
    assert len(started(calm, mine)) == 1
    at(calm, six + timedelta(days=2, hours=1))
    assert [run["configurationId"] for run in started(calm, mine)] == [configuration, second]
    # a machine that slept through a moment does not catch up
    at(calm, six + timedelta(days=3, hours=9))
    assert len(started(calm, mine)) == 2

    at(calm, six + timedelta(days=5))
    assert calm.get(f"{SCHEDULES}/{mine}")["status"] == "INACTIVE"
    answer = calm.send("PATCH", f"{SCHEDULES}/{mine}", {"status": "ACTIVE"}, status=400)
    assert "lies in the past" in answer.json()["error"]["message"]
    longer = {"status": "ACTIVE", "end": "2035-02-01T00:00:00Z"}
    answer = calm.send("PATCH", f"{SCHEDULES}/{mine}", longer, status=202)
    assert answer.json() == {"id": mine, "message": "Execution Schedule modified"}
    answer = calm.send("DELETE", f"{SCHEDULES}/{mine}", status=202)
    assert answer.json() == {"id": mine, "message": "Execution Schedule deleted"}
    calm.send("GET", f"{SCHEDULES}/{mine}", status=404)
    assert len(started(calm, mine)) == 2


def test_schedules_are_listed_by_configuration_and_status(calm: Client) -> None:
    first, second = calm.configuration(), calm.configuration()
    times = {"start": "2030-01-01T02:00:00+02:00", "end": "2031-01-01T00:00:00.5Z"}
    one = schedule(calm, first, **times)
    two = schedule(calm, second)
    shown = calm.get(f"{SCHEDULES}/{one}")
    assert shown == {
        "id": one,
        "name": "nightly",
        "cron": DAILY,
        "configurationId": first,
        "start": "2030-01-01T00:00:00Z",
        "end": "2031-01-01T00:00:00Z",
        "status": "ACTIVE",
        "createdAt": shown["createdAt"],
        "modifiedAt": shown["createdAt"],
    }
    later = calm.get(f"{SCHEDULES}/{two}")
    assert later["start"] == later["createdAt"]
    assert "end" not in later
    calm.send("PATCH", f"{SCHEDULES}/{two}", {"status": "INACTIVE"}, status=202)

    def ids(query: str) -> list[str]:
        return [item["id"] for item in calm.get(f"{SCHEDULES}?{query}")["resources"]]

    assert ids("") == [one, two]
    assert ids(f"configurationId={second}") == [two]
    assert ids("status=ACTIVE") == [one]
    assert ids("$skip=1") == [two]
    assert calm.send("GET", f"{SCHEDULES}/$count?status=INACTIVE", status=200).text == "1"
    calm.send("GET", f"{SCHEDULES}?status=PAUSED", status=400)


def test_the_sdk_schedules(calm: Client) -> None:
    from ai_api_client_sdk.ai_api_v2_client import AIAPIV2Client
    from ai_api_client_sdk.models.status import ScheduleStatus

    known = calm.world.credentials
    sdk = AIAPIV2Client(
        base_url=f"{calm.url}/v2/lm",
        auth_url=f"{calm.url}/oauth/token",
        client_id=known.client_id,
        client_secret=known.client_secret,
        resource_group="default",
    ).execution_schedule
    end = datetime(2040, 1, 1)
    made = sdk.create(name="sdk", cron=DAILY, configuration_id=calm.configuration(), end=end)
    sdk.modify(made.id, cron="0 7 * * *", status=ScheduleStatus.INACTIVE)
    shown = sdk.get(made.id)
    assert (shown.cron, shown.status) == ("0 7 * * *", ScheduleStatus.INACTIVE)
    assert shown.end.replace(tzinfo=None) == end
    assert [item.id for item in sdk.query(status=ScheduleStatus.INACTIVE).resources] == [made.id]
    assert sdk.count() == 1
    sdk.delete(made.id)
    assert sdk.count() == 0


def test_what_cannot_be_scheduled_is_refused(calm: Client) -> None:
    body = {"name": "n", "cron": DAILY, "configurationId": calm.configuration()}
    serving = calm.configuration("serve", greeting="hi")
    for wrong in (
        {"configurationId": "unknown"},
        {"configurationId": serving},
        {"configurationId": None},
        {"name": None},
        {"name": "x" * 257},
        {"cron": "* * * * *"},
        {"start": "tomorrow"},
        {"start": "2030-01-01"},
        {"end": "0001-01-01T00:00:00+23:00"},
        {"end": "2020-01-01T00:00:00Z"},
        {"start": "2031-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z"},
    ):
        calm.send("POST", SCHEDULES, {**body, **wrong}, status=400)
    mine = f"{SCHEDULES}/{schedule(calm, body['configurationId'])}"
    for wrong in (
        {"name": "other"},
        {"cron": "0 0 * * * 1"},
        {"status": "PAUSED"},
        {"configurationId": serving},
        {"end": "2001-01-01T00:00:00Z"},
    ):
        calm.send("PATCH", mine, wrong, status=400)
    calm.send("PATCH", f"{SCHEDULES}/unknown", {"status": "INACTIVE"}, status=404)
    calm.send("PATCH", mine, {}, status=202)


def test_a_schedule_whose_run_cannot_start_harms_no_other(calm: Client) -> None:
    broken, good = calm.configuration(), calm.configuration()
    first, second = schedule(calm, broken), schedule(calm, good)
    calm.world.store.write("DELETE FROM configurations WHERE id = ?", (broken,))
    at(calm, datetime(2036, 1, 1, 6, tzinfo=UTC))
    assert started(calm, first) == []
    assert len(started(calm, second)) == 1


def test_schedules_survive_a_restart_and_a_moment_in_between_does_not(
    tmp_path: Path, repository: Path
) -> None:
    with running(tmp_path / "data") as client:
        onboard(client, repository)
        synced(client)
        mine = schedule(client, client.configuration())
        client.send("PATCH", f"{SCHEDULES}/{mine}", {"cron": "0 8 * * *"}, status=202)
    with running(tmp_path / "data") as client:
        assert client.get(f"{SCHEDULES}/{mine}")["cron"] == "0 8 * * *"
        eight = datetime(2037, 1, 1, 8, tzinfo=UTC)
        at(client, eight + timedelta(hours=1))
        assert started(client, mine) == []
        at(client, eight + timedelta(days=1))
        [run] = wait_for(lambda: started(client, mine), bool)
        assert run["executionScheduleId"] == mine


CLOCK = "/emulator/clock"


def test_time_is_moved_from_outside(calm: Client) -> None:
    mine = schedule(calm, calm.configuration(), end="2040-01-10T00:00:00Z")
    calm.send("PUT", CLOCK, {"now": "2040-01-05T00:00:00Z"}, status=400)  # years of daily runs
    calm.send("PATCH", f"{SCHEDULES}/{mine}", {"status": "INACTIVE"}, status=202)
    calm.send("PUT", CLOCK, {"now": "2040-01-05T00:00:00Z"}, status=200)
    assert calm.get(CLOCK)["now"].startswith("2040-01-05T00:00:0")
    assert started(calm, mine) == []
    calm.send("PATCH", f"{SCHEDULES}/{mine}", {"status": "ACTIVE"}, status=202)
    calm.send("PUT", CLOCK, {"advance": 3 * 86400}, status=200)
    assert len(started(calm, mine)) == 3
    # it ends on the way
    calm.send("PUT", CLOCK, {"advance": 30 * 86400}, status=200)
    assert len(started(calm, mine)) == 5
    assert calm.get(f"{SCHEDULES}/{mine}")["status"] == "INACTIVE"
    calm.send("PUT", CLOCK, {"ahead": 0}, status=200)
    assert abs(calm.get(CLOCK)["ahead"]) < 1
    for wrong in ({}, {"advance": "1"}, {"now": "noon"}, {"ahead": 1e99}, {"ahead": 4e9},
                  {"ahead": 1, "advance": 1}, {"later": 1}):  # fmt: skip
        calm.send("PUT", CLOCK, wrong, status=400)


def test_a_time_to_live_ends_by_the_same_clock(calm: Client) -> None:
    body = {"configurationId": calm.configuration("serve", greeting="hi"), "ttl": "10m"}
    path = f"/v2/lm/deployments/{calm.send('POST', '/v2/lm/deployments', body).json()['id']}"
    calm.wait(path, "RUNNING")
    calm.send("PUT", CLOCK, {"advance": 590}, status=200)
    calm.send("GET", path, status=200)
    calm.send("PUT", CLOCK, {"advance": 20}, status=200)
    wait_for(lambda: calm.send("GET", path).status_code, lambda status: status == 404)


def test_the_clock_goes_on_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path / "data") as client:
        client.send("PUT", CLOCK, {"ahead": 86400}, status=200)
    with running(tmp_path / "data") as client:
        assert abs(client.get(CLOCK)["ahead"] - 86400) < 1
