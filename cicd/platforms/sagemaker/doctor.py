"""What ``cicd doctor`` finds of an account: login, region, role, bucket, quotas, clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from functools import partial

from cicd.errors import NotFound, PlatformError
from cicd.platforms.base import Finding
from cicd.platforms.sagemaker.api import Api
from cicd.platforms.sagemaker.storage import Storage

SKEW = 60 * 10**9


def examine(api: Api, storage: Storage, role: str, instances: Collection[str]) -> Iterator[Finding]:
    """One finding after the other; nothing is changed."""
    try:
        told = api.call("sts", "get_caller_identity")
    except PlatformError as error:
        yield Finding("login", "error", error.message, error.hint)
        return
    yield Finding("login", "ok", f"{told['Arn']} in account {told['Account']}")
    where = api.url or api.region
    yield from _tried("region", partial(api.read, "list_models", MaxResults=1), f"{where} answers")
    yield from _role(api, role)
    try:
        storage.probe()
        yield Finding("bucket", "ok", f"{storage.bucket} can be reached")
    except NotFound:
        yield Finding(
            "bucket", "warning", f"there is no bucket {storage.bucket} yet", "apply makes it"
        )
    except PlatformError as error:
        yield Finding("bucket", "error", f"{storage.bucket}: {error.message}", error.hint)
    for instance in sorted(instances):
        yield from _quota(api, instance)
    ahead = api.now() - time.time_ns()
    if abs(ahead) > SKEW:
        text = f"this machine's clock differs from that of AWS by {abs(ahead) // 10**9} s"
        yield Finding(
            "clock", "error", text, "set the clock: AWS refuses signatures of other times"
        )
    else:
        yield Finding("clock", "ok", "this machine's clock is right")


def _tried(check: str, call: Callable[[], object], good: str) -> Iterator[Finding]:
    try:
        call()
    except PlatformError as error:
        yield Finding(check, "error", error.message, error.hint)
    else:
        yield Finding(check, "ok", good)


def _role(api: Api, role: str) -> Iterator[Finding]:
    """Whether the role is there and SageMaker may take it; who may not ask is told so."""
    if not role:
        yield Finding("role", "skipped", "the stage file names no role")
        return
    try:
        told = api.call("iam", "get_role", RoleName=role.rpartition("/")[2])["Role"]
    except NotFound:
        yield Finding("role", "error", f"there is no role {role}", "correct sagemaker.role")
        return
    except PlatformError:
        yield Finding("role", "skipped", f"{role}: this login may not look at it (iam:GetRole)")
        return
    trusts = "sagemaker.amazonaws.com" in str(told.get("AssumeRolePolicyDocument", ""))
    if trusts:
        yield Finding("role", "ok", f"{role} trusts SageMaker")
    else:
        cure = "let sagemaker.amazonaws.com assume it in its trust policy"
        yield Finding("role", "error", f"{role} does not trust SageMaker", cure)


def _quota(api: Api, instance: str) -> Iterator[Finding]:
    """How many of an instance type the account may have for each use."""
    check = f"quota of {instance}"
    try:
        found = {
            str(one["QuotaName"]): float(one["Value"])
            for page in api.pages("service-quotas", "list_service_quotas", ServiceCode="sagemaker")
            for one in page.get("Quotas", ())
            if str(one["QuotaName"]).startswith(f"{instance} ")
        }
    except PlatformError:
        yield Finding(check, "skipped", "this login may not look at quotas")
        return
    if none := sorted(name for name, value in found.items() if not value):
        cure = "ask for more in AWS Service Quotas before you use it so"
        yield Finding(check, "warning", f"0 for {', '.join(none)}", cure)
    elif found:
        told = ", ".join(f"{name}: {value:g}" for name, value in sorted(found.items()))
        yield Finding(check, "ok", told)
    else:
        yield Finding(check, "skipped", "AWS tells no quota of that name")
