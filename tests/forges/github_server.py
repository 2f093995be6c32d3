"""A server that behaves like GitHub's REST API, as far as cicd uses it.

Source of shapes and limits: https://docs.github.com/rest (issues, comments, labels, pulls, users,
paging, rate limits). Every request is checked against ENDPOINTS; what does not fit is in
``violations``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.forges.forge_server import DROP as DROP
from tests.forges.forge_server import Endpoint, ForgeServer, Request, check_body, handler_of
from tests.forges.forge_server import Reply as Reply
from tests.serving import serving

TOKEN = "ghs_kanary-7f3a9c"
BOT = "github-actions[bot]"
MAX_BODY = 65_536
BODY_TOO_LONG = {
    "message": "Validation Failed",
    "errors": [{"message": "body is too long (maximum is 65536 characters)"}],
    "documentation_url": "https://docs.github.com/rest",
}
NOT_ACCESSIBLE = {"message": "Resource not accessible by integration", "status": "403"}
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}


PAGING = frozenset({"per_page", "page"})
ENDPOINTS = (
    Endpoint("GET", "/user"),
    Endpoint("POST", "/graphql", {"query": str}, {"variables": dict}),
    Endpoint("GET", "/repos/R/issues/N/comments", query=PAGING | {"since"}),
    Endpoint("POST", "/repos/R/issues/N/comments", {"body": str}),
    Endpoint("PATCH", "/repos/R/issues/comments/N", {"body": str}),
    Endpoint("DELETE", "/repos/R/issues/comments/N"),
    Endpoint(
        "GET",
        "/repos/R/issues",
        query=PAGING | {"state", "labels", "creator", "sort", "direction", "since"},
    ),
    Endpoint("POST", "/repos/R/issues", {"title": str}, {"body": str, "labels": list}),
    Endpoint(
        "PATCH",
        "/repos/R/issues/N",
        {},
        {"title": str, "body": str, "state": str, "state_reason": str, "labels": list},
    ),
    Endpoint("GET", "/repos/R"),
    Endpoint("GET", "/repos/R/commits/SHA/pulls", query=PAGING),
    Endpoint("GET", "/repos/R/pulls/N"),
    Endpoint("GET", "/repos/R/pulls/N/reviews", query=PAGING),
    Endpoint("GET", "/repos/R/issues/N/events", query=PAGING),
    Endpoint("GET", "/repos/R/activity", query=PAGING | {"ref", "actor", "time_period"}),
    Endpoint("GET", "/repos/R/actions/runs/N/approvals"),
    Endpoint("GET", "/repos/R/actions/runs/N/pending_deployments"),
    Endpoint(
        "POST",
        "/repos/R/actions/runs/N/pending_deployments",
        {"environment_ids": list, "state": str, "comment": str},
    ),
    Endpoint(
        "GET", "/repos/R/actions/runs", query=PAGING | {"head_sha", "status", "branch", "event"}
    ),
    Endpoint("GET", "/repos/R/deployments", query=PAGING | {"environment", "ref", "sha", "task"}),
    Endpoint("GET", "/repos/R/deployments/N/statuses", query=PAGING),
    Endpoint("GET", "/repos/R/collaborators/U/permission"),
    Endpoint("GET", "/repos/R/environments/E"),
    Endpoint("POST", "/repos/R/issues/N/labels", {"labels": list}),
    Endpoint(
        "POST",
        "/repos/R/pulls/N/reviews",
        {"event": str},
        {"commit_id": str, "body": str, "comments": list},
    ),
    Endpoint("GET", "/orgs/O/teams/T"),
    Endpoint("GET", "/orgs/O/teams/T/memberships/U"),
    Endpoint("GET", "/repos/R/pulls", query=PAGING | {"state", "head", "base"}),
    Endpoint("POST", "/repos/R/pulls", {"title": str, "head": str, "base": str}, {"body": str}),
    Endpoint("PATCH", "/repos/R/pulls/N", {}, {"title": str, "body": str, "base": str}),
    Endpoint("POST", "/repos/R/labels", {"name": str}, {"color": str, "description": str}),
)
ENUMS = {
    "state": {"open", "closed", "all", "approved", "rejected"},
    "event": {"APPROVE", "REQUEST_CHANGES", "COMMENT"},
    "state_reason": {"completed", "not_planned", "reopened", "duplicate"},
}


class GitHub(ForgeServer):
    """The state of one repository ``org/repo`` and what goes wrong with it."""

    def __init__(self, prefix: str = "/api/v3") -> None:
        shorter = prefix.removesuffix("/v3")
        super().__init__(prefix, shorter, headers={"X-GitHub-Request-Id": "ABCD:1234"})
        self.prefix = prefix
        self.repository = "org/repo"
        self.users: dict[str, str] = {TOKEN: BOT}
        self.comments: dict[int, list[dict[str, Any]]] = {7: []}
        self.issues: list[dict[str, Any]] = []
        self.labels: set[str] = set()
        self.pulls: list[dict[str, Any]] = []
        self.reviews: dict[int, list[dict[str, Any]]] = {}
        self.events: dict[int, list[dict[str, Any]]] = {}
        self.activity: list[dict[str, Any]] = []
        self.approvals: dict[int, list[dict[str, Any]]] = {}
        self.pending: dict[int, list[dict[str, Any]]] = {}
        self.runs: list[dict[str, Any]] = []
        self.deployments: list[dict[str, Any]] = []
        self.deployment_statuses: dict[int, list[dict[str, Any]]] = {}
        self.collaborators: dict[str, str] = {}
        self.environments: dict[str, list[dict[str, Any]]] = {}
        self.teams: dict[str, dict[str, str]] = {}
        self.permissions: dict[str, bool] | None = {"pull": True, "push": True}

    def add_comment(self, body: str, login: str = BOT, number: int = 7) -> dict[str, Any]:
        with self._lock:
            number_id = next(self._ids)
            comment = {
                "id": number_id,
                "html_url": f"{self.url}/{self.repository}/pull/{number}#issuecomment-{number_id}",
                "body": body,
                "user": {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"},
                "created_at": "2026-01-01T00:00:00Z",
                "updated_at": f"2026-01-01T00:00:00.{number_id:06}Z",
            }
            self.comments[number].append(comment)
            return comment

    def deployed(
        self, environment: str, sha: str, who: str, state: str, *, run: int, approved_by: str = ""
    ) -> None:
        """A run has deployed to an environment, in a minute; somebody had to agree."""
        id, begin = next(self._ids), f"2026-01-{len(self.deployments) + 1:02}T12"
        job = f"{self.url}/{self.repository}/actions/runs/{run}/job/1"
        deployment = {"id": id, "sha": sha, "ref": "main", "environment": environment}
        deployment |= {"creator": {"login": who}, "created_at": f"{begin}:00:00Z"}
        self.deployments.insert(0, deployment)
        told = {"environment": environment, "log_url": job.replace("http://", "https://")}
        self.deployment_statuses[id] = [
            {**told, "state": state, "created_at": f"{begin}:01:00Z"},
            {**told, "state": "in_progress", "created_at": f"{begin}:00:10Z"},
        ]
        named = [{"name": environment, "html_url": job}]
        said = {"state": "approved", "comment": "", "environments": named}
        self.approvals[run] = [{**said, "user": {"login": approved_by}}] if approved_by else []

    def bodies(self, number: int = 7) -> list[str]:
        return [comment["body"] for comment in self.comments[number]]

    def check(self, request: Request) -> list[str]:
        return check(request)

    def carry_out(self, request: Request) -> Reply:
        login = self.users.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if login is None:
            return Reply(401, {"message": "Bad credentials", "status": "401"})
        if str(request) == "GET /user":
            is_bot = login.endswith("[bot]")
            return Reply(403, NOT_ACCESSIBLE) if is_bot else Reply(200, {"login": login})
        if str(request) == "POST /graphql":
            return Reply(200, {"data": {"viewer": {"login": login}}})
        if request.path.startswith("/orgs/"):
            return self._team(request)
        match = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*|)", request.path)
        if not match or match[1] != self.repository:
            return Reply(404, {"message": "Not Found", "status": "404"})
        if isinstance(request.body, dict) and len(request.body.get("body") or "") > MAX_BODY:
            return Reply(422, BODY_TOO_LONG)
        short = re.sub(r"/[0-9a-f]{40}(?=/|$)", "/SHA", match[2])
        short = re.sub(r"^/collaborators/[^/]+", "/collaborators/U", short)
        short = re.sub(r"^/environments/[^/]+", "/environments/E", short)
        numbers = [int(text) for text in re.findall(r"/(\d+)", short)]
        name = f"{request.method} {re.sub(r'/[0-9]+', '/N', short)}"
        return {
            "GET /issues/N/comments": self._list_comments,
            "POST /issues/N/comments": self._create_comment,
            "PATCH /issues/comments/N": self._edit_comment,
            "DELETE /issues/comments/N": self._delete_comment,
            "GET /issues": self._list_issues,
            "POST /issues": self._create_issue,
            "PATCH /issues/N": self._edit_issue,
            "POST /labels": self._create_label,
            "GET ": self._get_repository,
            "GET /pulls": self._list_pulls,
            "POST /pulls": self._create_pull,
            "GET /commits/SHA/pulls": self._pulls_of_commit,
            "GET /pulls/N": self._get_pull,
            "GET /pulls/N/reviews": lambda r, n, _: self._page(r, self.reviews.get(n[0], [])),
            "GET /issues/N/events": lambda r, n, _: self._page(r, self.events.get(n[0], [])),
            "GET /activity": self._activity,
            "GET /actions/runs/N/approvals": lambda r, n, _: Reply(200, self.approvals.get(n[0])),
            "GET /actions/runs/N/pending_deployments": self._list_pending,
            "POST /actions/runs/N/pending_deployments": self._decide,
            "PATCH /pulls/N": self._edit_pull,
            "GET /actions/runs": self._list_runs,
            "GET /deployments": lambda r, n, _: self._page(
                r, [d for d in self.deployments if d["environment"] == r.query["environment"]]
            ),
            "GET /deployments/N/statuses": lambda r, n, _: self._page(
                r, self.deployment_statuses[n[0]]
            ),
            "GET /collaborators/U/permission": self._permission,
            "GET /environments/E": self._environment,
            "POST /issues/N/labels": self._add_labels,
            "POST /pulls/N/reviews": self._review,
        }.get(name, _not_found)(request, numbers, login)

    def _list_comments(self, request: Request, numbers: list[int], login: str) -> Reply:
        if numbers[0] not in self.comments:
            return _not_found(request, numbers, login)
        return self._page(request, self.comments[numbers[0]])

    def _create_comment(self, request: Request, numbers: list[int], login: str) -> Reply:
        if numbers[0] not in self.comments:
            return _not_found(request, numbers, login)
        return Reply(201, self.add_comment(request.body["body"], login, numbers[0]))

    def _edit_comment(self, request: Request, numbers: list[int], login: str) -> Reply:
        for comments in self.comments.values():
            for comment in comments:
                if comment["id"] == numbers[0]:
                    comment["body"] = request.body["body"]
                    comment["updated_at"] = f"2026-01-01T00:00:01.{next(self._ids):06}Z"
                    return Reply(200, comment)
        return _not_found(request, numbers, login)

    def _delete_comment(self, request: Request, numbers: list[int], login: str) -> Reply:
        for comments in self.comments.values():
            for comment in comments:
                if comment["id"] == numbers[0]:
                    comments.remove(comment)
                    return Reply(204)
        return _not_found(request, numbers, login)

    def _list_issues(self, request: Request, numbers: list[int], login: str) -> Reply:
        wanted = set(request.query["labels"].split(",")) if "labels" in request.query else set()
        state = request.query.get("state", "open")
        found = [
            issue
            for issue in reversed(self.issues)  # the newest first, as GitHub has it
            if state in {"all", issue["state"]}
            if wanted <= {label["name"] for label in issue["labels"]}
        ]
        return self._page(request, found)

    def add_issue(
        self, title: str, body: str, labels: list[str], login: str = BOT, **more: Any
    ) -> dict[str, Any]:
        number = len(self.issues) + 20
        issue = {
            "number": number,
            "html_url": f"{self.url}/{self.repository}/issues/{number}",
            "title": title,
            "body": body,
            "labels": [{"name": name} for name in labels],
            "state": "open",
            "user": {"login": login},
            **more,
        }
        self.issues.append(issue)
        return issue

    def _create_issue(self, request: Request, numbers: list[int], login: str) -> Reply:
        body = request.body
        labels = [name for name in body.get("labels", []) if name in self.labels]
        return Reply(201, self.add_issue(body["title"], body.get("body", ""), labels, login))

    def _edit_issue(self, request: Request, numbers: list[int], login: str) -> Reply:
        for issue in self.issues:
            if issue["number"] == numbers[0]:
                issue.update(request.body)
                return Reply(200, issue)
        return _not_found(request, numbers, login)

    def _create_label(self, request: Request, numbers: list[int], login: str) -> Reply:
        if request.body["name"] in self.labels:
            return Reply(422, {"message": "Validation Failed", "errors": [{"code": "exists"}]})
        self.labels.add(request.body["name"])
        return Reply(201, {"name": request.body["name"]})

    def _get_repository(self, request: Request, numbers: list[int], login: str) -> Reply:
        rights = {"permissions": self.permissions} if self.permissions else {}
        return Reply(200, {"full_name": self.repository, **rights})

    def _list_pulls(self, request: Request, numbers: list[int], login: str) -> Reply:
        owner, _, branch = request.query.get("head", "").partition(":")
        found = [
            pull
            for pull in self.pulls
            if pull["state"] == request.query.get("state", "open")
            if (owner, branch) == ("org", pull["head"]["ref"])
        ]
        return self._page(request, found)

    def _create_pull(self, request: Request, numbers: list[int], login: str) -> Reply:
        number, body = len(self.pulls) + 40, request.body
        pull = {
            "number": number,
            "html_url": f"{self.url}/{self.repository}/pull/{number}",
            "title": body["title"],
            "body": body.get("body"),
            "state": "open",
            "head": {"ref": body["head"]},
            "base": {"ref": body["base"]},
        }
        self.pulls.append(pull)
        return Reply(201, pull)

    def _edit_pull(self, request: Request, numbers: list[int], login: str) -> Reply:
        for pull in self.pulls:
            if pull["number"] == numbers[0]:
                pull.update({**request.body, "base": {"ref": request.body["base"]}})
                return Reply(200, pull)
        return _not_found(request, numbers, login)

    def add_pull(self, head: str, base: str, sha: str, **more: Any) -> dict[str, Any]:
        """An open pull request of this repository; ``more``: what is otherwise."""
        number = len(self.pulls) + 40
        pull = {
            "number": number,
            "html_url": f"{self.url}/{self.repository}/pull/{number}",
            "state": "open",
            "head": {"ref": head, "sha": sha, "repo": {"full_name": self.repository}},
            "base": {"ref": base, "repo": {"full_name": self.repository}},
            "labels": [],
            "user": {"login": "author"},
            "merged_at": None,
            "merge_commit_sha": None,
            **more,
        }
        self.pulls.append(pull)
        return pull

    def _pulls_of_commit(self, request: Request, numbers: list[int], login: str) -> Reply:
        sha = request.path.split("/")[-2]
        found = [
            pull
            for pull in self.pulls
            if sha in {pull.get("merge_commit_sha"), pull["head"].get("sha")}
        ]
        unknown = {"message": f"No commit found for SHA: {sha}"}
        return self._page(request, found) if sha != "0" * 40 else Reply(422, unknown)

    def _get_pull(self, request: Request, numbers: list[int], login: str) -> Reply:
        found = [pull for pull in self.pulls if pull["number"] == numbers[0]]
        return Reply(200, found[0]) if found else _not_found(request, numbers, login)

    def _activity(self, request: Request, numbers: list[int], login: str) -> Reply:
        found = [item for item in self.activity if item["ref"] == request.query["ref"]]
        return self._page(request, found)

    def _list_pending(self, request: Request, numbers: list[int], login: str) -> Reply:
        may = not login.endswith("[bot]")
        waiting = [
            {"environment": item, "reviewers": [], "current_user_can_approve": may}
            for item in self.pending.get(numbers[0], [])
        ]
        return Reply(200, waiting)

    def _decide(self, request: Request, numbers: list[int], login: str) -> Reply:
        if login.endswith("[bot]"):
            return Reply(403, NOT_ACCESSIBLE)
        body, waiting = request.body, self.pending.get(numbers[0], [])
        chosen = [item for item in waiting if item["id"] in body["environment_ids"]]
        self.pending[numbers[0]] = [item for item in waiting if item not in chosen]
        said = {"state": body["state"], "comment": body["comment"], "user": {"login": login}}
        self.approvals.setdefault(numbers[0], []).append({**said, "environments": chosen})
        return Reply(200, [])

    def _list_runs(self, request: Request, numbers: list[int], login: str) -> Reply:
        found = [
            run
            for run in self.runs
            if run["head_sha"] == request.query.get("head_sha", run["head_sha"])
            if run["status"] == request.query.get("status", run["status"])
        ]
        return Reply(200, {"total_count": len(found), "workflow_runs": found})

    def _environment(self, request: Request, numbers: list[int], login: str) -> Reply:
        name = request.path.split("/")[-1]
        if name not in self.environments:
            return _not_found(request, numbers, login)
        return Reply(200, {"name": name, "protection_rules": self.environments[name]})

    def _permission(self, request: Request, numbers: list[int], login: str) -> Reply:
        user = request.path.split("/")[-2]
        if user not in self.collaborators:
            return _not_found(request, numbers, login)
        return Reply(200, {"permission": self.collaborators[user], "user": {"login": user}})

    def _add_labels(self, request: Request, numbers: list[int], login: str) -> Reply:
        pull = next(one for one in self.pulls if one["number"] == numbers[0])
        for name in request.body["labels"]:
            self.label(pull, name, login, "2026-11-30T12:00:00Z")
        return Reply(200, pull["labels"])

    def label(self, pull: dict[str, Any], name: str, login: str, at: str) -> None:
        """Somebody puts a label on a pull request."""
        pull["labels"].append({"name": name})
        event = {"event": "labeled", "label": {"name": name}, "actor": {"login": login}}
        ids = {"id": next(self._ids), "created_at": at}
        self.events.setdefault(pull["number"], []).append({**event, **ids})

    def _review(self, request: Request, numbers: list[int], login: str) -> Reply:
        body = request.body
        pull = next(one for one in self.pulls if one["number"] == numbers[0])
        if pull["user"]["login"] == login:
            message = "Review Can not approve your own pull request"
            return Reply(422, {"message": "Unprocessable Entity", "errors": [message]})
        if body["event"] == "REQUEST_CHANGES" and not body.get("body"):
            return Reply(422, {"message": "Unprocessable Entity", "errors": ["body is missing"]})
        state = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}[body["event"]]
        review = {
            "id": next(self._ids),
            "user": {"login": login},
            "state": state,
            "commit_id": body.get("commit_id", pull["head"]["sha"]),
            "submitted_at": "2026-11-30T12:00:00Z",
            "body": body.get("body", ""),
            "html_url": f"{pull['html_url']}#pullrequestreview-1",
        }
        self.reviews.setdefault(numbers[0], []).append(review)
        return Reply(200, review)

    def _team(self, request: Request) -> Reply:
        words = request.path.split("/")
        team = self.teams.get(f"{words[2]}/{words[4]}")
        if team is None:
            return _not_found(request, [], "")
        if len(words) == 5:
            return Reply(200, {"slug": words[4]})
        state = team.get(words[6])
        return Reply(200, {"state": state}) if state else _not_found(request, [], "")

    def _page(self, request: Request, items: list[dict[str, Any]]) -> Reply:
        return self.page(request, items, 30)


def _not_found(request: Request, numbers: list[int], login: str) -> Reply:
    return Reply(404, {"message": "Not Found", "status": "404"})


def check(request: Request) -> list[str]:
    """What is wrong with a request by GitHub's documentation."""
    wrong = [
        f"{request}: header {name} is {request.headers.get(name)!r}"
        for name, pattern in {
            "Accept": r"application/vnd\.github\+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": r"cicd/.+",
            "Authorization": "Bearer .+",
        }.items()
        if not re.fullmatch(pattern, request.headers.get(name, ""))
    ]
    path = re.sub(r"^/repos/[^/]+/[^/]+", "/repos/R", request.path)
    path = re.sub(r"^/orgs/[^/]+/teams/[^/]+", "/orgs/O/teams/T", path)
    path = re.sub(r"/(memberships|collaborators)/[^/]+", r"/\1/U", path)
    path = re.sub(r"/environments/[^/]+", "/environments/E", path)
    path = re.sub(r"/[0-9a-f]{40}(?=/|$)", "/SHA", path)
    path = re.sub(r"/\d+", "/N", path)
    found = [one for one in ENDPOINTS if (one.method, one.path) == (request.method, path)]
    if not found:
        return [*wrong, f"{request}: no such endpoint"]
    endpoint = found[0]
    if "per_page" in request.query and not 1 <= int(request.query["per_page"]) <= 100:
        wrong.append(f"{request}: per_page {request.query['per_page']}")
    wrong += [f"{request}: query {name}" for name in request.query.keys() - endpoint.query]
    wrong += check_body(request, endpoint, ENUMS)
    colour = request.body.get("color", "000000") if isinstance(request.body, dict) else "000000"
    return wrong if re.fullmatch("[0-9a-f]{6}", colour) else [*wrong, f"{request}: color {colour}"]


@contextmanager
def running(prefix: str = "/api/v3") -> Iterator[GitHub]:
    """The server on loopback; at the end it is closed and no request was wrong."""
    github = GitHub(prefix)
    with serving(handler_of(github)) as github.url:
        yield github
    assert not github.violations, "\n".join(github.violations)
