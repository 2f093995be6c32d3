"""Memory, lock and staging in S3: that of the emulator, which honours conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd.errors import Conflict, Denied, NotFound, PlatformError
from cicd.model import Holder
from cicd.platforms.spark.adapter import connect
from cicd.platforms.spark.lease import RecordLock
from cicd.platforms.spark.s3 import Bucket, S3Documents, S3Staging
from tests.platforms.contract import wait_for
from tests.platforms.spark.samples import job, stage_of, write_home, write_program


def test_documents_are_kept_and_changed_in_part(place: str) -> None:
    kept = S3Documents(Bucket(place))
    assert kept.ids("job") == []
    kept.write("job", "grüße/1", {"a": 1, "b": "ü"})
    kept.write("job", "grüße/1", {"a": 2})
    assert kept.read("job", "grüße/1") == {"a": 2, "b": "ü"}
    assert kept.ids("job") == ["grüße/1"]
    kept.delete("job", "grüße/1")
    kept.delete("job", "grüße/1")
    with pytest.raises(NotFound, match="there is no job"):
        kept.read("job", "grüße/1")


def test_one_is_made_only_once(place: str) -> None:
    one, other = S3Documents(Bucket(place)), S3Documents(Bucket(place))
    assert one.add("lock", "dev", {"who": "me"})
    assert not other.add("lock", "dev", {"who": "you"})
    assert one.read("lock", "dev") == {"who": "me"}
    assert one.ids("probe") == []


def test_a_lock_is_had_by_one(place: str) -> None:
    mine, theirs = (RecordLock(S3Documents(Bucket(place)), "dev") for _ in range(2))
    mine.take(Holder("1", "me"), 60)
    with pytest.raises(Conflict):
        theirs.take(Holder("2", "you"), 60)
    holder = theirs.look()
    assert holder and (holder.run, holder.name, holder.has_expired) == ("1", "me", False)
    mine.renew(holder, -60)
    expired = theirs.look()
    assert expired and expired.has_expired
    theirs.drop()
    assert theirs.look() is None


def test_programs_are_staged_by_run_and_content(place: str) -> None:
    staging = S3Staging(Bucket(place, "staged"))
    urls = staging.put("run-1", {"jobs/a.py": b"1", "jobs/b.py": b"2"})
    assert urls["jobs/a.py"].startswith(f"s3a://{place[5:]}/staged/run-1/")
    assert urls["jobs/a.py"].endswith("/a.py")
    staging.put("run-2", {"jobs/a.py": b"1"})
    assert staging.runs() == ["run-1", "run-2"]
    staging.remove("run-1")
    assert staging.runs() == ["run-2"]


def test_a_stage_is_remembered_there_by_whoever_comes(place: str, tmp_path: Path) -> None:
    """As runs of CI are, each on a machine of its own."""
    home = str(write_home(tmp_path / "home"))
    more: dict[str, Any] = {"submit": "spark-submit", "spark_home": home, "state": place}
    platforms = []
    for name in ("first", "second"):
        write_program(tmp_path / name)
        platforms.append(connect(stage_of(tmp_path / name, "", [job()], **more), {}))
    made = platforms[0].create(job(), "token", {"cicd.inputs": "0123456789abcdef"})
    ended = wait_for(platforms[0], made, "FINISHED")
    [read] = platforms[1].read([job()])
    assert (read.id, read.status.raw, read.spec["inputs"]) == (
        ended.id,
        "FINISHED",
        "0123456789abcdef",
    )
    platforms[1].remember("name", "text")
    assert platforms[0].recall("name") == "text"
    states = {found.check: found.state for found in platforms[1].diagnose()}
    assert states == {"submission": "ok", "workers": "skipped", "memory": "ok"}


def test_a_wrong_login_is_told(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(Denied, match="s3://data: "):
        S3Documents(Bucket(place)).ids("job")


def test_a_bucket_that_is_not_there_is_told(place: str) -> None:
    with pytest.raises(PlatformError, match="s3://nothing-here: "):
        S3Documents(Bucket("s3://nothing-here/x")).ids("job")
