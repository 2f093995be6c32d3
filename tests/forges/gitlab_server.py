"""A server that behaves like GitLab's REST API, as far as cicd uses it.

Source of shapes and limits: docs.gitlab.com/api (notes, merge_requests, merge_request_approvals,
deployments, issues, users, pagination); lib/api/helpers/notes_helpers.rb for quick actions. Every
request is checked against ENDPOINTS; what does not fit is in ``violations``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from tests.forges.forge_server import Endpoint, ForgeServer, Reply, Request, check_body, handler_of
from tests.serving import serving

TOKEN = "glpat-kanary-7f3a9c"
JOB_TOKEN = "glcbt-kanary-job"
PROJECT = "group/sub/churn"
ME = 77
MAX_BODY = 1_000_000
PAGING = frozenset({"per_page", "page"})
ENDPOINTS = (
    Endpoint("GET", "/user"),
    Endpoint(
        "GET",
        "/projects/P/merge_requests/N/notes",
        query=PAGING | {"sort", "order_by", "activity_filter"},
    ),
    Endpoint("POST", "/projects/P/merge_requests/N/notes", {"body": str}),
    Endpoint("PUT", "/projects/P/merge_requests/N/notes/N", {"body": str}),
    Endpoint("DELETE", "/projects/P/merge_requests/N/notes/N"),
    Endpoint("GET", "/projects/P/merge_requests/N"),
    Endpoint("GET", "/projects/P/merge_requests/N/approvals"),
    Endpoint("GET", "/projects/P/merge_requests/N/versions", query=PAGING),
    Endpoint("GET", "/projects/P/merge_requests", query=PAGING | {"state", "source_branch"}),
    Endpoint("GET", "/projects/P/repository/commits/SHA/merge_requests", query=PAGING),
    Endpoint("POST", "/projects/P/merge_requests/N/approve", {}, {"sha": str}),
    Endpoint("POST", "/projects/P/merge_requests/N/unapprove", {}, {"sha": str}),
    Endpoint("GET", "/projects/P/merge_requests/N/resource_label_events", query=PAGING),
    Endpoint(
        "PUT",
        "/projects/P/merge_requests/N",
        {},
        {"add_labels": str, "title": str, "description": str, "target_branch": str},
    ),
    Endpoint("GET", "/projects/P"),
    Endpoint(
        "POST",
        "/projects/P/merge_requests",
        {"source_branch": str, "target_branch": str, "title": str},
        {"description": str},
    ),
    Endpoint("GET", "/groups/G/members/all", query=PAGING | {"query", "user_ids"}),
    Endpoint("GET", "/projects/P/protected_environments/E"),
    Endpoint(
        "GET",
        "/projects/P/deployments",
        query=PAGING | {"environment", "order_by", "sort", "status"},
    ),
    Endpoint("GET", "/projects/P/deployments/N"),
    Endpoint(
        "POST",
        "/projects/P/deployments/N/approval",
        {"status": str},
        {"comment": str, "represented_as": str},
    ),
    Endpoint("GET", "/projects/P/issues", query=PAGING | {"labels", "state", "scope"}),
    Endpoint("POST", "/projects/P/issues", {"title": str}, {"description": str, "labels": str}),
    Endpoint(
        "PUT",
        "/projects/P/issues/N",
        {},
        {"title": str, "description": str, "state_event": str},
    ),
)
ENUMS: dict[str, set[Any]] = {"status": {"approved", "rejected"}, "state_event": {"close"}}
COMMAND = re.compile(r"(?m)^/[A-Za-z_]\w*")


class GitLab(ForgeServer):
    """The state of one project and what goes wrong with it; merge request 7 is there."""

    def __init__(self) -> None:
        super().__init__("/api/v4", headers={"X-Request-Id": "01HABC"})
        self.users: dict[str, dict[str, Any]] = {
            TOKEN: {"id": ME, "username": "project_12_bot_1a2b", "bot": True}
        }
        self.notes: dict[int, list[dict[str, Any]]] = {7: []}
        self.requests_of: dict[int, dict[str, Any]] = {7: self.change(7)}
        self.approvals: dict[int, list[dict[str, Any]]] = {}
        self.versions: dict[int, list[dict[str, Any]]] = {}
        self.commits: dict[str, list[int]] = {}
        self.deployments: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self.commands: list[str] = []
        self.groups: dict[str, list[str]] = {}
        self.label_events: dict[int, list[dict[str, Any]]] = {}
        self.protected: dict[str, dict[str, Any]] = {}
        self.project: dict[str, Any] = {
            "id": 12,
            "permissions": {"project_access": {"access_level": 30}, "group_access": None},
            "can_create_merge_request_in": True,
        }

    def change(self, number: int, **more: Any) -> dict[str, Any]:
        """A merge request; ``more``: what is otherwise."""
        return {
            "id": 9000 + number,
            "iid": number,
            "state": "opened",
            "source_branch": "feature",
            "target_branch": "prd",
            "source_project_id": 12,
            "target_project_id": 12,
            "sha": "a" * 40,
            "merge_commit_sha": None,
            "squash_commit_sha": None,
            "labels": [],
            "author": {"id": 5, "username": "author"},
            "web_url": f"{self.url}/{PROJECT}/-/merge_requests/{number}",
            **more,
        }

    def add_note(self, body: str, author: int = ME, number: int = 7, **more: Any) -> dict[str, Any]:
        with self._lock:
            number_id = next(self._ids)
            note = {
                "id": number_id,
                "body": body,
                "author": {"id": author, "username": f"user{author}"},
                "system": False,
                "created_at": "2026-01-01T00:00:00.000Z",
                "updated_at": f"2026-01-01T00:00:00.{number_id:06}Z",
                "noteable_iid": number,
                **more,
            }
            self.notes[number].append(note)
            return note

    def check(self, request: Request) -> list[str]:
        login = request.headers.get("Authorization") or request.headers.get("PRIVATE-TOKEN", "")
        wrong = [] if login or "JOB-TOKEN" in request.headers else [f"{request}: no login"]
        if not request.headers.get("User-Agent", "").startswith("cicd/"):
            wrong.append(f"{request}: no User-Agent")
        found = [
            one for one in ENDPOINTS if (one.method, one.path) == (request.method, short(request))
        ]
        if not found:
            return [*wrong, f"{request}: no such endpoint"]
        wrong += [f"{request}: query {name}" for name in request.query.keys() - found[0].query]
        return wrong + check_body(request, found[0], ENUMS)

    def carry_out(self, request: Request) -> Reply:
        if "JOB-TOKEN" in request.headers:
            known = request.headers["JOB-TOKEN"] == JOB_TOKEN
            if not known or request.method != "GET" or request.path == "/user":
                return Reply(401, {"message": "401 Unauthorized"})
        elif self.user(request) is None:
            return Reply(401, {"message": "401 Unauthorized"})
        if request.path == "/user":
            return Reply(200, self.user(request))
        if request.path.startswith("/groups/"):
            return self._members(request)
        project = unquote(request.path.split("/")[2])
        if project not in {PROJECT, "12"}:
            return Reply(404, {"message": "404 Project Not Found"})
        name = f"{request.method} {short(request).removeprefix('/projects/P')}"
        rest = request.path.split("/", 3)[-1]
        numbers = [int(text) for text in re.findall(r"/(\d+)(?=/|$)", f"/{rest}")]
        return self._routes()[name](request, numbers) if name in self._routes() else not_found()

    def user(self, request: Request) -> dict[str, Any] | None:
        login = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.users.get(login or request.headers.get("PRIVATE-TOKEN", ""))

    def _routes(self) -> dict[str, Any]:
        def listed(items: list[dict[str, Any]]) -> Any:
            return lambda request, numbers: self.page(request, items, 20)

        return {
            "GET /merge_requests/N/notes": lambda r, n: (
                self.page(r, self.notes[n[0]], 20) if n[0] in self.notes else not_found()
            ),
            "POST /merge_requests/N/notes": self._create_note,
            "PUT /merge_requests/N/notes/N": self._edit_note,
            "DELETE /merge_requests/N/notes/N": self._delete_note,
            "GET /merge_requests/N": lambda r, n: (
                Reply(200, self.requests_of[n[0]]) if n[0] in self.requests_of else not_found()
            ),
            "GET /merge_requests/N/approvals": lambda r, n: Reply(
                200, {"approved_by": self.approvals.get(n[0], [])}
            ),
            "GET /merge_requests/N/versions": lambda r, n: self.page(
                r, self.versions.get(n[0], []), 20
            ),
            "GET /merge_requests": self._list_requests,
            "GET /repository/commits/SHA/merge_requests": self._requests_of_commit,
            "GET /merge_requests/N/resource_label_events": lambda r, n: self.page(
                r, self.label_events.get(n[0], []), 20
            ),
            "PUT /merge_requests/N": self._edit_request,
            "POST /merge_requests": self._create_request,
            "GET ": lambda r, n: Reply(200, self.project),
            "POST /merge_requests/N/approve": self._approve_request,
            "POST /merge_requests/N/unapprove": self._unapprove,
            "GET /protected_environments/E": lambda r, n: (
                Reply(200, self.protected[r.path.split("/")[-1]])
                if r.path.split("/")[-1] in self.protected
                else not_found()
            ),
            "GET /deployments": self._list_deployments,
            "GET /deployments/N": self._get_deployment,
            "POST /deployments/N/approval": self._approve,
            "GET /issues": self._list_issues,
            "POST /issues": self._create_issue,
            "PUT /issues/N": self._edit_issue,
        }

    def _create_note(self, request: Request, numbers: list[int]) -> Reply:
        body = request.body["body"]
        if numbers[0] not in self.notes:
            return not_found()
        if len(body) > MAX_BODY:
            return Reply(
                400, {"message": {"note": ["is too long (maximum is 1000000 characters)"]}}
            )
        self._carry_out_commands(body)
        if body and not COMMAND.sub("", body).strip():
            return Reply(202, {"commands_changes": {}, "summary": ["Done"]})
        user = self.user(request)
        return Reply(201, self.add_note(kept(body), user["id"] if user else ME, numbers[0]))

    def _carry_out_commands(self, body: str) -> None:
        self.commands += COMMAND.findall(body.replace("\r", ""))

    def _edit_note(self, request: Request, numbers: list[int]) -> Reply:
        for note in self.notes.get(numbers[0], []):
            if note["id"] == numbers[1]:
                self._carry_out_commands(request.body["body"])
                note["body"] = kept(request.body["body"])
                note["updated_at"] = f"2026-01-01T00:00:01.{next(self._ids):06}Z"
                return Reply(200, note)
        return not_found()

    def _delete_note(self, request: Request, numbers: list[int]) -> Reply:
        for note in self.notes.get(numbers[0], []):
            if note["id"] == numbers[1]:
                self.notes[numbers[0]].remove(note)
                return Reply(204)
        return not_found()

    def _list_requests(self, request: Request, numbers: list[int]) -> Reply:
        found = [
            item
            for item in self.requests_of.values()
            if item["state"] == request.query.get("state", item["state"])
            if item["source_branch"] == request.query.get("source_branch")
        ]
        return self.page(request, found, 20)

    def _members(self, request: Request) -> Reply:
        group, wanted = unquote(request.path.split("/")[2]), request.query.get("query", "")
        members = [name for name in self.groups.get(group, []) if wanted in name]
        found = [{"id": at, "username": name} for at, name in enumerate(members, 1)]
        return self.page(request, found, 20) if group in self.groups else not_found()

    def _create_request(self, request: Request, numbers: list[int]) -> Reply:
        body, number = dict(request.body), 40 + len(self.requests_of)
        for item in self.requests_of.values():
            if (item["state"], item["source_branch"]) == ("opened", body["source_branch"]):
                told = "Another open merge request already exists for this source branch"
                return Reply(409, {"message": [f"{told}: !{item['iid']}"]})
        self._carry_out_commands(body["description"])
        body["description"] = kept(body["description"])
        self.requests_of[number] = self.change(number, **body)
        return Reply(201, self.requests_of[number])

    def _edit_request(self, request: Request, numbers: list[int]) -> Reply:
        if "add_labels" not in request.body:
            self._carry_out_commands(request.body["description"])
            changes = {**request.body, "description": kept(request.body["description"])}
            self.requests_of[numbers[0]].update(changes)
            return Reply(200, self.requests_of[numbers[0]])
        user = self.user(request) or {}
        self.label(numbers[0], request.body["add_labels"], user["username"], "2026-11-30T12:00:00Z")
        return Reply(200, self.requests_of[numbers[0]])

    def label(self, number: int, name: str, user: str, at: str, action: str = "add") -> None:
        """Somebody puts a label on a merge request, or takes it off."""
        labels = self.requests_of[number]["labels"]
        labels.append(name) if action == "add" else labels.remove(name)
        event = {"id": next(self._ids), "user": {"username": user}, "created_at": at}
        told = {**event, "action": action, "label": {"name": name}}
        self.label_events.setdefault(number, []).append(told)

    def _approve_request(self, request: Request, numbers: list[int]) -> Reply:
        user, change = self.user(request) or {}, self.requests_of[numbers[0]]
        given = self.approvals.setdefault(numbers[0], [])
        if any(one["user"]["username"] == user["username"] for one in given):
            return Reply(401, {"message": "401 Unauthorized"})  # once is all there is
        if request.body.get("sha", change["sha"]) != change["sha"]:
            return Reply(409, {"message": "SHA does not match HEAD of source branch"})
        shown = {name: user[name] for name in ("id", "username")}
        given.append({"user": shown, "approved_at": "2026-11-30T12:00:00.000Z"})
        return Reply(201, {"approved_by": given})

    def _unapprove(self, request: Request, numbers: list[int]) -> Reply:
        user, given = self.user(request) or {}, self.approvals.get(numbers[0], [])
        left = [one for one in given if one["user"]["username"] != user["username"]]
        self.approvals[numbers[0]] = left
        return Reply(201) if len(left) < len(given) else not_found()

    def _requests_of_commit(self, request: Request, numbers: list[int]) -> Reply:
        known = self.commits.get(request.path.split("/")[-2])
        if known is None:
            return Reply(404, {"message": "404 Commit Not Found"})
        return self.page(request, [self.requests_of[number] for number in known], 20)

    def _list_deployments(self, request: Request, numbers: list[int]) -> Reply:
        found = [
            {name: value for name, value in item.items() if name != "approvals"}
            for item in reversed(self.deployments)
            if item["environment"]["name"] == request.query["environment"]
            if item["status"] == request.query.get("status", item["status"])
        ]
        return self.page(request, found, 20)

    def _get_deployment(self, request: Request, numbers: list[int]) -> Reply:
        found = [item for item in self.deployments if item["id"] == numbers[0]]
        return Reply(200, found[0]) if found else not_found()

    def _approve(self, request: Request, numbers: list[int]) -> Reply:
        held = next(item for item in self.deployments if item["id"] == numbers[0])
        if held["status"] != "blocked":
            return Reply(400, {"message": "This job is not waiting for approvals."})
        user = self.user(request)
        said = {"created_at": "2026-11-30T10:00:00.000Z", "comment": "", **request.body}
        held["approvals"].append({"user": user, **said})
        held["status"] = "created" if said["status"] == "approved" else "failed"
        return Reply(201, said)

    def add_issue(self, title: str, body: str, label: str, author: int = ME) -> dict[str, Any]:
        number = len(self.issues) + 20
        issue = {
            "id": 5000 + number,
            "iid": number,
            "title": title,
            "description": body,
            "labels": [label],
            "state": "opened",
            "author": {"id": author, "username": f"user{author}"},
            "web_url": f"{self.url}/{PROJECT}/-/issues/{number}",
        }
        self.issues.append(issue)
        return issue

    def _list_issues(self, request: Request, numbers: list[int]) -> Reply:
        found = [
            issue
            for issue in reversed(self.issues)
            if issue["state"] == request.query.get("state", "opened")
            if request.query.get("labels") in issue["labels"]
        ]
        return self.page(request, found, 20)

    def _create_issue(self, request: Request, numbers: list[int]) -> Reply:
        body = request.body
        return Reply(
            201, self.add_issue(body["title"], body.get("description", ""), body.get("labels", ""))
        )

    def _edit_issue(self, request: Request, numbers: list[int]) -> Reply:
        for issue in self.issues:
            if issue["iid"] == numbers[0]:
                changes = dict(request.body)
                if changes.pop("state_event", "") == "close":
                    issue["state"] = "closed"
                issue.update(changes)
                return Reply(200, issue)
        return not_found()


def kept(body: str) -> str:
    """What is left of a note by who looks for commands in it (quick_actions/extractor.rb)."""
    return body.replace("\r", "").rstrip()


def not_found() -> Reply:
    return Reply(404, {"message": "404 Not found"})


def short(request: Request) -> str:
    """The path with letters in place of what it is about. A project is one word of it."""
    path = re.sub(r"^/projects/[^/]+", "/projects/P", request.path)
    path = re.sub(r"^/groups/[^/]+", "/groups/G", path)
    path = re.sub(r"/protected_environments/[^/]+", "/protected_environments/E", path)
    path = re.sub(r"/[0-9a-f]{40}(?=/|$)", "/SHA", path)
    return re.sub(r"/\d+(?=/|$)", "/N", path)


@contextmanager
def running() -> Iterator[GitLab]:
    """The server on loopback; at the end it is closed and no request was wrong."""
    gitlab = GitLab()
    with serving(handler_of(gitlab)) as gitlab.url:
        yield gitlab
    assert not gitlab.violations, "\n".join(gitlab.violations)
