"""Opens the database: SQLite in a file for one controller, PostgreSQL for several."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cicd.errors import CicdError, Usage

try:
    from sqlalchemy import ColumnElement, Connection, Engine, create_engine, event, literal_column
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError
    from sqlalchemy.pool import NullPool
except ImportError as error:
    raise CicdError(
        f"the history of a controller needs {error.name}, which is not installed",
        hint="install cicd with its extra controller",
    ) from None

VERSIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS, CONNECT_SECONDS = 10.0, 5
_MIGRATING = 7_240_118
"""The number of the lock under which one of several replicas changes tables."""


_CLOCKS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000.0 AS BIGINT)",
    "postgresql": "CAST(extract(epoch from clock_timestamp()) * 1000 AS BIGINT)",
}


class Database:
    """``url``: ``sqlite:///FILE`` or ``postgresql://…``; a login in it is never told. Raises Usage
    for any other, CicdError where the database cannot be reached or is newer than this program."""

    def __init__(self, url: str) -> None:
        self.url = _known(url)
        self.is_lite = self.url.get_backend_name() == "sqlite"
        self.engine: Engine = _lite(self.url) if self.is_lite else _postgres(self.url)
        # by the clock of the database: those of several machines differ
        self.now: ColumnElement[int] = literal_column(_CLOCKS[self.url.get_backend_name()])
        try:
            with self.speaking():
                _migrate(self.engine)
        except CicdError:
            self.close()
            raise

    @property
    def name(self) -> str:
        """Where it is, without a password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Raise CicdError, without a password in it, where the database does not answer."""
        try:
            yield
        except SQLAlchemyError as error:
            told = str(getattr(error, "orig", None) or type(error).__name__)
            told = told.replace(self.url.password or "\0", "***")
            raise CicdError(f"{self.name}: {told}") from None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A short transaction that may write."""
        with self.speaking(), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def when(milliseconds: int | None) -> datetime | None:
    """A time of the database for people."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def _known(text: str) -> URL:
    hint = "sqlite:///history.db, or postgresql://USER@HOST/NAME"
    try:
        url = make_url(text)
    except ArgumentError:
        raise Usage("--database is no URL", hint=hint) from None
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+pg8000")
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise Usage(f"no such database: {url.get_backend_name()}", hint=hint)
    return url


def _lite(url: URL) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    # a connection costs less than a thread that waits for one
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late
        for pragma in ("journal_mode=wal", "synchronous=normal", "foreign_keys=on"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # One that reads first and writes then fails at once where another one has written.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgres(url: URL) -> Engine:
    options: dict[str, Any] = {"pool_pre_ping": True, "pool_size": 5}
    if url.get_driver_name() == "pg8000":
        options["connect_args"] = {"timeout": CONNECT_SECONDS}
    return create_engine(url, **options)


def _migrate(engine: Engine) -> None:
    """Take the steps that are missing; nothing of Alembic is loaded where none is."""
    from sqlalchemy import func, inspect, select

    from cicd.controller.migrations import NEWEST

    with engine.connect() as connection:
        if inspect(connection).has_table("alembic_version"):
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            if found == NEWEST:
                return
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
        upgrade(connection)


def upgrade(connection: Connection, target: str = "head") -> None:
    """Take all steps up to ``target``. Raises CicdError for a database of a newer program."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.script.revision import ResolutionError
    from alembic.util import CommandError

    script = ScriptDirectory(str(VERSIONS))
    context = MigrationContext.configure(connection)
    current = context.get_current_revision()
    try:
        missing = [*script.iterate_revisions(target, current or "base")]
    except (CommandError, ResolutionError):
        told = f"the database is at version {current}, which this cicd does not know"
        raise CicdError(told, hint="it was used by a newer one: install that") from None
    with Operations.context(context):
        for revision in reversed(missing):
            revision.module.upgrade()
    if missing:
        context.stamp(script, target)
