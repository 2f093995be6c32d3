"""What doctor finds in an account: every trouble is a finding with its cure, never an exception."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cicd.model import Stage
from cicd.platforms import registry
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.credentials import aicore_credentials
from cicd.platforms.aicore.doctor import FAMILIES, QUOTAS, Account, examine, quota_shares
from cicd.platforms.aicore.login import Login
from cicd.platforms.aicore.rest import Http
from cicd.platforms.aicore.transport import open_session
from cicd.platforms.base import Finding
from tests.platforms.aicore_world import environ, group, stage
from tests.platforms.stub_server import Reply, StubServer, page, refused, running

LOOK = Reply(200, {"resources": [], "count": 0})
HTML = Reply(200, "<html>sign in</html>", {"Content-Type": "text/html"})


@pytest.fixture
def stub() -> Iterator[StubServer]:
    """A tenant in which all is well."""
    with running() as (server, url):
        server.url = url
        for family in FAMILIES:
            server.on("GET", f"/v2{family.path.partition('?')[0]}", LOOK)
        quota = Reply(200, {"usage": {"count": 1}, "quota": {"maxCount": 50}})
        for noun in QUOTAS.values():
            server.on("GET", f"/v2/admin/resourceQuota/{noun}", quota)
        server.on("GET", "/v2/lm/meta", Reply(200, {"runtimeApiVersion": "2.42.0"}))
        server.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("PROVISIONED")))
        secret = {"name": "default-object-store-secret"}
        server.on("GET", "/v2/admin/objectStoreSecrets", page(secret))
        yield server


def diagnose(stub: StubServer, wanted: Stage | None = None) -> list[Finding]:
    platform = registry.connect(wanted or stage(), environ(stub.url))
    try:
        return list(platform.diagnose())
    finally:
        platform.close()


def troubles(stub: StubServer) -> list[tuple[str, str]]:
    return [(f.check, f.state) for f in diagnose(stub) if f.state != "ok"]


def test_an_account_in_which_all_is_well(stub: StubServer) -> None:
    found = diagnose(stub)
    assert [finding for finding in found if finding.state != "ok"] == []
    assert list(dict.fromkeys(finding.check for finding in found)) == [
        "credentials",
        "login",
        "connection",
        "clock",
        "resource group",
        "rights",
        "quota",
        "object store",
        "destination",
        "versions",
    ]
    assert "runtime API 2.42.0" in found[-1].text
    assert not [request for request in stub.requests if request.method in {"PUT", "PATCH"}]
    assert "s3cret" not in str(found)
    # these lists know no pages
    assert [one.query for one in stub.sent("GET", "/v2/admin/objectStoreSecrets")] == [{}, {}]


Change = Callable[[StubServer], Any]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s: s.on("GET", "/v2/lm/meta", HTML), ("connection", "error")),
        (lambda s: s.on("GET", "/v2/lm/meta", Reply(401, "Jwt issuer")), ("connection", "error")),
        (
            lambda s: s.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("PROVISIONING"))),
            ("resource group", "warning"),
        ),
        (lambda s: s.on("GET", "/v2/lm/artifacts", Reply(403, "RBAC")), ("rights", "error")),
        (lambda s: s.on("GET", "/v2/admin/resources/nodes", Reply(403, "")), ("rights", "warning")),
        (lambda s: s.on("GET", "/v2/lm/metrics", refused(501, "no")), ("rights", "skipped")),
        (
            lambda s: s.on("GET", "/v2/admin/resources/nodes", refused(404, "no")),
            ("rights", "skipped"),
        ),
        (lambda s: s.on("GET", "/v2/lm/artifacts", refused(400, "bad")), ("rights", "error")),
        (lambda s: s.on("GET", "/v2/admin/resources/nodes", HTML), ("rights", "error")),
        (
            lambda s: s.on("GET", "/v2/admin/resourceGroups/rg", refused(403, "no")),
            ("resource group", "skipped"),
        ),
        (
            lambda s: s.on("GET", "/v2/admin/resourceGroups/rg", refused(501, "no")),
            ("resource group", "skipped"),
        ),
        (
            lambda s: s.on("GET", "/v2/admin/resourceQuota/secrets", refused(400, "no")),
            ("quota", "error"),
        ),
        (lambda s: s.on("GET", "/v2/admin/resourceQuota/secrets", refused(403, "no")), None),
        (lambda s: s.on("GET", "/v2/admin/resourceQuota/secrets", refused(501, "no")), None),
        (
            lambda s: s.on("GET", "/v2/admin/objectStoreSecrets", page()),
            ("object store", "warning"),
        ),
        (
            lambda s: s.on("GET", "/v2/admin/resourceQuota/applications", Reply(200, ["odd"])),
            None,
        ),
        (
            lambda s: s.on(
                "GET",
                "/v2/admin/resourceQuota/applications",
                Reply(200, {"usage": {"count": 40}, "quota": {"maxCount": 50}}),
            ),
            ("quota", "warning"),
        ),
        (
            lambda s: s.on("GET", "/v2/admin/resourceQuota/secrets", Reply(200, {"usage": "odd"})),
            None,
        ),
    ],
)
def test_one_trouble_is_one_finding(
    stub: StubServer, change: Change, expected: tuple[str, str] | None
) -> None:
    change(stub)
    assert troubles(stub) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("path", "check"),
    [("resourceGroups/rg", "resource group"), ("objectStoreSecrets", "object store")],
)
def test_a_failure_is_no_lack_of_rights(stub: StubServer, path: str, check: str) -> None:
    stub.on("GET", f"/v2/admin/{path}", refused(400, "bad"))
    assert (check, "error") in troubles(stub)


@pytest.mark.parametrize(
    "answer",
    [
        {"usage": "odd", "quota": {"maxCount": 50}},
        {"quota": 5},
        {"quotas": [1]},
        {
            "usage": {"items": 5},
            "quotas": [{"resourcePlanType": "p", "deploymentQuota": {"maxCount": 1}}],
        },
    ],
)
def test_an_odd_answer_costs_no_other_finding(stub: StubServer, answer: Any) -> None:
    stub.on("GET", "/v2/admin/resourceQuota/secrets", Reply(200, answer))
    found = diagnose(stub)
    assert [finding for finding in found if finding.state != "ok"] == []
    assert "generic secrets: " not in str(found) and "deployments: 1 of 50 used" in str(found)


@pytest.mark.parametrize(
    "date", [None, "", "yesterday", "Thu, 01 Jan 2026 00:00:00 -0000", "Thu, 99 Jan 2026 00:00:00"]
)
def test_a_date_that_nobody_can_read_is_no_trouble(stub: StubServer, date: str | None) -> None:
    stub.on("GET", "/v2/lm/meta", Reply(200, {"runtimeApiVersion": "2.42.0"}, {"Date": date}))
    found = diagnose(stub)
    assert [finding for finding in found if finding.state != "ok"] == []
    checks = {finding.check for finding in found}
    assert "connection" in checks and "clock" not in checks


def test_without_a_login_nothing_more_is_asked(stub: StubServer) -> None:
    stub.on("POST", "/oauth/token", Reply(401, {"error": "unauthorized"}))
    assert troubles(stub) == [("login", "error"), ("destination", "error")]
    assert {request.path for request in stub.requests} == {"/oauth/token"}


@pytest.mark.parametrize(
    ("answer", "state", "cure"),
    [
        (refused(404, "no such group"), "warning", "cicd apply creates"),
        (Reply(200, {**group("ERROR"), "statusMessage": "why"}), "error", "CA-ML-AIC"),
    ],
)
def test_without_its_group_nothing_in_it_is_looked_at(
    stub: StubServer, answer: Reply, state: str, cure: str
) -> None:
    stub.on("GET", "/v2/admin/resourceGroups/rg", answer)
    found = diagnose(stub)
    (told,) = [finding for finding in found if finding.state in {"error", "warning"}]
    assert (told.check, told.state) == ("resource group", state) and cure in told.cure
    skipped = [finding for finding in found if finding.state == "skipped"]
    assert len(skipped) == sum(family.in_group for family in FAMILIES)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (300, "this machine's clock is 5 min ahead of that of the API"),
        (-240, "this machine's clock is 4 min behind that of the API"),
        (7100, "this machine's clock is 118 min ahead of that of the API"),
        (7300, "this machine's clock is 2 h ahead of that of the API"),
        (-3 * 86400, "this machine's clock is 3 d behind that of the API"),
        (20, "this machine and the API tell the same time"),
    ],
)
def test_clocks_that_differ_are_told_with_their_direction(
    stub: StubServer, seconds: int, text: str
) -> None:
    session = open_session(stub.url)
    known = aicore_credentials(environ(stub.url))
    login = Login(known, session)
    api = Api(Http(known.base_url, login, session), "rg")

    def clock() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=seconds)

    found = list(examine(Account(api, known, login, {}, clock=clock)))
    session.close()
    (told,) = [finding for finding in found if finding.check == "clock"]
    assert told.text == text


def test_what_fails_beside_the_account_hides_nothing_of_it(stub: StubServer) -> None:
    stub.on("GET", "/v2/lm/meta", Reply(404, "no route"))
    path = "/destination-configuration/v1/subaccountDestinations/cicd-doctor"
    stub.on("GET", path, Reply(403, "no"))
    checks = {finding.check: finding.state for finding in diagnose(stub)}
    assert checks["connection"] == "ok" and checks["rights"] == "ok"
    assert checks["destination"] == "error" and checks["versions"] == "ok"


@pytest.mark.parametrize(
    ("document", "shares"),
    [
        ({"usage": {"count": 3}, "quota": {"maxCount": 50}}, [("things", 3, 50)]),
        ({"quota": {"maxCount": 50}}, []),
        ({"usage": {"count": 3}, "quota": {"maxCount": 0}}, []),
        (
            {
                "usage": {"servingTemplateCount": 1, "workflowTemplateCount": 2},
                "quota": {"servingTemplateMaxCount": 5, "workflowTemplateMaxCount": 6},
            },
            [("serving templates", 1, 5), ("workflow templates", 2, 6)],
        ),
        (
            {
                "usage": {"count": 1, "items": [{"id": "d1", "resourcePlanType": "infer.s"}]},
                "quotas": [
                    {"resourcePlanType": "infer.s", "deploymentQuota": {"maxCount": 2}},
                    {"resourcePlanType": "train.l", "deploymentQuota": {"maxCount": 0}},
                ],
            },
            [("things (infer.s)", 1, 2)],
        ),
    ],
)
def test_quotas_in_all_their_shapes(
    document: dict[str, Any], shares: list[tuple[str, int, int]]
) -> None:
    assert quota_shares("things", document) == shares


NEEDED = {"scenarios", "artifacts", "configurations", "executions", "deployments"}
IN_GROUP = NEEDED | {
    "schedules",
    "metrics",
    "object store secrets",
    "generic secrets of the group",
}


def rights(stub: StubServer, state: str) -> set[str]:
    """The families of which the rights are found to be so."""
    found = [one for one in diagnose(stub) if one.check == "rights" and one.state == state]
    return {one.text.partition(":")[0] for one in found}


def test_without_the_group_only_what_is_in_it_is_not_asked_for(stub: StubServer) -> None:
    stub.on("GET", "/v2/admin/resourceGroups/rg", refused(404, "no such group"))
    assert rights(stub, "skipped") == IN_GROUP


def test_what_every_stage_needs_is_an_error_without_the_right_to_it(stub: StubServer) -> None:
    for family in FAMILIES:
        stub.on("GET", f"/v2{family.path.partition('?')[0]}", refused(403, "no"))
    assert rights(stub, "error") == NEEDED
    assert rights(stub, "warning") == {family.title for family in FAMILIES} - NEEDED
