"""Why something of a stage is as it is, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from cicd.automation import local
from cicd.automation.session import Session
from cicd.automation.status import held_notes, version_fields
from cicd.errors import CicdError, NotFound, Usage
from cicd.masking import without_secrets
from cicd.model import Key, LiveResource, State
from cicd.platforms.registry import DIALECTS

if TYPE_CHECKING:
    from cicd.platforms.base import Finding


LINES = 20
"""Lines of a log that are shown."""
LONGEST = 500
"""Characters of a log line that are shown."""


def examine(session: Session, word: str) -> dict[str, Any]:
    """All that is known, as plain data without a secret in it."""
    key, live = find_subject(session, word)
    findings: list[Finding] = []
    log: list[str] = []
    if live:
        unmet = list(gates(session, key, live))
        needs = DIALECTS[session.stage.platform].needs(session.stage, live)
        findings = [*session.platform.explain(live, needs), *unmet]
        if unmet:
            findings = [not_met(finding) for finding in findings]
        if session.is_local:
            findings = local.needed(findings)
        findings.sort(key=lambda finding: finding.check not in {"status", "likely", "gate"})
        log = [entry.text[:LONGEST] for entry in session.platform.tail(live, LINES)]
    else:
        findings = list(missing(session, key))
    findings = [*held(session, key), *findings]
    return {
        "key": str(key),
        "stage": session.stage.name,
        "id": live.id if live else "",
        "status": live.status.raw if live else "missing",
        "created_at": live.created_at if live else "",
        **version_names(session, live),
        "findings": [
            asdict(replace(finding, text=hidden(session, finding.text))) for finding in findings
        ],
        "log": [hidden(session, line) for line in log],
        "commands": commands(session, key, live),
    }


def held(session: Session, key: Key) -> Iterator[Finding]:
    """What stands before the change of something that is not let through yet."""
    from cicd.platforms.base import Finding

    if note := held_notes(session).get(key):
        yield Finding("change", "warning", note)


def version_names(session: Session, live: LiveResource | None) -> dict[str, str]:
    """What the content is called that it runs, by the name of its field."""
    fields = version_fields(session.platform.kinds)[1::2]
    return {
        name: hidden(session, str(live.spec.get(name) or "")) if live else "" for name in fields
    }


def hidden(session: Session, text: str) -> str:
    """The text without the values of variables that may be secret."""
    return without_secrets(text, session.environ)


def find_subject(session: Session, word: str) -> tuple[Key, LiveResource | None]:
    """What is meant, and what of it is live now. Raises Usage."""
    from cicd.automation.runs import NoSuchRun, Runs, nearest, running_kinds

    both = running_kinds(session.platform.kinds)
    wishes = [wish for wish in session.stage.resources if word in {str(wish.key), wish.key.name}]
    others = [wish.key for wish in wishes if wish.key.kind not in both]
    if len(others) == len(wishes) == 1:
        return others[0], planned(session, others[0])
    try:
        found = Runs(session).find([word])
    except Usage as error:
        if isinstance(error, NoSuchRun) and not others:
            hint = nearest(word, [wish.key for wish in session.stage.resources])
            raise Usage(f"{session.stage.name} has no {word}", hint=hint) from None
        if not others:
            raise
        hint = f"say {' or '.join(str(wish.key) for wish in wishes)}"
        raise Usage(f"{word} is more than one", hint=hint) from None
    except CicdError:
        runs = [wish.key for wish in wishes if wish.key.kind in both]
        if len(runs) != 1:
            raise
        return runs[0], None
    if len(found) > 1:
        names = " or ".join(str(run.key) for run in found)
        raise Usage(f"{word} is more than one", hint=f"say {names}")
    return found[0].key, session.platform.get(found[0].live)


def planned(session: Session, key: Key) -> LiveResource | None:
    """What planning takes for this key, as it is now."""
    plan = session.make_plan(review=False)
    live = next((change.live for change in plan.changes if change.key == key), None)
    try:
        return session.platform.get(live) if live else None
    except NotFound:
        return None


def gates(session: Session, key: Key, live: LiveResource) -> Iterator[Finding]:
    """The gates of a run that its metrics do not keep."""
    from cicd.apply.verify import unmet_gates
    from cicd.platforms.base import Finding

    wishes = [wish for wish in session.stage.resources if str(wish.key) == str(key).split("~")[0]]
    for wish in wishes:
        if wish.options.require and live.status.state is State.SUCCEEDED:
            for text in unmet_gates(wish.options.require, session.platform.metrics(live)):
                yield Finding(
                    "gate",
                    "error",
                    f"its gate is not met: {text}",
                    "what depends on it is skipped: train better, or change require",
                )


def not_met(finding: Finding) -> Finding:
    """The status of a run is no good news where its gate is not met."""
    if finding.check != "status":
        return finding
    return replace(finding, state="error", text=f"{finding.text}, and its gate is not met")


def missing(session: Session, key: Key) -> Iterator[Finding]:
    """Why there is nothing of it."""
    from cicd.platforms.base import Finding

    yield Finding("status", "warning", "it is not there", f"{session.command('apply')} makes it")


def commands(session: Session, key: Key, live: LiveResource | None) -> list[str]:
    """What to look at next."""
    if live is None:
        return []
    kind = session.platform.kinds[live.key.kind]
    found = [session.command("logs", key)] if kind.log else []
    if kind.is_run:
        found.append(session.command("metrics", key))
    link = session.platform.link(live)
    return [*found, *([link] if link else [])]
