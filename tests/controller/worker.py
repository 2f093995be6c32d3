"""A replica for tests: claims stages until none is left and writes an entry for each.

``worker.py URL NAME LEASE``; it says ``ready`` once it has its first one."""

from __future__ import annotations

import sys
import time

from sqlalchemy import func, select

from cicd.controller.claims import Claims
from cicd.controller.database import Database
from cicd.controller.recording import Lost, Records
from cicd.controller.tables import STAGE


def work(url: str, name: str, lease: float) -> None:
    database = Database(url)
    claims, records = Claims(database, name, lease), Records(database)
    while True:
        claim = claims.take()
        if claim is None:
            with database.begin() as connection:
                if not connection.scalar(select(func.count()).where(STAGE.c.holder.is_not(None))):
                    return
            time.sleep(0.05)
            continue
        print("ready", flush=True)
        try:
            records.interrupt(claim)
            entry = records.begin(claim, "apply")
            time.sleep(0.02)
            records.end(claim, entry, result="applied")
            claims.give_back(claim, 3600)
        except Lost:
            print("lost", flush=True)


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], float(sys.argv[3]))
