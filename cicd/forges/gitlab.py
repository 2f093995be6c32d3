"""GitLab's REST API, as far as cicd asks for something of it.

Source: docs.gitlab.com, "REST API": notes, merge requests, approvals, deployments, issues.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any
from urllib.parse import quote

import requests

from cicd.errors import Denied, LostAnswer, NotFound, PlatformError, Refused
from cicd.forges.answers import Json, Service, items_in, text_in
from cicd.forges.base import Issue, Note, Proposal, Request, Review, Verdict
from cicd.forges.http import Api
from cicd.forges.people import in_group, last_label
from cicd.http import asked_pause
from cicd.model import Applied, Secret
from cicd.render.dialect import GITLAB

_ENDS = {
    "success": "applied",
    "failed": "failed",
    "canceled": "interrupted",
    "running": "running",
    "created": "running",
    "blocked": "held",
}
"""What GitLab calls the state of a deployment."""
DEVELOPER = 30
"""The access level of whoever may push."""
MOST_RUNS = 300
"""How many runs to an environment are looked through for one."""
ADVICE = "set CICD_GITLAB_TOKEN to a project access token (role Reporter, scope api)"
"""What to do where a token may not write a note."""


def _words(content: Any) -> str | None:
    """``message`` is a text, a list or an object of lists; without a login it is ``error``."""
    if not isinstance(content, dict):
        return None
    if "message" in content:
        return "; ".join(_texts(content["message"]))
    if isinstance(content.get("error"), str):
        return ": ".join(filter(None, [content["error"], text_in(content, "error_description")]))
    return None


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for name, said in value.items():
            yield f"{name} {'; '.join(_texts(said))}"
    elif isinstance(value, list):
        for said in value:
            yield from _texts(said)
    else:
        yield str(value)


def _asked(answer: requests.Response) -> float | None:
    """Of its two limits one names a moment and one nothing."""
    asked = asked_pause(answer)
    reset = answer.headers.get("RateLimit-Reset", "")
    if asked is None and answer.status_code == 429 and reset.isdigit():
        return max(1.0, float(reset) - time.time())
    return asked


def _service(name: str, value: str) -> Service:
    return Service(
        name="GitLab",
        setting="CI_API_V4_URL",
        login="CICD_GITLAB_TOKEN",
        headers={"Accept": "application/json"},
        authorization=lambda token: (name, value + token),
        request_id="X-Request-Id",
        words=_words,
        asked=_asked,
        page=20,
        # its limits and what has moved are told in plain text, and before anything is done
        plain_refusals=frozenset({301, 429}),
    )


SERVICE = _service("Authorization", "Bearer ")
OF_JOB = _service("JOB-TOKEN", "")


class Client:
    """One project, as a Forge. ``number``: its own, where it is known: a path with its slashes
    escaped does not come through every proxy. ``is_job``: the token is that of a job, which may
    only read. ``ca_file``: the authority of the server, where it is one of its own."""

    name = SERVICE.name
    dialect = GITLAB

    def __init__(
        self,
        api_url: str,
        token: Secret,
        repository: str,
        *,
        number: str = "",
        is_job: bool = False,
        ca_file: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.repository = repository
        self.sleep = sleep
        self._project = number or quote(repository, safe="")
        self._is_job = is_job
        self._service = OF_JOB if is_job else SERVICE
        self._api = Api(self._service, api_url, token, repository, ca_file=ca_file, sleep=sleep)
        self._user: Json = {}

    def close(self) -> None:
        self._api.close()

    def me(self) -> str:
        return str(self._me()["id"])

    def _me(self) -> Json:
        if self._is_job:
            # GitLab would answer in three ways, none of which says it
            raise Denied("the token of a job may only read", hint=ADVICE, status=403)
        if not self._user:
            url = f"{self._api.url}/user"
            answer = self._api.call("GET", url)
            if not isinstance(answer, dict) or not isinstance(answer.get("id"), int):
                raise self._service.no_api(url, "no user")
            self._user = answer
        return self._user

    def notes(self, number: int) -> list[Note]:
        params = {"sort": "asc", "activity_filter": "only_comments"}
        found = self._api.pages(self._url(f"/merge_requests/{number}/notes"), params)
        return [self._note(number, item) for item in found if not item.get("system")]

    def add_note(self, number: int, body: str, mark: str) -> Note:
        url = self._url(f"/merge_requests/{number}/notes")
        answer = self._api.object("POST", url, {"body": body})
        if "id" not in answer:
            raise PlatformError("GitLab has taken the note for commands only, so there is none")
        return self._note(number, answer)

    def change_note(self, number: int, note: Note, body: str) -> None:
        url = self._url(f"/merge_requests/{number}/notes/{note.id}")
        self._api.object("PUT", url, {"body": body})

    def remove_note(self, number: int, note: Note) -> None:
        try:
            self._api.call("DELETE", self._url(f"/merge_requests/{number}/notes/{note.id}"))
        except NotFound:
            return

    def request_of(self, branch: str, commit: str) -> Request | None:
        found: list[Json] = []
        if commit:
            try:
                url = self._url(f"/repository/commits/{quote(commit)}/merge_requests")
                found = list(self._api.pages(url))
            except NotFound:
                found = []
        sides = ("target_branch", "source_branch")
        of_branch = [
            item for item in found if branch in {"", *(text_in(item, side) for side in sides)}
        ]
        found = of_branch if of_branch or len(found) != 1 else found
        if not found and branch:
            params = {"state": "opened", "source_branch": branch}
            found = list(self._api.pages(self._url("/merge_requests"), params))
        return _request(found[0]) if len(found) == 1 else None

    def reviews(self, number: int) -> list[Review]:
        """An approval names no commit, but a time: it is of the newest that had been pushed by
        then."""
        change = self._api.call("GET", self._url(f"/merge_requests/{number}"))
        author = text_in(change, "author", "username")
        approvals = self._api.call("GET", self._url(f"/merge_requests/{number}/approvals"))
        versions = sorted(
            (text_in(item, "created_at"), text_in(item, "head_commit_sha"))
            for item in self._api.pages(self._url(f"/merge_requests/{number}/versions"))
        )

        def seen(at: str) -> str:
            pushed = [commit for created, commit in versions if created <= at]
            return pushed[-1] if pushed and at else ""

        return [
            Review(
                user=text_in(item, "user", "username"),
                verdict="approved",
                commit=seen(at),
                at=at,
                url=text_in(change, "web_url"),
            )
            for item in items_in(approvals, "approved_by")
            if text_in(item, "user", "username") != author
            for at in [text_in(item, "approved_at")]
        ]

    def login(self) -> str:
        """The name that our reviews carry."""
        return text_in(self._me(), "username")

    def add_review(self, number: int, commit: str, verdict: Verdict, text: str) -> None:
        """Approve a commit of a merge request. Raises Refused for a refusal, of which GitLab has
        none, and Conflict when the head is another commit."""
        if verdict != "approved":
            raise Refused(
                "a merge request of GitLab can be approved, and not refused",
                hint="close it, or say there what is wrong",
            )

        def mine() -> Review | None:
            return next((one for one in self.reviews(number) if one.user == self.login()), None)

        url = self._url(f"/merge_requests/{number}")
        given = mine()
        if given and given.commit == commit:
            return
        if given:  # of an older commit; a second one would be refused
            self._api.call("POST", f"{url}/unapprove", {}, repeat=True)
        try:
            self._api.call("POST", f"{url}/approve", {"sha": commit})
        except LostAnswer:
            if not mine():
                raise

    def labelled(self, number: int, label: str) -> Review | None:
        """Who put a label on a merge request last, and when; None where it has none now."""
        events = self._api.pages(self._url(f"/merge_requests/{number}/resource_label_events"))
        return last_label(events, label, user=("user", "username"), action=("action", "add"))

    def pushed_at(self, branch: str, commit: str) -> str:
        """When a merge request from a branch came to be at a commit; empty where nobody knows."""
        change = self.request_of(branch, commit)
        if change is None:
            return ""
        for item in self._api.pages(self._url(f"/merge_requests/{change.number}/versions")):
            if text_in(item, "head_commit_sha") == commit:
                return text_in(item, "created_at")
        return ""

    def add_label(self, number: int, label: str) -> None:
        """Put a label on a merge request; it may be on already."""
        self._api.object("PUT", self._url(f"/merge_requests/{number}"), {"add_labels": label})

    def is_member(self, organisation: str, team: str, user: str) -> bool:
        """Whether somebody belongs to a group, or to one above it. Raises Denied for a group that
        the token may not see."""
        return in_group(self._api, f"{organisation}/{team}", user)

    def waiting_runs(self, commit: str, environment: str) -> list[str]:
        """The pipelines of a commit that wait to go to an environment, the newest first."""
        params = {"environment": environment, "order_by": "id", "sort": "desc", "status": "blocked"}
        listed = self._api.pages(self._url("/deployments"), params)
        return [
            str(item["deployable"]["pipeline"]["id"])
            for item in islice(listed, MOST_RUNS)
            if text_in(item, "sha") == commit and isinstance(item.get("deployable"), dict)
        ]

    def asks_reviewers(self, environment: str) -> bool:
        """Whether an environment waits for somebody: only a protected one can."""
        url = self._url(f"/protected_environments/{quote(environment, safe='')}")
        try:
            found = self._api.call("GET", url)
        except NotFound:
            return False
        return bool(items_in(found, "approval_rules") or found.get("required_approval_count"))

    def gate(self, run: str, environment: str) -> list[Review]:
        held = self._held(run, environment)
        if held is None:
            return []
        whole = self._api.call("GET", self._url(f"/deployments/{held['id']}"))
        return [
            Review(
                user=text_in(item, "user", "username"),
                verdict="approved" if text_in(item, "status") == "approved" else "rejected",
                commit=text_in(whole, "sha"),
                at=text_in(item, "created_at"),
                comment=text_in(item, "comment"),
                url=text_in(whole, "environment", "external_url"),
            )
            for item in items_in(whole, "approvals")
            if text_in(item, "status") in {"approved", "rejected"}
        ]

    def decide(self, run: str, environment: str, verdict: Verdict, comment: str) -> None:
        held = self._held(run, environment)
        if held is None or text_in(held, "status") != "blocked":
            raise Refused(f"no job of pipeline {run} waits for the environment {environment}")
        me = text_in(self._me(), "username")
        url = self._url(f"/deployments/{held['id']}/approval")
        try:
            self._api.call("POST", url, {"status": verdict, "comment": comment})
        except LostAnswer:
            said = {(review.user, review.verdict) for review in self.gate(run, environment)}
            if (me, verdict) not in said:
                raise

    def may_push(self) -> bool:
        if self._is_job:
            return False
        found = self._api.call("GET", self._url(""))
        if not isinstance(found, dict):
            raise self._service.no_api(self._url(""), "no project")
        rights = found.get("permissions")
        levels = [
            known["access_level"]
            for known in (rights.values() if isinstance(rights, dict) else ())
            if isinstance(known, dict) and isinstance(known.get("access_level"), int)
        ]
        # an administrator has no level, and may
        is_enough = not levels or max(levels) >= DEVELOPER
        return is_enough and found.get("can_create_merge_request_in") is not False

    def proposals(self, branch: str) -> list[Proposal]:
        params = {"state": "opened", "source_branch": branch}
        found = self._api.pages(self._url("/merge_requests"), params)
        return [
            _proposal(item)
            for item in found
            if item.get("source_project_id") == item.get("target_project_id")
        ]

    def add_proposal(self, branch: str, base: str, title: str, text: str) -> Proposal:
        content = {"source_branch": branch, "target_branch": base}
        url = self._url("/merge_requests")
        return _proposal(self._api.object("POST", url, {**content, **_texts_of(title, text)}))

    def change_proposal(self, proposal: Proposal, base: str, title: str, text: str) -> None:
        url = self._url(f"/merge_requests/{proposal.number}")
        self._api.object("PUT", url, {"target_branch": base, **_texts_of(title, text)})

    def _held(self, run: str, environment: str) -> Json | None:
        """What a pipeline has brought, or wants to bring, to an environment."""
        params = {"environment": environment, "order_by": "id", "sort": "desc"}
        listed = self._api.pages(self._url("/deployments"), params)
        for item in islice(listed, MOST_RUNS):
            job = item.get("deployable")
            pipeline = job.get("pipeline") if isinstance(job, dict) else None
            if isinstance(pipeline, dict) and str(pipeline.get("id")) == run:
                return item
        return None

    def applies(self, environment: str, most: int) -> list[Applied]:
        order = {"environment": environment, "order_by": "id", "sort": "desc"}
        listed = self._api.pages(self._url("/deployments"), order)
        return [self._applied(item) for item in islice(listed, most)]

    def _applied(self, item: Json) -> Applied:
        """Who agreed is told only of one that is asked for by itself."""
        job = item.get("deployable")
        whole = self._api.call("GET", self._url(f"/deployments/{item['id']}"))
        said = items_in(whole, "approvals") if "approvals" in whole else []
        state = text_in(item, "status")
        took = job.get("duration") if isinstance(job, dict) else None
        return Applied(
            at=text_in(item, "deployable", "started_at") or text_in(item, "created_at"),
            commit=text_in(item, "sha"),
            by=text_in(item, "user", "username"),
            approved_by=", ".join(
                text_in(one, "user", "username")
                for one in said
                if text_in(one, "status") == "approved"
            ),
            result=_ENDS.get(state, ""),
            seconds=float(took) if isinstance(took, int | float) else None,
            link=text_in(item, "deployable", "web_url"),
            sources=(self.name,),
        )

    def issues(self, label: str) -> list[Issue]:
        params = {"labels": label, "state": "opened", "scope": "all"}
        return [_issue(item) for item in self._api.pages(self._url("/issues"), params)]

    def add_issue(self, title: str, body: str, label: str) -> Issue:
        content = {"title": title, "description": body, "labels": label}
        return _issue(self._api.object("POST", self._url("/issues"), content))

    def change_issue(self, issue: Issue, title: str, body: str) -> None:
        self._edit_issue(issue, {"title": title, "description": body})

    def end_issue(self, issue: Issue, *, is_done: bool, body: str = "") -> None:
        self._edit_issue(issue, {"state_event": "close", **({"description": body} if body else {})})

    def _edit_issue(self, issue: Issue, changes: Json) -> None:
        self._api.object("PUT", self._url(f"/issues/{issue.number}"), changes)

    def _url(self, path: str) -> str:
        return f"{self._api.url}/projects/{self._project}{path}"

    def _note(self, number: int, item: Json) -> Note:
        top = self._api.url.removesuffix("/api/v4")
        page = f"{top}/{self.repository}/-/merge_requests/{number}#note_{item.get('id')}"
        author = item.get("author")
        return Note(
            id=str(item.get("id", "")),
            author=str(author.get("id", "")) if isinstance(author, dict) else "",
            body=text_in(item, "body"),
            updated_at=text_in(item, "updated_at"),
            url="" if self.repository.isdigit() else page,
        )


def _issue(item: Json) -> Issue:
    author = item.get("author")
    return Issue(
        number=item.get("iid") or 0,
        title=text_in(item, "title"),
        body=text_in(item, "description"),
        author=str(author.get("id", "")) if isinstance(author, dict) else "",
        url=text_in(item, "web_url"),
    )


def _texts_of(title: str, text: str) -> dict[str, str]:
    return {"title": title, "description": text}


def _proposal(item: Json) -> Proposal:
    return Proposal(
        number=int(item.get("iid") or 0),
        title=text_in(item, "title"),
        text=text_in(item, "description"),
        base=text_in(item, "target_branch"),
        url=text_in(item, "web_url"),
    )


def _request(item: Json) -> Request:
    labels = item.get("labels")
    landed = next(
        filter(None, (text_in(item, f"{way}_commit_sha") for way in ("merge", "squash"))), ""
    )
    return Request(
        number=int(item["iid"]),
        head=text_in(item, "source_branch"),
        base=text_in(item, "target_branch"),
        commit=text_in(item, "sha"),
        is_fork=item.get("source_project_id") != item.get("target_project_id"),
        labels=tuple(map(str, labels)) if isinstance(labels, list) else (),
        author=text_in(item, "author", "username"),
        # a fast-forward makes no commit of its own
        merged=(landed or text_in(item, "sha")) if text_in(item, "state") == "merged" else "",
        url=text_in(item, "web_url"),
    )
