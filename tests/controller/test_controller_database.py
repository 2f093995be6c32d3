"""The history in a database: the same on SQLite and PostgreSQL, by replicas that die."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, insert, select, text, update

from cicd.controller.claims import Claim, Claims
from cicd.controller.database import Database
from cicd.controller.recording import Lost, Records
from cicd.controller.remembered import Remembered
from cicd.controller.tables import ENTRY, METADATA, STAGE
from cicd.errors import CicdError, Usage

REPOSITORY = "https://git.example.com/ml.git"


def known(database: Database, *paths: str) -> None:
    Records(database).repository(REPOSITORY, "main", paths)


def entries_of(database: Database, claim: Claim, *at: int) -> None:
    """Old entries of a stage."""
    rows = [
        {"stage_id": claim.stage, "kind": "apply", "at": moment, "ended_at": moment}
        for moment in at
    ]
    with database.begin() as connection:
        connection.execute(insert(ENTRY), rows)


def taken(claims: Claims) -> Claim:
    claim = claims.take()
    assert claim
    return claim


def test_the_steps_lead_to_the_tables_of_the_program(database: Database) -> None:
    with database.begin() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, METADATA) == []


def test_a_database_is_opened_twice_and_a_newer_one_is_refused(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    Database(url).close()
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(CicdError, match="version later, which this cicd does not know"):
        Database(url)


@pytest.mark.parametrize("url", ["mysql://x/y", "history.db", "", "oracle://h"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(Usage):
        Database(url)


def test_a_password_is_told_nowhere() -> None:
    with pytest.raises(CicdError) as caught:
        Database("postgresql://ana:s3cr3tpass@127.0.0.1:1/history")
    assert "s3cr3tpass" not in str(caught.value) and "127.0.0.1:1" in str(caught.value)


def test_a_stage_is_worked_on_by_one_and_looked_at_again_when_it_is_due(
    database: Database,
) -> None:
    known(database, "stages/dev.yaml", "stages/prd.yaml")
    ana, bo = Claims(database, "ana"), Claims(database, "bo")
    first, second = taken(ana), taken(bo)
    assert first.stage != second.stage and ana.take() is None
    assert ana.give_back(first, 0, state="Synced") and bo.give_back(second, 3600)
    again = taken(bo)
    assert (again.stage, again.fence, again.was_left) == (first.stage, 2, False)
    assert bo.take() is None


def test_who_wakes_after_another_has_taken_over_writes_nothing(database: Database) -> None:
    known(database, "stages/dev.yaml")
    records = Records(database)
    frozen = taken(Claims(database, "frozen", lease=0))
    entry = records.begin(frozen, "apply", commit="a" * 40)
    claims = Claims(database, "awake")
    awake = next(filter(None, iter(claims.take, object())))
    assert awake.was_left
    records.interrupt(awake)
    for write in (
        lambda: records.begin(frozen, "apply"),
        lambda: records.end(frozen, entry, result="applied"),
        lambda: records.interrupt(frozen),
    ):
        with pytest.raises(Lost):
            write()
    late = Claims(database, "frozen")
    assert not late.renew(frozen) and not late.give_back(frozen, 0, state="Synced")
    assert claims.renew(awake)
    [told] = Remembered(database).entries()
    assert (told.result, told.reason) == ("interrupted", "taken over by awake")
    assert Remembered(database).stages()[0].state == ""


def test_a_lock_of_a_replica_that_another_has_followed_is_known_to_be_dead(
    database: Database,
) -> None:
    known(database, "stages/dev.yaml")
    records, first = Records(database), Claims(database, "first", lease=0)
    dead = taken(first)
    records.begin(dead, "apply")
    second = Claims(database, "second")
    assert not second.is_over(dead.run), "nobody has followed it yet"
    assert first.problem(dead), "it holds no more, by its own clock"
    alive = next(filter(None, iter(second.take, object())))
    records.begin(alive, "apply")
    assert second.is_over(dead.run) and not second.is_over(alive.run)
    assert second.problem(alive) == "" and second.renew(alive) and not first.renew(dead)
    for other in ("0123456789abcdef", "elsewhere/1/1", "first/2/1", "first/1/x", ""):
        assert not second.is_over(other)
    second.give_back(alive, 0)
    assert second.problem(alive)


def test_nothing_is_done_twice_when_a_replica_is_killed(url: str, database: Database) -> None:
    known(database, *(f"stages/s{number}.yaml" for number in range(20)))
    command = [sys.executable, str(Path(__file__).with_name("worker.py")), url]
    with (
        subprocess.Popen([*command, "first", "0.5"], stdout=subprocess.PIPE, text=True) as dying,
        subprocess.Popen([*command, "second", "0.5"], stdout=subprocess.PIPE, text=True) as living,
    ):
        assert dying.stdout and dying.stdout.readline() == "ready\n"
        dying.kill()
        assert dying.wait(30) == -9
        out, _ = living.communicate(timeout=60)
    assert living.returncode == 0 and "lost" not in out
    done = select(ENTRY.c.stage_id, func.count()).where(ENTRY.c.result == "applied")
    with database.begin() as connection:
        counts = connection.execute(done.group_by(ENTRY.c.stage_id)).all()
        open_ones = connection.scalar(select(func.count()).where(ENTRY.c.ended_at.is_(None)))
    # one that had ended and was not given back yet is looked at once more, as any stage that is due
    assert len(counts) == 20 and sum(count for _, count in counts) <= 21 and open_ones == 0


def test_old_entries_go_but_for_the_newest_of_each_stage(database: Database) -> None:
    known(database, "stages/dev.yaml", "stages/prd.yaml")
    claims, records = Claims(database, "ana"), Records(database)
    dev, prd = taken(claims), taken(claims)
    entries_of(database, dev, *range(30))
    entries_of(database, prd, *range(5))
    records.begin(dev, "apply")
    assert records.forget() == 11  # 31 of one stage are there, the newest 20 stay
    assert records.forget() == 0
    assert len(Remembered(database).entries(limit=100)) == 25


def test_a_stage_whose_file_is_gone_is_kept_and_a_newer_commit_makes_it_due(
    database: Database,
) -> None:
    known(database, "stages/dev.yaml")
    known(database)
    claims, records = Claims(database, "ana"), Records(database)
    claims.give_back(taken(claims), 3600)
    assert claims.take() is None
    assert records.fetched(REPOSITORY, "main", "a" * 40, seen="")
    claims.give_back(taken(claims), 3600)
    assert records.fetched(REPOSITORY, "main", "a" * 40, seen="a" * 40)
    records.unreached(REPOSITORY, "main", "gone")
    assert claims.take() is None
    records.due(1)
    assert claims.take()


def test_who_asked_the_repository_before_another_does_not_write_after_it(
    database: Database,
) -> None:
    known(database, "stages/dev.yaml")
    records = Records(database)
    assert records.fetched(REPOSITORY, "main", "b" * 40, seen="")
    assert not records.fetched(REPOSITORY, "main", "a" * 40, seen="")
    assert records.head(REPOSITORY, "main") == "b" * 40
    assert records.fetched(REPOSITORY, "main", "b" * 40, seen="")


def test_what_is_exported_is_all_of_it_line_by_line(database: Database) -> None:
    known(database, "stages/dev.yaml")
    claims, records = Claims(database, "ana"), Records(database)
    claim = taken(claims)
    claims.write(claim, name="dev", state="Synced")
    ids = [records.begin(claim, kind, commit="c" * 40) for kind in ("apply", "heal", "apply")]
    outcome: dict[str, Any] = {"key": "job/wind", "action": "run", "result": "failed"}
    outcome |= {"id": "1", "status": "failed"}
    records.end(
        claim, ids[0], result="failed", summary={"outcomes": [outcome]}, log_tail="x" * 99_999
    )
    told = Remembered(database)
    lines = [json.loads(line) for line in told.export()]
    assert [line["id"] for line in lines] == ids[::-1]
    assert lines[-1]["at"].endswith("+00:00") and len(lines[-1]["log_tail"]) == 16_000
    assert [one.id for one in told.entries("dev", ["apply"], before=ids[2])] == [ids[0]]
    assert told.entries("prd") == [] and told.entry(99) is None
    assert [(one.result, one.sources) for one in told.applies("dev", 9)] == [
        ("running", ("controller",)),
        ("running", ("controller",)),
        ("failed", ("controller",)),
    ]


def test_a_full_database_says_so(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/full.db")
    known(database, "stages/dev.yaml")
    claim = taken(Claims(database, "ana"))
    with database.begin() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
    from sqlalchemy import event

    @event.listens_for(database.engine, "connect")
    def bound(connection: Any, record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(CicdError, match="full"):
        Records(database).begin(claim, "apply", log_tail="x" * 100_000)
    with database.begin() as connection:
        assert connection.execute(update(STAGE).values(state="Unknown")).rowcount == 1
    database.close()
