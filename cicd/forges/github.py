"""GitHub's REST API, as far as cicd asks for something of it.

Rules of the API: https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import requests

from cicd.errors import Denied, NotFound, PlatformError, Refused
from cicd.forges.answers import LIMIT_PAUSE, Json, Service, items_in, text_in
from cicd.forges.base import (
    Issue,
    Note,
    Proposal,
    Request,
    Review,
    Verdict,
    last_of_each,
)
from cicd.forges.http import PER_PAGE, Api
from cicd.forges.people import in_team, last_label
from cicd.http import asked_pause
from cicd.model import Applied, Secret
from cicd.render.dialect import GITHUB

BOT = "github-actions[bot]"
_VERDICTS: dict[str, Verdict] = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "rejected",
    "DISMISSED": "withdrawn",
    "approved": "approved",
    "rejected": "rejected",
    "pending": "pending",
}
_COLOUR = "d93f0b"
_DESCRIPTION = "The live state differs from the stage file"


def _words(content: Any) -> str | None:
    """``errors`` says more than ``message`` at a 422."""
    if not isinstance(content, dict) or not isinstance(content.get("message"), str):
        return None
    errors = content.get("errors")
    details = [
        str(item.get("message") or item.get("code") or "") if isinstance(item, dict) else str(item)
        for item in (errors if isinstance(errors, list) else [])
    ]
    return "; ".join(part for part in (content["message"], *details) if part)


def _is_limited(answer: requests.Response) -> bool:
    """Whether the answer is a rate limit and no refusal: both come as 403."""
    return answer.status_code == 429 or (
        answer.status_code == 403
        and (
            "Retry-After" in answer.headers
            or answer.headers.get("X-RateLimit-Remaining") == "0"
            or "rate limit" in SERVICE.said(answer).lower()
        )
    )


def _asked(answer: requests.Response) -> float | None:
    """GitHub names a moment for its hourly limit and mostly nothing for the secondary one, for
    which its best practices ask for a minute at least."""
    asked = asked_pause(answer)
    if asked is not None or not _is_limited(answer):
        return asked
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if answer.headers.get("X-RateLimit-Remaining") == "0" and reset.isdigit():
        return max(1.0, float(reset) - time.time())
    return LIMIT_PAUSE


SERVICE = Service(
    name="GitHub",
    setting="GITHUB_API_URL",
    login="GITHUB_TOKEN or GH_TOKEN",
    headers={
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    },
    authorization=lambda token: ("Authorization", f"Bearer {token}"),
    request_id="X-GitHub-Request-Id",
    words=_words,
    is_limited=_is_limited,
    asked=_asked,
)


class Client:
    """One repository, as a Forge."""

    name = SERVICE.name
    dialect = GITHUB

    def __init__(
        self,
        api_url: str,
        token: Secret,
        repository: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.repository = repository
        self.sleep = sleep
        self._api_url = api_url
        self._api = Api(SERVICE, api_url, token, repository, sleep=sleep)
        self._login = ""

    def close(self) -> None:
        self._api.close()

    def me(self) -> str:
        """The name that our comments carry. A token of an app is not a user: GraphQL knows it."""
        if not self._login:
            try:
                url = f"{self._api_url}/user"
                answer = self._api.call("GET", url)
                if not isinstance(answer, dict) or not isinstance(answer.get("login"), str):
                    raise SERVICE.no_api(url, "no login")
                self._login = answer["login"]
            except (Denied, NotFound) as error:
                # 403 and 404 are how GitHub answers a token of a workflow or an app here; 401 is a
                # wrong token.
                if error.status == 401:
                    raise
                self._login = self._bot()
        return self._login

    def _bot(self) -> str:
        url = self._api_url.removesuffix("/v3") + "/graphql"
        query = {"query": "query { viewer { login } }"}
        try:
            answer = self._api.call("POST", url, query, repeat=True)
            name = str(answer["data"]["viewer"]["login"])
        except (Denied, NotFound, KeyError, TypeError):
            return BOT
        return name.removesuffix("[bot]") + "[bot]"

    def notes(self, number: int) -> list[Note]:
        return [_note(item) for item in self._api.pages(self._url(f"/issues/{number}/comments"))]

    def add_note(self, number: int, body: str, mark: str) -> Note:
        url = self._url(f"/issues/{number}/comments")
        return _note(self._api.object("POST", url, {"body": body}))

    def change_note(self, number: int, note: Note, body: str) -> None:
        self._api.object("PATCH", self._url(f"/issues/comments/{note.id}"), {"body": body})

    def remove_note(self, number: int, note: Note) -> None:
        try:
            self._api.call("DELETE", self._url(f"/issues/comments/{note.id}"))
        except NotFound:
            return

    def request_of(self, branch: str, commit: str) -> Request | None:
        found: list[Json] = []
        if commit:
            try:
                found = list(self._api.pages(self._url(f"/commits/{quote(commit)}/pulls")))
            except PlatformError as error:
                # 422: a commit that GitHub does not have
                if error.status not in {404, 422}:
                    raise
        of_branch = [
            pull for pull in found if branch in {_ref(pull, "base"), _ref(pull, "head"), ""}
        ]
        found = of_branch if of_branch or len(found) != 1 else found
        if not found and branch:
            found = self.open_pulls(branch)
        return _request(found[0]) if len(found) == 1 else None

    def reviews(self, number: int) -> list[Review]:
        pull = self._api.call("GET", self._url(f"/pulls/{number}"))
        author = text_in(pull, "user", "login").lower()
        reviews = [
            Review(
                user=text_in(item, "user", "login"),
                verdict=_VERDICTS[text_in(item, "state")],
                commit=text_in(item, "commit_id"),
                at=text_in(item, "submitted_at"),
                comment=text_in(item, "body"),
                url=text_in(item, "html_url"),
            )
            for item in self._api.pages(self._url(f"/pulls/{number}/reviews"))
            # a remark takes nothing back, and what is not sent yet was not said
            if text_in(item, "state") in _VERDICTS
        ]
        return last_of_each([review for review in reviews if review.user.lower() != author])

    def gate(self, run: str, environment: str) -> list[Review]:
        """Empty also where nobody has to be asked, and where an administrator went past it."""
        url = self._url(f"/actions/runs/{quote(run, safe='')}/approvals")
        answer = self._api.call("GET", url)
        if not isinstance(answer, list):
            raise SERVICE.no_api(url, "no list")
        return [
            Review(
                user=text_in(item, "user", "login"),
                verdict=_VERDICTS[text_in(item, "state")],
                comment=text_in(item, "comment"),
                url=text_in(named[0], "html_url"),
            )
            for item in answer
            if text_in(item, "state") in _VERDICTS
            if (named := [e for e in items_in(item, "environments") if e["name"] == environment])
        ]

    def decide(self, run: str, environment: str, verdict: Verdict, comment: str) -> None:
        url = self._url(f"/actions/runs/{quote(run, safe='')}/pending_deployments")
        waiting = [
            item
            for item in items_in({"items": self._api.call("GET", url)}, "items")
            if text_in(item, "environment", "name") == environment
        ]
        if not waiting:
            raise Refused(f"no job of run {run} waits for the environment {environment}")
        if not waiting[0].get("current_user_can_approve"):
            raise Refused(
                f"whose token this is may not decide about the environment {environment}",
                hint="use the token of one of its reviewers; a workflow's own never may",
            )
        body = {
            "environment_ids": [waiting[0]["environment"]["id"]],
            "state": verdict,
            "comment": comment,
        }
        # the same again finds nothing that waits
        self._api.call("POST", url, body, repeat=True)

    def applies(self, environment: str, most: int) -> list[Applied]:
        from cicd.forges.github_deployments import read_applies

        return read_applies(self._api, self._url("/deployments"), self.gate, environment, most)

    def asks_reviewers(self, environment: str) -> bool | None:
        """Whether an environment waits for somebody; None where there is none of that name."""
        url = self._url(f"/environments/{quote(environment, safe='')}")
        try:
            rules = items_in(self._api.call("GET", url), "protection_rules")
        except NotFound:
            return None
        return any(text_in(rule, "type") == "required_reviewers" for rule in rules)

    def waiting_runs(self, commit: str, environment: str) -> list[str]:
        """The runs of a commit that wait for somebody, whatever for; the newest first."""
        url = self._url("/actions/runs")
        params = urlencode({"head_sha": commit, "status": "waiting", "per_page": PER_PAGE})
        found = items_in(self._api.call("GET", f"{url}?{params}"), "workflow_runs")
        return [str(run["id"]) for run in found]

    def login(self) -> str:
        """The name that our reviews carry."""
        return self.me()

    def add_review(self, number: int, commit: str, verdict: Verdict, text: str) -> None:
        """Approve a commit of a pull request, or ask for changes; twice is as good as once."""
        event = "APPROVE" if verdict == "approved" else "REQUEST_CHANGES"
        body = {"commit_id": commit, "event": event, "body": text}
        self._api.call("POST", self._url(f"/pulls/{number}/reviews"), body, repeat=True)

    def add_label(self, number: int, label: str) -> None:
        """Put a label on a pull request; it may be on already."""
        body = {"labels": [label]}
        self._api.call("POST", self._url(f"/issues/{number}/labels"), body, repeat=True)

    def may_write(self, user: str) -> bool:
        """Whether somebody may push to the repository: anybody can review a public one."""
        url = self._url(f"/collaborators/{quote(user, safe='')}/permission")
        try:
            answer = self._api.call("GET", url)
        except NotFound:
            return False
        return text_in(answer, "permission") in {"admin", "write"}

    def labelled(self, number: int, label: str) -> Review | None:
        """Who put a label on a pull request last, and when; None where it has none now."""
        events = self._api.pages(self._url(f"/issues/{number}/events"))
        return last_label(events, label, user=("actor", "login"), action=("event", "labeled"))

    def pushed_at(self, branch: str, commit: str) -> str:
        """When a branch came to be at a commit, by GitHub's own clock; empty where it is not known
        any more. What a commit says of its time is its author's."""
        params = {"ref": f"refs/heads/{branch}"}
        for item in self._api.pages(self._url("/activity"), params):
            if text_in(item, "after") == commit:
                return text_in(item, "timestamp")
        return ""

    def is_member(self, organisation: str, team: str, user: str) -> bool:
        """Whether somebody belongs to a team. Raises Denied for a token that may not see teams, as
        a workflow's own."""
        return in_team(self._api, organisation, team, user)

    def issues(self, label: str) -> list[Issue]:
        params = {"state": "open", "labels": label}
        found = self._api.pages(self._url("/issues"), params)
        return [_issue(item) for item in found if "pull_request" not in item]

    def add_issue(self, title: str, body: str, label: str) -> Issue:
        # First, so that it has its colour and its words by the time that the issue names it.
        self._ensure_label(label)
        content = {"title": title, "body": body, "labels": [label]}
        return _issue(self._api.object("POST", self._url("/issues"), content))

    def change_issue(self, issue: Issue, title: str, body: str) -> None:
        self._edit_issue(issue, {"title": title, "body": body})

    def end_issue(self, issue: Issue, *, is_done: bool, body: str = "") -> None:
        reason = "completed" if is_done else "not_planned"
        changes = {"state": "closed", "state_reason": reason, **({"body": body} if body else {})}
        self._edit_issue(issue, changes)

    def _edit_issue(self, issue: Issue, changes: Mapping[str, Any]) -> None:
        self._api.object("PATCH", self._url(f"/issues/{issue.number}"), dict(changes))

    def _ensure_label(self, name: str) -> None:
        body = {"name": name, "color": _COLOUR, "description": _DESCRIPTION}
        try:
            self._api.call("POST", self._url("/labels"), body, repeat=True)
        except PlatformError as error:
            if error.status != 422:  # 422: it is there
                raise

    def may_push(self) -> bool:
        """Whether the token may write to the repository, as far as GitHub tells."""
        answer = self._api.call("GET", f"{self._api_url}/repos/{self.repository}")
        rights = answer.get("permissions") if isinstance(answer, dict) else None
        return bool(rights.get("push", True)) if isinstance(rights, dict) else True

    def open_pulls(self, branch: str) -> list[Json]:
        """The open pull requests from a branch of this very repository."""
        owner = self.repository.partition("/")[0]
        params = {"state": "open", "head": f"{owner}:{branch}"}
        return list(self._api.pages(self._url("/pulls"), params))

    def proposals(self, branch: str) -> list[Proposal]:
        return [_proposal(pull) for pull in self.open_pulls(branch)]

    def add_proposal(self, branch: str, base: str, title: str, text: str) -> Proposal:
        content = {"head": branch, "base": base, "title": title, "body": text}
        return _proposal(self._api.object("POST", self._url("/pulls"), content))

    def change_proposal(self, proposal: Proposal, base: str, title: str, text: str) -> None:
        url = self._url(f"/pulls/{proposal.number}")
        self._api.object("PATCH", url, {"title": title, "body": text, "base": base})

    def _url(self, path: str) -> str:
        return f"{self._api_url}/repos/{self.repository}{path}"


def _note(item: Json) -> Note:
    return Note(
        id=str(item.get("id", "")),
        author=text_in(item, "user", "login"),
        body=text_in(item, "body"),
        updated_at=text_in(item, "updated_at"),
        url=text_in(item, "html_url"),
    )


def _issue(item: Json) -> Issue:
    return Issue(
        number=item.get("number") or 0,
        title=text_in(item, "title"),
        body=text_in(item, "body"),
        author=text_in(item, "user", "login"),
        url=text_in(item, "html_url"),
    )


def _ref(pull: Json, side: str) -> str:
    return text_in(pull, side, "ref")


def _proposal(pull: Json) -> Proposal:
    return Proposal(
        number=int(pull.get("number") or 0),
        title=text_in(pull, "title"),
        text=text_in(pull, "body"),
        base=_ref(pull, "base"),
        url=text_in(pull, "html_url"),
    )


def _request(pull: Json) -> Request:
    repositories: Sequence[str] = [text_in(pull, side, "repo", "full_name") for side in _SIDES]
    return Request(
        number=int(pull["number"]),
        head=_ref(pull, "head"),
        base=_ref(pull, "base"),
        commit=text_in(pull, "head", "sha"),
        is_fork=repositories[0] != repositories[1],
        labels=tuple(text_in(label, "name") for label in items_in(pull, "labels")),
        author=text_in(pull, "user", "login"),
        merged=text_in(pull, "merge_commit_sha") if text_in(pull, "merged_at") else "",
        url=text_in(pull, "html_url"),
    )


_SIDES = ("head", "base")
