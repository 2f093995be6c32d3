"""What became of an operation: an outcome for each key, exit code and summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from cicd.errors import (
    Cancelled,
    CicdError,
    ConnectionFailed,
    Denied,
    Failed,
    Refused,
    TimedOut,
)
from cicd.model import Key, LifecycleStatus, Outcome, Plan
from cicd.model import Result as Ending

BAD = {Ending.FAILED, Ending.SKIPPED, Ending.TIMED_OUT}
RESULTS = {Denied.exit_code: "not_connected", TimedOut.exit_code: "timed_out"}
"""The result in the summary, for failures of one sort that have an exit code of their own."""


@dataclass(frozen=True, eq=False)
class Result(Mapping[str, Outcome]):
    """What became of a plan: a mapping from each key (``"deployment/serve"``) to its Outcome.

    ``refusal``: why nothing (more) was done, where it was refused. ``is_cancelled``: somebody
    stopped waiting; what was started goes on. ``remarks``: what a person should know about it.
    ``argument``: how a command line finds the stage. ``lifecycle``: what stood before the changes
    of what serves, and who approved; None where the stage file says nothing.
    """

    stage: str
    plan: Plan | None = None
    outcomes: tuple[Outcome, ...] = ()
    refusal: Refused | None = None
    is_cancelled: bool = False
    remarks: tuple[str, ...] = ()
    argument: str = ""
    lifecycle: LifecycleStatus | None = None

    def __getitem__(self, key: str | Key) -> Outcome:
        """The outcome of one key. Raises KeyError for one that the plan does not have."""
        for outcome in self.outcomes:
            if str(outcome.key) == str(key):
                return outcome
        raise KeyError(str(key))

    def __iter__(self) -> Iterator[str]:
        return (str(outcome.key) for outcome in self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def has_failed(self) -> bool:
        """Whether anything is other than wished, also what was refused or cut short."""
        return bool(self.exit_code)

    @property
    def goes_on(self) -> bool:
        """Whether something that was started is waited for by nobody."""
        return any(one.is_started or one.result is Ending.DEFERRED for one in self.outcomes)

    @property
    def exit_code(self) -> int:
        """What the command line ends with; 0 where all is well (see ``cicd.errors``)."""
        if self.refusal:
            return self.refusal.exit_code
        return Cancelled.exit_code if self.is_cancelled else exit_code(self.outcomes)

    @property
    def summary(self) -> dict[str, Any]:
        """All of it as plain data, as ``cicd apply --summary`` writes it."""
        if self.plan is None or self.refusal:
            nothing: dict[str, Any] = {"stage": self.stage, "seconds": 0.0, "outcomes": []}
            error = {"error": str(self.refusal)} if self.refusal else {}
            return {**nothing, "result": "refused" if self.refusal else "interrupted", **error}
        told = summary_of(self.plan, self.outcomes, self.argument)
        if self.lifecycle:
            told["lifecycle"] = self.lifecycle.document
        return told | ({"result": "interrupted"} if self.is_cancelled else {})

    def raise_for_failure(self) -> None:
        """Do nothing where all is well. Raises Refused, TimedOut where something only took too
        long, ConnectionFailed where only login or connection failed, Cancelled, else Failed; each
        with the exit code that the command line has for it."""
        if self.refusal:
            raise self.refusal
        if self.is_cancelled:
            raise Cancelled(f"{self.stage}: nobody waited for the end", hint="apply goes on")
        if self.exit_code:
            self._fail()

    def _fail(self) -> NoReturn:
        kinds: dict[int, type[CicdError]] = {
            TimedOut.exit_code: TimedOut,
            ConnectionFailed.exit_code: ConnectionFailed,
            Refused.exit_code: Refused,
        }
        told = [
            f"{outcome.key} {outcome.word}" + (f": {outcome.error}" if outcome.error else "")
            for outcome in self.outcomes
            if outcome.result in {*BAD, Ending.HELD}
        ]
        raise kinds.get(self.exit_code, Failed)("; ".join(told))


def explain_command(key: Key, argument: str) -> str:
    """The command line that tells more of one thing of the stage that ``argument`` finds."""
    return f"cicd explain {key} {argument}"


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 all well; 4, 5 or 6 where only login or connection failed, something only waits for an
    approval, or only took too long;
    1 for everything else, and for both at once."""
    bad = [outcome for outcome in outcomes if outcome.result in BAD]
    codes = {outcome.exit_code for outcome in bad if outcome.exit_code}
    if len(codes) == 1 and codes <= RESULTS.keys():
        return codes.pop()
    if bad:
        return CicdError.exit_code
    is_held = any(outcome.result is Ending.HELD for outcome in outcomes)
    return Refused.exit_code if is_held else 0


def _word(code: int) -> str:
    held = {Refused.exit_code: Ending.HELD.value}
    return (RESULTS | held).get(code, "failed")


def summary_of(plan: Plan, outcomes: Sequence[Outcome], argument: str = "") -> dict[str, Any]:
    """The result as plain data; of a failure also the end of its log and, with the ``argument`` by
    which a command line finds the stage, the one that tells more."""
    code = exit_code(outcomes)
    well = "applied" if plan.has_changes else "unchanged"
    if any(outcome.result is Ending.DEFERRED for outcome in outcomes):
        well = Ending.DEFERRED.value
    return {
        "stage": plan.stage,
        "result": _word(code) if code else well,
        "seconds": round(max((outcome.seconds for outcome in outcomes), default=0.0), 3),
        "outcomes": [
            {
                "key": str(outcome.key),
                "action": outcome.action.value,
                "result": outcome.result.value,
                "id": outcome.id,
                "status": outcome.status,
                "url": outcome.url,
                "seconds": round(outcome.seconds, 3),
                "error": outcome.error,
                **({"log": list(outcome.log)} if outcome.log else {}),
                **(
                    {"more": explain_command(outcome.key, argument)}
                    if argument and outcome.is_explainable
                    else {}
                ),
            }
            for outcome in outcomes
        ],
    }
