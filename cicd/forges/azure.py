"""The REST API of Azure DevOps, as far as cicd asks for something of it: Azure Repos, and the
approvals of Azure Pipelines.

Source: learn.microsoft.com, "Azure DevOps Services REST API"; MicrosoftDocs/vsts-rest-api-specs.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import requests

from cicd.errors import LostAnswer, NotFound, PlatformError, Refused
from cicd.forges.answers import Json, Service, items_in, text_in
from cicd.forges.base import Issue, Note, Proposal, Request, Review, Unsupported, Verdict
from cicd.forges.http import Api
from cicd.forges.run import HEADS, short_ref
from cicd.model import Secret
from cicd.render.dialect import AZURE

VERSION, OLDEST_VERSION = "7.1", "5.0"
"""Of the API: what the cloud has, and what every server since 2019 takes."""
NOBODY = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
"""Who is not logged in."""
CLOSED = 4
"""The status of a thread; an active one may keep a pull request from being completed."""
_TEXT = 1
_VERDICTS: dict[int, Verdict] = {10: "approved", 5: "approved", -5: "rejected", -10: "rejected"}


def _words(content: Any) -> str | None:
    found = text_in(content, "message")
    return found or None


def _authorization(token: str) -> tuple[str, str]:
    """The token of a job is one of OAuth; a person's takes the place of a password."""
    if token.startswith("eyJ") and token.count(".") == 2:
        return "Authorization", f"Bearer {token}"
    return "Authorization", f"Basic {base64.b64encode(f':{token}'.encode()).decode()}"


def _is_sign_in(answer: requests.Response) -> bool:
    """Who is not logged in gets a page to do so, with a status that says all is well."""
    if answer.status_code in {203, 302}:
        return True
    is_page = "json" not in answer.headers.get("Content-Type", "").lower()
    return answer.status_code // 100 == 2 and bool(answer.content) and is_page


SERVICE = Service(
    name="Azure DevOps",
    setting="SYSTEM_COLLECTIONURI",
    login="SYSTEM_ACCESSTOKEN",
    headers={"Accept": "application/json"},
    authorization=_authorization,
    request_id="X-VSS-E2EID",
    words=_words,
    is_sign_in=_is_sign_in,
)


class Client:
    """One repository of a project, as a Forge. ``collection``: the address of the organisation or
    the collection, with a slash at its end."""

    name = SERVICE.name
    dialect = AZURE

    def __init__(
        self,
        collection: str,
        token: Secret,
        project: str,
        repository: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.repository = repository
        self.sleep = sleep
        self._project = f"{collection}{quote(project, safe='')}"
        self._api = Api(SERVICE, collection, token, repository, sleep=sleep)
        self._version = VERSION
        self._user: Json = {}

    def close(self) -> None:
        self._api.close()

    def me(self) -> str:
        if not self._user:
            url = f"{self._api.url}_apis/connectionData"
            found = self._api.call("GET", url)
            id = text_in(found, "authenticatedUser", "id")
            if id == NOBODY:
                raise SERVICE.no_login(url)
            if not id:
                raise SERVICE.no_api(url, "no user")
            self._user = found["authenticatedUser"]
        return text_in(self._user, "id")

    def login(self) -> str:
        """The name that our votes carry."""
        self.me()
        return text_in(self._user, "properties", "Account", "$value")

    def notes(self, number: int) -> list[Note]:
        """The first comment of each thread, in the order in which the threads were begun."""
        threads = self._call("GET", f"/pullRequests/{number}/threads")
        if not isinstance(threads, dict) or not isinstance(threads.get("value"), list):
            raise SERVICE.no_api(self._url(f"/pullRequests/{number}/threads"), "no list")
        found = items_in(threads, "value")
        return [
            self._note(number, thread, comment)
            for thread in sorted(found, key=lambda thread: int(thread.get("id") or 0))
            if not thread.get("isDeleted")
            for comment in items_in(thread, "comments")[:1]
            if not comment.get("isDeleted") and comment.get("commentType") in {"text", _TEXT}
        ]

    def add_note(self, number: int, body: str, mark: str) -> Note:
        thread = self._call(
            "POST",
            f"/pullRequests/{number}/threads",
            {
                "comments": [{"parentCommentId": 0, "content": body, "commentType": _TEXT}],
                "status": CLOSED,
                "properties": {f"cicd.{mark}": mark},
            },
        )
        return self._note(number, thread, *items_in(thread, "comments")[:1] or [{}])

    def change_note(self, number: int, note: Note, body: str) -> None:
        self._call("PATCH", self._comment(number, note), {"content": body})

    def remove_note(self, number: int, note: Note) -> None:
        try:
            self._call("DELETE", self._comment(number, note))
        except NotFound:
            return

    def request_of(self, branch: str, commit: str) -> Request | None:
        found: list[Json] = []
        if commit:
            queries = [{"type": kind, "items": [commit]} for kind in ("lastMergeCommit", "commit")]
            answer = self._call("POST", "/pullrequestquery", {"queries": queries}, repeat=True)
            known = {
                item["pullRequestId"]: item
                for result in items_in(answer, "results")
                for item in items_in(result, commit)
            }
            found = list(known.values())
        sides = ("targetRefName", "sourceRefName")
        of_branch = [
            item
            for item in found
            if branch in {"", *(short_ref(text_in(item, side)) for side in sides)}
        ]
        found = of_branch if of_branch or len(found) != 1 else found
        if not found and branch:
            found = self._active(branch)
        return self._request(found[0]) if len(found) == 1 else None

    def reviews(self, number: int) -> list[Review]:
        """A vote names neither a commit nor a time. A thread of the system's own tells when it was
        cast: it is of what had been pushed by then."""
        change = self._call("GET", f"/pullRequests/{number}")
        author = text_in(change, "createdBy", "id")
        answer = self._call("GET", f"/pullRequests/{number}/reviewers")
        votes = [
            item
            for item in items_in(answer, "value")
            # a group has the vote of whoever voted for it
            if not item.get("isContainer") and text_in(item, "id") != author
            if item.get("vote") in _VERDICTS
        ]
        cast = self._votes(number) if votes else {}
        pushed = self._pushes(number) if votes else []
        found = []
        for item in votes:
            at = cast.get((text_in(item, "id"), item["vote"]), "")
            seen = [commit for moment, commit in pushed if at and moment <= _moment(at)]
            commit = seen[-1] if seen else ""
            user, verdict = text_in(item, "uniqueName"), _VERDICTS[item["vote"]]
            found.append(Review(user, verdict, commit, at, url=self._page(number)))
        return found

    def _votes(self, number: int) -> dict[tuple[str, int], str]:
        """Who voted what -> when last, by the threads that the system writes of it."""
        threads = items_in(self._call("GET", f"/pullRequests/{number}/threads"), "value")
        found = {}
        for thread in sorted(threads, key=lambda one: _moment(text_in(one, "publishedDate"))):
            told = {
                name: text_in(thread, "properties", f"CodeReview{name}", "$value")
                for name in ("ThreadType", "VotedByTfId", "VotedByIdentity", "VoteResult")
            }
            who = told["VotedByTfId"] or text_in(
                thread, "identities", told["VotedByIdentity"], "id"
            )
            if told["ThreadType"] == "VoteUpdate" and told["VoteResult"].lstrip("-").isdigit():
                found[who, int(told["VoteResult"])] = text_in(thread, "publishedDate")
        return found

    def _pushes(self, number: int) -> list[tuple[float, str]]:
        """When the head came to be at which commit, the oldest first."""
        found = items_in(self._call("GET", f"/pullRequests/{number}/iterations"), "value")
        return sorted(
            (_moment(text_in(one, "createdDate")), text_in(one, "sourceRefCommit", "commitId"))
            for one in found
        )

    def add_review(self, number: int, commit: str, verdict: Verdict, text: str) -> None:
        """Vote for a pull request, or against it; why stands in a comment."""
        vote = 10 if verdict == "approved" else -10
        url = f"/pullRequests/{number}/reviewers/{quote(self.me(), safe='')}"
        self._call("PUT", url, {"vote": vote})
        with suppress(LostAnswer):  # it is the vote that counts
            self.add_note(number, text, "")

    def may_push(self) -> bool:
        """What a token may is told when it is used; here, that it sees the repository."""
        self._call("GET", "")
        return True

    def proposals(self, branch: str) -> list[Proposal]:
        """A list has the first 400 characters of each text, so each is read by itself."""
        numbers = [
            int(item["pullRequestId"])
            for item in self._active(branch)
            if not item.get("forkSource")
        ]
        return [self._proposal(self._call("GET", f"/pullRequests/{number}")) for number in numbers]

    def add_proposal(self, branch: str, base: str, title: str, text: str) -> Proposal:
        sides = {"sourceRefName": f"{HEADS}{branch}", "targetRefName": f"{HEADS}{base}"}
        content = {**sides, "title": title, "description": text}
        return self._proposal(self._call("POST", "/pullrequests", content))

    def change_proposal(self, proposal: Proposal, base: str, title: str, text: str) -> None:
        # not every server lets a change go elsewhere
        moved = {"targetRefName": f"{HEADS}{base}"} if base != proposal.base else {}
        content = {"title": title, "description": text, **moved}
        self._call("PATCH", f"/pullRequests/{proposal.number}", content)

    def _active(self, branch: str) -> list[Json]:
        criteria = {"sourceRefName": f"{HEADS}{branch}", "status": "active"}
        params = {f"searchCriteria.{name}": value for name, value in criteria.items()}
        return items_in(self._call("GET", "/pullrequests", params=params), "value")

    def _proposal(self, item: Json) -> Proposal:
        number = int(item.get("pullRequestId") or 0)
        return Proposal(
            number=number,
            title=text_in(item, "title"),
            text=text_in(item, "description"),
            base=short_ref(text_in(item, "targetRefName")),
            url=self._page(number),
        )

    def waiting_runs(self, commit: str, environment: str) -> list[str]:
        """The runs of a commit that go on, the newest first, whatever they wait for."""
        params = {"statusFilter": "inProgress", "queryOrder": "queueTimeDescending", "$top": "200"}
        found = items_in(
            self._call("GET", f"{self._project}/_apis/build/builds", params=params), "value"
        )
        return [str(one["id"]) for one in found if text_in(one, "sourceVersion") == commit]

    def gate(self, run: str, environment: str) -> list[Review]:
        return [
            Review(
                user=text_in(step, "actualApprover", "uniqueName"),
                verdict="approved" if text_in(step, "status") == "approved" else "rejected",
                at=text_in(step, "lastModifiedOn"),
                comment=text_in(step, "comment"),
                url=f"{self._project}/_build/results?buildId={quote(run, safe='')}",
            )
            for approval in self._approvals(run, environment)
            for step in items_in(approval, "steps")
            if text_in(step, "status") in {"approved", "rejected"}
        ]

    def decide(self, run: str, environment: str, verdict: Verdict, comment: str) -> None:
        waiting = [
            text_in(approval, "id")
            for approval in self._approvals(run, environment)
            if text_in(approval, "status") == "pending"
        ]
        if not waiting:
            raise Refused(f"no stage of run {run} waits for the environment {environment}")
        body = [{"approvalId": known, "status": verdict, "comment": comment} for known in waiting]
        self._call("PATCH", f"{self._project}/_apis/pipelines/approvals", body)

    def _approvals(self, run: str, environment: str) -> list[Json]:
        """What a run is asked before it may go to an environment. A check does not tell which one
        it is of, but the stage of the pipeline that it holds: the one of that name, or else, where
        no stage is called so, the only one that is held."""
        url = f"{self._project}/_apis/build/builds/{quote(run, safe='')}/timeline"
        records = {
            text_in(item, "id"): item for item in items_in(self._call("GET", url), "records")
        }
        held: dict[str, list[str]] = {
            _stage_name(one): [] for one in records.values() if text_in(one, "type") == "Stage"
        }
        is_known = environment in held
        for record in records.values():
            if text_in(record, "type") != "Checkpoint.Approval":
                continue
            stage = records.get(text_in(record, "parentId"), {})
            stage = records.get(text_in(stage, "parentId"), stage)
            held.setdefault(_stage_name(stage), []).append(text_in(record, "id"))
        those = [ids for ids in held.values() if ids]
        ids = held.get(environment) or (those[0] if len(those) == 1 and not is_known else [])
        if not ids:
            return []
        params = {"approvalIds": ",".join(ids), "$expand": "steps"}
        answer = self._call("GET", f"{self._project}/_apis/pipelines/approvals", params=params)
        return items_in(answer, "value")

    def issues(self, label: str) -> list[Issue]:
        """Work items are of types that each project chooses, so none is written."""
        raise Unsupported(
            "Azure DevOps has no issues that every project knows",
            hint="have drift told by notify, on: drifted",
        )

    def add_issue(self, title: str, body: str, label: str) -> Issue:
        raise Unsupported("Azure DevOps has no issues that every project knows")

    def change_issue(self, issue: Issue, title: str, body: str) -> None:
        raise Unsupported("Azure DevOps has no issues that every project knows")

    def end_issue(self, issue: Issue, *, is_done: bool, body: str = "") -> None:
        raise Unsupported("Azure DevOps has no issues that every project knows")

    def _call(
        self,
        method: str,
        where: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        repeat: bool = False,
    ) -> Any:
        """One request of the repository's, or to a whole address. An old server is asked by its own
        version of the API."""
        url = where if "://" in where else self._url(where)
        try:
            wanted = urlencode({**(params or {}), "api-version": self._version})
            return self._api.call(method, f"{url}?{wanted}", body, repeat=repeat)
        except PlatformError as error:
            is_old = error.status == 400 and "out of range for this server" in error.message
            if not is_old or self._version == OLDEST_VERSION:
                raise
        self._version = OLDEST_VERSION
        return self._call(method, where, body, params=params, repeat=repeat)

    def _url(self, path: str) -> str:
        return f"{self._project}/_apis/git/repositories/{quote(self.repository, safe='')}{path}"

    def _comment(self, number: int, note: Note) -> str:
        thread, _, comment = note.id.partition("/")
        return f"/pullRequests/{number}/threads/{thread}/comments/{comment}"

    def _page(self, number: int) -> str:
        return f"{self._project}/_git/{quote(self.repository, safe='')}/pullrequest/{number}"

    def _note(self, number: int, thread: Json, comment: Json) -> Note:
        marks = thread.get("properties")
        known = [name for name in (marks or {}) if name.startswith("cicd.")]
        return Note(
            id=f"{thread.get('id')}/{comment.get('id')}",
            author=text_in(comment, "author", "id"),
            body=text_in(comment, "content"),
            updated_at=text_in(comment, "lastUpdatedDate"),
            url=f"{self._page(number)}?discussionId={thread.get('id')}",
            mark=known[0].removeprefix("cicd.") if known else "",
        )

    def _request(self, item: Json) -> Request:
        number = int(item["pullRequestId"])
        landed = text_in(item, "lastMergeCommit", "commitId")
        return Request(
            number=number,
            head=short_ref(text_in(item, "sourceRefName")),
            base=short_ref(text_in(item, "targetRefName")),
            commit=text_in(item, "lastMergeSourceCommit", "commitId"),
            is_fork=bool(item.get("forkSource")),
            labels=tuple(text_in(label, "name") for label in items_in(item, "labels")),
            author=text_in(item, "createdBy", "uniqueName"),
            merged=landed if text_in(item, "status") == "completed" else "",
            url=self._page(number),
        )


def _stage_name(record: Json) -> str:
    return text_in(record, "identifier") or text_in(record, "name")


def _moment(at: str) -> float:
    """Seconds since 1970: fractions of a second have as many digits as there are. 0: no moment."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return 0.0
