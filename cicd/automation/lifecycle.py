"""What stands before the changes of what serves, as far as looking tells it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from cicd.automation.comparing import remembered_verdict
from cicd.automation.git import git, read_facts
from cicd.automation.holder import make_holder
from cicd.automation.packages import PlatformPackages, there
from cicd.automation.session import Session, document_of
from cicd.automation.snapshots import notes_of
from cicd.errors import CicdError, InvalidStage, Problem
from cicd.forges.detect import read_run
from cicd.lifecycle import steps
from cicd.lifecycle.approvals import Approvals, Request, Surroundings
from cicd.lifecycle.assets import asset_problem, missing_assets
from cicd.lifecycle.judging import SHOWN, judged
from cicd.lifecycle.registry import connect
from cicd.masking import Mask
from cicd.model import (
    Action,
    Approval,
    ApprovalState,
    Change,
    Key,
    Lifecycle,
    LifecycleStatus,
    LiveResource,
    Plan,
    Stage,
    State,
)
from cicd.platforms.registry import kinds_of

NOTHING_SERVES = "nothing of this stage serves, so nothing waits: name what deploys in deploy"
UNMERGED = "(not merged)"
"""In place of the branch that is checked out, for a change that is on none yet."""
UNKNOWN = "how it stands was not looked at, as this is planned offline"


@dataclass(frozen=True)
class Review:
    """What of a stage is approved as one. ``gated``: what waits when it changes. ``parts`` and
    ``fingerprint``: see ``Request``. ``sources``: the runs whose results are to serve. ``tested``:
    the test and what waits for its result alone."""

    lifecycle: Lifecycle
    gated: frozenset[Key]
    parts: Mapping[str, str]
    fingerprint: str
    sources: frozenset[Key]
    tested: frozenset[Key]


def review_of(stage: Stage) -> Review | None:
    """What an approval of the stage is bound to, as its files say it, whatever is live; None where
    they ask for no life cycle. Raises InvalidStage for a test that nothing can stand before."""
    from cicd.plan.gated import before_gate, gated_keys, needed_by_test, sources_of
    from cicd.plan.reviewed import reviewed_fingerprint, reviewed_parts

    lifecycle = stage.lifecycle
    if lifecycle is None:
        return None
    kinds = kinds_of(stage)
    gated = gated_keys(stage.resources, kinds, lifecycle.deploy)
    if not is_gate(lifecycle):
        gated = frozenset()
    if circle := sorted(map(str, needed_by_test(stage.resources, lifecycle) & gated)):
        message = f"the test {lifecycle.test} needs {circle[0]}, which waits for the test"
        raise InvalidStage([Problem(stage.file, 0, 0, message, "bad-lifecycle")])
    parts = reviewed_parts(stage, gated, kinds)
    return Review(
        lifecycle,
        gated,
        parts,
        reviewed_fingerprint(parts),
        sources_of(stage.resources, kinds, gated),
        before_gate(stage.resources, gated, lifecycle),
    )


def with_lifecycle(session: Session, plan: Plan) -> Plan:
    """The plan with how far the stage is, without a test that has no data; as it is where its files
    ask for no life cycle."""
    review = review_of(session.stage)
    return looked_at(session, plan, review) if review else plan


def looked_at(session: Session, plan: Plan, review: Review) -> Plan:
    """The same for a stage that has one: looks at assets, test and approval; changes nothing."""
    from cicd.plan.gated import waiting

    lifecycle = review.lifecycle
    size = session.platform.size_of
    no_test, missing = data_problem(session, lifecycle)
    if no_test:
        left = tuple(one for one in plan.changes if one.key not in review.tested)
        plan = replace(plan, changes=left)
    kinds = session.platform.kinds
    waits = waiting(plan.changes, review.gated, kinds) if is_gate(lifecycle) else ()
    state = steps.NONE if no_test else test_state(lifecycle, plan.changes)
    if waits or state == steps.DUE:
        missing += [*missing_assets(lifecycle.require_assets, session.root, size)]
    approval: Approval | None = None
    moved: tuple[str, ...] = ()
    if waits and lifecycle.approval:
        request = request_of(session, plan, review)
        approval, moved = read_approval(session, lifecycle, request, there(plan.changes))
    is_idle = is_gate(lifecycle) and not (waits or review.gated)
    notes = [NOTHING_SERVES] if is_idle else []
    facts = steps.Facts(waits, missing, state, no_test, approval, moved, notes)
    if waits and state == steps.PASSED and lifecycle.comparator:
        facts = replace(facts, verdict=remembered_verdict(session, live_test(lifecycle, plan)))
    found = steps.status(lifecycle, facts, means_of(lifecycle), review.fingerprint)
    if lifecycle.watch:
        told, ids = notes_of(session, plan)
        found = replace(found, notes=(*found.notes, *told), snapshots=ids)
    return replace(plan, lifecycle=masked(found, session.mask))


def masked(status: LifecycleStatus, mask: Mask) -> LifecycleStatus:
    """The same without a secret in what servers, programs and people have said."""
    given = status.approval
    if given:
        given = replace(
            given,
            by=mask.hide(given.by),
            link=mask.hide(given.link),
            note=mask.hide(given.note),
            approvers=mask.hide(given.approvers),
        )
    return replace(
        status,
        missing=tuple(map(mask.hide, status.missing)),
        notes=tuple(map(mask.hide, status.notes)),
        moved=tuple(map(mask.hide, status.moved)),
        verdict=mask.hide(status.verdict),
        approval=given,
    )


def offline(stage: Stage, plan: Plan) -> Plan:
    """The plan with what of it would wait; nobody has looked for what."""
    from cicd.plan.gated import waiting

    review = review_of(stage)
    if review is None:
        return plan
    is_held = is_gate(review.lifecycle)
    waits = waiting(plan.changes, review.gated, kinds_of(stage)) if is_held else ()
    state = test_state(review.lifecycle, plan.changes)
    facts = steps.Facts(waits, test_state=state, notes=[UNKNOWN] if waits else [])
    means = means_of(review.lifecycle)
    return replace(plan, lifecycle=steps.status(review.lifecycle, facts, means, review.fingerprint))


def is_gate(lifecycle: Lifecycle) -> bool:
    """Whether anything stands before what serves."""
    return bool(lifecycle.approval or lifecycle.test or lifecycle.require_assets)


def means_of(lifecycle: Lifecycle) -> str:
    """What the stage file calls the means of approval; empty for none."""
    return lifecycle.approval.means if lifecycle.approval else ""


def data_problem(session: Session, lifecycle: Lifecycle) -> tuple[str, list[str]]:
    """Why there is no test, empty where there is one, and what is missing for it: data that nobody
    can look at are not the same as none."""
    if not (lifecycle.test and lifecycle.test_data):
        return "", []
    problem = asset_problem(lifecycle.test_data, session.root, session.platform.size_of)
    told = f'test_data "{lifecycle.test_data}" {problem}'
    if problem in {"is not there", "is empty"}:
        return f"no test: {told}, so {lifecycle.test} does not run", []
    return "", [told] if problem else []


def test_state(lifecycle: Lifecycle, changes: Collection[Change]) -> str:
    """How the test is, as far as the plan tells."""
    if lifecycle.test is None:
        return steps.NONE
    found = next((one for one in changes if one.key == lifecycle.test), None)
    is_done = found and found.action is Action.NO_OP and found.live
    has_passed = is_done and found and found.live and has_ended_well(found.live)
    return steps.PASSED if has_passed else steps.DUE


def live_test(lifecycle: Lifecycle, plan: Plan) -> LiveResource | None:
    """The run of the test that is there."""
    return next((one.live for one in plan.changes if one.key == lifecycle.test), None)


def has_ended_well(live: LiveResource) -> bool:
    return live.status.state is State.SUCCEEDED


def made_by_now(changes: Collection[Change], sources: Collection[Key]) -> dict[str, str]:
    """Run -> its id, of those that stay and have ended well."""
    return {
        str(one.key): one.live.id
        for one in changes
        if one.key in sources and one.action is Action.NO_OP
        if one.live and has_ended_well(one.live)
    }


def request_of(
    session: Session,
    plan: Plan,
    review: Review,
    made: Mapping[str, str] | None = None,
) -> Request:
    """What somebody is to decide about. ``made``: the runs by now."""
    from cicd.render.markdown import render_section

    stage = session.stage
    text = render_section(document_of(plan, session.mask))
    return Request(
        stage=stage.identity,
        project=stage.project,
        fingerprint=review.fingerprint,
        title=f"Approve {stage.identity} ({review.fingerprint[:SHOWN]})",
        text=session.mask.hide(text),
        commit=stage.commit,
        link=make_holder("cicd apply", session.environ).link,
        parts=review.parts,
        made=made_by_now(plan.changes, review.sources) if made is None else made,
    )


def approvals_of(
    session: Session,
    lifecycle: Lifecycle,
    live: Mapping[Key, LiveResource],
    *,
    applies: bool = False,
) -> Approvals:
    """The means of approval of the stage; ``live``: what of it is there. ``applies``: what a pull
    request brings along is not on its branch yet, and does not count. Raises Denied where a login
    for it is missing."""
    assert lifecycle.approval
    facts = read_facts(session.root, session.environ)
    is_unmerged = read_run(session.environ).mode == "plan"

    def ask_git(*words: str) -> str | None:
        try:
            return git(*words, cwd=session.root, environ=session.environ)
        except CicdError:
            return None

    return connect(
        lifecycle.approval,
        Surroundings(
            root=session.root,
            environ=session.environ,
            git=ask_git,
            is_local=session.is_local,
            branch=str(session.stage.branch or ""),
            checked_out=UNMERGED if applies and is_unmerged else facts.branch,
            packages=PlatformPackages(session.platform, live),
            hide=session.mask.hide,
        ),
    )


def read_approval(
    session: Session, lifecycle: Lifecycle, request: Request, live: Mapping[Key, LiveResource]
) -> tuple[Approval, tuple[str, ...]]:
    """How it stands, and what changed since it was given. Where nobody can tell that is said: a
    plan is good without."""
    try:
        return judged(approvals_of(session, lifecycle, live).read(request), request)
    except CicdError as error:
        return Approval(ApprovalState.NONE, note=f"it cannot be read: {error}"), ()
