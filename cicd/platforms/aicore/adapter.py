"""SAP AI Core as a Platform: every call goes to the noun that it is about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import requests

from cicd.errors import Denied, NotFound, PlatformError, Problem
from cicd.model import Key, Kind, LiveResource, LogEntry, Resource, Stage, Track
from cicd.platforms.aicore import addresses, doctor, explain, launchpad, logs, times, tracking
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.content import Artifacts, Configurations, Immutable
from cicd.platforms.aicore.credentials import (
    Credentials,
    aicore_credentials,
    destination_credentials,
)
from cicd.platforms.aicore.kinds import KINDS
from cicd.platforms.aicore.lease import SecretLock
from cicd.platforms.aicore.login import Login
from cicd.platforms.aicore.models import Advisor
from cicd.platforms.aicore.named_secrets import NamedSecrets
from cicd.platforms.aicore.nodes import NodeReservations
from cicd.platforms.aicore.reading import Reader
from cicd.platforms.aicore.register import Register
from cicd.platforms.aicore.rest import Http
from cicd.platforms.aicore.runs import Deployments, Executions, Runs, batches
from cicd.platforms.aicore.schedules import Schedules
from cicd.platforms.aicore.secrets import (
    DockerRegistrySecrets,
    GenericSecrets,
    ObjectStoreSecrets,
)
from cicd.platforms.aicore.sources import sources
from cicd.platforms.aicore.tenant import Applications, Repositories, ResourceGroups
from cicd.platforms.aicore.transport import open_session
from cicd.platforms.base import NO_MARKS, Answer, Finding, Lock, LogPage, Request
from cicd.platforms.destination import entries

LOG_PATHS = {"execution": "/lm/executions", "deployment": "/lm/deployments"}
EARLIEST = 631_152_000 * 10**9
"""1990 in ns: where logs begin when nothing better is known (the API's default is one hour ago)."""
CLOCK_SKEW = 60 * 10**9


class KindApi(Protocol):
    """What each kind can do; see Platform for what the calls mean."""

    def get(self, live: LiveResource) -> LiveResource: ...
    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None: ...
    def create(self, desired: Resource) -> LiveResource: ...
    def update(self, live: LiveResource, desired: Resource) -> LiveResource: ...
    def delete(self, live: LiveResource) -> None: ...


def connect(stage: Stage, environ: Mapping[str, str]) -> AICore:
    """AI Core with the login in ``environ``. Sends nothing. Raises Denied when it is incomplete."""
    credentials = aicore_credentials(environ)
    group = stage.target.get("resource_group") or credentials.resource_group
    if not group:
        raise Denied(
            "no resource group is named",
            hint="set aicore.resource_group in the stage file, or AICORE_RESOURCE_GROUP",
        )
    needs_destinations = any(wish.key.kind == "destination" for wish in stage.resources)
    return AICore(
        credentials,
        group,
        destination_credentials(environ) if needs_destinations else None,
        stage=stage.identity,
        environ=environ,
        launchpad=stage.target.get("launchpad_url") or environ.get(launchpad.VARIABLE, ""),
        taking=addresses.taking(stage.resources),
    )


class AICore:
    """One tenant and resource group of SAP AI Core, shared by all threads."""

    name = "aicore"
    kinds: Mapping[str, Kind] = KINDS

    def __init__(
        self,
        credentials: Credentials,
        group: str,
        destination: Credentials | None = None,
        *,
        stage: str = "",
        environ: Mapping[str, str] | None = None,
        launchpad: str = "",
        taking: Collection[Key] = (),
    ) -> None:
        self._taking = taking
        self._environ = environ or {}
        self._launchpad = launchpad
        self._credentials = credentials
        self._group = group
        self._sessions: list[requests.Session] = []
        headers = {"AI-Resource-Group": group, "AI-Client-Type": "cicd"}
        self._api = Api(self._open(credentials, headers), group)
        self._advisor = Advisor(self._api.http)
        repositories = Repositories(self._api)
        groups = ResourceGroups(self._api, stage)
        register = self._register = Register(groups, group, stage, self._api.http.now)
        self._executions = Executions(self._api, register)
        docker = DockerRegistrySecrets(self._api, groups, stage)
        generic = GenericSecrets(self._api, stage)
        stores = ObjectStoreSecrets(self._api, groups, stage)
        self._named = NamedSecrets(
            {
                docker.kind: docker.peek,
                "generic_secret": generic.mountable,
                stores.kind: stores.peek,
            }
        )
        self._nouns: dict[str, KindApi] = {
            "resource_group": groups,
            "node_reservation": NodeReservations(self._api),
            "repository": repositories,
            docker.kind: docker,
            "generic_secret": generic,
            stores.kind: stores,
            "application": Applications(self._api, repositories),
            "artifact": Artifacts(self._api),
            "configuration": Configurations(self._api),
            "execution": self._executions,
            "schedule": Schedules(self._api, register),
            "deployment": Deployments(self._api, register),
        }
        if destination:
            self._nouns["destination"] = entries.Destinations(self._open(destination).call, stage)
        self._reader = Reader(self._api, self._nouns, self._advisor, self._named, register)

    def complete(self, desired: Sequence[Resource]) -> list[Resource]:
        """Destinations get the login that their users need: that of this platform; and artifacts of
        other stages the addresses that it resolves."""
        return [
            self._complete_destination(wish) if wish.key.kind == "destination" else wish
            for wish in addresses.translated(desired, self._taking)
        ]

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        return self._reader.read(desired, everything=everything)

    def review(
        self, desired: Sequence[Resource], live: Sequence[LiveResource]
    ) -> tuple[list[Problem], list[LiveResource]]:
        found, live = self._advisor.review(desired, live)
        found = [*found, *addresses.unresolvable(desired, self._taking)]
        return [*found, *self._named.review(desired)], live

    def browse(self, kind: str) -> Sequence[LiveResource]:
        return self._reader.browse(kind)

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        kind = next((live.key.kind for live in lives), "")
        noun: object = self._nouns.get(kind)
        if isinstance(noun, Runs | Immutable):
            return noun.listed(lives, most)
        if most is not None:
            return {}
        ids = {live.id for live in lives}
        return {live.id: live for live in self.browse(kind) if live.id in ids}

    def get(self, live: LiveResource) -> LiveResource:
        return self._noun(live.key.kind).get(live)

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        return self._noun(desired.key.kind).find(desired, known)

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        """The API takes neither token nor marks: what a lost create has made is looked for, and
        runs are tagged once they are there."""
        return self._noun(desired.key.kind).create(desired)

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        return self._noun(live.key.kind).update(live, desired)

    def stop(self, live: LiveResource) -> None:
        """Raises Conflict where the platform refuses it: an UNKNOWN run is deleted at once."""
        noun = self._noun(live.key.kind)
        if not isinstance(noun, Runs):
            raise PlatformError(f"{live.key} is nothing that can be stopped")
        noun.stop(live)

    def delete(self, live: LiveResource) -> None:
        try:
            self._noun(live.key.kind).delete(live)
        except NotFound:
            return

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        """Only executions can be tagged; of deployments and schedules it is remembered beside them
        whose they are."""
        if live.key.kind == "execution":
            self._executions.tag(live, tags)
        elif live.key.kind in {"deployment", "schedule"} and "cicd.key" in tags:
            kind, _, name = tags["cicd.key"].partition("/")
            self._register.enter(Resource(Key(kind, name), live.spec), live.id)

    def metrics(self, live: LiveResource) -> Mapping[str, float]:
        return self._executions.metrics(live) if live.key.kind == "execution" else {}

    def track(self, live: Sequence[LiveResource]) -> Mapping[str, Track]:
        ids = list({run.id for run in live if run.key.kind == "execution"})
        found: dict[str, Track] = {}
        for batch in batches(ids):
            documents = self._api.tracked(batch)
            found |= {id: tracking.track(document) for id, document in documents.items()}
        return found

    def kept_marks(self, live: Sequence[LiveResource]) -> dict[str, Mapping[str, str]]:
        return {id: track.tags for id, track in self.track(live).items()}

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        if live.key.kind not in LOG_PATHS:
            raise PlatformError(f"{live.key} has no log")
        created = times.moment(live.created_at)
        begin = EARLIEST if created is None else created - CLOCK_SKEW
        at = logs.read_cursor(cursor, begin if since is None else since)
        params = {"start": times.rfc3339(at.start), "$top": logs.TOP, "$order": "asc"}
        path = f"{LOG_PATHS[live.key.kind]}/{live.id}/logs"
        try:
            answer = self._api.http.call("GET", path, params=params)
        except PlatformError as error:
            if error.status not in {400, 404}:
                raise
            # Until the first container has started there are no logs to speak of.
            return LogPage((), cursor)
        items = [i for i in _lines_of(answer) if isinstance(i, dict)]
        return logs.next_page(items, at) if items else LogPage((), cursor)

    def tail(self, live: LiveResource, count: int) -> Sequence[LogEntry]:
        if live.key.kind not in LOG_PATHS:
            return ()
        created = times.moment(live.created_at)
        start = times.rfc3339(EARLIEST if created is None else created - CLOCK_SKEW)
        # lines of the platform itself are among them, and are left out
        params = {"start": start, "$top": min(logs.TOP, count * 5), "$order": "desc"}
        path = f"{LOG_PATHS[live.key.kind]}/{live.id}/logs"
        try:
            answer = self._api.http.call("GET", path, params=params)
        except PlatformError as error:
            if error.status not in {400, 404}:
                raise
            answer = {}
        return logs.last_lines(answer, count) or logs.last_words(live, count)

    def explain(self, live: LiveResource, needs: Any) -> Iterator[Finding]:
        return explain.explain(self._api, live, needs, self.tail(live, explain.LINES))

    def invoke(self, live: LiveResource, request: Request, *, timeout: float = 30.0) -> Answer:
        """Any answer counts, also 500. Raises ConnectionFailed or LostAnswer when there is none."""
        url = live.outputs.get("url")
        if not url:
            raise PlatformError(f"{live.key} has no URL yet", hint="it has one once it is RUNNING")
        sent = {"AI-Resource-Group": self._group, **request.headers}
        if request.sort:
            sent.setdefault("Content-Type", request.sort)
        response = self._api.http.send(
            request.method.upper(),
            f"{url.rstrip('/')}/{request.path.lstrip('/')}",
            data=request.data,
            headers=sent,
            timeout=timeout,
            attempts=1,
        )
        if "charset" not in response.headers.get("Content-Type", ""):
            response.encoding = "utf-8"  # requests would take Latin-1, or guess
        return Answer(response.status_code, response.text)

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path]:
        """Nothing can be fetched: what a run has made is in the tenant's object store, and the API
        tells where and not what."""
        if output not in live.outputs:
            raise NotFound(f"{live.key} has no {output}")
        raise PlatformError(
            f"{output} of {live.key} is in the object store, which this API does not read",
            hint="cicd artifacts shows its URL; read it with the tools of the store",
        )

    def listen(self, hear: Callable[[Key, int, int], None]) -> None:
        """No files go to or fro."""
        return

    def holds(self, live: LiveResource, output: str, folder: Path) -> bool:
        """Nobody can tell: see ``fetch``."""
        return False

    def survey(
        self,
        selector: Mapping[str, str],
        unseen: Callable[[str, PlatformError], None] = lambda kind, error: None,
        *,
        select: Collection[str] = (),
    ) -> list[LiveResource]:
        """All that is live in the resource group, and what of the tenant a stage may name."""
        group = selector.get("resource_group") or self._group
        key = Key("resource_group", group)
        live = self.read([Resource(key, {"name": group})], everything=True)
        if group != self._group or not any(item.key == key for item in live):
            raise NotFound(f"there is no resource group {group}", hint="check --resource-group")
        found = {(item.key.kind, item.id): item for item in live}
        for kind in ("application", "docker_registry_secret", "destination"):
            try:
                found |= {(item.key.kind, item.id): item for item in self.browse(kind)}
            except Denied as error:  # a file can do without
                unseen(kind, error)
        return list(found.values())

    def now(self) -> int:
        return int(self._api.http.now().timestamp()) * 10**9

    def link(self, live: LiveResource) -> str | None:
        """AI Launchpad's address is not part of any login: there is one where it was told."""
        return launchpad.link(self._launchpad, live, self._group)

    def lock(self, name: str) -> Lock:
        """A secret of the resource group: of two that make it at once one is refused."""
        return SecretLock(self._api.http, name, self._register.flush)

    def remember(self, name: str, text: str) -> None:
        """In a label of the resource group."""
        self._register.keep(name, text)

    def recall(self, name: str, *, fresh: bool = True) -> str:
        return self._register.kept(name, fresh=fresh)

    def diagnose(self) -> Iterator[Finding]:
        session = self._open_session(self._credentials)
        is_set = bool(sources(self._environ, "DESTINATION"))
        yield from doctor.examine(
            doctor.Account(
                self._api,
                self._credentials,
                Login(self._credentials, session),
                self._environ,
                (lambda: self._open(destination_credentials(self._environ))) if is_set else None,
            )
        )

    def close(self) -> None:
        self._register.flush()
        for session in self._sessions:
            session.close()

    def _noun(self, kind: str) -> KindApi:
        if kind not in self._nouns:
            raise PlatformError(f'this platform has no "{kind}"')
        return self._nouns[kind]

    def _open(self, credentials: Credentials, headers: Mapping[str, str] | None = None) -> Http:
        session = self._open_session(credentials)
        return Http(credentials.base_url, Login(credentials, session), session, headers=headers)

    def _open_session(self, credentials: Credentials) -> requests.Session:
        """One for all logins, so that all threads together keep to its connections."""
        fresh = open_session(credentials.base_url)
        alike = [session for session in self._sessions if session.trust_env == fresh.trust_env]
        if not alike:
            self._sessions.append(fresh)
        return alike[0] if alike else fresh

    def _complete_destination(self, wish: Resource) -> Resource:
        secret = self._credentials.client_secret
        if secret is None:
            raise Denied(
                f"{wish.key} needs a client secret, and the login for AI Core is a certificate",
                hint="set AICORE_CLIENT_SECRET, or leave out destination_name",
            )
        return entries.complete(
            wish,
            client_id=self._credentials.client_id,
            client_secret=secret,
            token_service_url=self._credentials.auth_url,
            resource_group=self._group,
        )


def _lines_of(answer: Any) -> Sequence[Any]:
    """The lines of a log answer; one that is none must not end the run that it is of."""
    data = answer.get("data") if isinstance(answer, dict) else None
    return (data or {}).get("result") or []
