"""The text of the sticky comment: a hidden head, a headline, one section per stage.

::

    <!-- cicd:plan {"schema":1,"stages":{"dev":{"summary":{"create":2},"run":"https://…"}}} -->
    ## cicd plan: dev 2 to create
    <!-- cicd:stage dev -->
    …
    <!-- /cicd:stage dev -->

What another run wrote about another stage is read back from here and stays. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from cicd.model import Action
from cicd.render.markdown import escape, render_section

LIMIT = 65_536
"""Longest body of a comment or an issue that GitHub takes, in characters."""
SCHEMA = 1
_HEAD = re.compile(r"<!-- cicd:plan (\{.*\}) -->")
_SECTION = re.compile(r"<!-- cicd:stage (\S+) -->\n(.*?)\n?<!-- /cicd:stage \1 -->", re.DOTALL)
_MARKER = re.compile(r"<!--(?=\s*/?cicd:)")
_URL = re.compile(r"https?://[^\s()<>\"\\]+")

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """What is said of one stage. ``facts``: summary (only what is not 0), commit, fingerprint and
    the URL of the run, kept in the hidden head."""

    text: str
    facts: Mapping[str, Any]


def is_plan_comment(body: str) -> bool:
    """Whether a comment starts with our hidden head; who wrote it is another question."""
    return _HEAD.match(body) is not None


def parse(body: str) -> dict[str, Section]:
    """The sections of a comment by stage; empty for any other text."""
    body = body.replace("\r\n", "\n")
    head = _HEAD.match(body)
    if not head:
        return {}
    try:
        stages = json.loads(head[1]).get("stages")
    except ValueError:
        stages = None
    facts = stages if isinstance(stages, dict) else {}
    return {
        unquote(match[1]): Section(match[2], _checked(facts.get(unquote(match[1]))))
        for match in _SECTION.finditer(body)
    }


def _checked(facts: Any) -> dict[str, Any]:
    """Facts as we write them: people with rights may have edited the comment."""
    if not isinstance(facts, dict):
        return {}
    summary = facts.get("summary")
    kept = {name: facts[name] for name in ("commit", "fingerprint") if facts.get(name)}
    if isinstance(facts.get("run"), str) and _URL.fullmatch(facts["run"]):
        kept["run"] = facts["run"]
    return {"summary": _counts(summary if isinstance(summary, dict) else {}), **kept}


def facts_of(document: Document, run_url: str) -> dict[str, Any]:
    """What the hidden head remembers of a plan."""
    facts = {
        "commit": str(document.get("commit") or "")[:12],
        "fingerprint": str(document.get("fingerprint") or "")[:16],
        "run": run_url,
    }
    known = {name: value for name, value in facts.items() if value}
    return {"summary": _counts(document["summary"]), **known}


def _counts(summary: Mapping[str, Any]) -> dict[str, int]:
    return {
        action.value: summary[action.value]
        for action in Action
        if isinstance(summary.get(action.value), int) and summary[action.value] > 0
    }


def describe(summary: Mapping[str, int]) -> str:
    """``2 to create, 1 to run``, or that there is nothing to do."""
    parts = [
        f"{summary[action.value]} to {action.value}"
        for action in Action
        if action is not Action.NO_OP and summary.get(action.value)
    ]
    return ", ".join(parts) or "no changes"


def compose(
    known: Mapping[str, Section],
    documents: Iterable[Document],
    *,
    run_url: str = "",
    limit: int = LIMIT,
) -> str:
    """The whole comment: ``known`` sections with those of ``documents`` in their place or after.

    At most ``limit`` characters. What is too long is divided fairly, shortened, and says so.
    """
    plans = {str(document["stage"]): document for document in documents}
    facts = {stage: section.facts for stage, section in known.items()}
    facts |= {stage: facts_of(document, run_url) for stage, document in plans.items()}
    frame = len(_assemble(dict.fromkeys(facts, ""), facts))
    texts = _fit(known, plans, facts, limit - frame)
    body = _assemble(texts, facts)
    while len(body) > limit and texts:
        texts.popitem()  # hundreds of stages: not even a line for each
        body = _assemble(texts, facts)
    return body


def _assemble(texts: Mapping[str, str], facts: Mapping[str, Mapping[str, Any]]) -> str:
    head = {"schema": SCHEMA, "stages": {stage: facts[stage] for stage in texts}}
    counts = [f"{escape(stage)} {describe(facts[stage].get('summary') or {})}" for stage in texts]
    lines = [hidden("plan", head), f"## cicd plan: {' · '.join(counts)}"]
    for stage, text in texts.items():
        name = quote(stage, safe="")
        lines += ["", f"<!-- cicd:stage {name} -->", text, f"<!-- /cicd:stage {name} -->"]
    return "\n".join(lines) + "\n"


def hidden(name: str, value: Mapping[str, Any]) -> str:
    """A line that nobody sees, with data for the next run; nothing in the data can end it."""
    plain = json.dumps(value, separators=(",", ":"))
    plain = plain.replace("<", "\\u003c").replace(">", "\\u003e")
    return f"<!-- cicd:{name} {plain} -->"


def _fit(
    known: Mapping[str, Section],
    plans: Mapping[str, Document],
    facts: Mapping[str, Mapping[str, Any]],
    room: int,
) -> dict[str, str]:
    """The sections, together at most ``room`` characters. Only plans can be rendered shorter; of a
    section that another run wrote, a line is left when it is over its share."""
    texts = {
        stage: section_text(plans[stage]) if stage in plans else known[stage].text
        for stage in facts
    }
    rooms = share({stage: len(text) for stage, text in texts.items()}, room)
    for stage in texts.keys() - plans.keys():
        if len(texts[stage]) > rooms[stage]:
            texts[stage] = _line(stage, facts[stage])
    room -= sum(len(text) for stage, text in texts.items() if stage not in plans)
    for stage, size in share({stage: len(texts[stage]) for stage in plans}, room).items():
        if len(texts[stage]) > size:
            texts[stage] = _shortened(plans[stage], facts[stage], size)
    return texts


def share(sizes: Mapping[str, int], room: int) -> dict[str, int]:
    """``room`` divided: the small get all they need, the others the same of what is left."""
    given: dict[str, int] = {}
    for number, name in enumerate(sorted(sizes, key=lambda name: sizes[name])):
        given[name] = min(sizes[name], max(0, room) // (len(sizes) - number))
        room -= given[name]
    return given


def section_text(document: Document, limit: int | None = None) -> str:
    """One stage as markdown, in which nothing can be taken for a marker of ours."""
    return _MARKER.sub("&lt;!--", render_section(document, limit=limit)).strip()


def _shortened(document: Document, facts: Mapping[str, Any], size: int) -> str:
    note = _note(facts)
    text = f"{section_text(document, max(0, size - len(note) - 2))}\n\n{note}"
    return text if len(text) <= size else _line(str(document["stage"]), facts)


def _line(stage: str, facts: Mapping[str, Any]) -> str:
    return f"**{escape(stage)}**: {describe(facts.get('summary') or {})}. {_note(facts)}"


def _note(facts: Mapping[str, Any]) -> str:
    if not facts.get("run"):
        return "_Too long for a comment: `cicd plan` shows the whole plan._"
    where = f"[summary of the run]({facts['run']})"
    return f"_Too long for a comment: the whole plan is in the {where}._"
