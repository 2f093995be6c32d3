"""Tells those whom a stage names what has happened to it, once an hour at most.

What was told is kept by the platform, where all runs of CI see it: no file of ours could be seen by
the next one. Where it cannot keep or show that, people are told each time.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cicd.automation.events import Noted, Notified
from cicd.automation.git import author_of
from cicd.automation.holder import make_holder
from cicd.automation.session import Session, now
from cicd.automation.turns import alone
from cicd.errors import CicdError, InvalidStage, PlatformError, Refused
from cicd.masking import without_secrets
from cicd.model import Happening, Plan, Stage, place_of
from cicd.model import Result as Ending

if TYPE_CHECKING:
    from cicd.automation.loading import Loader
    from cicd.automation.operation import Operation
    from cicd.automation.result import Result
    from cicd.notify.channels import Channel
    from cicd.notify.happenings import Told
    from cicd.notify.marks import Marks
    from cicd.notify.message import Message

PATIENCE = 15.0
"""Seconds that all messages of one command may take together."""
SAMPLE = "this is a sample: nothing has happened"


def tell_apply(operation: Operation, came: Result | CicdError) -> Iterator[Notified | Noted]:
    """Tell what an apply has come to, or why there was none. Nothing where somebody who was asked
    has said no, or has stopped waiting. Whatever fails here is only said: the apply has ended."""
    if not operation.session.stage.notify:
        return
    try:
        yield from _tell_apply(operation, came)
    except Exception as error:
        yield Noted(f"nobody was told: {type(error).__name__}")


def _tell_apply(operation: Operation, came: Result | CicdError) -> Iterator[Notified]:
    session = operation.session
    from cicd.notify.happenings import of_error, of_outcomes

    argument = session.stage_argument
    if isinstance(came, CicdError):
        was_asked = isinstance(came, Refused) and operation.settings.approve is not None
        if not was_asked:
            yield from tell(session, operation.plan, [of_error(_reason(came), argument)])
    elif came.plan and not came.is_cancelled:
        kinds = session.platform.kinds
        told = of_outcomes(came.plan, came.outcomes, kinds, argument, came.lifecycle)
        yield from tell(session, came.plan, told, is_well=_is_all_well(came.plan, came))


def _is_all_well(plan: Plan, result: Result) -> bool:
    """Whether all of the stage is as it should be, and nothing of it goes on."""
    goes_on = any(one.is_started or one.result is Ending.DEFERRED for one in result.outcomes)
    return not (result.exit_code or _is_part(plan) or goes_on)


def _is_part(plan: Plan) -> bool:
    """Whether a plan tells nothing of some of the stage."""
    options = plan.bound.get("options") or {}
    return bool(options.get("select") or options.get("exclude"))


def tell_difference(session: Session, came: Plan | CicdError) -> Iterator[Notified]:
    """Tell what a look for drift has come to."""
    if not session.stage.notify:
        return
    from cicd.notify.happenings import of_difference, of_error

    argument = session.stage_argument
    if isinstance(came, CicdError):
        yield from tell(session, None, [of_error(_reason(came), argument, "plan")])
    else:
        told = of_difference(came, argument)
        yield from tell(session, came, told, is_well=not (came.has_changes or _is_part(came)))


def tell(
    session: Session, plan: Plan | None, told: Sequence[Told], *, is_well: bool = False
) -> Iterator[Notified]:
    """Tell what has happened, that models retire, and what ``is_well`` again."""
    if not told and not _retiring(session) and not (is_well and _read(session).open):
        return
    with alone(session):
        due, moment = _claimed(session, told, is_well=is_well)
    missed, end = [], time.monotonic() + PATIENCE
    for one in dict.fromkeys(one for one, _ in due):
        channels = [channel for other, channel in due if other is one]
        commit, left = plan.commit if plan else "", max(0.0, end - time.monotonic())
        event = send(session.stage, session.loader, one, channels, commit, patience=left)
        missed += [(one.on, it.channel.number) for it in event.deliveries if it.problem]
        yield event
    if missed:  # whoever has the same to tell next tries again
        with alone(session):
            marks = _read(session)
            for on, number in missed:
                marks = marks.without(on, number)
            _write(session, marks, moment)


def _claimed(
    session: Session, told: Sequence[Told], *, is_well: bool
) -> tuple[list[tuple[Told, Channel]], int]:
    """What this process has to tell and to whom, and the time of it, in seconds."""
    from cicd.notify.channels import channels_of

    marks = before = _read(session)
    told, marks = _with_standing(session, marks, told, is_well=is_well)
    run, moment = secrets.token_hex(4), _seconds(session)
    due = [
        (one, channel)
        for one in told
        for channel in channels_of(session.stage.notify)
        if one.on in channel.on and marks.is_due(one.on, channel.number, moment)
    ]
    for one, channel in due:
        marks = marks.claimed(one.on, channel.number, moment, run)
    if marks != before:
        marks = _write(session, marks, moment)
    mine = [(one, to) for one, to in due if marks.is_claimed_by(one.on, to.number, run)]
    return mine, moment


def _with_standing(
    session: Session, marks: Marks, told: Sequence[Told], *, is_well: bool
) -> tuple[list[Told], Marks]:
    """With what retires, and what is over; and what is not well from now on."""
    from cicd.notify.happenings import of_retiring, recovered
    from cicd.notify.marks import STANDING

    argument = session.stage_argument
    found = [*told, *of_retiring(_retiring(session), argument)]
    if is_well and marks.open:
        key = next(iter(marks.open.values()))
        found.append(recovered([on for on in STANDING if on in marks.open], key, argument))
        marks = marks.closed()
    for one in told:
        if one.on in STANDING:
            marks = marks.opened(one.on, one.key)
    return found, marks


def send(
    stage: Stage,
    loader: Loader,
    told: Told,
    channels: Sequence[Channel],
    commit: str = "",
    *,
    patience: float = PATIENCE,
) -> Notified:
    """Send one message to these addresses now, and wait so many seconds for them."""
    from cicd.notify.sending import send_all

    message = message_of(stage, loader, told, commit)
    deliveries = send_all(message, channels, patience=patience)
    hidden = (replace(one, problem=_hide(loader, one.problem)) for one in deliveries)
    return Notified(told.on, tuple(hidden))


def message_of(stage: Stage, loader: Loader, told: Told, commit: str = "") -> Message:
    """The message, without any secret of the stage or of the environment. ``commit``: that which is
    applied, where it is not the one that is checked out."""
    from cicd.notify.message import Message

    hide = partial(_hide, loader)
    commit, environ = commit or stage.commit, loader.environ
    holder = make_holder("notify", environ)
    moment = now()
    known = [stage.identity, told.on, told.key, commit, moment]
    return Message(
        told=replace(
            told, reason=hide(told.reason), log=tuple(map(hide, told.log)), link=hide(told.link)
        ),
        stage=stage.identity,
        platform=stage.platform + (" (local)" if loader.is_local else ""),
        place=place_of(stage.target),
        commit=commit,
        author=hide(author_of(Path(stage.root), commit, environ) or holder.name),
        run=holder.link,
        at=moment,
        id=hashlib.sha256("\n".join(known).encode(errors="replace")).hexdigest()[:32],
    )


def try_addresses(loader: Loader, stage: Stage, on: Happening | None) -> list[dict[str, Any]]:
    """Send a sample to each address that wants to hear of ``on``, or to all; what came back."""
    from cicd.notify.channels import channels_of
    from cicd.notify.happenings import Told
    from cicd.notify.sending import shown

    channels = [one for one in channels_of(stage.notify) if on is None or on in one.on]
    told = Told(on or "deployed", SAMPLE, command=f"cicd status {stage.name}")
    event = send(stage, loader, told, channels)
    return [{**shown(one), "on": sorted(one.channel.on)} for one in event.deliveries]


def unmet(session: Session) -> Iterator[Noted]:
    """That somebody will not be told, as soon as an apply begins: later it is too late."""
    if session.is_local:
        return  # who tries something at home misses nobody
    for number, notice in enumerate(session.stage.notify, 1):
        if notice.missing:
            names = " and ".join(notice.missing)
            be = "is" if len(notice.missing) == 1 else "are"
            yield Noted(f"notify #{number} tells nobody: {names} {be} not set")


def _hide(loader: Loader, text: str) -> str:
    return without_secrets(loader.mask.hide(text), loader.environ)


def _reason(error: CicdError) -> str:
    if isinstance(error, InvalidStage):
        return "; ".join(str(problem) for problem in error.problems)
    return str(error)


def _retiring(session: Session) -> list[str]:
    from cicd.platforms.registry import DIALECTS

    rules = DIALECTS[session.stage.platform].RETIRING
    return [problem.message for problem in session.problems if problem.rule in rules]


def _read(session: Session) -> Marks:
    from cicd.notify.marks import NAME, Marks, read

    try:
        return read(session.platform.recall(NAME))
    except PlatformError:
        return Marks()


def _write(session: Session, marks: Marks, moment: int) -> Marks:
    """What is kept afterwards; where nothing can be kept, as if it were."""
    from cicd.notify.marks import NAME, Marks, read, write

    try:
        session.platform.remember(NAME, write(marks, moment))
        kept = read(session.platform.recall(NAME))
    except PlatformError:
        return marks
    return marks if kept == Marks() else kept


def _seconds(session: Session) -> int:
    return session.platform.now() // 10**9
