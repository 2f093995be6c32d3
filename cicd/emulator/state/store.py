"""The SQLite file: opening, migrating, transactions. The tables are explained by their users."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cicd.emulator.errors import EmulatorError
from cicd.emulator.state.migrations import MIGRATIONS

FILE_NAME = "emulator.db"

Row = sqlite3.Row


class Store:
    """One writing and one reading connection, shared by all threads, and one for the event loop.

    WAL lets readers go on while somebody writes; each connection is used by one thread at a time.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._write_lock = threading.RLock()
        self._read_lock = threading.Lock()
        self.before_write: list[Callable[[], None]] = []
        """Called before every transaction, while no other can begin."""
        try:
            # passwords of Git repositories are in it: for its owner only
            self.path.touch(mode=0o600)
            self._writer = connect(self.path)
            try:
                migrate(self._writer)
                self._reader = connect(self.path)
                self._quick_reader = connect(self.path)
            except BaseException:
                self._writer.close()
                raise
            for reader in (self._reader, self._quick_reader):
                reader.execute("PRAGMA query_only = ON")
        except (sqlite3.Error, OSError) as error:
            raise EmulatorError(
                f"the emulator's database {self.path} cannot be used: {error}",
                "free some space or choose another --data folder; "
                "`cicd emulator reset` starts from nothing",
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing of it. Blocks of other threads wait; blocks may nest."""
        with self._write_lock:
            is_nested = self._writer.in_transaction
            if is_nested:
                yield self._writer
                return
            for call in tuple(self.before_write):
                call()
            # The lock is taken now: a transaction that reads first and writes later would fail when
            # somebody else has written in between.
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                self._writer.rollback()
                raise

    def rows(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        """All rows of a query, as of the last commit."""
        with self._read_lock:
            return self._reader.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def row_now(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The same for the event loop, which must not wait for what other threads read: it has a
        connection of its own. For queries of one row by its key."""
        found: Row | None = self._quick_reader.execute(sql, parameters).fetchone()
        return found

    def write(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
        """One statement in its own transaction (or in the open one); rows it changed."""
        with self.transaction() as db:
            return db.execute(sql, parameters).rowcount

    def close(self) -> None:
        """Close all connections; the last one folds the WAL back into the file."""
        with self._write_lock, self._read_lock:
            self._quick_reader.close()
            self._reader.close()
            self._writer.close()


def connect(path: Path) -> sqlite3.Connection:
    """A connection in WAL mode with rows by name; transactions are ours to begin."""
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
    try:
        db.row_factory = sqlite3.Row
        db.create_function("folded", 1, folded, deterministic=True)
        db.execute("PRAGMA journal_mode = WAL")
        # With WAL a crash of the program loses nothing; a loss of power may lose the last moments,
        # which an emulator can do without.
        db.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        db.close()
        raise
    return db


def folded(text: str | None) -> str:
    """What texts are compared by where their case does not matter; SQLite's own is ASCII only."""
    return (text or "").casefold()


def migrate(db: sqlite3.Connection) -> None:
    """Bring an older or new database to this version; refuse one from a newer version."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise EmulatorError(
            f"the emulator's data is from a newer version of cicd (data version {version}, "
            f"this one knows {len(MIGRATIONS)})",
            "upgrade cicd, or start from nothing with `cicd emulator reset`",
        )
    # Each step in a transaction with its number: ended in between, the next start goes on with the
    # step that was not finished.
    for number, (_, script) in enumerate(MIGRATIONS[version:], start=version + 1):
        db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
