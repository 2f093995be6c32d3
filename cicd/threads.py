"""Several calls at once, for the time of a ``with`` block."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def together(most: int) -> Iterator[ThreadPoolExecutor]:
    """At most so many threads. Their end is waited for only when the block has ended well: neither
    Ctrl-C nor the failure of one is kept waiting by the requests of others. (An interpreter that
    ends waits for them all the same: see ``run`` in ``cicd.cli.root``.)"""
    pool = ThreadPoolExecutor(most, "cicd")
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
