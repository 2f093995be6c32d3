"""Which Jira it is, and who logs in."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from cicd.errors import Denied
from cicd.forges.run import told
from cicd.lifecycle.approvals import Surroundings
from cicd.lifecycle.jira.client import Client
from cicd.lifecycle.jira.means import Tickets
from cicd.masking import without_logins
from cicd.model import JiraApproval, Secret

USER, TOKEN = "JIRA_USER", "JIRA_TOKEN"
"""Cloud takes the e-mail of an account and its API token, Data Center a personal token alone."""


def connect(
    settings: JiraApproval,
    surroundings: Surroundings,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Tickets:
    """The tickets of a stage. Sends nothing. Raises Denied where there is no token."""
    environ = surroundings.environ
    parts = urlsplit(settings.url)
    token = told(environ, TOKEN)
    if not token:
        raise Denied(
            f"{TOKEN} is not set: the approval of this stage is a ticket at {parts.netloc}",
            hint=f"set {TOKEN}, and for Jira Cloud {USER} to the e-mail of its account",
        )
    user = told(environ, USER)
    url, version = without_logins(settings.url), settings.version
    client = Client(url, Secret(token), user=user, version=version, sleep=sleep)
    return Tickets(settings, client, surroundings)
