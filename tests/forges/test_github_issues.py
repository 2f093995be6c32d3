"""One drift issue per stage."""

from __future__ import annotations

import pytest

from cicd.errors import Denied
from cicd.forges.drift import LABEL, sync_drift_issue
from cicd.forges.github import Client
from cicd.render.sections import LIMIT
from tests.forges.github_server import NOT_ACCESSIBLE, GitHub, Reply
from tests.forges.plan_documents import RUN, big, change, plan, typical

CREATE = "POST /repos/org/repo/issues"
CLEAN = plan("dev", change("artifact/houses", "no_op"))


def states(github: GitHub) -> list[tuple[str, str]]:
    return [(issue["title"], issue["state"]) for issue in github.issues]


def test_opened_updated_and_closed(github: GitHub, client: Client) -> None:
    drifted = plan("dev", change("deployment/serve", "update", "configuration changed"))
    url = sync_drift_issue(client, "dev", drifted, run_url=RUN)
    assert states(github) == [("Drift on dev: 1 to update", "open")]
    assert url == github.issues[0]["html_url"]
    assert github.issues[0]["labels"] == [{"name": LABEL}]
    assert f"({RUN})" in github.issues[0]["body"]

    sync_drift_issue(client, "dev", typical("dev"), run_url=RUN)
    assert len(github.issues) == 1
    assert "1 to replace" in github.issues[0]["title"]

    sync_drift_issue(client, "dev", CLEAN, run_url=RUN)
    assert github.issues[0]["state"] == "closed"
    assert github.issues[0]["state_reason"] == "completed"
    assert "No drift any more" in github.issues[0]["body"]

    sync_drift_issue(client, "dev", drifted)
    assert [state for _, state in states(github)] == ["closed", "open"]


def test_the_same_drift_in_the_same_run_edits_nothing(github: GitHub, client: Client) -> None:
    sync_drift_issue(client, "dev", typical(), run_url=RUN)
    sync_drift_issue(client, "dev", typical(), run_url=RUN)
    assert not github.sent("PATCH .*")


@pytest.mark.parametrize("document", [None, CLEAN])
def test_clean_and_no_issue_is_nothing(
    github: GitHub, client: Client, document: dict[str, object] | None
) -> None:
    assert sync_drift_issue(client, "dev", document) == ""
    assert not github.sent("(POST|PATCH) /repos.*")


def test_each_stage_has_its_own(github: GitHub, client: Client) -> None:
    for stage in ("dev", "dev2"):
        sync_drift_issue(client, stage, typical(stage))
    sync_drift_issue(client, "dev", None)
    assert [state for _, state in states(github)] == ["closed", "open"]


def test_pull_requests_and_issues_of_others_are_left_alone(github: GitHub, client: Client) -> None:
    sync_drift_issue(client, "dev", typical())
    body = github.issues[0]["body"]
    github.issues.clear()
    github.add_issue("mine", body, [LABEL], login="mallory")
    github.add_issue("pull request", body, [LABEL], pull_request={})
    sync_drift_issue(client, "dev", None)
    assert [state for _, state in states(github)] == ["open", "open"]


def test_a_second_one_is_closed(github: GitHub, client: Client) -> None:
    sync_drift_issue(client, "dev", typical())
    github.add_issue("again", github.issues[0]["body"], [LABEL])
    sync_drift_issue(client, "dev", typical())
    assert [issue["state"] for issue in github.issues] == ["open", "closed"]
    assert github.issues[1]["state_reason"] == "not_planned"


@pytest.mark.parametrize("fault", [Reply(drop=True, done=True), Reply(502)])
def test_a_lost_answer_makes_no_second_issue(github: GitHub, client: Client, fault: Reply) -> None:
    github.fail(CREATE, fault)
    assert sync_drift_issue(client, "dev", typical())
    assert len(github.issues) == 1


def test_a_big_drift_fits(github: GitHub, client: Client) -> None:
    sync_drift_issue(client, "dev", big(), run_url=RUN)
    assert len(github.issues[0]["body"]) <= LIMIT


def test_no_permission_is_said(github: GitHub, client: Client) -> None:
    github.fail(CREATE, Reply(403, NOT_ACCESSIBLE))
    with pytest.raises(Denied, match="Resource not accessible"):
        sync_drift_issue(client, "dev", typical())
