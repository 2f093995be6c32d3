"""A server that behaves like Azure DevOps, as far as cicd uses it.

Source of shapes and limits: MicrosoftDocs/vsts-rest-api-specs (git, pipelinesChecks, build 7.1).
Every request is checked against ENDPOINTS; what does not fit is in ``violations``. What nobody
could try on a real server stands in GUESSED.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from tests.forges.forge_server import Endpoint, ForgeServer, Reply, Request, check_body, handler_of
from tests.serving import serving

TOKEN = "eyJ0eXAi.eyJhdWQi.kanary-7f3a9c"
PERSONAL = "kanary-personal-7f3a9c"
PROJECT, REPOSITORY = "ML Ops", "churn"
ME = "11111111-0000-4000-8000-00000000000a"
MAX_BODY, MAX_DESCRIPTION, LISTED_DESCRIPTION = 150_000, 4_000, 400
GUESSED = {"sign_in_status": 203, "anonymous": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"}
SIGN_IN = Reply(
    GUESSED["sign_in_status"],  # type: ignore[arg-type]
    "<!DOCTYPE html><title>Sign in</title>",
    {"Content-Type": "text/html; charset=utf-8"},
)
VERSIONED = frozenset({"api-version"})
GIT = "/P/_apis/git/repositories/R"
ENDPOINTS = (
    Endpoint("GET", "/_apis/connectionData", query=VERSIONED),
    Endpoint("GET", f"{GIT}/pullRequests/N/threads", query=VERSIONED),
    Endpoint(
        "POST",
        f"{GIT}/pullRequests/N/threads",
        {"comments": list, "status": int},
        {"properties": dict},
        VERSIONED,
    ),
    Endpoint(
        "PATCH", f"{GIT}/pullRequests/N/threads/N/comments/N", {"content": str}, {}, VERSIONED
    ),
    Endpoint("DELETE", f"{GIT}/pullRequests/N/threads/N/comments/N", query=VERSIONED),
    Endpoint("GET", f"{GIT}/pullRequests/N", query=VERSIONED),
    Endpoint("GET", f"{GIT}/pullRequests/N/reviewers", query=VERSIONED),
    Endpoint("PUT", f"{GIT}/pullRequests/N/reviewers/U", {"vote": int}, {"id": str}, VERSIONED),
    Endpoint("GET", f"{GIT}/pullRequests/N/iterations", query=VERSIONED),
    Endpoint(
        "GET",
        "/P/_apis/build/builds",
        query=VERSIONED | {"statusFilter", "queryOrder", "$top", "branchName"},
    ),
    Endpoint(
        "GET",
        f"{GIT}/pullrequests",
        query=VERSIONED | {"searchCriteria.sourceRefName", "searchCriteria.status"},
    ),
    Endpoint("GET", GIT, query=VERSIONED),
    Endpoint(
        "POST",
        f"{GIT}/pullrequests",
        {"sourceRefName": str, "targetRefName": str, "title": str},
        {"description": str},
        VERSIONED,
    ),
    Endpoint(
        "PATCH",
        f"{GIT}/pullRequests/N",
        {},
        {"title": str, "description": str, "targetRefName": str},
        VERSIONED,
    ),
    Endpoint("POST", f"{GIT}/pullrequestquery", {"queries": list}, {}, VERSIONED),
    Endpoint("GET", "/P/_apis/build/builds/N/timeline", query=VERSIONED),
    Endpoint("GET", "/P/_apis/pipelines/approvals", query=VERSIONED | {"approvalIds", "$expand"}),
    Endpoint("PATCH", "/P/_apis/pipelines/approvals", query=VERSIONED),
)


def error(message: str, key: str = "InvalidArgumentValueException") -> dict[str, Any]:
    return {
        "$id": "1",
        "innerException": None,
        "message": message,
        "typeName": f"Microsoft.TeamFoundation.{key}, Microsoft.TeamFoundation",
        "typeKey": key,
        "errorCode": 0,
        "eventId": 3000,
    }


class Azure(ForgeServer):
    """The state of one repository and what goes wrong with it; pull request 7 is there."""

    def __init__(self, newest: float = 7.1) -> None:
        super().__init__("/org", headers={"X-VSS-E2EID": "5e1f-e2e"})
        self.newest = newest
        self.users: dict[str, str] = {
            f"Bearer {TOKEN}": ME,
            f"Basic {base64.b64encode(f':{PERSONAL}'.encode()).decode()}": ME,
        }
        self.threads: dict[int, list[dict[str, Any]]] = {7: []}
        self.changes: dict[int, dict[str, Any]] = {7: self.change(7)}
        self.reviewers: dict[int, list[dict[str, Any]]] = {}
        self.iterations: dict[int, list[dict[str, Any]]] = {}
        self.builds: list[dict[str, Any]] = []
        self.names: dict[str, str] = {ME: "build@example.com"}
        self.timelines: dict[int, list[dict[str, Any]]] = {}
        self.approvals: list[dict[str, Any]] = []

    def change(self, number: int, **more: Any) -> dict[str, Any]:
        """A pull request; ``more``: what is otherwise."""
        return {
            "pullRequestId": number,
            "status": "active",
            "sourceRefName": "refs/heads/feature",
            "targetRefName": "refs/heads/prd",
            "lastMergeSourceCommit": {"commitId": "a" * 40},
            "lastMergeCommit": {"commitId": "c" * 40},
            "createdBy": {"id": "author-id", "uniqueName": "author@example.com"},
            "labels": [],
            **more,
        }

    def add_thread(
        self, body: str, author: str = ME, number: int = 7, **more: Any
    ) -> dict[str, Any]:
        with self._lock:
            thread_id = next(self._ids)
            thread = {
                "id": thread_id,
                "status": "closed",
                "properties": {},
                "isDeleted": False,
                "comments": [
                    {
                        "id": 1,
                        "parentCommentId": 0,
                        "author": {"id": author, "uniqueName": "x@example.com"},
                        "content": body,
                        "commentType": "text",
                        "lastUpdatedDate": f"2026-01-01T00:00:00.{thread_id:06}Z",
                    }
                ],
                **more,
            }
            self.threads[number].append(thread)
            return thread

    def check(self, request: Request) -> list[str]:
        wrong = []
        if "api-version" not in request.query and "connectionData" not in request.path:
            wrong.append(f"{request}: no api-version")
        if not request.headers.get("User-Agent", "").startswith("cicd/"):
            wrong.append(f"{request}: no User-Agent")
        found = [
            one for one in ENDPOINTS if (one.method, one.path) == (request.method, short(request))
        ]
        if not found:
            return [*wrong, f"{request}: no such endpoint"]
        wrong += [f"{request}: query {name}" for name in request.query.keys() - found[0].query]
        if request.method == "PATCH" and "approvals" in request.path:
            keys = [set(item) for item in request.body]
            is_right = keys and all(one == {"approvalId", "status", "comment"} for one in keys)
            return wrong if is_right else [*wrong, f"{request}: {request.body!r}"]
        return wrong + check_body(request, found[0])

    def carry_out(self, request: Request) -> Reply:
        user = self.users.get(request.headers.get("Authorization", ""))
        if user is None:
            return SIGN_IN
        asked = request.query.get("api-version", "0")
        if float(asked) > self.newest:
            return Reply(400, error(
                f"The requested REST API version of {asked} is out of range for this server. The "
                f"latest REST API version this server supports is {self.newest}.",
                "VssVersionOutOfRangeException"))  # fmt: skip
        if request.path == "/_apis/connectionData":
            account = {"$type": "System.String", "$value": self.names.get(user, "")}
            shown = {"id": user, "isActive": True, "properties": {"Account": account}}
            return Reply(200, {"authenticatedUser": shown})
        words = [unquote(word) for word in request.path.split("/")]
        if words[1] != PROJECT or ("repositories" in words and words[5] != REPOSITORY):
            return Reply(404, error(
                "VS800075: The project with id 'vstfs:///x' does not exist, or you do not have "
                "permission to access it.", "ProjectDoesNotExistWithNameException"))  # fmt: skip
        numbers = [int(text) for text in re.findall(r"/(\d+)(?=/|$)", request.path)]
        name = f"{request.method} {short(request).removeprefix(GIT)}"
        return {
            "GET /pullRequests/N/threads": self._list_threads,
            "POST /pullRequests/N/threads": self._create_thread,
            "PATCH /pullRequests/N/threads/N/comments/N": self._edit_comment,
            "DELETE /pullRequests/N/threads/N/comments/N": self._delete_comment,
            "GET /pullRequests/N": lambda r, n: Reply(200, self.changes[n[0]]),
            "GET /pullRequests/N/reviewers": lambda r, n: listed(self.reviewers.get(n[0], [])),
            "PUT /pullRequests/N/reviewers/U": self._vote,
            "GET /pullRequests/N/iterations": lambda r, n: listed(self.iterations.get(n[0], [])),
            "GET /P/_apis/build/builds": lambda r, n: listed(self.builds),
            "GET /pullrequests": self._list_changes,
            "GET ": lambda r, n: Reply(200, {"id": REPOSITORY, "name": REPOSITORY}),
            "POST /pullrequests": self._create_change,
            "PATCH /pullRequests/N": self._edit_change,
            "POST /pullrequestquery": self._query,
            "GET /P/_apis/build/builds/N/timeline": lambda r, n: Reply(
                200, {"records": self.timelines.get(n[0], [])}
            ),
            "GET /P/_apis/pipelines/approvals": self._list_approvals,
            "PATCH /P/_apis/pipelines/approvals": self._decide,
        }.get(name, not_found)(request, numbers)

    def _list_threads(self, request: Request, numbers: list[int]) -> Reply:
        return listed(self.threads[numbers[0]]) if numbers[0] in self.threads else not_found()

    def _create_thread(self, request: Request, numbers: list[int]) -> Reply:
        if numbers[0] not in self.threads:
            return not_found()
        (comment,) = request.body["comments"]
        if len(comment["content"]) > MAX_BODY:
            return Reply(400, error(
                "A discussion comment cannot be longer than 150000 characters.\r\nParameter name: "
                "comment.Content"))  # fmt: skip
        marks = {
            name: {"$type": "System.String", "$value": value}
            for name, value in request.body.get("properties", {}).items()
        }
        user = self.users[request.headers["Authorization"]]
        thread = self.add_thread(comment["content"], user, numbers[0], properties=marks)
        return Reply(200, {**thread, "status": request.body["status"]})

    def _vote(self, request: Request, numbers: list[int]) -> Reply:
        user = self.users[request.headers["Authorization"]]
        if user != request.path.split("/")[-1]:
            return Reply(403, error("TF401186: Users can only change their own vote."))
        self.vote(numbers[0], user, request.body["vote"], "2026-11-30T12:00:00.5Z")
        return Reply(200, {"id": user, "vote": request.body["vote"]})

    def vote(self, number: int, user: str, vote: int, at: str) -> None:
        """Somebody votes, of which the system writes a thread."""
        name = self.names.get(user, f"{user}@example.com")
        others = [one for one in self.reviewers.get(number, []) if one["id"] != user]
        self.reviewers[number] = [*others, {"id": user, "uniqueName": name, "vote": vote}]
        told = {"ThreadType": "VoteUpdate", "VotedByIdentity": "1", "VoteResult": str(vote)}
        marks = {
            f"CodeReview{key}": {"$type": "System.String", "$value": value}
            for key, value in told.items()
        }
        thread = self.add_thread(f"{name} voted {vote}", user, number, properties=marks)
        thread["comments"][0]["commentType"] = "system"
        thread.update({"publishedDate": at, "identities": {"1": {"id": user, "uniqueName": name}}})

    def _comment(self, numbers: list[int]) -> tuple[dict[str, Any], dict[str, Any]] | None:
        for thread in self.threads.get(numbers[0], []):
            for comment in thread["comments"]:
                if (thread["id"], comment["id"]) == (numbers[1], numbers[2]):
                    return None if comment.get("isDeleted") else (thread, comment)
        return None

    def _edit_comment(self, request: Request, numbers: list[int]) -> Reply:
        found = self._comment(numbers)
        if found is None:
            return not_found()
        found[1]["content"] = request.body["content"]
        found[1]["lastUpdatedDate"] = f"2026-01-01T00:00:01.{next(self._ids):06}Z"
        return Reply(200, found[1])

    def _delete_comment(self, request: Request, numbers: list[int]) -> Reply:
        found = self._comment(numbers)
        if found is None:
            return not_found()
        found[1].update(isDeleted=True, content=None)
        found[0]["isDeleted"] = all(item.get("isDeleted") for item in found[0]["comments"])
        return Reply(200)

    def _list_changes(self, request: Request, numbers: list[int]) -> Reply:
        return listed([
            {**item, "description": item.get("description", "")[:LISTED_DESCRIPTION]}
            for item in self.changes.values()
            if item["sourceRefName"] == request.query["searchCriteria.sourceRefName"]
            if item["status"] == request.query["searchCriteria.status"]
        ])  # fmt: skip

    def _create_change(self, request: Request, numbers: list[int]) -> Reply:
        body, number = request.body, 40 + len(self.changes)
        if len(body["description"]) > MAX_DESCRIPTION:
            return Reply(400, error("TF401182: The description may have 4000 characters at most."))
        for item in self.changes.values():
            same = all(item[side] == body[side] for side in ("sourceRefName", "targetRefName"))
            if same and item["status"] == "active":
                return Reply(409, error(
                    "TF401179: An active pull request for the source and target branch already "
                    "exists.", "GitPullRequestExistsException"))  # fmt: skip
        self.changes[number] = self.change(number, **body)
        return Reply(201, self.changes[number])

    def _edit_change(self, request: Request, numbers: list[int]) -> Reply:
        self.changes[numbers[0]].update(request.body)
        return Reply(200, self.changes[numbers[0]])

    def _query(self, request: Request, numbers: list[int]) -> Reply:
        def found(query: dict[str, Any], sha: str) -> list[dict[str, Any]]:
            name = {"lastMergeCommit": "lastMergeCommit", "commit": "lastMergeSourceCommit"}
            side = name[query["type"]]
            return [item for item in self.changes.values() if item[side]["commitId"] == sha]

        results = [
            {sha: items for sha in query["items"] if (items := found(query, sha))}
            for query in request.body["queries"]
        ]
        return Reply(200, {"queries": request.body["queries"], "results": results})

    def _list_approvals(self, request: Request, numbers: list[int]) -> Reply:
        ids = request.query["approvalIds"].split(",")
        return listed([item for item in self.approvals if item["id"] in ids])

    def _decide(self, request: Request, numbers: list[int]) -> Reply:
        for said in request.body:
            for approval in self.approvals:
                if approval["id"] == said["approvalId"]:
                    approval["status"] = said["status"]
                    step = {"status": said["status"], "comment": said["comment"]}
                    step["lastModifiedOn"] = "2026-11-30T10:00:00Z"
                    user = {"uniqueName": "alice@example.com"}
                    approval["steps"].append({**step, "actualApprover": user})
        return listed(self.approvals)


def listed(items: list[dict[str, Any]]) -> Reply:
    return Reply(200, {"value": items, "count": len(items)})


def not_found(request: Request | None = None, numbers: list[int] | None = None) -> Reply:
    return Reply(404, error("TF401180: The requested pull request was not found.", "GitNotFound"))


def short(request: Request) -> str:
    """The path with letters in place of what it is about."""
    path = re.sub(r"^/[^/_][^/]*/_apis", "/P/_apis", request.path)
    path = re.sub(r"/repositories/[^/]+", "/repositories/R", path)
    path = re.sub(r"/reviewers/[^/]+", "/reviewers/U", path)
    return re.sub(r"/\d+(?=/|$)", "/N", path)


@contextmanager
def running(newest: float = 7.1) -> Iterator[Azure]:
    """The server on loopback; at the end it is closed and no request was wrong."""
    azure = Azure(newest)
    with serving(handler_of(azure)) as azure.url:
        yield azure
    assert not azure.violations, "\n".join(azure.violations)
