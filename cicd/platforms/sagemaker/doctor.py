"""What ``cicd doctor`` finds of an account: login, region, role, bucket, quotas, clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

from cicd.errors import NotFound, PlatformError
from cicd.platforms.base import Finding
from cicd.platforms.sagemaker import quotas
from cicd.platforms.sagemaker.api import Api
from cicd.platforms.sagemaker.storage import Storage

SKEW = 60 * 10**9
SERVICE = "sagemaker.amazonaws.com"


def examine(api: Api, storage: Storage, role: str, needed: quotas.Needed) -> Iterator[Finding]:
    """One finding after the other; nothing is changed."""
    try:
        told = api.call("sts", "get_caller_identity")
    except PlatformError as error:
        yield Finding("login", "error", error.message, error.hint)
        if _is_off(api):  # that is why, most likely: AWS refuses signatures of other times
            yield _clock(api)
        return
    yield Finding("login", "ok", f"{told['Arn']} in account {told['Account']}")
    where = f"{api.region}: {api.url or 'SageMaker'} answers"
    yield from _tried("region", partial(api.read, "list_models", MaxResults=1), where)
    yield from _role(api, role, str(told["Account"]), str(told["Arn"]))
    yield _bucket(api, storage)
    yield from quotas.examine(api, needed)
    yield _clock(api)


def _tried(check: str, call: Callable[[], object], good: str) -> Iterator[Finding]:
    try:
        call()
    except PlatformError as error:
        yield Finding(check, "error", error.message, error.hint)
    else:
        yield Finding(check, "ok", good)


def _role(api: Api, role: str, account: str, caller: str) -> Iterator[Finding]:
    """Whether the role is there, SageMaker may take it, and this login may hand it over; who may
    not ask is told so."""
    if not role:
        yield Finding("role", "skipped", "the stage file names no role")
        return
    if (other := role.split(":")[4]) != account:
        text = f"{role} is of account {other}, the login of {account}"
        yield Finding("role", "error", text, "name a role of the login's account")
        return
    try:
        told = api.call("iam", "get_role", RoleName=role.rpartition("/")[2])["Role"]
    except NotFound:
        # what stands in for AWS takes every role
        state: Literal["warning", "error"] = "warning" if api.url else "error"
        cure = "correct sagemaker.role" + (f", unless {api.url} takes any role" if api.url else "")
        yield Finding("role", state, f"there is no role {role}", cure)
        return
    except PlatformError:
        yield Finding("role", "skipped", f"{role}: this login may not look at it (iam:GetRole)")
    else:
        if SERVICE in str(told.get("AssumeRolePolicyDocument", "")):
            yield Finding("role", "ok", f"{role} trusts SageMaker")
        else:
            cure = f"let {SERVICE} assume it in its trust policy"
            yield Finding("role", "error", f"{role} does not trust SageMaker", cure)
    yield _passing(api, role, caller)


def _passing(api: Api, role: str, caller: str) -> Finding:
    """Whether the policies of this login let it pass the role to SageMaker."""
    check = "pass role"
    if caller.endswith(":root"):
        return Finding(check, "ok", "root may pass every role of its account")
    service = {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyValues": [SERVICE],
        "ContextKeyType": "string",
    }
    try:
        told = api.call(
            "iam",
            "simulate_principal_policy",
            PolicySourceArn=principal_of(api, caller),
            ActionNames=["iam:PassRole"],
            ResourceArns=[role],
            ContextEntries=[service],
        )
    except PlatformError:
        text = "whether it may pass the role cannot be asked (iam:SimulatePrincipalPolicy)"
        return Finding(check, "skipped", text)
    decisions = {str(one["EvalDecision"]) for one in told.get("EvaluationResults", ())}
    if decisions == {"allowed"}:
        return Finding(check, "ok", "the login may pass the role to SageMaker")
    cure = f"allow it iam:PassRole on {role}, with iam:PassedToService {SERVICE}"
    return Finding(check, "error", "the login may not pass the role to SageMaker", cure)


def principal_of(api: Api, caller: str) -> str:
    """Whose policies count for a caller: those of the role that it has taken, whose path only IAM
    tells."""
    head, _, taken = caller.partition(":assumed-role/")
    if not taken:
        return caller
    name = taken.partition("/")[0]
    try:
        return str(api.call("iam", "get_role", RoleName=name)["Role"]["Arn"])
    except PlatformError:
        return f"{head.replace(':sts:', ':iam:')}:role/{name}"


def _bucket(api: Api, storage: Storage) -> Finding:
    try:
        region = storage.probe()
    except NotFound:
        text = f"there is no bucket {storage.bucket} yet"
        return Finding("bucket", "warning", text, "apply makes it")
    except PlatformError as error:
        return Finding("bucket", "error", f"{storage.bucket}: {error.message}", error.hint)
    if region not in ("", api.region):
        text = f"{storage.bucket} is in {region}, the stage in {api.region}"
        return Finding("bucket", "error", text, "SageMaker reads only buckets of its own region")
    return Finding("bucket", "ok", f"{storage.bucket} can be reached")


def _is_off(api: Api) -> bool:
    return abs(api.now() - time.time_ns()) > SKEW


def _clock(api: Api) -> Finding:
    if not _is_off(api):
        return Finding("clock", "ok", "this machine's clock is right")
    seconds = round((api.now() - time.time_ns()) / 10**9)
    way = "behind" if seconds > 0 else "ahead of"
    text = f"this machine's clock is {abs(seconds)} s {way} that of AWS"
    return Finding("clock", "error", text, "set the clock: AWS refuses signatures of other times")
