"""Locks: a document that is made only where there is none of its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cicd.errors import Conflict, NotFound
from cicd.model import Holder, holders
from cicd.platforms.spark.documents import Documents

KIND = "lock"


class RecordLock:
    """The document that stands for one lock. Times are by this machine's clock."""

    def __init__(self, records: Documents, name: str) -> None:
        self._records = records
        self._name = name

    def take(self, holder: Holder, seconds: float) -> Holder:
        now = datetime.now(UTC)
        taken = replace(holder, since=_stamp(now), until=_stamp(now + timedelta(seconds=seconds)))
        if not self._records.add(KIND, self._name, holders.told(taken)):
            raise Conflict(f"somebody has the lock {self._name}", status=409)
        return taken

    def look(self) -> Holder | None:
        try:
            told = self._records.read(KIND, self._name)
        except NotFound:
            return None
        except ValueError:
            return holders.UNREADABLE
        texts = holders.texts(told)
        return Holder(**texts, has_expired=_is_over(texts.get("until", "")))

    def renew(self, holder: Holder, seconds: float) -> None:
        until = _stamp(datetime.now(UTC) + timedelta(seconds=seconds))
        self._records.write(KIND, self._name, holders.told(replace(holder, until=until)))

    def drop(self) -> None:
        self._records.delete(KIND, self._name)


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_over(until: str) -> bool:
    try:
        return datetime.fromisoformat(until) <= datetime.now(UTC)
    except ValueError:
        return True
