"""The approval of a model package: who gave it, and for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.model import Approval, ApprovalState, LiveResource
from cicd.platforms.sagemaker.api import Api
from cicd.platforms.sagemaker.packages import APPROVAL, NOUN
from cicd.platforms.sagemaker.things import stamp

FINGERPRINT = "cicd:fingerprint"
"""The property that says what was to be decided."""
LONGEST_REASON = 1024
UNBOUND = "it was decided before it was said what is to serve: set it to pending, or cicd approve"
UNKNOWN = "somebody that CloudTrail knows"
STATES = {
    APPROVAL["pending"]: ApprovalState.PENDING,
    APPROVAL["approved"]: ApprovalState.APPROVED,
    APPROVAL["rejected"]: ApprovalState.REJECTED,
}


def approval_of(api: Api, live: LiveResource, link: str) -> Approval:
    """What SageMaker tells of it now. Without a fingerprint an approval is none of this content."""
    told = api.describe(NOUN, live.outputs["arn"])
    state = STATES.get(str(told.get("ModelApprovalStatus")), ApprovalState.NONE)
    fingerprint = str((told.get("CustomerMetadataProperties") or {}).get(FINGERPRINT, ""))
    note = str(told.get("ApprovalDescription") or "")
    if state is ApprovalState.APPROVED and not fingerprint:
        state, note = ApprovalState.STALE, UNBOUND
    return Approval(
        state,
        by=_who(told) if state is not ApprovalState.PENDING else "",
        at=stamp(told.get("LastModifiedTime")),
        fingerprint=fingerprint,
        link=link or str(told["ModelPackageArn"]),
        note=note,
        approvers=f"who may UpdateModelPackage of {live.id}",
    )


def decide(api: Api, live: LiveResource, verdict: str, reason: str, fingerprint: str) -> None:
    """Keep a decision (``pending`` for none yet) and what it is about."""
    body: dict[str, Any] = {"CustomerMetadataProperties": {FINGERPRINT: fingerprint}}
    if verdict != "pending":
        body["ModelApprovalStatus"] = APPROVAL[verdict]
        body["ApprovalDescription"] = reason[:LONGEST_REASON]
    api.write("update_model_package", ModelPackageArn=live.outputs["arn"], **body)


def _who(told: Mapping[str, Any]) -> str:
    """Who changed it last, which may be somebody who only said more about it."""
    by = told.get("LastModifiedBy") or {}
    identity = by.get("IamIdentity") or {}
    return str(by.get("UserProfileName") or identity.get("Arn") or UNKNOWN)
