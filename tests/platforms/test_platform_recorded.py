"""What stands in a folder of records, for platforms that keep no account of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cicd.errors import Conflict, NotFound
from cicd.model import Key, Kind, LiveResource, Resource, State, Status
from cicd.platforms.recorded import Record, Recorded, Records

KINDS = {
    kind.name: kind
    for kind in (
        Kind("job", role="run", updatable=False),
        Kind("model", identity=(), updatable=False),
        Kind("endpoint", role="service", named=True),
    )
}


class Shelf(Recorded):
    name = "shelf"
    kinds = KINDS

    def create(self, desired: Resource, token: str = "", marks: Record = {}) -> LiveResource:  # noqa: B006 never changed
        return self.record(desired, token, marks, size=3)

    def as_it_is(self, live: LiveResource, record: Record) -> LiveResource:
        return replace(live, status=Status(State.RUNNING, f"{record['size']} big"))


def wish(kind: str, name: str = "a", **spec: object) -> Resource:
    return Resource(Key(kind, name), {"name": name, **spec})


def test_what_has_one_token_is_made_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    made = [shelf.create(wish("job"), token).id for token in ("t", "t", "u", "", "")]
    assert made[0] == made[1] and len(set(made)) == 4
    assert len(shelf.browse("job")) == 4


def test_content_is_made_once_for_each_spec_in_whatever_order_it_is_told(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    one, same = wish("model", x=1, y=2), Resource(Key("model", "a"), {"y": 2, "x": 1, "name": "a"})
    ids = [shelf.create(item, token).id for item, token in ((one, "t"), (same, "u"), (one, ""))]
    assert len(set(ids)) == 1 and shelf.create(wish("model", x=2, y=2)).id not in ids


def test_of_a_name_that_only_one_can_have_the_second_is_refused(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert shelf.create(wish("endpoint"), "t").id == "a"
    with pytest.raises(Conflict, match="endpoint a already"):
        shelf.create(wish("endpoint"), "t")

    def create(number: int) -> bool:
        try:
            return bool(Shelf(tmp_path).create(wish("endpoint", "b", number=number)))
        except Conflict:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(16))) == 1


@pytest.mark.parametrize("name", ["a/b", "a+b", "grüße", "..", "a%2Fb", "a.b.json", "x" * 70])
def test_any_name_finds_its_thing_again(tmp_path: Path, name: str) -> None:
    shelf = Shelf(tmp_path / "box")
    made = shelf.create(wish("endpoint", name))
    assert [live.id for live in shelf.browse("endpoint")] == [name]
    assert shelf.get(made) == made and made.status.raw == "3 big"
    assert [path.name for path in tmp_path.iterdir()] == ["box"]
    shelf.delete(made)
    shelf.delete(made)
    with pytest.raises(NotFound) as gone:
        shelf.get(made)
    assert gone.value.status == 404
    assert shelf.browse("endpoint") == []


def test_marks_come_back_as_fields_and_owner_and_are_added_to(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    made = shelf.create(wish("job"), marks={"cicd.stage": "dev", "cicd.inputs": "01"})
    assert (made.owner, made.spec["inputs"]) == ("dev", "01")
    shelf.tag(made, {"cicd.inputs": "02"})
    assert (shelf.get(made).owner, shelf.get(made).spec["inputs"]) == ("dev", "02")


def test_only_what_may_be_changed_is_changed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    made = shelf.create(wish("endpoint", size=1), marks={"cicd.stage": "dev"})
    after = shelf.update(made, wish("endpoint", size=2))
    assert (after.id, after.spec["size"], after.owner) == ("a", 2, "dev")
    with pytest.raises(Exception, match="never be changed"):
        shelf.update(shelf.create(wish("job")), wish("job"))


def test_the_newest_stands_last_and_texts_are_remembered(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    ids = [shelf.create(wish("job", name), "t").id for name in "cab"]
    assert [live.id for live in shelf.browse("job")] == ids
    assert shelf.recall("dev/x") == ""
    shelf.remember("dev/x", "grüße")
    assert Shelf(tmp_path).recall("dev/x") == "grüße"
    assert shelf.read([], everything=True) == shelf.browse("job")


def test_fields_that_many_write_at_once_are_all_there(tmp_path: Path) -> None:
    records = Records(tmp_path)

    def write(number: int) -> None:
        records.write("job", "a", {str(number): number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert len(records.read("job", "a")) == 40
    assert [path.name for path in (tmp_path / "job").iterdir()] == ["a.json"]
