"""A GitHub on loopback, and a stage's approval as a run of Actions or somebody at a terminal has
it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cicd.lifecycle.approvals import Approvals, Surroundings
from cicd.lifecycle.registry import connect
from cicd.model import GitHubApproval, PullRequestApproval
from tests.forges.github_server import TOKEN, GitHub

HEAD, OLD, MERGED = "a" * 40, "b" * 40, "c" * 40
RUN = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REF": "refs/heads/prd",
    "GITHUB_REF_NAME": "prd",
    "GITHUB_SHA": MERGED,
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "1",
}
"""What a run of Actions after a merge tells its steps."""


@dataclass
class World:
    """``git``: what Git says, by its words."""

    github: GitHub
    git: dict[str, str] = field(default_factory=dict)

    def means(
        self,
        settings: GitHubApproval | PullRequestApproval,
        run: Mapping[str, str] | None = None,
        token: str = TOKEN,
    ) -> Approvals:
        """As a run has it; ``run`` empty: as somebody at a terminal has it."""
        environ = {
            "GITHUB_API_URL": f"{self.github.url}/api/v3",
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_TOKEN": token,
            **(RUN if run is None else run),
        }
        around = Surroundings(
            root=Path("/nowhere"),
            environ=environ,
            git=lambda *words: self.git.get(" ".join(words)),
            branch="prd",
            checked_out="feature",
        )
        return connect(settings, around)

    def login(self, name: str) -> str:
        """The token of somebody."""
        self.github.users[f"tok-{name}"] = name
        return f"tok-{name}"
