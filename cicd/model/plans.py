"""The nouns every room speaks: frozen data, no behaviour beyond properties. Those that files are
made of are in ``values``, and here too."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from cicd.values import Hidden as Hidden
from cicd.values import Key as Key
from cicd.values import Program as Program
from cicd.values import Ref as Ref
from cicd.values import Secret as Secret
from cicd.values import Spec as Spec
from cicd.values import opened as opened
from cicd.words import plural

Role = Literal["ground", "content", "run", "service", "pointer"]


class State(StrEnum):
    """What a status means, the same on every platform. UNKNOWN never counts as success."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Status:
    """A state with the platform's raw word for it and its message, if any."""

    state: State
    raw: str
    message: str = ""

    @property
    def has_ended(self) -> bool:
        """True when it can never reach another status by itself."""
        return self.state in {State.SUCCEEDED, State.FAILED, State.STOPPED}

    @property
    def has_failed(self) -> bool:
        """True when it ended and not as wished."""
        return self.state in {State.FAILED, State.STOPPED}


@dataclass(frozen=True)
class Gate:
    """A bound on one metric of a run; ``minimum`` and ``maximum`` are inclusive, None is open."""

    metric: str
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class SmokeTest:
    """One request to a new service and what its answer must be. ``timeout`` in seconds.

    ``path`` is empty where a service has one address only. ``json`` is sent as such, else ``body``
    as it is, of the ``content_type``. ``variant``: that part of a service which is to answer.
    """

    path: str | Secret = ""
    method: str = "GET"
    json: Any = None
    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    expect_status: int = 200
    expect_contains: str | Secret | None = None
    timeout: float = 60.0
    body: str | bytes | Secret | None = None
    content_type: str = ""
    variant: str = ""

    @property
    def title(self) -> str:
        """What it asks, in a few words."""
        return " ".join(part for part in (self.method, str(self.path), self.variant) if part)


@dataclass(frozen=True)
class Options:
    """How apply treats a resource; never compared with the live one.

    ``wait_for`` is the platform's own word (``COMPLETED``), None starts and goes on.
    ``timeout`` in seconds. ``existing_id`` pins the live resource to update. ``drain``: seconds
    between the switch to a replacement and the stop of what it replaces. ``uses``: what must be
    there and is made by somebody else, with where it is named.
    """

    wait_for: str | None = None
    timeout: float = 1800.0
    rerun: Literal["on_change", "always", "never"] = "on_change"
    require: tuple[Gate, ...] = ()
    smoke_test: SmokeTest | None = None
    on_failure: Literal["rollback", "keep"] = "rollback"
    existing_id: str | None = None
    drain: float = 0.0
    uses: tuple[tuple[Key, str], ...] = ()


@dataclass(frozen=True)
class Resource:
    """One desired thing. ``depends_on`` adds to what its Refs already imply."""

    key: Key
    spec: Spec
    options: Options = Options()
    depends_on: frozenset[Key] = frozenset()
    source: str = ""


@dataclass(frozen=True)
class LiveResource:
    """One thing as the platform has it, in the vocabulary of Resource.

    ``key`` is the platform's own name for it (its name, else its id); the planner finds the desired
    key. ``outputs`` answers Refs. ``created_at`` is ISO 8601 in UTC, for picking the newest.
    ``notes`` are remarks worth a line in the plan. ``facts`` are worth showing to a person and
    never compared (``completed_at``, ``schedule``, ``model``).
    """

    key: Key
    id: str
    spec: Spec
    status: Status
    outputs: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    created_at: str = ""
    notes: tuple[str, ...] = ()
    owner: str = ""
    """The stage that made it, where the platform can tell; empty where nobody knows."""
    known_as: str = ""
    """The key of the stage at hand that it is known to be, whatever it looks like by now; empty
    where only its content tells."""
    applied: Mapping[str, str] = field(default_factory=dict)
    """Fields as the stage applied them last, where the platform remembers that."""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """One sort of resource a platform has. All that planning needs to know of it, as data.

    ``identity``: spec fields that find the live counterpart; empty means the whole content.
    ``succession``: those of them in which a new one may differ from the one that it replaces.
    ``immutable``: field -> why a difference needs a new one (replace).
    ``computed``: fields the platform sets; never compared.
    ``write_only``: fields that cannot be read back; never compared.
    ``defaults``: what the platform fills in where the stage file is silent.
    ``partial``: maps of which only the desired keys are compared.
    ``is_run``: starts, ends, and is repeated only when its inputs change.
    ``updatable_in``: states in which an update is possible; in any other a difference is a replace.
    ``wait_for``: raw word that means ready, for kinds with no such option in the stage file.
    ``verify``: fields that must read back as asked once it is ready.
    ``log``: whether it has logs to follow.
    ``is_secret``: holds values that cannot be read back; they are sent again when asked to.
    ``role``: what it is to a person: ground that others stand on, content that others take in,
    something that runs and ends, a service that answers, a pointer to a service.
    ``stoppable``: can be asked to stop and stays there; what cannot is only ever deleted.
    ``named``: the stage gives it its name, and the platform refuses a second one: what replaces it
    is made only after it is gone.
    ``family``: fields that stay the same over the versions of one thing: they find former ones.
    ``scope``: fields that say how far ``prune: stage`` goes: to what has the same ones as something
    in the stage file; ``owner`` stands for the stage that made it.
    ``version``: the field that holds the id of the content that it runs, and that content's kind.
    ``takes``: further fields that hold the ids or names of other things -> their kind; of a map,
    each of its entries does.
    ``keep``: so many of each family prune leaves that nothing uses, the newest, to go back to.
    ``inline``: a run whose spec is all that it takes in: any field that differs is a reason to run.
    ``contains``: others live in it, and go with it.
    ``tenant_wide``: serves all such containers and goes with none; else the field that tells, and
    its value in one that serves only its own.
    ``is_implicit``: runs may use it by its name though nothing in their spec says so.
    ``programs``: the field that tells what each program that comes with it takes and gives.
    ``columns``: field -> head of its column in a list; a field without a head is told as JSON only.
    """

    name: str
    identity: tuple[str, ...] = ("name",)
    succession: tuple[str, ...] = ()
    immutable: Mapping[str, str] = field(default_factory=dict)
    computed: frozenset[str] = frozenset()
    write_only: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    partial: frozenset[str] = frozenset()
    is_run: bool = False
    updatable: bool = True
    updatable_in: frozenset[State] = frozenset(State)
    deletable: bool = True
    prunable: bool = False
    wait_for: str | None = None
    verify: tuple[str, ...] = ()
    log: bool = False
    is_secret: bool = False
    role: Role = "ground"
    stoppable: bool = False
    named: bool = False
    family: tuple[str, ...] = ("name",)
    scope: tuple[str, ...] = ("owner",)
    version: tuple[str, str] | None = None
    takes: Mapping[str, str] = field(default_factory=dict)
    keep: int = 0
    inline: bool = False
    contains: bool = False
    tenant_wide: bool | tuple[str, str] = False
    is_implicit: bool = False
    programs: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """One that says no role has that which the rest of it tells."""
        if self.role == "ground":
            told = "run" if self.is_run else "service" if self.log else ""
            told = told or ("ground" if self.identity else "content")
            object.__setattr__(self, "role", told)
        object.__setattr__(self, "is_run", self.role == "run")

    @property
    def runs(self) -> bool:
        """Whether it is at work, for a while or until it is taken away: there is something to
        follow."""
        return self.is_run or self.log or self.role == "service"

    @property
    def is_service(self) -> bool:
        """Whether it is at work until it is taken away."""
        return self.runs and not self.is_run

    @property
    def holds(self) -> Mapping[str, str]:
        """Every field that holds ids or names of others -> their kind."""
        return {**dict([self.version] if self.version else []), **self.takes}

    def title(self, spec: Spec) -> str:
        """What people call one of it: its name, else that of the content that it runs."""
        named_by = f"{self.version[0]}_name" if self.version else ""
        return str(spec.get("name") or spec.get(named_by) or "")

    def serves_all(self, spec: Spec) -> bool:
        """Whether one of it serves all containers of the tenant."""
        if isinstance(self.tenant_wide, bool):
            return self.tenant_wide
        name, value = self.tenant_wide
        return bool(spec.get(name, value) != value)


def made_by(run: LiveResource, kinds: Container[str]) -> Iterator[tuple[str, str]]:
    """Kind and id of each thing that a run has made: an output ``artifacts.model`` is one of the
    kind ``artifact``."""
    for output, id in run.outputs.items():
        sort, dot, _ = output.partition(".")
        for kind in (sort.removesuffix("s"), f"{sort.removesuffix('ies')}y"):
            if dot and kind in kinds and plural(kind) == sort:
                yield kind, id


class Action(StrEnum):
    """What apply will do with a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    RUN = "run"
    DELETE = "delete"
    NO_OP = "no_op"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of nested maps with its dotted path; an empty map is a leaf."""
    if isinstance(value, Mapping) and (value or not path):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


@dataclass(frozen=True)
class FieldChange:
    """One differing field. ``after`` may be a Ref: known after apply."""

    path: str
    before: Any
    after: Any
    reason: str = ""

    @property
    def remark(self) -> str:
        """Its reason, else whether a secret has changed that shows the same before and after."""
        if self.reason or not (isinstance(self.before, Secret) and isinstance(self.after, Secret)):
            return self.reason
        return "unchanged" if self.before == self.after else "changed"


@dataclass(frozen=True)
class Change:
    """What happens to one resource, and why. ``id`` is the live id, empty when there is none."""

    key: Key
    action: Action
    reason: str
    fields: tuple[FieldChange, ...] = ()
    depends_on: frozenset[Key] = frozenset()
    desired: Resource | None = None
    live: LiveResource | None = None
    consequence: str = ""
    """What comes of it, in one sentence without a full stop."""
    causes: tuple[FieldChange, ...] = ()
    """What differs in that which it takes in: parameters and inputs, watched files, its template.
    The ``reason`` of a file says what sort it is."""
    treatment: tuple[FieldChange, ...] = ()
    """How apply treats it from now on where that differs: gates, tests, timeouts (``Options``).
    The ``reason`` says whether that loosens a check."""
    templates: tuple[str, ...] = ()
    """A line for each template that comes along, new or changed: what of its interface changes."""
    role: str = ""
    """The role of its kind."""
    is_new: bool = False
    """Nothing of it is there, and nothing that it follows."""
    before: str = ""
    """The id of the newest one of it that was there when this was planned, whatever state it is in;
    empty where there was none."""

    @property
    def id(self) -> str:
        return self.live.id if self.live else ""

    @property
    def values(self) -> tuple[FieldChange, ...]:
        """The fields that differ; of a new thing all that it consists of."""
        if self.fields or not self.is_new or not self.desired:
            return self.fields
        found = leaves(self.desired.spec)
        return tuple(FieldChange(path, None, value) for path, value in found if value != {})


def same_inputs(before: Spec, after: Spec) -> bool:
    """Whether two runs of one content take in the same; one that kept no record differs in
    nothing. Where the digests of all of it differ those of each file decide: the former also tell
    how a value is written, as a text or as a variable of the environment."""
    was, now, files = before.get("inputs"), after.get("inputs"), before.get("files")
    return None in (was, now) or was == now or (bool(files) and files == after.get("files"))


def place_of(target: Mapping[str, str]) -> str:
    """Where a stage goes, in a few words: an address for links is no place."""
    return ", ".join(text for name, text in target.items() if not name.endswith("_url"))


def identity(project: str, stage: str) -> str:
    """What a stage is called where several projects meet: in one repository, in one resource
    group. ``churn/dev`` for the stage of a project in the folder ``churn``, ``dev`` at the top."""
    return f"{project}/{stage}" if project else stage


@dataclass(frozen=True)
class Plan:
    """Everything one apply will do, in dependency order, deletes last."""

    stage: str
    platform: str
    target: Mapping[str, str]
    commit: str
    created_at: str
    changes: tuple[Change, ...]
    fingerprint: str
    warnings: tuple[str, ...] = ()
    bound: Mapping[str, Any] = field(default_factory=dict)
    """What it was made from (see ``cicd.plan.bound``): plain data, no value that is not public."""
    refusal: str = ""
    """Why apply would refuse it and what would be needed; empty when nothing stands against it."""
    hints: tuple[str, ...] = ()
    """What was seen beside it and asks for no decision now, such as what nobody names."""
    treatment: tuple[FieldChange, ...] = ()
    """What of the stage's own limits and protection differs from when it was last applied."""
    project: str = ""
    """The folder of its project (see Stage)."""
    is_destroy: bool = False
    """Whether it takes the stage down: what is not deleted is kept then, and not as desired."""

    @property
    def identity(self) -> str:
        """What others know its stage by."""
        return identity(self.project, self.stage)

    @property
    def place(self) -> str:
        """Where it happens, in a few words."""
        return place_of(self.target)

    @property
    def summary(self) -> dict[str, int]:
        """How many changes of each action, by its word, all actions present."""
        counts = {action.value: 0 for action in Action}
        for change in self.changes:
            counts[change.action.value] += 1
        return counts

    @property
    def has_changes(self) -> bool:
        return any(change.action is not Action.NO_OP for change in self.changes)


class Result(StrEnum):
    """How one change ended."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"
    DEFERRED = "deferred"
    """Nobody waits for what it needs; the next apply goes on with it."""


@dataclass(frozen=True)
class Outcome:
    """The end of one change. ``seconds`` is wall time from its start."""

    key: Key
    action: Action
    result: Result
    id: str = ""
    status: str = ""
    url: str = ""
    error: str = ""
    seconds: float = 0.0
    exit_code: int = 0
    """What its error ends a command with (see ``cicd.errors``); 0 without an error of its own."""
    log: tuple[str, ...] = ()
    """The last lines of its log where it has failed; safe for a terminal."""
    is_started: bool = False
    """Whether it is a run or service that was started and that nobody has waited for."""

    @property
    def word(self) -> str:
        """What became of it, in a word for people."""
        is_begun = self.is_started and self.result is Result.APPLIED
        return "started" if is_begun else self.result.value.replace("_", " ")

    @property
    def is_explainable(self) -> bool:
        """Whether it has failed, and there is something live that can be asked why."""
        return self.result in {Result.FAILED, Result.TIMED_OUT} and bool(self.id)


@dataclass(frozen=True)
class MetricPoint:
    """One value that a run recorded. ``time`` is nanoseconds since 1970, 0 where it tells none."""

    name: str
    value: float
    step: int = 0
    time: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Track:
    """All that a run recorded about itself; ``points`` in the order of time, then step."""

    points: tuple[MetricPoint, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    info: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class LogEntry:
    """One log line; ``time`` is nanoseconds since 1970 (an int: a float would lose digits)."""

    time: int
    text: str


@dataclass(frozen=True)
class Limits:
    """Over either bound deletes are refused without --over-limits.

    ``max_delete`` counts everything, ``max_delete_percent`` runs and services.
    """

    max_delete_percent: float = 30.0
    max_delete: int = 10


@dataclass(frozen=True)
class Stage:
    """One loaded, valid stage file."""

    name: str
    file: str
    root: str
    """Folder that all its paths are relative to (the repository root)."""
    platform: str
    target: Mapping[str, str]
    branch: str | None
    resources: tuple[Resource, ...]
    programs: tuple[Program, ...] = ()
    prune: str = "none"
    """``none``, ``stage``, or by whatever word its platform has for it: everything."""
    limits: Limits = Limits()
    protect: frozenset[str] = frozenset()
    local: Mapping[str, Any] = field(default_factory=dict)
    commit: str = ""
    digest: str = ""
    """sha256 of the resolved content, secrets left out."""
    source_digest: str = ""
    """sha256 of the file as written, with what it extends, before anything is replaced in it."""
    remarks: tuple[str, ...] = ()
    """What a person who plans it should know: credentials that it was loaded without."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variable -> slow, salted hash of its value: tells that it changed and not what it is."""
    project: str = ""
    """The project's folder below the top of its repository; empty for the top itself."""

    @property
    def identity(self) -> str:
        """What others know it by."""
        return identity(self.project, self.name)

    @property
    def prunes_everything(self) -> bool:
        """Whether all goes that no stage file names, whoever made it."""
        return self.prune not in {"none", "stage"}


@dataclass(frozen=True)
class Holder:
    """Who has the lock of a stage, as anybody with access may read it. Times are ISO 8601 in UTC.

    ``run`` is random and tells two of them apart. ``machine`` and ``process`` let another process
    of the same machine find out whether this one still lives; empty where nobody can.
    ``has_expired``: ``until`` has passed by the platform's clock.
    """

    run: str
    name: str = ""
    command: str = ""
    link: str = ""
    machine: str = ""
    process: str = ""
    since: str = ""
    until: str = ""
    has_expired: bool = False
