"""What the answers of AWS mean, as errors of ours. The text goes before the code: one code of
theirs means five different things. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from cicd.errors import Conflict, Denied, LostAnswer, NotFound, PlatformError, Throttled

_QUOTA = "ask for more in AWS Service Quotas, or name another instance type"
_PASSING = "the login needs iam:PassRole on the role that the stage file names"
_RIGHTS = "the login lacks this right; docs/sagemaker.md lists those that are needed"
_CLOCK = "set this machine's clock; cicd doctor tells how far it is off"
_LOGIN = "check the login; cicd doctor looks into it"
NOT_IMPLEMENTED = 501
"""The status of what never has an effect."""
ROLE = "could not assume role"
TEXTS: tuple[tuple[str, type[PlatformError], str], ...] = (
    # it goes on with the value that is wrong, whatever that says
    (r"^\d+ validation errors? detected", PlatformError, ""),
    (r"could not find|requested resource not found|does not exist", NotFound, ""),
    (r"cannot create already existing", Conflict, ""),
    (r"in-progress|in progress|is currently being|while .* is (creating|updating)", Conflict, ""),
    (r"iam:PassRole", Denied, _PASSING),
    (r"not authorized to perform", Denied, _RIGHTS),
    (ROLE, PlatformError, "check that sagemaker.amazonaws.com may assume it"),
    (r"no s3 objects found|could not access model data", PlatformError, "check the S3 address"),
    (r"rate exceeded", Throttled, ""),
)
CODES: tuple[tuple[str, type[PlatformError], str], ...] = (
    (
        r"ResourceNotFound.*|ObjectNotFoundException|NoSuch(Key|Bucket|Entity)|NotFound|404|ParameterNotFound",
        NotFound,
        "",
    ),
    (
        r"ResourceInUse|Conflict.*|.*AlreadyExists.*|PreconditionFailed|412|409"
        r"|ConditionalRequestConflict|BucketAlreadyOwnedByYou",
        Conflict,
        "",
    ),
    (r"ResourceLimitExceeded|.*QuotaExceeded.*", PlatformError, _QUOTA),
    (
        r"Throttl.*|ConcurrentUpdateException|TooMany(Requests|Updates).*|RequestLimitExceeded|SlowDown",
        Throttled,
        "",
    ),
    (r"(KMS)?AccessDenied.*|UnauthorizedOperation|403", Denied, _RIGHTS),
    (r"RequestTimeTooSkewed|RequestExpired", Denied, _CLOCK),
    (
        r"ExpiredToken.*|UnrecognizedClient.*|InvalidClientTokenId|InvalidSignature.*"
        r"|SignatureDoesNotMatch|MissingAuthenticationToken.*|InvalidAccessKeyId"
        r"|InvalidIdentityToken|IDPRejectedClaim|IncompleteSignature|401",
        Denied,
        _LOGIN,
    ),
)


def is_whole(told: Mapping[str, Any], required: Collection[str] | None, content: bytes) -> bool:
    """Whether a success is one of AWS, and not of something in between: ``told`` is what botocore
    has read in ``content``, which is JSON; ``required`` what the service model promises, None where
    it promises nothing at all."""
    if told.keys() - {"ResponseMetadata"}:
        return set(required or ()) <= told.keys()
    if required is None and not content.strip():
        return True
    try:
        return not required and isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def refusal(
    code: str, text: str, *, status: int = 0, request_id: str = "", is_write: bool = False
) -> PlatformError:
    """The error for an answer that is one. ``is_write``: of a request that may have had its effect
    where the platform itself has failed."""
    kind, hint = _meaning(code, text)
    if kind is PlatformError and is_write and status >= 500 and status != NOT_IMPLEMENTED:
        kind = LostAnswer
    shown = text.strip() or code
    return kind(shown, hint=hint, status=status, code=code, request_id=request_id)


def is_untrusted(text: str) -> bool:
    """Whether a role is refused: that passes where it has been made just now."""
    return bool(re.search(ROLE, text, re.IGNORECASE))


def _meaning(code: str, text: str) -> tuple[type[PlatformError], str]:
    for pattern, kind, hint in TEXTS:
        if re.search(pattern, text, re.IGNORECASE):
            return kind, hint
    for pattern, kind, hint in CODES:
        if re.fullmatch(pattern, code, re.IGNORECASE):
            return kind, hint
    return PlatformError, ""
