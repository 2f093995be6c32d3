"""A Jira on loopback, and the tickets of one stage as somebody sees them. Nobody really sleeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cicd.lifecycle.approvals import Request, Surroundings
from cicd.lifecycle.jira import connect
from cicd.lifecycle.jira.means import Tickets
from cicd.model import JiraApproval
from tests.lifecycle.jira_server import BOT, Jira, User

PLAN = "3fa94c1d2b77" + "0" * 52
OTHER = "77aa00ff3311" + "1" * 52
REQUEST = Request(
    stage="churn/prd",
    project="",
    fingerprint=PLAN,
    title="Approve prd: churn",
    text="~ deployment/serve\n    greeting: hello -> hi",
    commit="c0ffee" + "0" * 34,
    author="bob@example.com",
    link="https://ci.example.com/runs/7",
    parts={"deployment/serve greeting": "aa11"},
)


@dataclass
class World:
    """``naps``: the seconds that were waited."""

    jira: Jira
    naps: list[float] = field(default_factory=list)
    settings: Mapping[str, Any] = field(default_factory=dict)
    hidden: str = ""

    def tickets(self, user: User = BOT, **settings: Any) -> Tickets:
        """The means as this user has it: the bot asks, people decide."""
        around = Surroundings(
            root=Path("/nowhere"),
            environ=login(self.jira, user),
            git=lambda *words: None,
            hide=lambda text: text.replace(self.hidden, "***") if self.hidden else text,
        )
        told = JiraApproval(url=self.jira.url, project="ML")
        return connect(
            replace(told, **{**self.settings, **settings}), around, sleep=self.naps.append
        )

    def another_plan(self, **more: Any) -> Request:
        return replace(REQUEST, fingerprint=OTHER, **more)


def login(jira: Jira, user: User = BOT) -> dict[str, str]:
    """The variables with which somebody logs in."""
    user_name = {"JIRA_USER": user.mail} if jira.is_cloud else {}
    return {"JIRA_TOKEN": user.token, **user_name}
