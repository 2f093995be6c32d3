"""SageMaker as a Platform."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from cicd.errors import (
    Conflict,
    LostAnswer,
    NotFound,
    PlatformError,
    Problem,
    Throttled,
    Usage,
)
from cicd.model import Approval, Kind, LiveResource, LogEntry, Resource, Stage, State, Track
from cicd.platforms.base import NO_MARKS, Answer, Finding, Lock, LogPage, Platform, Request
from cicd.platforms.sagemaker import (
    approving,
    console,
    doctor,
    endpoint_configs,
    logs,
    models,
    processing,
    reviewing,
    training,
    transforming,
)
from cicd.platforms.sagemaker.answers import is_untrusted
from cicd.platforms.sagemaker.apart import Apart
from cicd.platforms.sagemaker.api import SECOND, Api
from cicd.platforms.sagemaker.credentials import session
from cicd.platforms.sagemaker.dialect import stored_logins
from cicd.platforms.sagemaker.dialect.naming import EMULATOR, LONGEST_KEY, Names, slug
from cicd.platforms.sagemaker.invoking import Invocations
from cicd.platforms.sagemaker.kinds import KINDS
from cicd.platforms.sagemaker.lease import TextLock
from cicd.platforms.sagemaker.lock_places import ObjectPlace, ParameterPlace
from cicd.platforms.sagemaker.moves import Moves
from cicd.platforms.sagemaker.nouns import NOUNS, Noun
from cicd.platforms.sagemaker.packages import KIND as PACKAGE
from cicd.platforms.sagemaker.packages import Packages
from cicd.platforms.sagemaker.packing import Sources
from cicd.platforms.sagemaker.quotas import needed_by
from cicd.platforms.sagemaker.records import Records
from cicd.platforms.sagemaker.scaling import KIND as SCALING
from cicd.platforms.sagemaker.scaling import Scalings, is_scaled
from cicd.platforms.sagemaker.storage import Storage
from cicd.platforms.sagemaker.survey import Survey
from cicd.platforms.sagemaker.tags import NEVER, tags_of
from cicd.platforms.sagemaker.things import READERS, RUNS, Things, points_of, without_others
from cicd.platforms.sagemaker.usage import used
from cicd.threads import together

BEGUN = {**dict.fromkeys(RUNS, "InProgress"), "endpoint": "Creating"}
"""The status with which something begins."""
MEASURED = frozenset({"endpoint", "training_job"})
"""What has metrics of its own."""
FRESH = 60.0
"""Seconds after which everything that was made is seen by all of AWS."""


def connect(stage: Stage, environ: Mapping[str, str]) -> SageMaker:
    """SageMaker with the login that the stage file asks for. Sends nothing."""
    return SageMaker(stage, environ)


class SageMaker(Platform):
    """The things of one stage, shared by all threads."""

    name = "sagemaker"
    kinds: Mapping[str, Kind] = KINDS

    def __init__(self, stage: Stage, environ: Mapping[str, str]) -> None:
        settings = stage.settings
        self._environ = environ
        self._is_local = stage.target.get("account") == EMULATOR
        self._role = str(settings.get("role") or "")
        self._instances = needed_by(stage.resources)
        region, url = _region(stage, environ), environ.get("AWS_ENDPOINT_URL", "")
        self._api = Api(partial(session, settings, environ, region), region, url.rstrip("/"))
        self._names = Names(str(settings.get("prefix") or stage.identity))
        self._storage = Storage(self._api, str(settings.get("bucket") or ""))
        self._sources = Sources(Path(stage.root), self._storage)
        self._records = Records(self._storage, self._names.prefix)
        self._invocations = Invocations(self._api, self._storage, self._records.requests)
        keys = {
            (wish.key.kind, slug(wish.key.name, LONGEST_KEY)): wish.key.name
            for wish in stage.resources
        }
        runtime = self._api.url or f"https://runtime.sagemaker.{region}.amazonaws.com"
        self._things = Things(self._api, self._names, self._records, keys, stage.identity, runtime)
        self._fresh: dict[str, float] = {}
        self._moves = Moves(self._things.config)
        self._scalings = Scalings(self._api, self._things, self._endpoints)
        groups = [str(wish.spec["group"]) for wish in stage.resources if wish.key.kind == PACKAGE]
        self._packages = Packages(self._api, stage.identity, groups, self._sources.of)
        self._apart: Mapping[str, Apart] = {
            PACKAGE: self._packages,
            SCALING: self._scalings,
        }
        self._scaled = {
            str(wish.spec["name"]): tuple(wish.spec["variants"])
            for wish in stage.resources
            if wish.key.kind == SCALING
        }
        self._takes_all = stage.prunes_everything
        self._services = [
            str(wish.spec["name"]) for wish in stage.resources if wish.key.kind == "endpoint"
        ]

    # -- planning --------------------------------------------------------------------------------

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        found: list[LiveResource] = []
        for kind in NOUNS:
            if everything:
                found += self._things.all(kind, self._services)
            if wishes := [wish for wish in desired if wish.key.kind == kind]:
                found += self._things.of(kind, wishes)
        for kind, apart in self._apart.items():
            if everything:
                found += apart.all(found)
            if wishes := [wish for wish in desired if wish.key.kind == kind]:
                found += apart.of(wishes)
        once = {(live.key.kind, live.id): live for live in found}.values()
        return without_others(list(once), self._services) if self._takes_all else list(once)

    def review(
        self, desired: Sequence[Resource], live: Sequence[LiveResource]
    ) -> tuple[list[Problem], list[LiveResource]]:
        return reviewing.review(desired, live, self._things), list(live)

    def browse(self, kind: str) -> Sequence[LiveResource]:
        if kind in self._apart:
            return self._apart[kind].listed()
        return self._things.listed(kind)

    def get(self, live: LiveResource) -> LiveResource:
        return (self._apart.get(live.key.kind) or self._things).get(live)

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        if apart := self._apart.get(desired.key.kind):
            return apart.find(desired, known)
        noun = NOUNS[desired.key.kind]
        if noun.kind in RUNS:
            return self._things.newest_run(noun, desired, known)
        if noun.kind == "endpoint":
            name = str(desired.spec["name"])
            return None if name in known else self._things.find(noun, name)
        return self._things.find(noun, self._named(desired))

    # -- applying --------------------------------------------------------------------------------

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        if apart := self._apart.get(desired.key.kind):
            return apart.create(desired, token, marks)
        noun = NOUNS[desired.key.kind]
        tags = tags_of(desired.spec.get("tags") or {}, marks)
        if noun.kind in RUNS:
            return self._start(desired, token, marks, tags)
        if noun.kind == "endpoint":
            name = str(desired.spec["name"])
            body = {"EndpointConfigName": desired.spec["config"]}
            self._write("create_endpoint", EndpointName=name, **body, Tags=tags)
            return self._made(noun, name, body)
        return self._create_content(desired, tags)

    def _create_content(self, desired: Resource, tags: Sequence[Mapping[str, str]]) -> LiveResource:
        """What is there under the same name has the same content, unless somebody put it there."""
        noun, name = NOUNS[desired.key.kind], self._named(desired)
        if noun.kind == "model":
            body = models.request(desired.spec, self._sources.of(desired.spec))
        else:
            body = endpoint_configs.request(desired.spec)
        try:
            self._write(f"create_{noun.kind}", **{noun.name: name}, **body, Tags=tags)
        except Conflict as error:
            found = self._things.find(noun, name)
            if found is None:  # AWS does not see yet what an earlier try has made
                raise LostAnswer(error.message, code=error.code) from None
            if not _is_as(found, desired):
                raise
            return found
        return self._made(noun, name, body)

    def _start(
        self,
        desired: Resource,
        token: str,
        marks: Mapping[str, str],
        tags: Sequence[Mapping[str, str]],
    ) -> LiveResource:
        """One run for each token: its name holds that, and no name is given twice."""
        noun, spec = NOUNS[desired.key.kind], desired.spec
        inputs = str(spec.get("inputs", ""))
        name = self._names.of_run(desired.key.name, inputs, token or secrets.token_hex(16))
        body = self._run(noun.kind, spec)
        self._records.add(name, {"cicd.inputs": inputs, **marks} if inputs else marks)
        try:
            self._write(f"create_{noun.kind}", **{noun.name: name}, **body, Tags=tags)
        except Conflict:
            if not token:
                raise
            # it is of an earlier try, even where AWS does not see it yet
            return self._things.find(noun, name) or self._made(noun, name, body)
        return self._made(noun, name, body)

    def _run(self, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        if kind == "transform_job":
            return transforming.request(spec)
        source = self._sources.of(spec).get(str(spec.get("source") or ""), "")
        if kind == "processing_job":
            return processing.request(spec, source)
        return training.request(spec, source)

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        if apart := self._apart.get(live.key.kind):
            return apart.update(live, desired)
        if live.key.kind != "endpoint":
            return super().update(live, desired)
        told = self._api.describe(NOUNS["endpoint"], live.id)
        move = self._moves.next(told, desired.spec)
        if move is None:
            return self._things.whole(NOUNS["endpoint"], told)
        reason, goal = str(told.get("FailureReason") or ""), str(desired.spec["config"])
        self._things.know_reason(live.id, reason, goal)
        try:
            self._write(move.operation, EndpointName=live.id, **move.body)
        except NotFound as error:
            if told["EndpointConfigName"] not in error.message:
                raise
            hint = "AWS updates no endpoint whose own configuration is gone: with --replace "
            hint += f"{desired.key} it is deleted and made anew"
            raise NotFound(error.message, hint=hint, code=error.code) from None
        except PlatformError as error:
            if live.id not in self._scaled or not is_scaled(error):
                raise
            # what the stage itself scales it registers again afterwards
            self._scalings.release(live.id, self._scaled[live.id])
            self._write(move.operation, EndpointName=live.id, **move.body)
        self._moves.sent(move, live.id)
        return self._things.get(live)

    def _endpoints(self) -> list[LiveResource]:
        return self._things.all("endpoint", self._services)

    def stop(self, live: LiveResource) -> None:
        noun = NOUNS[live.key.kind]
        if noun.kind not in RUNS:
            return super().stop(live)
        try:
            if not self._things.get(live).status.has_ended:
                self._api.write(f"stop_{noun.kind}", **{noun.name: live.id})
        except NotFound:
            return None
        except PlatformError:
            # it may have ended at this very moment, and cannot be stopped then
            if not self._things.get(live).status.has_ended:
                raise

    def delete(self, live: LiveResource) -> None:
        if apart := self._apart.get(live.key.kind):
            return apart.delete(live)
        noun = NOUNS[live.key.kind]
        try:
            self._api.write(f"delete_{noun.kind}", **{noun.name: live.id})
        except NotFound:
            return None
        except PlatformError as error:
            # a second request while the first is being carried out is refused in other words, and
            # so is one that comes too early
            found = self._things.find(noun, live.id)
            if found is None or found.status.state is State.STOPPING:
                return None
            if found.status.state is State.PENDING:
                late = f"{error.message}: one that is {found.status.raw} can be neither updated nor"
                late += " deleted, which may take AWS up to an hour"
                raise Conflict(late, status=error.status, code=error.code) from None
            raise

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        if live.key.kind in RUNS:
            self._records.add(live.id, tags)

    def remember(self, name: str, text: str) -> None:
        self._records.remember(name, text)

    def recall(self, name: str, *, fresh: bool = True) -> str:
        return self._records.recall(name)

    def lock(self, name: str) -> Lock:
        key = self._records.lock_key(name)
        places = (ObjectPlace(self._storage, key), ParameterPlace(self._api, key))
        return TextLock(places, self._api.now)

    # -- runs and services -----------------------------------------------------------------------

    def track(self, live: Sequence[LiveResource]) -> Mapping[str, Track]:
        asked = [one for one in live if one.key.kind in MEASURED]
        with together(READERS) as pool:
            found = zip(asked, pool.map(self._track, asked), strict=True)
            return {one.id: track for one, track in found if track != Track()}

    def kept_marks(self, live: Sequence[LiveResource]) -> dict[str, Mapping[str, str]]:
        with together(READERS) as pool:
            return dict(zip((o.id for o in live), pool.map(self._marks, live), strict=True))

    def _marks(self, live: LiveResource) -> dict[str, str]:
        return self._records.of(live.id)

    def _track(self, live: LiveResource) -> Track:
        told = self._api.describe(NOUNS[live.key.kind], live.id)
        if live.key.kind == "endpoint":
            return used(self._api, told)
        tags = self._records.of(live.id)
        return Track(points_of(told), {name: tags[name] for name in tags if name not in NEVER})

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        if not KINDS[live.key.kind].log:
            return super().logs(live, cursor, since=since)
        return logs.next_page(self._api, live, cursor, since)

    def tail(self, live: LiveResource, count: int) -> Sequence[LogEntry]:
        return logs.last_lines(self._api, live, count) if KINDS[live.key.kind].log else ()

    def invoke(self, live: LiveResource, request: Request, *, timeout: float = 30.0) -> Answer:
        if live.key.kind != "endpoint":
            return super().invoke(live, request, timeout=timeout)
        return self._invocations.ask(live, request, timeout)

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path]:
        if output not in live.outputs or output in {"id", "url"}:
            raise NotFound(f"{live.key} has no output {output}")
        return self._storage.download(live.outputs[output], folder)

    def approval_of(self, live: LiveResource) -> Approval:
        if live.key.kind != PACKAGE:
            return super().approval_of(live)
        return approving.approval_of(self._api, live, self.link(live) or "")

    def decide(self, live: LiveResource, verdict: str, reason: str, fingerprint: str) -> None:
        if live.key.kind != PACKAGE:
            super().decide(live, verdict, reason, fingerprint)
        approving.decide(self._api, live, verdict, reason, fingerprint)

    def size_of(self, url: str) -> int:
        return self._storage.size_of(url) if url.startswith("s3://") else super().size_of(url)

    # -- looking around --------------------------------------------------------------------------

    def survey(
        self,
        selector: Mapping[str, str],
        unseen: Callable[[str, PlatformError], None] = lambda kind, error: None,
        *,
        select: Collection[str] = (),
    ) -> list[LiveResource]:
        asked = selector.get("region") or self._api.region
        if asked != self._api.region:
            raise NotFound(f"this login is for {self._api.region}, not for {asked}")
        places = (self._api, self._things, self._packages, self._scalings)
        return Survey(*places, select, unseen).all()

    def diagnose(self) -> Iterator[Finding]:
        return doctor.examine(self._api, self._storage, self._role, self._instances)

    def link(self, live: LiveResource) -> str | None:
        return None if self._is_local else console.link(live, self._api.region)

    def now(self) -> int:
        return self._api.now()

    def close(self) -> None:
        self._invocations.close()
        self._api.close()

    # -- names and sources -----------------------------------------------------------------------

    def _named(self, desired: Resource) -> str:
        """The name that holds the content of a wish."""
        spec = desired.spec
        beside = KINDS[desired.key.kind].computed | {"name"}
        content = {name: spec[name] for name in spec if name not in beside}
        return self._names.of_content(desired.key.name, content)

    def _write(self, operation: str, **body: Any) -> None:
        """A change that names what may have been made just now, such as a model or a role: AWS may
        not see or trust that yet. Raises Throttled then: the same is asked again a little later."""
        try:
            self._api.write(operation, **body)
        except NotFound as error:
            began = time.monotonic() - FRESH
            if any(name in error.message and at > began for name, at in [*self._fresh.items()]):
                raise Throttled(error.message, code=error.code) from None
            raise
        except PlatformError as error:
            if not is_untrusted(error.message):
                raise
            # how old a role is nobody knows
            raise Throttled(error.message, hint=error.hint, code=error.code) from None

    def _made(self, noun: Noun, name: str, body: Mapping[str, Any]) -> LiveResource:
        """What was made just now of a body. AWS is not asked: it may not see it yet."""
        self._fresh[name] = time.monotonic()
        now = datetime.fromtimestamp(self._api.now() / SECOND, UTC)
        begun = {noun.status: BEGUN[noun.kind]} if noun.kind in BEGUN else {}
        return self._things.whole(noun, {**body, noun.name: name, "CreationTime": now, **begun})


def _is_as(found: LiveResource, desired: Resource) -> bool:
    """Whether something has the content of a wish."""
    ignored = KINDS[desired.key.kind].computed | {"name"}
    asked = {name: value for name, value in desired.spec.items() if name not in ignored}
    return all(found.spec.get(name) == value for name, value in asked.items())


def _region(stage: Stage, environ: Mapping[str, str]) -> str:
    """Where its SageMaker is. Raises Usage where nothing says so, as an import may."""
    names = ("AWS_REGION", "AWS_DEFAULT_REGION")
    told = [stage.target.get("region", ""), *(environ.get(name, "") for name in names)]
    region = next(filter(None, told), "")
    asked = stage.settings.get("credentials") or {}
    if not region and stored_logins.is_chosen(asked):
        region = stored_logins.region_of(asked, environ)
    if not region:
        raise Usage("nothing says in which region", hint="set AWS_REGION, or name the region")
    return region
