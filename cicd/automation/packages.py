"""The versions of a model that a platform keeps approvals with, as means of approval know them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from cicd.errors import Refused
from cicd.lifecycle.approvals import Verdict
from cicd.model import Action, Approval, ApprovalState, Change, Key, LiveResource
from cicd.platforms.base import Platform

STAYS = frozenset({Action.NO_OP, Action.UPDATE})


def there(changes: Iterable[Change]) -> dict[Key, LiveResource]:
    """What is there of a plan, and stays itself whatever is changed of it."""
    return {one.key: one.live for one in changes if one.live and one.action in STAYS}


class PlatformPackages:
    """Those that are there by now, each by the key that the stage file gives it."""

    def __init__(self, platform: Platform, live: Mapping[Key, LiveResource]) -> None:
        self._platform = platform
        self._live = live

    def read(self, key: Key) -> Approval:
        """The approval of the version that is there now."""
        if key not in self._live:
            return Approval(ApprovalState.NONE, note=f"{key} is not registered yet")
        return self._platform.approval_of(self._live[key])

    def decide(
        self, key: Key, verdict: Verdict | Literal["pending"], reason: str, fingerprint: str
    ) -> Approval:
        """Give or refuse it, or say what it is about while nobody has decided."""
        if key not in self._live:
            raise Refused(f"{key} is not registered yet", hint="apply registers it")
        self._platform.decide(self._live[key], verdict, reason, fingerprint)
        return self.read(key)
