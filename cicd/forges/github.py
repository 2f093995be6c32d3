"""GitHub's REST API: login, paging and what cicd asks of it.

Rules of the API: https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import requests

from cicd.errors import (
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
)
from cicd.forges.answers import (
    MOVED,
    RETRIES,
    Json,
    content_of,
    failure,
    is_refusal,
    items_of,
    no_api,
    unanswered,
)
from cicd.model import Secret
from cicd.version import __version__

TIMEOUT = (10.0, 30.0)
"""Seconds to connect and to wait for an answer."""
PER_PAGE = 100
DEFAULT_PAGE = 30
"""Items of a page where nobody asks for more."""
MOST_PAGES = 1000
BOT = "github-actions[bot]"
LOOKS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each look at what a lost answer may have made: lists lag behind."""
T = TypeVar("T")


class Client:
    """One repository. Reads, changes and deletes are repeated on any passing failure; a create only
    when it surely had no effect, else it raises LostAnswer: look before you repeat it."""

    def __init__(
        self,
        api_url: str,
        token: Secret,
        repository: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.repository = repository
        self._api_url = api_url
        self._token = token
        self._sleep = sleep
        self._session = requests.Session()
        # What a proxy wants remembered must not change what later requests of this session get.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # a proxy that the environment names can never reach this machine's own loopback
        self._session.trust_env = urlsplit(api_url).hostname not in {"127.0.0.1", "localhost"}
        self._login = ""

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def wait(self, seconds: float) -> None:
        """Let time pass, as the retries do."""
        self._sleep(seconds)

    def looked_for(self, find: Callable[[], T]) -> T:
        """What is found of something whose answer was lost; empty when, as far as anybody can tell,
        it is not there. Lists lag, so they are looked at several times."""
        found = find()
        for pause in LOOKS:
            if found:
                break
            self._sleep(pause)
            found = find()
        return found

    def login(self) -> str:
        """The name that our comments carry. A token of an app is not a user: GraphQL knows it."""
        if not self._login:
            try:
                url = f"{self._api_url}/user"
                answer = self._call("GET", url)
                if not isinstance(answer, dict) or not isinstance(answer.get("login"), str):
                    raise no_api(url, "no login")
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
            answer = self._call("POST", url, query, repeat=True)
            name = str(answer["data"]["viewer"]["login"])
        except (Denied, NotFound, KeyError, TypeError):
            return BOT
        return name.removesuffix("[bot]") + "[bot]"

    def comments(self, number: int) -> list[Json]:
        """All comments of an issue or pull request, the oldest first."""
        return list(self._pages(f"/issues/{number}/comments"))

    def create_comment(self, number: int, body: str) -> Json:
        """A new comment. Raises LostAnswer when nobody knows whether it is there."""
        return self._object("POST", f"/issues/{number}/comments", {"body": body})

    def edit_comment(self, comment_id: int, body: str) -> Json:
        """Another text for a comment."""
        return self._object("PATCH", f"/issues/comments/{comment_id}", {"body": body})

    def delete_comment(self, comment_id: int) -> None:
        """Delete a comment; gone already is as good."""
        try:
            self._call("DELETE", self._url(f"/issues/comments/{comment_id}"))
        except NotFound:
            return

    def open_issues(self, label: str) -> list[Json]:
        """The open issues with a label, pull requests left out."""
        issues = self._pages("/issues", {"state": "open", "labels": label})
        return [issue for issue in issues if "pull_request" not in issue]

    def create_issue(self, title: str, body: str, label: str) -> Json:
        """A new issue. Raises LostAnswer when nobody knows whether it is there."""
        return self._object("POST", "/issues", {"title": title, "body": body, "labels": [label]})

    def edit_issue(self, number: int, changes: Mapping[str, Any]) -> Json:
        """Change some fields of an issue."""
        return self._object("PATCH", f"/issues/{number}", dict(changes))

    def ensure_label(self, name: str, colour: str, description: str) -> None:
        """Create a label unless the repository has it."""
        body = {"name": name, "color": colour, "description": description}
        try:
            self._call("POST", self._url("/labels"), body, repeat=True)
        except PlatformError as error:
            if error.status != 422:  # 422: it is there
                raise

    def may_push(self) -> bool:
        """Whether the token may write to the repository, as far as GitHub tells."""
        answer = self._call("GET", f"{self._api_url}/repos/{self.repository}")
        rights = answer.get("permissions") if isinstance(answer, dict) else None
        return bool(rights.get("push", True)) if isinstance(rights, dict) else True

    def open_pulls(self, branch: str) -> list[Json]:
        """The open pull requests from a branch of this very repository."""
        owner = self.repository.partition("/")[0]
        return list(self._pages("/pulls", {"state": "open", "head": f"{owner}:{branch}"}))

    def create_pull(self, branch: str, base: str, title: str, body: str) -> Json:
        """A new pull request. Raises LostAnswer when nobody knows whether it is there."""
        content = {"head": branch, "base": base, "title": title, "body": body}
        return self._object("POST", "/pulls", content)

    def edit_pull(self, number: int, changes: Mapping[str, Any]) -> Json:
        """Change some fields of a pull request."""
        return self._object("PATCH", f"/pulls/{number}", dict(changes))

    def _url(self, path: str) -> str:
        return f"{self._api_url}/repos/{self.repository}{path}"

    def _object(self, method: str, path: str, body: Json) -> Json:
        answer = self._call(method, self._url(path), body)
        return answer if isinstance(answer, dict) else {}

    def _pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[Json]:
        """Every item of a list, each once: page after page, as the Link header leads, and without
        one as long as pages may be full. Raises ConnectionFailed for a list that never ends."""
        wanted = {**(params or {}), "per_page": PER_PAGE}
        url: str | None = f"{self._url(path)}?{urlencode(wanted)}"
        known: set[int] = set()
        for number in range(2, MOST_PAGES + 2):
            response = self._send("GET", str(url), None, repeat=True)
            fresh = {k: item for k, item in items_of(response).items() if k not in known}
            known |= fresh.keys()
            yield from fresh.values()
            url = response.links.get("next", {}).get("url")
            # the token goes to the API and nowhere else
            if url and urlsplit(url)[:2] != urlsplit(self._api_url)[:2]:
                raise no_api(url)
            # what stands between may drop the header
            if not url and "Link" not in response.headers and len(fresh) >= DEFAULT_PAGE:
                url = f"{self._url(path)}?{urlencode({**wanted, 'page': number})}"
            if not url:
                return
        raise no_api(self._url(path), "its list does not end")

    def _call(self, method: str, url: str, body: Any = None, *, repeat: bool = False) -> Any:
        return content_of(self._send(method, url, body, repeat=repeat or method != "POST"))

    def _send(self, method: str, url: str, body: Any, *, repeat: bool) -> requests.Response:
        """One request with retries; the good answer. Raises PlatformError for any other."""
        answer = RETRIES.send(
            lambda: self._once(method, url, body), is_repeatable=repeat, sleep=self._sleep
        )
        if isinstance(answer, requests.Response) and answer.status_code // 100 == 2:
            return self._good(method, answer, repeat=repeat)
        if isinstance(answer, requests.Response):
            # A redirect is not followed: requests would leave out the token, and repeat a POST as a
            # GET.
            if answer.status_code in MOVED and (repeat or is_refusal(answer)):
                hint = "name it with --repository"
                raise PlatformError(f"{self.repository} has moved", hint=hint)
            raise failure(method, answer, repeat=repeat)
        # not chained: requests' exceptions hold the request with its token
        raise unanswered(method, url, answer, repeat=repeat) from None

    @staticmethod
    def _good(method: str, answer: requests.Response, *, repeat: bool) -> requests.Response:
        """The good answer. One to a create that is none of the API's leaves open what was made."""
        if not repeat and answer.content:
            try:
                is_own = isinstance(answer.json(), dict)
            except (ValueError, RecursionError):
                is_own = False
            if not is_own:
                raise LostAnswer(
                    f"the answer to {method} {urlsplit(answer.url).path} is not GitHub's",
                    status=answer.status_code,
                )
        return answer

    def _once(self, method: str, url: str, body: Any) -> requests.Response:
        return self._session.request(
            method,
            url,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
                "User-Agent": f"cicd/{__version__}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            # an auth object, because with a mere header requests would prefer ~/.netrc
            auth=self._authorize,
            allow_redirects=False,
            timeout=TIMEOUT,
        )

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request
