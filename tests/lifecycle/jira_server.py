"""A server that behaves like Jira's REST API, as far as cicd uses it: Cloud (v3, and v2 with it)
and Data Center (v2).

Sources of shapes: Atlassian's OpenAPI of Jira Cloud (https://developer.atlassian.com/cloud/jira/
platform/swagger-v3.v3.json), the structure of its documents (…/platform/apis/document/structure)
and https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0. Every request is checked against
ENDPOINTS; what does not fit is in ``violations``. How Cloud counts a document nobody could look:
here it is its JSON, by which no text that Cloud takes is ever too long.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from tests.lifecycle.jira_documents import document_of, units, wrong_document
from tests.serving import serving

Flavour = Literal["cloud", "data_center"]
Json = dict[str, Any]
TEXT_LIMIT = 32_767
PROOF = "cicd"
HIDDEN_PROJECT = 400
"""What Data Center says of a project that an account may not see: nobody could look."""
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Log in - Jira</title></head><body></body></html>"
NO_ADF = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"


@dataclass(frozen=True)
class User:
    """Somebody with a login."""

    name: str
    token: str = field(repr=False)
    is_approver: bool = False
    is_bot: bool = False

    @property
    def account_id(self) -> str:
        return f"5b10ac8d82e05b22cc7d-{self.name}"

    @property
    def mail(self) -> str:
        return f"{self.name}@example.com"


BOT = User("cicd-bot", "tok-kanary-bot-41f7", is_bot=True)
ALICE = User("alice", "tok-kanary-alice-9c", is_approver=True)
MALLORY = User("mallory", "tok-kanary-mallory-d0", is_approver=True)

CATEGORIES = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
STATUSES = {
    # name: (id, category)
    "Open": ("1", "new"),
    "In Review": ("3", "indeterminate"),
    "Done": ("10001", "done"),
    "Rejected": ("10002", "done"),
    "Won't Do": ("10003", "done"),
}
WAYS = (
    # id, name, from, to, for approvers alone
    ("11", "Start review", "Open", "In Review", False),
    ("21", "Approve", "In Review", "Done", True),
    ("22", "Approve", "Open", "Done", True),
    ("31", "Reject", "In Review", "Rejected", False),
    ("32", "Reject", "Open", "Rejected", False),
    ("41", "Reopen", "Done", "In Review", False),
    ("42", "Reopen", "Rejected", "In Review", False),
    ("51", "Close", "Open", "Won't Do", False),
)
FIELDS = {
    # id: (name, type, what further it is)
    "summary": ("Summary", "string", ""),
    "description": ("Description", "string", ""),
    "project": ("Project", "project", ""),
    "issuetype": ("Issue Type", "issuetype", ""),
    "labels": ("Labels", "array", ""),
    "priority": ("Priority", "priority", ""),
    "components": ("Components", "array", ""),
    "customfield_10010": ("Risk", "option", "select"),
    "customfield_10011": ("Reasons", "string", "textarea"),
    "customfield_10012": ("Team", "string", "textfield"),
}


@dataclass(frozen=True)
class Endpoint:
    """One documented endpoint: required and optional body keys with their types, query names."""

    method: str
    path: str
    required: dict[str, type] = field(default_factory=dict)
    optional: dict[str, type] = field(default_factory=dict)
    query: frozenset[str] = frozenset()
    flavours: tuple[Flavour, ...] = ("cloud", "data_center")


PAGE = frozenset({"startAt", "maxResults"})
NEW_SEARCH: dict[str, type] = {
    "jql": str,
    "fields": list,
    "maxResults": int,
    "nextPageToken": str,
    "expand": str,
    "properties": list,
    "fieldsByKeys": bool,
    "failFast": bool,
    "reconcileIssues": list,
}
OLD_SEARCH: dict[str, type] = {
    "jql": str,
    "fields": list,
    "maxResults": int,
    "startAt": int,
    "expand": list,
    "validateQuery": bool,
}
UPDATE: dict[str, type] = {"properties": list, "update": dict, "historyMetadata": dict}
ENDPOINTS = (
    Endpoint("GET", "/serverInfo"),
    Endpoint("GET", "/myself", query=frozenset({"expand"})),
    Endpoint("GET", "/field"),
    Endpoint("GET", "/project/K/statuses"),
    Endpoint("GET", "/mypermissions", query=frozenset({"permissions", "projectKey", "issueKey"})),
    Endpoint("POST", "/search/jql", {}, NEW_SEARCH, flavours=("cloud",)),
    Endpoint("POST", "/search", {}, OLD_SEARCH),
    Endpoint("POST", "/issue", {"fields": dict}, UPDATE, frozenset({"updateHistory"})),
    Endpoint(
        "GET",
        "/issue/K",
        query=frozenset(
            {"fields", "fieldsByKeys", "expand", "properties", "updateHistory", "failFast"}
        ),
    ),
    Endpoint("GET", "/issue/K/properties/cicd"),
    Endpoint("GET", "/issue/K/transitions", query=frozenset({"expand", "transitionId"})),
    Endpoint("POST", "/issue/K/transitions", {"transition": dict}, UPDATE | {"fields": dict}),
    Endpoint("GET", "/issue/K/comment", query=PAGE | {"orderBy", "expand"}),
    Endpoint(
        "POST",
        "/issue/K/comment",
        {"body": object},
        {"visibility": dict, "properties": list},
        frozenset({"expand"}),
    ),
    Endpoint("GET", "/issue/K/changelog", query=PAGE, flavours=("cloud",)),
)


@dataclass(frozen=True)
class Request:
    """One request as it arrived; ``path`` without what comes before the resource."""

    method: str
    path: str
    version: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Reply:
    """An answer; a text is a page. ``drop``: hang up instead. ``done``: carry the request out
    before (a lost one)."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    done: bool = False


DROP = Reply(drop=True)
LOST = Reply(drop=True, done=True)
UNKNOWN_USER = User("", "")


def errors(status: int, *messages: str, **fields: str) -> Reply:
    """Jira's way to say that something is wrong."""
    return Reply(status, {"errorMessages": list(messages), "errors": fields})


class Jira:
    """The state of a Jira with one project ``ML`` and what goes wrong with it."""

    def __init__(self, flavour: Flavour) -> None:
        self.flavour = flavour
        self.context = "" if flavour == "cloud" else "/jira"
        self.root = ""
        self.users = [BOT, ALICE, MALLORY]
        self.projects = {"ML": {"Task", "Approval"}}
        self.issues: dict[int, Json] = {}
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.faults: list[tuple[str, Reply | Callable[[], None]]] = []
        self.lag = 0
        """How many searches do not see a ticket that is new."""
        self.max_page = 50
        self.forbidden: set[str] = set()
        self.is_without_properties = False
        """Whether a ticket tells its properties only where they are asked for by themselves."""
        self._ids = iter(range(10_001, 10**6))
        self._clock = iter(range(10**6))
        self._lock = threading.RLock()

    @property
    def url(self) -> str:
        """What users write down as its address."""
        return self.root + self.context

    @property
    def is_cloud(self) -> bool:
        return self.flavour == "cloud"

    def fail(self, pattern: str, *answers: Reply | Callable[[], None]) -> None:
        """The next requests ``METHOD /path`` that match get these; a function only runs first."""
        self.faults += [(pattern, answer) for answer in answers]

    def sent(self, pattern: str) -> list[Request]:
        return [request for request in self.requests if re.fullmatch(pattern, str(request))]

    # what people do in a browser

    def keys(self) -> list[str]:
        return [issue["key"] for issue in self.issues.values()]

    def issue(self, key: str) -> Json:
        return next(issue for issue in self.issues.values() if issue["key"] == key)

    def status(self, key: str) -> str:
        return str(self.issue(key)["status"])

    def move(self, key: str, status: str, by: User = ALICE) -> None:
        """Somebody drags a ticket to another column."""
        with self._lock:
            issue = self.issue(key)
            before, issue["status"] = issue["status"], status
            items = [
                {"field": "assignee", "fieldtype": "jira", "from": None, "to": "x"},
                {
                    "field": "status",
                    "fieldtype": "jira",
                    **({"fieldId": "status"} if self.is_cloud else {}),
                    "from": self._status_id(before),
                    "fromString": before,
                    "to": self._status_id(status),
                    "toString": status,
                },
            ]
            id = str(next(self._ids))
            entry = {"id": id, "author": self.shown(by), "created": self._now(), "items": items}
            issue["changes"].append(entry)

    def say(self, key: str, words: str, by: User = ALICE) -> None:
        body = document_of(words) if self.is_cloud else words
        with self._lock:
            self._comment(self.issue(key), by, body)

    def delete(self, key: str) -> None:
        with self._lock:
            del self.issues[int(self.issue(key)["id"])]

    def add(self, by: User = BOT, **fields: Any) -> str:
        """A ticket that somebody has made by hand, without a property of ours."""
        with self._lock:
            whole = {"summary": "by hand", "labels": [], **fields}
            issue = self._new(by, whole, {})
            issue["blind"] = 0
            return str(issue["key"])

    def _new(self, by: User, fields: Json, properties: Json) -> Json:
        number = next(self._ids)
        issue = {
            "id": str(number),
            "key": f"ML-{number - 10_000}",
            "status": "Open",
            "fields": fields,
            "properties": properties,
            "creator": by,
            "created": self._now(),
            "changes": [],
            "comments": [],
            "blind": self.lag,
        }
        self.issues[number] = issue
        return issue

    def _comment(self, issue: Json, by: User, body: Any) -> Json:
        comment = {
            "self": f"{self.url}/rest/api/2/issue/{issue['id']}/comment/1",
            "id": str(next(self._ids)),
            "author": self.shown(by),
            "body": body,
            "created": self._now(),
        }
        issue["comments"].append(comment)
        return comment

    def _now(self) -> str:
        number = next(self._clock)
        return f"2026-11-30T{10 + number // 60:02}:{number % 60:02}:00.000+0000"

    def _status_id(self, name: str) -> str:
        return STATUSES[name][0] if name in STATUSES else "19999"

    def shown(self, user: User) -> Json:
        """A user as the two flavours tell of them: Cloud hides the mail address of most."""
        common = {"displayName": user.name.title(), "active": True, "timeZone": "Etc/UTC"}
        if self.is_cloud:
            kind = "app" if user.is_bot else "atlassian"
            return {"accountId": user.account_id, "accountType": kind, **common}
        named = {"name": user.name, "key": f"JIRAUSER{len(user.name)}{user.name}"}
        return {**named, "emailAddress": user.mail, **common}

    # what the API does

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            self.violations += self._check(request)
            for index, (pattern, fault) in enumerate(self.faults):
                if re.fullmatch(pattern, str(request)):
                    del self.faults[index]
                    if isinstance(fault, Reply):
                        if fault.done:
                            self.carry_out(request)
                        return fault
                    fault()
                    break
            return self.carry_out(request)

    def carry_out(self, request: Request) -> Reply:
        if str(request) == "GET /serverInfo":
            return self._server_info()
        user = self._user(request)
        if user is None:
            reason = {} if self.is_cloud else {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
            page = "<html><body>Unauthorized (401)</body></html>"
            said = {"message": "Client must be authenticated to access this resource."}
            return Reply(401, said if self.is_cloud else page, reason)
        if request.method == "POST" and "Mozilla" in request.headers.get("User-Agent", ""):
            return Reply(403, "XSRF check failed")
        if request.method == "POST" and request.headers.get("Content-Type") != "application/json":
            return Reply(415, "<html>Unsupported Media Type</html>")
        match = re.fullmatch(r"/issue/([^/]+)(/.*)?", request.path)
        issue = self._known(match[1]) if match else None
        if match and issue is None:
            gone = "Issue does not exist or you do not have permission to see it."
            return errors(404, gone if self.is_cloud else "Issue Does Not Exist")
        name = f"{request.method} " + (f"/issue/K{match[2] or ''}" if match else request.path)
        actions: dict[str, Callable[[], Reply]] = {
            "GET /myself": lambda: Reply(200, {"self": self.url, **self.shown(user)}),
            "GET /field": self._list_fields,
            "GET /mypermissions": lambda: self._permissions(request),
            "POST /search": lambda: self._search(request),
            "POST /search/jql": lambda: self._search(request),
            "POST /issue": lambda: self._create(request, user),
            "GET /issue/K": lambda: self._get(request, issue or {}),
            "GET /issue/K/properties/cicd": lambda: self._property(issue or {}),
            "GET /issue/K/transitions": lambda: self._transitions(issue or {}, user),
            "POST /issue/K/transitions": lambda: self._move(request, issue or {}, user),
            "GET /issue/K/comment": lambda: self._comments(request, issue or {}),
            "POST /issue/K/comment": lambda: self._say(request, issue or {}, user),
            "GET /issue/K/changelog": lambda: self._changelog(request, issue or {}),
        }
        if project := re.fullmatch(r"/project/([^/]+)/statuses", request.path):
            return self._statuses(project[1])
        action = actions.get(name)
        if action is None or (name.endswith("changelog") and not self.is_cloud):
            return Reply(404, "<html><title>Oops, you&#39;ve found a dead link.</title></html>")
        return action()

    def _known(self, name: str) -> Json | None:
        for issue in self.issues.values():
            if unquote(name) in (issue["key"], issue["id"]):
                return issue
        return None

    def _user(self, request: Request) -> User | None:
        scheme, _, login = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, token = base64.b64decode(login).decode().partition(":")
            known = [user for user in self.users if user.token == token]
            return next((u for u in known if name == (u.mail if self.is_cloud else u.name)), None)
        return next((user for user in self.users if user.token == login), None)

    def _server_info(self) -> Reply:
        deployment = "Cloud" if self.is_cloud else "Server"
        numbers = [1001, 0, 0] if self.is_cloud else [9, 17, 0]
        version = ".".join(map(str, numbers))
        told = {"version": version, "versionNumbers": numbers, "deploymentType": deployment}
        return Reply(200, {"baseUrl": self.url, **told})

    def _list_fields(self) -> Reply:
        listed = []
        for id, (name, sort, custom) in FIELDS.items():
            schema: Json = {"type": sort}
            if custom:
                schema["custom"] = f"com.atlassian.jira.plugin.system.customfieldtypes:{custom}"
            listed.append({"id": id, "name": name, "custom": bool(custom), "schema": schema})
        return Reply(200, listed)

    def _statuses(self, project: str) -> Reply:
        if project not in self.projects:
            return errors(404, f"No project could be found with key '{project}'.")
        statuses = [{"name": name, "id": id} for name, (id, _) in STATUSES.items()]
        types = sorted(self.projects[project])
        shown = {"self": f"{self.url}/rest/api/2/issuetype/1", "id": "1", "subtask": False}
        return Reply(200, [{**shown, "name": name, "statuses": statuses} for name in types])

    def _permissions(self, request: Request) -> Reply:
        names = request.query.get("permissions", "").split(",")
        known = {n: {"key": n, "havePermission": n not in self.forbidden} for n in names}
        return Reply(200, {"permissions": known})

    def _search(self, request: Request) -> Reply:
        is_new = request.path.endswith("/jql")
        if self.is_cloud and not is_new:
            gone = "The requested API has been removed. Please migrate to /rest/api/3/search/jql."
            return errors(410, f"{gone} A full migration guideline is available at CHANGE-2046")
        body = request.body
        terms = re.fullmatch(
            r'project = "((?:\\.|[^"\\])*)" AND labels = "((?:\\.|[^"\\])*)" ORDER BY created DESC',
            body.get("jql", ""),
        )
        if terms is None:
            return errors(400, "Error in the JQL Query: Expecting operator but got 'x'.")
        if terms[1] not in self.projects:
            if self.is_cloud:
                return Reply(200, {"issues": [], "isLast": True})
            wrong = f"The value '{terms[1]}' does not exist for the field 'project'."
            return errors(HIDDEN_PROJECT, wrong)
        known = set(map(str, body.get("reconcileIssues") or []))
        found = [
            issue
            for issue in sorted(self.issues.values(), key=lambda one: -int(one["id"]))
            if terms[2] in issue["fields"]["labels"]
            if self._is_seen(issue) or issue["id"] in known
        ]
        size = min(int(body.get("maxResults", 50)), self.max_page)
        start = int(body.get("nextPageToken") or 0) if is_new else int(body.get("startAt", 0))
        shown = [self._found(one, body.get("fields", ["id"])) for one in found[start:][:size]]
        if not is_new:
            page = {"startAt": start, "maxResults": size, "total": len(found), "issues": shown}
            return Reply(200, {"expand": "names,schema", **page})
        is_last = start + size >= len(found)
        following = {} if is_last else {"nextPageToken": str(start + size)}
        return Reply(200, {"issues": shown, "isLast": is_last, **following})

    def _is_seen(self, issue: Json) -> bool:
        issue["blind"] -= 1
        return bool(issue["blind"] < 0)

    def _found(self, issue: Json, names: list[str]) -> Json:
        fields = {name: issue["fields"].get(name) for name in names if name != "id"}
        at = f"{self.url}/rest/api/3/issue/{issue['id']}"
        if self.is_cloud and names == ["id"]:
            return {"id": issue["id"]}
        return {"id": issue["id"], "key": issue["key"], "self": at, "fields": fields}

    def _create(self, request: Request, user: User) -> Reply:
        wrong = self._wrong_fields(request.body["fields"], request.version)
        if wrong:
            return errors(400, **wrong)
        fields = request.body["fields"]
        properties = {one["key"]: one["value"] for one in request.body.get("properties", [])}
        issue = self._new(user, {"labels": [], **fields}, properties)
        at = f"{self.url}/rest/api/{request.version}/issue/{issue['id']}"
        return Reply(201, {"id": issue["id"], "key": issue["key"], "self": at})

    def _wrong_fields(self, fields: Json, version: str) -> dict[str, str]:
        """What Jira says of the fields of a new ticket."""
        lost = "cannot be set. It is not on the appropriate screen, or unknown."
        wrong = {name: f"Field '{name}' {lost}" for name in fields.keys() - FIELDS.keys()}
        project = fields.get("project", {}).get("key", "")
        if project not in self.projects:
            wrong["project"] = "valid project is required"
        elif fields.get("issuetype", {}).get("name") not in self.projects[project]:
            wrong["issuetype"] = "The issue type selected is invalid."
        summary = fields.get("summary", "")
        if not summary:
            wrong["summary"] = "You must specify a summary of the issue."
        elif "\n" in summary:
            wrong["summary"] = "The summary is invalid because it contains newline characters."
        elif units(summary) > 255:
            wrong["summary"] = "Summary must be less than 255 characters."
        for label in fields.get("labels", []):
            if re.search(r"\s", label):
                wrong["labels"] = f"The label '{label}' contains spaces which is invalid."
            elif len(label) > 255:
                wrong["labels"] = "The label is too long"
        for name in ("description", "customfield_10011"):
            if name in fields and (problem := self._wrong_text(fields[name], version)):
                wrong[name] = problem
        risk = fields.get("customfield_10010", {"value": "High"})
        if not isinstance(risk, dict):
            wrong["customfield_10010"] = "Specify a valid 'id' or 'name' for Risk"
        return wrong

    def _wrong_text(self, text: Any, version: str) -> str:
        if version == "3":
            if not isinstance(text, dict):
                return NO_ADF
            if problems := wrong_document(text):
                self.violations += problems
                return "INVALID_INPUT"
            size = units(json.dumps(text))
        else:
            if not isinstance(text, str):
                return "Operation value must be a string"
            size = units(text)
        limit = "It exceeds the allowed limit of 32,767 characters."
        too_long = f"The entered text is too long. {limit}"
        return too_long if size > TEXT_LIMIT else ""

    def _get(self, request: Request, issue: Json) -> Reply:
        status = issue["status"]
        id, category = STATUSES.get(status, ("19999", "done"))
        whole = {
            **issue["fields"],
            "created": issue["created"],
            "creator": self.shown(issue["creator"]),
            "status": {
                "self": f"{self.url}/rest/api/2/status/{id}",
                "name": status,
                "id": id,
                "statusCategory": {"key": category, "name": CATEGORIES[category]},
            },
        }
        wanted = request.query.get("fields", "*all").split(",")
        fields = {k: v for k, v in whole.items() if k in wanted or "*all" in wanted}
        at = f"{self.url}/rest/api/{request.version}/issue/{issue['id']}"
        answer = {"id": issue["id"], "key": issue["key"], "self": at, "fields": fields}
        if "properties" in request.query and not self.is_without_properties:
            names = request.query["properties"].split(",")
            known = issue["properties"]
            answer["properties"] = {k: v for k, v in known.items() if k in names}
        if "changelog" in request.query.get("expand", ""):
            changes = issue["changes"]
            page = {"startAt": 0, "maxResults": len(changes), "total": len(changes)}
            answer["changelog"] = {**page, "histories": changes}
        return Reply(200, answer)

    def _property(self, issue: Json) -> Reply:
        if PROOF not in issue["properties"]:
            return errors(404, f"The property with key '{PROOF}' does not exist.")
        return Reply(200, {"key": PROOF, "value": issue["properties"][PROOF]})

    def _ways(self, issue: Json, user: User) -> list[Json]:
        return [
            {
                "id": id,
                "name": name,
                "to": {
                    "id": STATUSES[to][0],
                    "name": to,
                    "statusCategory": {"key": STATUSES[to][1]},
                },
            }
            for id, name, before, to, is_guarded in WAYS
            if before == issue["status"] and (user.is_approver or not is_guarded)
        ]

    def _transitions(self, issue: Json, user: User) -> Reply:
        return Reply(200, {"expand": "transitions", "transitions": self._ways(issue, user)})

    def _move(self, request: Request, issue: Json, user: User) -> Reply:
        id = request.body["transition"].get("id")
        way = next((way for way in self._ways(issue, user) if way["id"] == id), None)
        if way is None:
            return errors(400, "It seems that you have tried an illegal workflow operation.")
        self.move(issue["key"], way["to"]["name"], user)
        return Reply(204)

    def _comments(self, request: Request, issue: Json) -> Reply:
        return self._page(request, issue["comments"], "comments")

    def _say(self, request: Request, issue: Json, user: User) -> Reply:
        body = request.body["body"]
        if problem := self._wrong_text(body, request.version):
            return errors(400, comment=problem)
        return Reply(201, self._comment(issue, user, body))

    def _changelog(self, request: Request, issue: Json) -> Reply:
        return self._page(request, issue["changes"], "values")

    def _page(self, request: Request, items: list[Json], name: str) -> Reply:
        size = min(int(request.query.get("maxResults", 50)), self.max_page)
        start = int(request.query.get("startAt", 0))
        page = {"startAt": start, "maxResults": size, "total": len(items)}
        last = {"isLast": start + size >= len(items)} if name == "values" else {}
        return Reply(200, {**page, **last, name: items[start : start + size]})

    # what a request has to be

    def _check(self, request: Request) -> list[str]:
        """What is wrong with a request by Atlassian's documentation."""
        wrong = []
        scheme = request.headers.get("Authorization", "").partition(" ")[0]
        allowed = {"cloud": {"Basic"}, "data_center": {"Bearer", "Basic"}}[self.flavour]
        if scheme not in allowed:
            wrong.append(f"{request}: login {scheme!r}")
        if request.headers.get("Accept") != "application/json":
            wrong.append(f"{request}: Accept {request.headers.get('Accept')}")
        if request.body is not None and request.headers.get("Content-Type") != "application/json":
            wrong.append(f"{request}: Content-Type {request.headers.get('Content-Type')}")
        if not request.headers.get("User-Agent", "").startswith("cicd/"):
            wrong.append(f"{request}: User-Agent {request.headers.get('User-Agent')}")
        if request.version not in ({"2", "3"} if self.is_cloud else {"2"}):
            wrong.append(f"{request}: version {request.version}")
        path = re.sub(r"^/(issue|project)/[^/]+", r"/\1/K", request.path)
        found = [one for one in ENDPOINTS if (one.method, one.path) == (request.method, path)]
        if not found or self.flavour not in found[0].flavours:
            return [*wrong, f"{request}: no such endpoint"]
        names = request.query.keys() - found[0].query
        return wrong + [f"{request}: query {n}" for n in names] + _check_body(request, found[0])


def _check_body(request: Request, endpoint: Endpoint) -> list[str]:
    body = request.body
    if endpoint.method == "GET":
        return [] if body is None else [f"{request}: has a body"]
    if not isinstance(body, dict):
        return [f"{request}: no JSON object"]
    types = endpoint.required | endpoint.optional
    wrong = [f"{request}: {name} is missing" for name in endpoint.required.keys() - body.keys()]
    wrong += [f"{request}: unknown key {name}" for name in body.keys() - types.keys()]
    wrong += [
        f"{request}: {name} is {value!r:.40}"
        for name, value in body.items()
        if name in types and not isinstance(value, types[name])
    ]
    for one in body.get("properties", []) if endpoint.path == "/issue" else []:
        if not isinstance(one, dict) or one.keys() != {"key", "value"}:
            wrong.append(f"{request}: property {one!r:.40}")
        elif len(json.dumps(one["value"])) > 32_768:
            wrong.append(f"{request}: property {one['key']} is too long")
    if "transition" in body and not isinstance(body["transition"].get("id"), str):
        wrong.append(f"{request}: the id of a transition is a text")
    return wrong


@contextmanager
def running(flavour: Flavour) -> Iterator[Jira]:
    """The server on loopback; at the end it is closed and no request was wrong."""
    jira = Jira(flavour)
    with serving(_handler(jira)) as jira.root:
        yield jira
    assert not jira.violations, "\n".join(jira.violations)


def _handler(jira: Jira) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            request = self.read()
            reply = jira.answer(request) if request else Reply(404, "<html>nothing here</html>")
            if reply.drop:
                self.close_connection = True
                return
            is_page = isinstance(reply.body, str)
            text = reply.body if is_page else json.dumps(reply.body)
            content = b"" if reply.body is None else text.encode()
            self.send_response(reply.status)
            headers = {
                "Content-Type": "text/html;charset=UTF-8" if is_page else "application/json",
                "atl-traceid" if jira.is_cloud else "X-AREQUESTID": "7x03",
                **reply.headers,
                "Content-Length": str(len(content)),
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def read(self) -> Request | None:
            parts = urlsplit(self.path)
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            match = re.fullmatch(rf"{jira.context}/rest/api/([23]|latest)(/.*)", parts.path)
            if match is None:
                return None
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = json.loads(data) if data else None
            headers = {name.title(): value for name, value in self.headers.items()}
            return Request(self.command, match[2], match[1], query, headers, body)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests look at ``requests`` instead."""

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

    return Handler
