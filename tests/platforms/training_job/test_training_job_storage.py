"""What is kept in the API's storage: records, the lock, the bucket itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cicd.errors import Conflict, ConnectionFailed, Denied, NotFound, PlatformError
from cicd.model import Holder
from cicd.platforms.training_job.lease import ObjectLock
from cicd.platforms.training_job.records import Record, Records, place_of
from cicd.platforms.training_job.storage import Storage
from tests.emulator.training_job.training_job_client import Service


class Clock:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def storage(service: Service) -> Iterator[Storage]:
    service.world.faults.clear()
    made = Storage(service.storage, "data")
    yield made
    made.close()
    service.world.faults.clear()


def test_a_bucket_that_is_missing_is_made(service: Service) -> None:
    name = f"data-{uuid.uuid4().hex[:8]}"
    for _ in "twice":
        made = Storage(service.storage, name)
        assert made.under("") == []
        made.write("a/b", b"1")
        assert made.read("a/b") == b"1"
        made.remove("a/b")
        made.close()


def test_one_of_two_takes_the_lock(storage: Storage) -> None:
    clock, name = Clock(), uuid.uuid4().hex
    one, two = (ObjectLock(storage, name, clock) for _ in "12")
    taken = one.take(Holder("run-1", "somebody"), 120.0)
    with pytest.raises(Conflict):
        two.take(Holder("run-2"), 120.0)
    seen = two.look()
    assert seen and (seen.run, seen.name, seen.has_expired) == ("run-1", "somebody", False)
    clock.now += timedelta(seconds=121)
    seen = two.look()
    assert seen and seen.has_expired
    one.renew(taken, 120.0)
    seen = two.look()
    assert seen and not seen.has_expired
    one.drop()
    one.drop()
    assert two.look() is None
    two.take(Holder("run-2"), 120.0)
    assert not [item for item in storage.under("cicd/locks/") if "probe" in item.key]


def test_a_storage_that_honours_no_condition_gives_no_lock(storage: Storage) -> None:
    class Old(Storage):
        def write(self, key: str, content: bytes, *, if_new: bool = False) -> None:
            super().write(key, content)  # as an old MinIO does

    old = Old(storage._tell, "data")
    lock = ObjectLock(old, uuid.uuid4().hex, Clock())
    with pytest.raises(PlatformError) as caught:
        lock.take(Holder("run-1"), 120.0)
    assert caught.value.status == 501 and type(caught.value) is PlatformError
    assert lock.look() is None
    assert not [item for item in storage.under("cicd/locks/") if "probe" in item.key]
    old.close()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b'{"until": 7}', b"\xff"])
def test_a_lock_that_nobody_can_read_blocks_nobody(text: bytes, storage: Storage) -> None:
    lock = ObjectLock(storage, uuid.uuid4().hex, Clock())
    storage.write(lock._key, text)
    seen = lock.look()
    assert seen and seen.has_expired


SPEC = {"key": "train", "name": "train", "inputs": "abc", "env": {"A": "grüße"}}


def record(**other: Any) -> Record:
    given: dict[str, Any] = {"id": "id-1", "key": "train", "attempt": 0, "spec": SPEC}
    return Record(**{**given, "folder": "jobs/train-id-1/", **other})


def test_records_read_back_and_what_is_none_is_left_out(storage: Storage) -> None:
    stage = uuid.uuid4().hex
    records = Records(storage, stage)
    first = record(files=("train.py",), token="t", marks={"cicd.stage": "dev"}, submitted="1")
    second = record(id="id-2", attempt=1, submitted="2")
    for one in (second, first):
        records.write(one)
    for name, text in {"train/x.json": b"{", "train/y.json": b"[]", "train/z.json": b"{}"}.items():
        storage.write(f"{place_of(stage)}/jobs/{name}", text)
    fresh = Records(storage, stage)
    assert fresh.of("train") == [first, second] == fresh.of()
    assert fresh.get("id-1") == first and fresh.get("id-9") is None
    assert fresh.at("jobs/train-id-1/") in (first, second)
    assert Records(storage, f"{stage}-other").of() == []


def test_stages_have_folders_of_their_own() -> None:
    names = ["dev", "churn/dev", "churn-dev", "github.com/a/one/dev", "ü", "ö", "x" * 300]
    places = [place_of(name) for name in names]
    assert len(set(places)) == len(names)
    assert all(len(place) < 90 and place.isascii() for place in places)


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"endpoint": "127.0.0.1:9", "secure": False}, ConnectionFailed),
        ({"endpoint": "127.0.0.1:9", "secure": True}, ConnectionFailed),
        ({"endpoint": "a b:c", "secure": False}, ConnectionFailed),
    ],
)
def test_a_storage_that_nobody_reaches_is_told(
    told: dict[str, Any], error: type[PlatformError]
) -> None:
    storage = Storage(lambda: {"accessKey": "a", "secretKey": "hush-hush", **told}, "data")
    with pytest.raises(error) as caught:
        storage.under("")
    assert caught.value.exit_code == 4 and "hush-hush" not in str(caught.value)


def test_a_login_that_the_storage_refuses_is_told_and_asked_for_again(service: Service) -> None:
    right = service.storage()
    answers: list[Mapping[str, Any]] = [{**right, "secretKey": "wrong-one"}, right]
    storage = Storage(lambda: answers.pop(0), "data")
    with pytest.raises(Denied) as caught:
        storage.under("")
    assert "wrong-one" not in str(caught.value)
    storage.write("again", b"1")
    assert storage.read("again") == b"1"
    storage.close()


def test_files_of_many_parts_go_through_and_what_is_missing_is_told(
    storage: Storage, tmp_path: Path
) -> None:
    content = b"0123456789abcdef" * (1 << 16) * 20  # 20 MB: three parts
    (tmp_path / "big").write_bytes(content)
    heard: list[int] = []
    storage.upload(tmp_path / "big", "big", lambda done, total: heard.append(done))
    assert heard[-1] == len(content)
    storage.copy("data", "big", "copies/big ü")
    [item] = storage.under("copies/")
    assert item.size == len(content)
    storage.download(item, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == content
    [item] = storage.under("big")
    assert item.is_copy(tmp_path / "again")
    with pytest.raises(NotFound):
        storage.read("none")
    with pytest.raises(NotFound):
        storage.copy("data", "none", "copies/none")
    assert storage.read_json("none") is None


@pytest.mark.parametrize("body", ["html", "truncated", "empty"])
def test_a_file_that_does_not_arrive_whole_is_fetched_again(
    body: str, service: Service, storage: Storage, tmp_path: Path
) -> None:
    """A proxy may answer 200 with a page of its own."""
    name, file = f"x/{uuid.uuid4()}", tmp_path / "model"
    storage.write(name, b"weights")
    [item] = storage.under(name)
    service.fault(path=f"/data/{name}", times=1, body=body)
    storage.download(item, file)
    assert file.read_bytes() == b"weights"
    service.fault(path=f"/data/{name}", body=body)
    with pytest.raises(ConnectionFailed, match="which has 7"):
        storage.download(item, file)


def test_files_without_content_go_through(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "none").touch()
    storage.upload(tmp_path / "none", "empty/a")
    storage.write("empty/b", b"")
    storage.copy("data", "empty/a", "empty/c")
    found = storage.under("empty/")
    for item in found:
        storage.download(item, tmp_path / item.key[-1])
    assert [(item.key, (tmp_path / item.key[-1]).read_bytes()) for item in found] == [
        (f"empty/{name}", b"") for name in "abc"
    ]
    assert all(item.is_copy(tmp_path / item.key[-1]) for item in found)
