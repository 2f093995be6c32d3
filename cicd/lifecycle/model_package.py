"""An approval that the platform keeps with a version of a model, as the register of SageMaker."""

from __future__ import annotations

from cicd.errors import Refused
from cicd.lifecycle.approvals import Request, Surroundings, Verdict
from cicd.model import Approval, ApprovalState, ModelPackageApproval


def connect(settings: ModelPackageApproval, surroundings: Surroundings) -> ModelPackages:
    """Sends nothing. Raises Refused where the platform keeps none."""
    if surroundings.packages is None:
        raise Refused("this platform keeps no approvals with versions of models")
    return ModelPackages(settings, surroundings)


class ModelPackages:
    """That of the version which the stage registers: it never changes, so an approval of it is one
    of just that model. What else is to serve stands as a fingerprint in its properties."""

    def __init__(self, settings: ModelPackageApproval, around: Surroundings) -> None:
        assert around.packages
        self._key = settings.key
        self._packages = around.packages

    def read(self, request: Request) -> Approval:
        """As the platform tells it."""
        return self._packages.read(self._key)

    def ask(self, request: Request) -> Approval:
        """The same, and what it is about is kept with it: a version waits from the start."""
        found = self.read(request)
        is_open = found.state is ApprovalState.PENDING
        if not is_open or found.fingerprint == request.fingerprint:
            return found
        return self._packages.decide(self._key, "pending", "", request.fingerprint)

    def decide(self, request: Request, verdict: Verdict, reason: str) -> Approval:
        """Give or refuse it with the platform's own login."""
        return self._packages.decide(self._key, verdict, reason, request.fingerprint)
