"""The tables of the database. Times are milliseconds since 1970, so that no zone is involved and
both databases compare them alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_ID = BigInteger().with_variant(Integer, "sqlite")  # only that counts up by itself there


def _id() -> Column[int]:
    return Column("id", _ID, primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _moment(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, **options)


REPOSITORY = Table(
    "repository",
    METADATA,
    _id(),
    Column("url", String(2000), nullable=False),  # without a login
    Column("branch", String(255), nullable=False),
    _text("head"),
    _moment("fetched_at"),
    _text("error"),
    UniqueConstraint("url", "branch"),
)
STAGE = Table(
    "stage",
    METADATA,
    _id(),
    Column("repository_id", _ID, ForeignKey("repository.id"), nullable=False),
    Column("path", String(1000), nullable=False),
    _text("name"),
    _text("platform"),
    _text("state"),
    _text("reason"),
    _moment("since"),
    _text("head"),
    _text("applied"),
    _text("tried"),
    _text("held"),
    _count("wanted"),
    _count("drift"),
    _count("tries"),
    _text("error"),
    _count("next_try"),
    _count("due_at"),
    Column("holder", String(255)),
    _moment("lease_until"),
    _count("fence"),
    UniqueConstraint("repository_id", "path"),
    Index(None, "due_at"),
)
ENTRY = Table(
    "entry",
    METADATA,
    _id(),
    Column("stage_id", _ID, ForeignKey("stage.id"), nullable=False),
    Column("kind", String(20), nullable=False),
    _moment("at", nullable=False),
    _moment("ended_at"),
    _text("who"),
    Column("via", String(20), nullable=False, server_default=""),
    _text("commit"),
    _text("before"),
    _text("fingerprint"),
    _text("result"),
    _text("reason"),
    Column("summary", JSON),
    Column("fields", JSON),  # that were put back
    _text("log_tail"),
    _count("fence"),
    _text("replica"),
    Index(None, "stage_id", "id"),
    Index(None, "at"),
)
