"""Whether an account may have as many instances as a stage asks for.

https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from cicd.errors import PlatformError
from cicd.model import Resource
from cicd.platforms.base import Finding
from cicd.platforms.sagemaker.api import Api

SERVING = "endpoint usage"
USES = {
    "training_job": "training job usage",
    "processing_job": "processing job usage",
    "transform_job": "transform job usage",
}
SPOT = "spot training job usage"
LISTS = ("list_service_quotas", "list_aws_default_service_quotas")
"""Those of the account; of what it never had changed the second may be all that is told."""
CURE = "ask for more in AWS Service Quotas, or name another instance type"
Needed = Mapping[tuple[str, str], int]
"""Instance type and use -> instances."""


def needed_by(resources: Iterable[Resource]) -> Needed:
    """What a stage asks for when all of it runs. Pure."""
    needed: Counter[tuple[str, str]] = Counter()
    for wish in resources:
        use = SPOT if wish.spec.get("spot") else USES.get(wish.key.kind, SERVING)
        for part in (wish.spec, *(wish.spec.get("variants") or {}).values()):
            if instance := part.get("instance"):
                needed[str(instance["type"]), use] += int(instance["count"])
    return needed


def examine(api: Api, needed: Needed) -> Iterator[Finding]:
    """One finding for each instance type, from one pass over the lists of quotas."""
    types = sorted({type for type, _ in needed})
    if not types:
        return
    try:
        quotas = _quotas(api, {name_of(*use) for use in needed})
    except PlatformError:
        for type in types:
            text = "this login may not look at quotas (servicequotas:ListServiceQuotas)"
            yield Finding(f"quota of {type}", "skipped", text)
        return
    for type in types:
        yield _judged(type, {use: count for (t, use), count in needed.items() if t == type}, quotas)


def name_of(type: str, use: str) -> str:
    """What AWS calls a quota."""
    return f"{type} for {use}"


def _quotas(api: Api, names: Collection[str]) -> dict[str, float]:
    """Those of these names."""
    found: dict[str, float] = {}
    for operation in LISTS:
        for page in api.pages("service-quotas", operation, ServiceCode="sagemaker", MaxResults=100):
            for one in page.get("Quotas", ()):
                if one["QuotaName"] in names:
                    found.setdefault(str(one["QuotaName"]), float(one["Value"]))
        if found.keys() >= set(names):
            break
    return found


def _judged(type: str, uses: Mapping[str, int], quotas: Mapping[str, float]) -> Finding:
    """What the quotas of one instance type mean for what is asked of it. Pure."""
    check, told, state = f"quota of {type}", [], "ok"
    known = {use: quotas[name_of(type, use)] for use in uses if name_of(type, use) in quotas}
    if not known:
        return Finding(check, "skipped", "AWS tells no quota of that name")
    for use, quota in sorted(known.items()):
        told.append(f"{uses[use]} of {quota:g} for {use}")
        if uses[use] > quota:
            state = "error"
        elif use == SERVING and 2 * uses[use] > quota and state == "ok":
            state = "warning"
    text = ", ".join(told)
    if state == "error":
        return Finding(check, "error", f"the stage asks for more than there may be: {text}", CURE)
    if state == "warning":
        text = f"{text}: an update of an endpoint takes as many again for a while"
        return Finding(check, "warning", text, CURE)
    return Finding(check, "ok", text)
