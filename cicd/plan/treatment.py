"""How apply treats things, which no platform keeps: gates, smoke tests, timeouts, limits.

What was in force when the stage was last applied is the stage file of that time: ``former``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from cicd.model import ApprovalSettings, FieldChange, Gate, Lifecycle, Options, SmokeTest, Stage
from cicd.plan.diff import as_secret_as

LOOSENED, TIGHTENED = "loosened", "tightened"
OTHERS = "prevent_self_approval"
MOVED = "made anew there; what is in the other stays"
"""The reason where all of a stage goes to another place."""
_WIDTH = {"none": 0, "stage": 1}
"""How much each sort of prune deletes; any other word is for everything."""
_USUAL = frozenset({"drain", "timeout", "wait_for_status"})
"""What is no news of a new thing."""


def of_resource(former: Options | None, wanted: Options) -> tuple[FieldChange, ...]:
    """What differs in the treatment of one thing; of a new one, what checks it."""
    after = _terms(wanted)
    if former is None:
        usual = _terms(Options())
        checks = {
            path: value for path, value in after.items() if path.rpartition(".")[2] not in _USUAL
        }
        return tuple(
            FieldChange(path, None, value)
            for path, value in checks.items()
            if value is not None and value != usual.get(path)
        )
    before = _terms(former)
    return tuple(
        FieldChange(path, as_secret_as(now, was), now, _judge(path, was, now))
        for path in dict.fromkeys([*before, *after])
        if (was := before.get(path)) != (now := after.get(path))
        if not (path.startswith("smoke_test.") and "smoke_test" not in after)
    )


def of_stage(former: Stage, wanted: Stage) -> tuple[FieldChange, ...]:
    """What differs in the limits and the protection of a whole stage."""
    found = [
        FieldChange("protect", pattern, None, _unless_within(pattern, wanted.protect, LOOSENED))
        for pattern in sorted(former.protect - wanted.protect)
    ]
    found += [
        FieldChange("protect", None, pattern, _unless_within(pattern, former.protect, TIGHTENED))
        for pattern in sorted(wanted.protect - former.protect)
    ]
    for name in ("max_delete", "max_delete_percent"):
        was, now = getattr(former.limits, name), getattr(wanted.limits, name)
        if was != now:
            reason = LOOSENED if now > was else TIGHTENED
            found.append(FieldChange(f"limits.{name}", was, now, reason))
    if former.prune != wanted.prune:
        was_wide, is_wide = (_WIDTH.get(word, 2) for word in (former.prune, wanted.prune))
        reason = LOOSENED if is_wide > was_wide else TIGHTENED if is_wide < was_wide else ""
        found.append(FieldChange("prune", former.prune, wanted.prune, reason))
    for name in {**former.target, **wanted.target}:
        here, there = former.target.get(name), wanted.target.get(name)
        if here != there and name != "launchpad_url":
            found.append(FieldChange(name, here, there, MOVED))
    found += _of_lifecycle(former.lifecycle, wanted.lifecycle)
    if former.branch != wanted.branch:
        found.append(FieldChange("branch", former.branch, wanted.branch))
    return tuple(found)


def _of_lifecycle(former: Lifecycle | None, wanted: Lifecycle | None) -> Iterator[FieldChange]:
    """What differs in what stands before anything that serves."""
    before, after = _steps(former), _steps(wanted)
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        if was != now:
            reason = LOOSENED if now is None else TIGHTENED if was is None else ""
            yield FieldChange(f"lifecycle.{name}", was, now, reason)


def _steps(lifecycle: Lifecycle | None) -> dict[str, Any]:
    if lifecycle is None:
        return {}
    program, approval = lifecycle.comparator, lifecycle.approval
    told = {
        "test": str(lifecycle.test) if lifecycle.test else None,
        "test_data": lifecycle.test_data or None,
        "comparator": " ".join(program.command) if program else None,
        "approval": _means(approval) if approval else None,
        OTHERS: getattr(approval, OTHERS, False) or None,
        **{f"require_assets.{name}": path for name, path in lifecycle.require_assets.items()},
        **{f"deploy.{key}": True for key in lifecycle.deploy},
    }
    return {name: value for name, value in told.items() if value is not None}


def _means(approval: ApprovalSettings) -> str:
    """The means of an approval with what is said of it: ``file approvals/prd.yaml``."""
    values = [value for name, value in vars(approval).items() if value and name != OTHERS]
    texts = [", ".join(map(str, one)) if isinstance(one, tuple) else str(one) for one in values]
    return f"{approval.means} {'; '.join(texts)}".strip()


def _unless_within(pattern: str, others: frozenset[str], reason: str) -> str:
    """The reason, but for a pattern all of which others cover: ``deployment/*`` does serve."""
    return "" if any(fnmatchcase(pattern, other) for other in others) else reason


def _terms(options: Options) -> dict[str, Any]:
    """Options by the words of a stage file, nested ones with dots."""
    terms: dict[str, Any] = {
        "wait_for_status": options.wait_for,
        "timeout": _period(options.timeout),
        "rerun": options.rerun,
        "on_failure": options.on_failure,
        "drain": _period(options.drain),
    }
    terms |= _bounds(options.require)
    terms |= _smoke_test(options.smoke_test)
    return terms


def _bounds(gates: Sequence[Gate]) -> dict[str, float]:
    """Of several bounds of one metric all hold, so the strictest counts."""
    bounds: dict[str, float] = {}
    for gate in gates:
        for name, bound, strictest in (("min", gate.minimum, max), ("max", gate.maximum, min)):
            if bound is not None:
                path = f"require.{gate.metric}.{name}"
                bounds[path] = strictest(bound, bounds.get(path, bound))
    return {path: _number(bound) for path, bound in bounds.items()}


def _number(value: float) -> float:
    """As a person writes it: 3, not 3.0."""
    return int(value) if value.is_integer() else value


def _smoke_test(test: SmokeTest | None) -> dict[str, Any]:
    if test is None:
        return {}
    terms = {
        "smoke_test": test.title,
        "smoke_test.expect.status": test.expect_status,
        "smoke_test.expect.contains": test.expect_contains,
        "smoke_test.timeout": _period(test.timeout),
    }
    sent = {
        "smoke_test.json": test.json,
        "smoke_test.headers": test.headers,
        "smoke_test.body": test.body.decode(errors="replace")
        if isinstance(test.body, bytes)
        else test.body,
        "smoke_test.content_type": test.content_type,
    }
    return terms | {name: value for name, value in sent.items() if value not in (None, {}, "")}


def _period(seconds: float) -> str:
    """Seconds as a stage file writes them: ``90s``, ``30m``, ``2h``."""
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _judge(path: str, before: Any, after: Any) -> str:
    """Whether a difference loosens or tightens a check; empty where it does neither."""
    if path.startswith("require.") or path == "smoke_test":
        return _bound(path, before, after)
    if path == "smoke_test.expect.contains":
        return _text_asked_for(before, after)
    if path == "on_failure":
        return LOOSENED if after == "keep" else TIGHTENED
    if path == "wait_for_status":
        return LOOSENED if after is None else TIGHTENED if before is None else ""
    return ""


def _text_asked_for(before: Any, after: Any) -> str:
    """A part of the text that was asked for is in more answers, a longer one in fewer."""
    if before is None or after is None:
        return LOOSENED if after is None else TIGHTENED
    if not (isinstance(before, str) and isinstance(after, str)):
        return ""
    return LOOSENED if after in before else TIGHTENED if before in after else ""


def _bound(path: str, before: Any, after: Any) -> str:
    if before is None or after is None:
        return LOOSENED if after is None else TIGHTENED
    if path == "smoke_test":
        return ""
    is_lower = after < before
    return LOOSENED if is_lower == path.endswith(".min") else TIGHTENED
