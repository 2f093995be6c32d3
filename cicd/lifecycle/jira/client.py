"""Jira's REST API: login, paging and what cicd asks of it, for Cloud and for Data Center.

Cloud speaks REST v3, whose rich text is documents, Data Center v2 with wiki markup. Cloud speaks v2
too, but has taken away the old search there (410), which is the only one of Data Center.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

import requests

from cicd.errors import LostAnswer, NotFound, PlatformError
from cicd.lifecycle.jira import adf, wiki
from cicd.lifecycle.jira.adf import plain_text
from cicd.lifecycle.jira.answers import (
    RETRIES,
    Json,
    failure,
    json_of,
    no_api,
    unanswered,
)
from cicd.lifecycle.jira.records import (
    Account,
    Comment,
    Move,
    Ticket,
    Transition,
    account_of,
    seconds_of,
    texts_in,
)
from cicd.lifecycle.jira.texts import Part
from cicd.model import Secret
from cicd.version import __version__

TIMEOUT = (10.0, 30.0)
"""Seconds to connect and to wait for an answer."""
RIGHTS = ("BROWSE_PROJECTS", "CREATE_ISSUES", "ADD_COMMENTS")
GATEWAY = "api.atlassian.com"
"""Where tokens with scopes go (``/ex/jira/CLOUD_ID``); it has no pages for people."""
PER_PAGE = 50
MOST_PAGES = 100
PROPERTY = "cicd"
"""The property of a ticket that says what it is the ticket of: no form of Jira shows or sets it."""


class Client:
    """One Jira, as one account. Reads are repeated on any passing failure; what makes something
    only when it surely had no effect, else LostAnswer is raised: look before you repeat it."""

    def __init__(
        self,
        url: str,
        token: Secret,
        *,
        user: str = "",
        version: Literal[2, 3] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._pages = self.url
        self._version = version
        self._user = user
        self._token = token
        self._sleep = sleep
        self._session = requests.Session()
        # What a proxy wants remembered must not change what later requests of this session get.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # a proxy that the environment names can never reach this machine's own loopback
        self._session.trust_env = urlsplit(url).hostname not in {"127.0.0.1", "localhost"}
        self._me: Account | None = None
        self._has_old_search: bool | None = None

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def wait(self, seconds: float) -> None:
        """Let time pass, as the retries do."""
        self._sleep(seconds)

    @property
    def version(self) -> Literal[2, 3]:
        """Which of its two APIs is spoken: the newer one with Cloud."""
        if self._version is None:
            is_cloud = (urlsplit(self.url).hostname or "").endswith(".atlassian.net")
            if not is_cloud:  # one with a name of its own, one behind Atlassian's gateway, or none
                is_cloud = self._says_cloud()
            self._version = 3 if is_cloud else 2
        return self._version

    def _says_cloud(self) -> bool:
        """Whether it says that it is Cloud; where it does not tell, whether we log in as there."""
        self._version = 2
        try:
            told = self._object("GET", "/serverInfo")
        except PlatformError as error:
            if error.status not in {401, 403, 404}:
                raise
            return "@" in self._user
        if urlsplit(self.url).hostname == GATEWAY:
            self._pages = str(told.get("baseUrl") or self.url)
        return str(told.get("deploymentType")).casefold() == "cloud"

    def link(self, key: str) -> str:
        """The page of a ticket for people."""
        return f"{self._pages}/browse/{quote(key)}"

    def me(self) -> Account:
        """The account whose token this is."""
        if self._me is None:
            self._me = account_of(self._object("GET", "/myself"))
            if not self._me.id:
                raise no_api(f"{self._api}/myself", "no account")
        return self._me

    def labelled(self, project: str, label: str) -> Iterator[str]:
        """The keys of the tickets of a project that have a label, the newest first, as they are
        asked for. The search lags behind: a new ticket may be missing for seconds, at Cloud for
        minutes."""
        jql = f"project = {_quoted(project)} AND labels = {_quoted(label)} ORDER BY created DESC"
        for issue in self._search(jql):
            [key] = texts_in(issue, "key")
            if not key:
                raise no_api(f"{self._api}/search", "a ticket without a key")
            yield key

    def ticket(self, key: str) -> Ticket:
        """A ticket as it stands this moment: unlike a search this does not lag behind."""
        wanted = {"fields": "status,creator", "properties": PROPERTY}
        issue = self._object("GET", f"/issue/{quote(key)}?{urlencode(wanted)}")
        number, its_key = texts_in(issue, "id", "key")
        if not number.isdecimal():
            raise no_api(f"{self._api}/issue/{quote(key)}", "no ticket")
        fields = _map(issue.get("fields"))
        status = _map(fields.get("status"))
        return Ticket(
            int(number),
            its_key,
            str(status.get("name") or ""),
            str(status.get("id") or ""),
            str(_map(status.get("statusCategory")).get("key") or ""),
            account_of(_map(fields.get("creator"))),
            self._proof(issue),
        )

    def _proof(self, issue: Json) -> Json:
        """Our property of a ticket; asked for by itself where the answer has none of any kind."""
        if "properties" in issue:
            return _map(_map(issue["properties"]).get(PROPERTY))
        try:
            told = self._object("GET", f"/issue/{quote(str(issue['key']))}/properties/{PROPERTY}")
        except PlatformError as error:
            if error.status != 404:
                raise
            return {}
        return _map(told.get("value"))

    def create(self, fields: Json, parts: Sequence[Part], proof: Json) -> str:
        """The key of a new ticket. Raises LostAnswer when nobody knows whether it is there."""
        content = {
            "fields": {**fields, "description": self.rich(parts)},
            "properties": [{"key": PROPERTY, "value": proof}],
        }
        return str(self._object("POST", "/issue", content).get("key") or "")

    def transitions(self, key: str) -> list[Transition]:
        """Where this account may move a ticket now."""
        path = f"/issue/{quote(key)}/transitions"
        found = _items(self._object("GET", path), "transitions")
        return [
            Transition(
                *texts_in(item, "id", "name"),
                *texts_in(to := _map(item.get("to")), "name", "id"),
                *texts_in(_map(to.get("statusCategory")), "key"),
            )
            for item in found
        ]

    def move(self, key: str, transition: Transition) -> None:
        """Move a ticket. Raises LostAnswer when nobody knows whether it took effect."""
        body = {"transition": {"id": transition.id}}
        self._send("POST", f"/issue/{quote(key)}/transitions", body)

    def comment(self, key: str, parts: Sequence[Part]) -> None:
        """Say something at a ticket. Raises LostAnswer like all that makes something."""
        self._send("POST", f"/issue/{quote(key)}/comment", {"body": self.rich(parts)})

    def comments(self, key: str) -> list[Comment]:
        """What was said at a ticket, the oldest first."""
        found = self._paged(f"/issue/{quote(key)}/comment", "comments")
        return [
            Comment(account_of(_map(one.get("author"))), plain_text(one.get("body")))
            for one in found
        ]

    def moves(self, key: str) -> list[Move]:
        """How a ticket came to its status, the oldest first."""
        if self.version == 2:  # Data Center has no list of its own for it
            issue = self._object("GET", f"/issue/{quote(key)}?fields=status&expand=changelog")
            entries = _items(_map(issue.get("changelog")), "histories")
        else:
            entries = list(self._paged(f"/issue/{quote(key)}/changelog", "values"))
        moves = [
            Move(
                account_of(_map(entry.get("author"))),
                *texts_in(entry, "created"),
                *texts_in(item, "fromString", "toString", "to"),
            )
            for entry in entries
            for item in _items(entry, "items")
            if item.get("field") == "status"
        ]
        return sorted(moves, key=lambda move: seconds_of(move.at))

    def statuses(self, project: str) -> dict[str, list[tuple[str, str]]]:
        """Type of ticket -> (name, id) of the statuses that its workflow has in a project."""
        answer = self._send("GET", f"/project/{quote(project)}/statuses").json()
        return {
            str(item.get("name")): [
                (str(one.get("name") or ""), str(one.get("id") or ""))
                for one in _items(item, "statuses")
            ]
            for item in _items({"types": answer}, "types")
        }

    def lacking(self, project: str) -> list[str]:
        """What we have to be allowed in a project and are not."""
        wanted = urlencode({"permissions": ",".join(RIGHTS), "projectKey": project})
        told = _map(self._object("GET", f"/mypermissions?{wanted}").get("permissions"))
        return [name for name in RIGHTS if _map(told.get(name)).get("havePermission") is False]

    def field_types(self) -> dict[str, tuple[str, str]]:
        """Of each field, by id and by name as people see it: (id, type). Empty where we may not
        know."""
        try:
            answer = self._send("GET", "/field").json()
        except PlatformError as error:
            if error.status not in {403, 404}:
                raise
            return {}
        found: dict[str, tuple[str, str]] = {}
        for field in answer if isinstance(answer, list) else []:
            schema = _map(_map(field).get("schema"))
            sort = str(schema.get("custom") or schema.get("type") or "").rpartition(":")[2]
            for name in (str(field.get("name")), str(field.get("id"))):
                found[name] = str(field.get("id")), sort
        return found

    def rich(self, parts: Sequence[Part]) -> Any:
        """Text of several lines, in the language of this version of the API."""
        return adf.document(parts) if self.version == 3 else wiki.document(parts)

    def _search(self, jql: str) -> Iterator[Json]:
        """All that a query finds, page by page."""
        if self._has_old_search is None:
            self._has_old_search = self.version == 2
        if self._has_old_search:
            try:
                yield from self._old_search(jql)
                return
            except NotFound as error:
                if error.status != 410:  # REST v2 of a Cloud
                    raise
                self._has_old_search = False
        yield from self._new_search(jql)

    def _old_search(self, jql: str) -> Iterator[Json]:
        start = 0
        for _ in range(MOST_PAGES):
            body = {"jql": jql, "startAt": start, "maxResults": PER_PAGE, "fields": ["labels"]}
            answer = self._object("POST", "/search", body, repeat=True)
            issues = _items(answer, "issues")
            yield from issues
            start += len(issues)
            if not issues or start >= int(answer.get("total") or 0):
                return
        raise no_api(f"{self._api}/search", "its list does not end")

    def _new_search(self, jql: str) -> Iterator[Json]:
        body: Json = {"jql": jql, "maxResults": PER_PAGE, "fields": ["labels"]}
        for _ in range(MOST_PAGES):
            answer = self._object("POST", "/search/jql", body, repeat=True)
            yield from _items(answer, "issues")
            token = answer.get("nextPageToken")
            if not token or answer.get("isLast") is True:
                return
            body["nextPageToken"] = token
        raise no_api(f"{self._api}/search/jql", "its list does not end")

    def _paged(self, path: str, name: str) -> Iterator[Json]:
        """All items of a list that tells where a page starts and how many there are."""
        start = 0
        for _ in range(MOST_PAGES):
            wanted = urlencode({"startAt": start, "maxResults": PER_PAGE})
            answer = self._object("GET", f"{path}?{wanted}")
            items = _items(answer, name)
            yield from items
            start += len(items)
            if not items or answer.get("isLast") is True or start >= answer.get("total", start + 1):
                return
        raise no_api(f"{self._api}{path}", "its list does not end")

    @property
    def _api(self) -> str:
        return f"{self.url}/rest/api/{self.version}"

    def _object(self, method: str, path: str, body: Any = None, *, repeat: bool = False) -> Json:
        answer = self._send(method, path, body, repeat=repeat)
        content = json_of(answer)
        if isinstance(content, dict):
            return content
        if method == "POST" and not repeat:
            raise LostAnswer(f"the answer to {method} {urlsplit(answer.url).path} is not Jira's")
        raise no_api(answer.url, "no JSON object")

    def _send(
        self, method: str, path: str, body: Any = None, *, repeat: bool = False
    ) -> requests.Response:
        """One request with retries; the good answer. Raises PlatformError for any other."""
        repeat = repeat or method == "GET"
        url = self._api + path
        answer = RETRIES.send(
            lambda: self._once(method, url, body), is_repeatable=repeat, sleep=self._sleep
        )
        if isinstance(answer, requests.RequestException):
            # not chained: requests' exceptions hold the request with its token
            raise unanswered(method, url, answer, repeat=repeat) from None
        if answer.status_code // 100 != 2:
            raise failure(method, answer, self._token, repeat=repeat)
        if answer.content and json_of(answer) is None:  # a login page comes as 200, too
            if not repeat:
                raise LostAnswer(f"the answer to {method} {urlsplit(url).path} is not Jira's")
            raise no_api(answer.url, "a page and no JSON")
        return answer

    def _once(self, method: str, url: str, body: Any) -> requests.Response:
        content = None if body is None else json.dumps(body).encode()
        return self._session.request(
            method,
            url,
            data=content,
            headers={
                "Accept": "application/json",
                # what looks like a browser is asked for a token against forged requests
                "User-Agent": f"cicd/{__version__}",
                "X-Atlassian-Token": "no-check",
                **({} if content is None else {"Content-Type": "application/json"}),
            },
            # an auth object, because with a mere header requests would prefer ~/.netrc
            auth=self._authorize,
            allow_redirects=False,
            timeout=TIMEOUT,
        )

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._token.reveal()
        if self._user:
            token = base64.b64encode(f"{self._user}:{token}".encode()).decode()
        request.headers["Authorization"] = f"{'Basic' if self._user else 'Bearer'} {token}"
        return request


def _quoted(text: str) -> str:
    """A text within JQL."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _map(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _items(answer: Mapping[str, Any], name: str) -> list[Json]:
    items = answer.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
