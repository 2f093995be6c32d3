"""What a run takes of a matrix whose rows prove one mechanism; all of it: ``CICD_FAULTS=all``."""

from __future__ import annotations

import os
from http import HTTPStatus

IS_ALL = os.environ.get("CICD_FAULTS") == "all"
"""Whether every case is run and not just a sample."""
PROXIES = {499, *range(520, 528), 530, 598, 599}
"""Statuses of proxies that no standard names."""
NAMED = frozenset(status.value for status in HTTPStatus if status >= 400) | PROXIES
"""Failures that somebody may treat apart; nobody knows one of the others from the next."""


def failing_statuses(share: int, of: int = 4) -> list[int]:
    """The statuses from 400 to 599 for one of ``of`` tests that try the same ones: those that have
    a name, and a share of the others, so that all the tests together try each of them."""
    every = range(400, 600)
    return [s for s in every if IS_ALL or s in NAMED or s % of == share]
