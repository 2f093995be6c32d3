"""Repositories, their stages, and what was done to them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


def upgrade() -> None:
    op.create_table(
        "repository",
        sa.Column("id", ID, nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("branch", sa.String(255), nullable=False),
        text("head"),
        sa.Column("fetched_at", sa.BigInteger()),
        text("error"),
        sa.PrimaryKeyConstraint("id", name="pk_repository"),
        sa.UniqueConstraint("url", "branch", name="uq_repository_url_branch"),
    )
    op.create_table(
        "stage",
        sa.Column("id", ID, nullable=False),
        sa.Column("repository_id", ID, nullable=False),
        sa.Column("path", sa.String(1000), nullable=False),
        *map(text, ("name", "platform", "state", "reason")),
        sa.Column("since", sa.BigInteger()),
        *map(text, ("head", "applied", "tried", "held")),
        *map(count, ("wanted", "drift", "tries")),
        text("error"),
        *map(count, ("next_try", "due_at")),
        sa.Column("holder", sa.String(255)),
        sa.Column("lease_until", sa.BigInteger()),
        count("fence"),
        sa.PrimaryKeyConstraint("id", name="pk_stage"),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name="fk_stage_repository_id"
        ),
        sa.UniqueConstraint("repository_id", "path", name="uq_stage_repository_id_path"),
    )
    op.create_index("ix_stage_due_at", "stage", ["due_at"])
    op.create_table(
        "entry",
        sa.Column("id", ID, nullable=False),
        sa.Column("stage_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        text("who"),
        sa.Column("via", sa.String(20), nullable=False, server_default=""),
        *map(text, ("commit", "before", "fingerprint", "result", "reason")),
        sa.Column("summary", sa.JSON()),
        sa.Column("fields", sa.JSON()),
        text("log_tail"),
        count("fence"),
        text("replica"),
        sa.PrimaryKeyConstraint("id", name="pk_entry"),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name="fk_entry_stage_id"),
    )
    op.create_index("ix_entry_stage_id_id", "entry", ["stage_id", "id"])
    op.create_index("ix_entry_at", "entry", ["at"])
