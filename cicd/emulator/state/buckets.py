"""The objects that programs keep in the emulator's own S3: content in files, the rest in the store.

A bucket exists that was made, or that holds something.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.state.store import Row, Store

PIECE = 2**20
Condition = str
"""What must be there for a write: ``*`` for no object, an ETag for that one, empty for whatever."""


class NotAsExpected(Exception):
    """What was to be replaced is another object than it should be."""


@dataclass(frozen=True)
class Draft:
    """Content that has come in and is not an object yet."""

    path: Path
    size: int
    md5: str


@dataclass(frozen=True)
class Object:
    """``etag`` without quotes, ``headers`` those it was stored with, ``modified`` as RFC 3339."""

    key: str
    path: Path
    size: int
    etag: str
    modified: str
    headers: Mapping[str, str]


class Buckets:
    """All calls may block; any thread may make them."""

    def __init__(self, data: Path, store: Store) -> None:
        self._folder = data / "buckets"
        self._uploads = self._folder / "uploads"
        self._store = store
        # what an emulator that was killed had begun to take in
        shutil.rmtree(self._folder / "drafts", ignore_errors=True)
        for name in ("content", "drafts"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def draft(self) -> Path:
        """A file that does not exist yet, for content that comes in."""
        return self._folder / "drafts" / uuid.uuid4().hex

    def get(self, bucket: str, key: str) -> Object | None:
        """One object."""
        sql = "SELECT * FROM objects WHERE bucket = ? AND key = ?"
        row = self._store.row(sql, (bucket, key))
        return self._object(row) if row else None

    def put(
        self,
        bucket: str,
        key: str,
        draft: Draft,
        headers: Mapping[str, str],
        wanted: Condition = "",
    ) -> Object:
        """Make the content an object, in place of the one before. Raises NotAsExpected."""
        return self._keep(bucket, key, draft, draft.md5, headers, wanted)

    def copy(
        self, source: Object, bucket: str, key: str, headers: Mapping[str, str] | None
    ) -> Object:
        """Store an object once more; without ``headers`` with its own."""
        draft = Draft(self.draft(), source.size, source.etag)
        shutil.copyfile(source.path, draft.path)
        return self._keep(
            bucket, key, draft, source.etag, source.headers if headers is None else headers
        )

    def piece(self, source: Object, start: int, end: int) -> Draft:
        """The bytes of an object from ``start`` to before ``end``, as content of another."""
        path, md5 = self.draft(), hashlib.md5(usedforsecurity=False)
        with source.path.open("rb") as file, path.open("wb") as made:
            file.seek(start)
            while found := file.read(min(PIECE, end - file.tell())):
                made.write(found)
                md5.update(found)
        return Draft(path, path.stat().st_size, md5.hexdigest())

    def delete(self, bucket: str, key: str) -> None:
        """Forget an object; one that is not there is no error."""
        with self._store.transaction() as db:
            sql = "SELECT file FROM objects WHERE bucket = ? AND key = ?"
            row = db.execute(sql, (bucket, key)).fetchone()
            db.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key))
        if row:
            (self._folder / "content" / row["file"]).unlink(missing_ok=True)

    def listed(self, bucket: str, prefix: str, after: str) -> list[Object]:
        """What begins with ``prefix`` and comes after the key ``after``, in the order of bytes."""
        sql = (
            "SELECT * FROM objects WHERE bucket = ? AND key > ? AND substr(key, 1, ?) = ? "
            "ORDER BY key"
        )
        rows = self._store.rows(sql, (bucket, after, len(prefix), prefix))
        return [self._object(row) for row in rows]

    def all(self) -> list[tuple[str, str]]:
        """Every bucket that exists, in order, and since when, as RFC 3339."""
        sql = (
            "SELECT name, min(since) FROM (SELECT name, made_at AS since FROM buckets "
            "UNION ALL SELECT bucket, modified_at FROM objects) GROUP BY name ORDER BY name"
        )
        return [(row[0], row[1]) for row in self._store.rows(sql)]

    def exists(self, bucket: str) -> bool:
        """Whether there is a bucket of this name."""
        sql = (
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM buckets WHERE name = ?) "
            "OR EXISTS (SELECT 1 FROM objects WHERE bucket = ?)"
        )
        return self._store.row(sql, (bucket, bucket)) is not None

    def make(self, bucket: str) -> None:
        """Make a bucket; one that is there stays as it is."""
        sql = "INSERT OR IGNORE INTO buckets VALUES (?, ?)"
        self._store.write(sql, (bucket, timestamps.now()))

    def remove(self, bucket: str) -> bool:
        """Delete a bucket; False, and it stays, where it holds something."""
        with self._store.transaction() as db:
            if db.execute("SELECT 1 FROM objects WHERE bucket = ?", (bucket,)).fetchone():
                return False
            db.execute("DELETE FROM buckets WHERE name = ?", (bucket,))
        return True

    def begin(self, bucket: str, key: str, headers: Mapping[str, str]) -> str:
        """An upload in parts; its id."""
        upload = uuid.uuid4().hex
        folder = self._uploads / upload
        folder.mkdir(parents=True)
        about = {"bucket": bucket, "key": key, "headers": dict(headers)}
        (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
        return upload

    def add_part(self, upload: str, bucket: str, key: str, number: int, draft: Draft) -> bool:
        """Take in a part, in place of one with its number; False where there is no such upload."""
        if self._about(upload, bucket, key) is None:
            return False
        folder = self._uploads / upload
        for old in folder.glob(f"{number:05d}-*"):
            old.unlink(missing_ok=True)
        draft.path.replace(folder / f"{number:05d}-{draft.md5}")
        return True

    def complete(
        self, upload: str, bucket: str, key: str, numbers: list[int], wanted: Condition = ""
    ) -> Object | None:
        """Put the parts together; None where the upload or one of them is not there. Raises
        NotAsExpected."""
        about = self._about(upload, bucket, key)
        folder = self._uploads / upload
        parts = [next(iter(folder.glob(f"{number:05d}-*")), None) for number in numbers]
        found = [part for part in parts if part]
        if about is None or not found or len(found) != len(parts):
            return None
        target = self.draft()
        digests = b""
        with target.open("wb") as whole:
            for part in found:
                digests += bytes.fromhex(part.name.partition("-")[2])
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole, PIECE)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(found)}"
        draft = Draft(target, target.stat().st_size, etag)
        made = self._keep(bucket, key, draft, etag, about["headers"], wanted)
        shutil.rmtree(folder, ignore_errors=True)
        return made

    def abort(self, upload: str, bucket: str, key: str) -> bool:
        """Forget an upload; False where there is none."""
        if self._about(upload, bucket, key) is None:
            return False
        shutil.rmtree(self._uploads / upload, ignore_errors=True)
        return True

    def _about(self, upload: str, bucket: str, key: str) -> dict[str, Any] | None:
        if not upload.isalnum():
            return None
        try:
            text = (self._uploads / upload / "about.json").read_text(encoding="utf-8")
        except OSError:
            return None
        about: dict[str, Any] = json.loads(text)
        return about if (about["bucket"], about["key"]) == (bucket, key) else None

    def _keep(
        self,
        bucket: str,
        key: str,
        draft: Draft,
        etag: str,
        headers: Mapping[str, str],
        wanted: Condition = "",
    ) -> Object:
        name = draft.path.name
        place = self._folder / "content" / name
        now = timestamps.now()
        with self._store.transaction() as db:
            sql = "SELECT file, etag FROM objects WHERE bucket = ? AND key = ?"
            before = db.execute(sql, (bucket, key)).fetchone()
            there = before["etag"] if before else "*"
            if wanted not in ("", there):
                draft.path.unlink(missing_ok=True)
                raise NotAsExpected
            draft.path.replace(place)
            db.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)",
                (bucket, key, name, draft.size, etag, now, json.dumps(dict(headers))),
            )
        if before:
            (self._folder / "content" / before["file"]).unlink(missing_ok=True)
        return Object(key, place, draft.size, etag, now, headers)

    def _object(self, row: Row) -> Object:
        place = self._folder / "content" / row["file"]
        headers = json.loads(row["headers"])
        return Object(row["key"], place, row["size"], row["etag"], row["modified_at"], headers)
