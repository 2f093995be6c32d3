"""What a sort of resource is: all that planning needs to know of it, as data."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cicd.model.resources import LiveResource, State
from cicd.values import Spec
from cicd.words import plural

Role = Literal["ground", "content", "run", "service", "pointer"]


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
    ``settle``: the seconds after which a status that says done and fields that do not are taken at
    their word; 0: as long as for any other.
    ``log``: whether it has logs to follow.
    ``tail``: what is not in its log, too, may tell why it has failed: the platform is asked for its
    tail.
    ``log_pause``: the seconds after which its log is read again, also where it has been silent for
    long; 0: the longer the silence, the later.
    ``unknown``: the raw word for one of which nobody can tell how it is: that is sat out as long as
    a platform that cannot be reached, and is how it is left where that is too long. Empty: such a
    one is waited for like any other, and left as it was seen last.
    ``counted``: a run of which it is told how many of its parts are done while it goes on.
    ``measured``: a service of which is told how it is used: requests, errors, times.
    ``report``: what the event is called that tells its status in the platform's own form.
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
    ``told``: those of them that JSON tells in another order than the columns have, in that order.
    ``shown``: fields whose values the sentence about a new one tells.
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
    settle: float = 0.0
    log: bool = False
    log_pause: float = 0.0
    unknown: str = ""
    tail: bool = False
    counted: bool = False
    measured: bool = False
    report: str = ""
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
    told: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

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
