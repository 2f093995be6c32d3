"""The versions of a model that a platform keeps approvals with, as means of approval know them."""

from __future__ import annotations

from cicd.automation.session import Session
from cicd.errors import Refused
from cicd.lifecycle.approvals import Verdict
from cicd.model import Approval, ApprovalState, Key, LiveResource


class PlatformPackages:
    """Those of one stage, each by the key that its file gives it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self, key: Key) -> Approval:
        """The approval of the version that is there now."""
        live = self._find(key)
        if live is None:
            return Approval(ApprovalState.NONE, note=f"{key} is not registered yet")
        return self._session.platform.approval_of(live)

    def decide(self, key: Key, verdict: Verdict, reason: str) -> Approval:
        """Give or refuse it."""
        live = self._find(key)
        if live is None:
            raise Refused(f"{key} is not registered yet", hint="apply registers it")
        self._session.platform.decide(live, verdict, reason)
        return self.read(key)

    def _find(self, key: Key) -> LiveResource | None:
        from cicd.plan.match import Matcher

        platform = self._session.platform
        wishes = [
            wish for wish in platform.complete(self._session.stage.resources) if wish.key == key
        ]
        found = platform.read(wishes) if wishes else []
        return Matcher(wishes, found, platform.kinds).take(wishes[0]) if wishes else None
