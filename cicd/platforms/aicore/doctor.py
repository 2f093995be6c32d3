"""Looks at an account the way a run would use it: login, API, clock, group, rights, quotas.

Changes nothing. Every check is a list of findings, and what goes wrong in one is a finding too.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from importlib import metadata
from typing import Any

from cicd.errors import CicdError, NotFound, PlatformError
from cicd.platforms.aicore import answers, certificate, convert
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.credentials import Credentials
from cicd.platforms.aicore.login import Login
from cicd.platforms.aicore.provenance import explain
from cicd.platforms.aicore.rest import Http
from cicd.platforms.base import Finding
from cicd.threads import together
from cicd.version import __version__

WORKERS = 10
MAX_SKEW = 30.0
"""Seconds that the clocks may be apart."""
ENDS_SOON = 7
"""Days before the end of a certificate from which on it is told."""
NEARLY_USED = 80
"""Percent of a quota from which on it is told."""
PROBE = "cicd-doctor"
"""An id and a name that nothing has."""


@dataclass(frozen=True)
class Family:
    """One sort of things and the cheapest request that shows whether one may see them.
    ``is_needed``: nothing works without it."""

    title: str
    path: str
    in_group: bool = False
    is_needed: bool = False
    headers: tuple[tuple[str, str], ...] = ()


ONE = "?$top=1"
FAMILIES = (
    Family("scenarios", "/lm/scenarios", in_group=True, is_needed=True),
    Family("artifacts", f"/lm/artifacts{ONE}", in_group=True, is_needed=True),
    Family("configurations", f"/lm/configurations{ONE}", in_group=True, is_needed=True),
    Family("executions", f"/lm/executions{ONE}", in_group=True, is_needed=True),
    Family("deployments", f"/lm/deployments{ONE}", in_group=True, is_needed=True),
    Family("schedules", f"/lm/executionSchedules{ONE}", in_group=True),
    Family("metrics", f"/lm/metrics?executionIds={PROBE}", in_group=True),
    Family("object store secrets", "/admin/objectStoreSecrets", in_group=True),
    Family("generic secrets of the group", "/admin/secrets", in_group=True),
    Family(
        "generic secrets for all groups",
        "/admin/secrets",
        headers=(("AI-Resource-Group", "*"), ("AI-Tenant-Scope", "true")),
    ),
    Family("docker registry secrets", "/admin/dockerRegistrySecrets"),
    Family("repositories", "/admin/repositories"),
    Family("applications", "/admin/applications"),
    Family("resource groups", "/admin/resourceGroups", headers=(("Prefer", "maxpagesize=1"),)),
    Family("nodes", "/admin/resources/nodes"),
    Family("quotas", "/admin/resourceQuota/resourceGroups"),
)
QUOTAS = {
    "resource groups": "resourceGroups",
    "applications": "applications",
    "repositories": "repositories",
    "templates": "executables",
    "generic secrets": "secrets",
    "docker registry secrets": "dockerRegistrySecrets",
    "deployments": "deployments",
}
ASK = "ask the administrator of the tenant for a service key, or a role, that may"


@dataclass(frozen=True)
class Account:
    """What is looked at. ``destination``: opens the Destination service, None where nothing needs
    it; raises Denied when its login is incomplete."""

    api: Api
    credentials: Credentials
    login: Login
    environ: Mapping[str, str]
    destination: Callable[[], Http] | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def examine(account: Account) -> Iterator[Finding]:
    """All findings, in an order in which each explains those after it."""
    yield from explain(account.environ)
    found = _tried("login", partial(_login, account))
    yield from found
    meta: dict[str, Any] = {}
    if not _has_error(found):
        found = _tried("connection", partial(_connection, account, meta))
        yield from found
        if not _has_error(found):
            yield from _with_login(account)
    if account.destination:
        yield from _tried("destination", partial(_destination, account.destination))
    # Last and in any case: who reports a problem copies the output, and the versions belong to it.
    yield from _versions(meta)


def _with_login(account: Account) -> Iterator[Finding]:
    """What needs a working login: side by side, told in their order."""
    api = account.api
    group: dict[str, Any] = {}
    yield from _tried("resource group", partial(_group, api, group))
    is_there = group.get("status", "ERROR") != "ERROR"
    # More than twenty requests that do not need each other. They are told in the order of the
    # tables all the same, so that two outputs can be compared.
    with together(WORKERS) as pool:
        rights = [pool.submit(_right, api.http, f, is_there=is_there) for f in FAMILIES]
        quotas = [
            pool.submit(_tried, "quota", partial(quota, api, title, noun))
            for title, noun in QUOTAS.items()
        ]
        store = pool.submit(_tried, "object store", partial(object_store, api))
        for right in rights:
            yield right.result()
        for share in quotas:
            yield from share.result()
        if is_there:
            yield from store.result()


def _tried(check: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except CicdError as error:
        return [Finding(check, "error", error.message, error.hint)]


def _has_error(findings: list[Finding]) -> bool:
    return any(finding.state == "error" for finding in findings)


def _login(account: Account) -> list[Finding]:
    known, found = account.credentials, []
    # A fresh token, never one that is still kept: the kept one would hide that the secret has since
    # been changed or taken away.
    life = account.login.probe()
    host = known.auth_url
    found.append(Finding("login", "ok", f"{host} gave a token, good for {_span(life)}"))
    if known.certificate:
        # The login above has worked already, so this is only about how much longer it will.
        with certificate.as_files(known.certificate) as files:
            assert files
            now = account.clock()
            ends = certificate.check(known.certificate, files, now)
        text = f"{known.certificate.title} ends on {ends:%Y-%m-%d}"
        if (ends - now).days < ENDS_SOON:
            found.append(Finding("login", "warning", text, certificate.RENEW))
        else:
            found.append(Finding("login", "ok", text))
    return found


def _connection(account: Account, meta: dict[str, Any]) -> list[Finding]:
    http = account.api.http
    url = f"{http.base_url}/lm/meta"
    headers = {"Accept": "application/json", "AI-Resource-Group": account.api.group}
    before = account.clock()
    # Sent without the usual judgement of the answer: a 403 or 404 here still shows that the API was
    # reached, and the Date header that the clock is compared with is on any answer.
    response = http.send("GET", url, headers=headers)
    after = account.clock()
    if response.status_code == 200:
        document = answers.content(response)
        meta.update(document if isinstance(document, dict) else {})
    # HTML is no answer of the API but of something in front of it: a proxy or a captive portal.
    elif response.status_code not in {403, 404} or answers.is_html(response):
        raise answers.failure(response)
    found = [Finding("connection", "ok", f"{http.base_url} answers")]
    try:
        theirs = parsedate_to_datetime(response.headers["Date"])
        # The middle of the request is the best guess of when the answer was dated.
        skew = (before + (after - before) / 2 - theirs).total_seconds()
    # No date, or one that cannot be read: a gateway may leave it out, and that is no fault.
    except (KeyError, ValueError, TypeError):
        return found
    if abs(skew) > MAX_SKEW:
        word = "ahead of" if skew > 0 else "behind"
        text = f"this machine's clock is {_span(abs(skew))} {word} that of the API"
        cure = "set the clock (NTP): tokens, log times and schedules go by it"
        return [*found, Finding("clock", "warning", text, cure)]
    return [*found, Finding("clock", "ok", "this machine and the API tell the same time")]


def _group(api: Api, group: dict[str, Any]) -> list[Finding]:
    """``group``: gets what there is of it, at least its status."""
    check = "resource group"
    try:
        # UNKNOWN first, for an answer without a status: the group is there, and what needs it is
        # tried.
        group.update({"status": "UNKNOWN", **api.get(f"/admin/resourceGroups/{api.group}")})
    except NotFound:
        text = f'there is no resource group "{api.group}"'
        cure = "cicd apply creates the one that a stage names; else correct aicore.resource_group"
        return [Finding(check, "warning", text, cure)]
    except PlatformError as error:
        # Roles for runs alone are usual, and they may not look at groups. What needs the group is
        # tried all the same, as only the lack of it is a reason not to.
        if error.status not in {403, 501}:
            raise
        group["status"] = "UNKNOWN"
        return [Finding(check, "skipped", f'"{api.group}": this login may not look at groups')]
    status, why = str(group["status"]), group.get("statusMessage") or ""
    if status == "PROVISIONED":
        return [Finding(check, "ok", f'"{api.group}" is {status}')]
    text = f'"{api.group}" is {status}' + (f": {why}" if why else "")
    if status == "ERROR":
        return [Finding(check, "error", text, convert.GROUP_CURE)]
    return [Finding(check, "warning", text, "wait until it is PROVISIONED")]


def _right(http: Http, family: Family, *, is_there: bool) -> Finding:
    check = "rights"
    if family.in_group and not is_there:
        return Finding(check, "skipped", f"{family.title}: not without the resource group")
    try:
        http.call("GET", family.path, headers=dict(family.headers))
    except PlatformError as error:
        # The id in the path is made up, so a 404 says that the right to ask is there.
        if PROBE in family.path and isinstance(error, NotFound):
            return Finding(check, "ok", family.title)
        if error.status == 403:
            # A service key with few rights is good practice: whoever only runs need not read
            # secrets.
            state: Any = "error" if family.is_needed else "warning"
            return Finding(check, state, f"{family.title}: no right (403)", f"{ASK} read them")
        if error.status in {404, 501}:
            text = f"{family.title}: not offered here ({error.status})"
            return Finding(check, "skipped", text)
        return Finding(check, "error", f"{family.title}: {error.message}", error.hint)
    return Finding(check, "ok", family.title)


def quota(api: Api, title: str, noun: str) -> list[Finding]:
    """Of each sort the share that is used; what is not told is said under rights."""
    try:
        found = api.http.call("GET", f"/admin/resourceQuota/{noun}")
    except PlatformError as error:
        if error.status in {200, 403, 404, 501}:  # 200: in words that nobody knows
            return []
        raise
    shares = quota_shares(title, found if isinstance(found, dict) else {})
    return [_share(name, used, most) for name, used, most in shares]


def quota_shares(title: str, document: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """(name, used, maximum) of everything that a quota answer counts; without maximum left out."""
    usage = document.get("usage") or {}
    # The quota of deployments alone has this form: a maximum for each resource plan, and the usage
    # as a list of plans (API description, resourceQuota/deployments).
    if isinstance(document.get("quotas"), list):
        items = usage.get("items") or ()
        plans = [
            (str(q.get("resourcePlanType")), (q.get("deploymentQuota") or {}).get("maxCount"))
            for q in document["quotas"]
        ]
        return [
            (f"{title} ({plan})", sum(i.get("resourcePlanType") == plan for i in items), most)
            for plan, most in plans
            if isinstance(most, int) and most > 0
        ]
    found = []
    for name, most in (document.get("quota") or {}).items():
        # `maxCount` belongs to `count`; of templates `servingTemplateMaxCount` to
        # `servingTemplateCount`.
        sort = re.sub("[mM]axCount$", "", name)
        used = usage.get(f"{sort}Count" if sort else "count")
        if isinstance(most, int) and isinstance(used, int) and most > 0:
            words = {
                "servingTemplate": "serving templates",
                "workflowTemplate": "workflow templates",
            }
            found.append((words.get(sort, title), used, most))
    return found


def _share(name: str, used: int, most: int) -> Finding:
    text = f"{name}: {used} of {most} used"
    if used * 100 < most * NEARLY_USED:
        return Finding("quota", "ok", text)
    return Finding("quota", "warning", text, answers.QUOTA)


def object_store(api: Api) -> list[Finding]:
    """Whether runs can keep what they make."""
    path = "/admin/objectStoreSecrets"
    try:
        names = {str(item.get("name")) for item in api.http.pages(path, is_paged=False)}
    except PlatformError as error:
        if error.status in {403, 404, 501}:
            return []  # said under rights
        raise
    if names & {"default", "default-object-store-secret"}:
        return [Finding("object store", "ok", 'the secret "default" is there')]
    text = 'there is no object store secret "default", where runs keep what they make'
    cure = "declare it under secrets.object_store; what only serves does without"
    return [Finding("object store", "warning", text, cure)]


def _destination(opened: Callable[[], Http]) -> list[Finding]:
    http = opened()
    # The name is made up: a 404 shows that the login got through to the service.
    with suppress(NotFound):
        http.call("GET", f"/subaccountDestinations/{PROBE}")
    return [Finding("destination", "ok", f"{http.base_url} answers and accepts the login")]


def _versions(meta: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        sdk = metadata.version("sap-ai-sdk-core")
    except metadata.PackageNotFoundError:
        sdk = metadata.version("ai-core-sdk")
    ours = f"cicd {__version__}, Python {platform.python_version()}, SAP AI SDK {sdk}"
    runtime = meta.get("runtimeApiVersion")
    theirs = f", runtime API {runtime}" if isinstance(runtime, str) and runtime else ""
    yield Finding("versions", "ok", ours + theirs)


def _span(seconds: float) -> str:
    """Seconds in the largest unit that fits: ``12 h``, ``5 min``, ``40 s``."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        # Two of a unit at least: "1 h" would be said of 60 minutes as well as of 89.
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {unit}"
    return f"{round(seconds)} s"
