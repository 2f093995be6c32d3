"""Databases for tests: SQLite, and where it is installed a PostgreSQL of their own."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from cicd.controller.database import Database

QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB"
COUNTER = itertools.count()


def programs() -> Path | None:
    """The newest PostgreSQL of this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    on_path = shutil.which("initdb")
    return found[-1] if found else Path(on_path).parent if on_path else None


def command(*words: str) -> list[str]:
    """PostgreSQL does not run as root."""
    if os.getuid():
        return [*words]
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *words]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server without its database."""
    at = programs()
    if at is None:
        pytest.skip("no PostgreSQL is installed")
    folder = Path(tempfile.mkdtemp(prefix="cicd-pg-"))
    if not os.getuid():
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = str(folder / "data")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} {QUICK}"

    def run(*words: str) -> None:
        subprocess.run(command(*words), cwd=folder, check=True, stdout=subprocess.DEVNULL)

    made = ("-U", "cicd", "-A", "trust", "-N", "-E", "UTF8", "--locale=C", "--no-instructions")
    run(str(at / "initdb"), "-D", data, *made)
    control = (str(at / "pg_ctl"), "-D", data, "-w")
    run(*control, "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://cicd@127.0.0.1:{port}"
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where there is an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/history.db"
    server: str = request.getfixturevalue("postgres")
    name = f"test{next(COUNTER)}"
    engine = create_engine(
        f"{server.replace('postgresql', 'postgresql+pg8000')}/postgres",
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()
