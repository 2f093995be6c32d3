"""The text of the sticky comment: a hidden head, a headline, one section per project and stage.

::

    <!-- cicd:plan {"schema":1,"stages":{"dev":{"summary":{"create":2},"run":"https://…"}}} -->
    ## cicd plan: dev 2 to create
    <!-- cicd:stage dev -->
    …
    <!-- /cicd:stage dev -->

A stage of a project in the folder ``churn`` of the repository is called ``churn/dev``. What another
run wrote about another stage is read back from here and stays; so does the last good plan of a
stage whose plan has failed since. Pure.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from cicd.model import Action, identity
from cicd.render.dialect import GITHUB, Dialect
from cicd.render.failure import UNKNOWN, is_failure, render_failure
from cicd.render.markdown import render_section

LIMIT = GITHUB.limit
"""Longest body of a comment or an issue that GitHub takes, in characters."""
SCHEMA = 1
REVIEWED = "reviewed"
"""What the hidden head calls the fingerprint of what an approval of a stage is bound to."""
SHOWN = "shown"
"""What it calls the digest of all that a plan has shown, where that could be applied."""
REFUSED = 5
"""The exit code of a plan that limits or protection stand against."""
_HEAD = re.compile(r"<!-- cicd:plan (\{.*\}) -->")
_SECTION = re.compile(r"<!-- cicd:stage (\S+) -->\n(.*?)\n?<!-- /cicd:stage \1 -->", re.DOTALL)
_GOOD = re.compile(r"<!-- cicd:good -->\n(.*)\n<!-- /cicd:good -->", re.DOTALL)
_MARKER = re.compile(r"<!--(?=\s*/?cicd:)")
_URL = re.compile(r"https?://[^\s()<>\"\\]+")

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """What is said of one stage. ``facts``, kept in the hidden head: summary (only what is not 0),
    commit, fingerprint and the URL of the run of the last good plan; ``failed`` where the newest
    one has failed: its commit, run, exit_code, and since when and since which commit it is so."""

    text: str
    facts: Mapping[str, Any]

    @property
    def good(self) -> str:
        """The text of the last good plan, empty where there is none."""
        if "failed" not in self.facts:
            return self.text
        match = _GOOD.search(self.text)
        return match[1] if match else ""


def name_of(document: Document) -> str:
    """What the stage of a plan is called among all that meet in a comment."""
    return identity(str(document.get("project") or ""), str(document["stage"]))


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
    kept = _checked_run(facts, "fingerprint", REVIEWED, SHOWN)
    if isinstance(failed := facts.get("failed"), dict):
        kept["failed"] = _checked_run(failed, "exit_code", "since", "since_commit")
    return {"summary": _counts(summary if isinstance(summary, dict) else {}), **kept}


def _checked_run(facts: Mapping[str, Any], *names: str) -> dict[str, Any]:
    kept = {name: facts[name] for name in ("commit", *names) if facts.get(name)}
    if isinstance(facts.get("run"), str) and _URL.fullmatch(facts["run"]):
        kept["run"] = facts["run"]
    return kept


def facts_of(document: Document, run_url: str, before: Section | None = None) -> dict[str, Any]:
    """What the hidden head remembers of a plan; ``before``: what was said of its stage until now,
    of which a plan that failed keeps the last good one."""
    facts = {
        "commit": str(document.get("commit") or "")[:12],
        "fingerprint": str(document.get("fingerprint") or "")[:16],
        REVIEWED: str((document.get("lifecycle") or {}).get("fingerprint") or "")[:16],
        "run": run_url,
    }
    known = {name: value for name, value in facts.items() if value}
    if not is_bad(document):
        is_offline = (document.get("bound") or {}).get("offline")
        shown = {} if is_offline else {SHOWN: shown_digest(document)}
        return {"summary": counts_of(document), **known, **shown}
    last = dict(before.facts) if before else {}
    since = last.pop("failed", None) or {
        "since": str(document.get("created_at") or ""),
        "since_commit": facts["commit"],
    }
    failed = {
        **known,
        "exit_code": document["failure"].get("exit_code") if is_failure(document) else REFUSED,
        "since": since.get("since"),
        "since_commit": since.get("since_commit"),
    }
    kept = {name: value for name, value in failed.items() if value}
    return {"summary": {}, **last, "failed": kept}


def shown_digest(document: Document) -> str:
    """A digest (hex) of what a plan would do and to what, the same before and after a merge: that
    makes a new commit, and everything else has to be as it was."""
    parts = ("stage", "project", "platform", "target", "refusal", "bound")
    changes = [
        {
            **{name: change.get(name) for name in ("key", "action", "id")},
            "fields": [
                [field.get(name) for name in ("path", "before", "after")]
                for field in change.get("fields") or ()
                if field.get("path") != "commit"
            ],
        }
        for change in document.get("changes") or ()
    ]
    essence = {**{name: document.get(name) for name in parts}, "changes": changes}
    text = json.dumps(essence, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def is_bad(document: Document) -> bool:
    """Whether there is no plan that could be applied: it failed, or it will be refused."""
    return is_failure(document) or bool(document.get("refusal"))


def counts_of(document: Document) -> dict[str, int]:
    """How many changes of each action a plan has, only what is not 0."""
    return _counts(document["summary"])


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


def described(facts: Mapping[str, Any]) -> str:
    """The same for what is remembered of a stage."""
    if failed := facts.get("failed"):
        return "refused" if failed.get("exit_code") == REFUSED else "plan failed"
    return describe(facts.get("summary") or {})


def compose(
    known: Mapping[str, Section],
    documents: Iterable[Document],
    *,
    run_url: str = "",
    limit: int | None = None,
    dialect: Dialect = GITHUB,
) -> str:
    """The whole comment: ``known`` sections with those of ``documents`` in their place or after.

    At most ``limit`` characters, by itself as many as the dialect's forge takes. What is too long
    is divided fairly, shortened, and says so.
    """
    limit = dialect.limit if limit is None else limit
    plans = placed(known, documents)
    # A failure that came before anybody knew its stage stands under a name of its own, and would
    # stay for ever.
    known = _without_unknown(known, plans)
    facts = {name: section.facts for name, section in known.items()}
    facts |= {name: facts_of(plan, run_url, known.get(name)) for name, plan in plans.items()}
    frame = len(_assemble(dict.fromkeys(facts, ""), facts, dialect))
    texts = _fit(known, plans, facts, limit - frame, dialect)
    body = _assemble(texts, facts, dialect)
    while len(body) > limit and texts:
        texts.popitem()  # hundreds of stages: not even a line for each
        body = _assemble(texts, facts, dialect)
    return body


def placed(known: Mapping[str, Section], documents: Iterable[Document]) -> dict[str, Document]:
    """The plans by the names of their stages. One that failed before anybody knew which stage it
    is of stands for all those of its project that there are."""
    plans: dict[str, Document] = {}
    for document in documents:
        name = name_of(document)
        project = name.removesuffix(UNKNOWN)
        others = [key for key in known if key != name and key.rpartition("/")[0] == project[:-1]]
        is_unknown = str(document["stage"]) == UNKNOWN and others
        for key in others if is_unknown else [name]:
            plans[key] = {**document, "stage": key.rpartition("/")[2]}
    return plans


def _without_unknown(
    known: Mapping[str, Section], plans: Mapping[str, Document]
) -> dict[str, Section]:
    """Without the failures of projects of which it is now known which stage was meant."""
    projects = {name.rpartition("/")[0] for name in plans}
    return {
        name: section
        for name, section in known.items()
        if name.rpartition("/")[2] != UNKNOWN
        or name.rpartition("/")[0] not in projects
        or name in plans
    }


def _assemble(
    texts: Mapping[str, str], facts: Mapping[str, Mapping[str, Any]], dialect: Dialect
) -> str:
    head = {"schema": SCHEMA, "stages": {name: facts[name] for name in texts}}
    counts = [f"{dialect.escape(name)} {described(facts[name])}" for name in texts]
    lines = [dialect.hidden("plan", head), f"## cicd plan: {' · '.join(counts)}"]
    for name, text in texts.items():
        # Two hyphens may not stand inside of an HTML comment.
        marker = quote(name, safe="").replace("--", "%2D%2D")
        lines += ["", f"<!-- cicd:stage {marker} -->", text, f"<!-- /cicd:stage {marker} -->"]
    return "\n".join(lines) + "\n"


def _fit(
    known: Mapping[str, Section],
    plans: Mapping[str, Document],
    facts: Mapping[str, Mapping[str, Any]],
    room: int,
    dialect: Dialect,
) -> dict[str, str]:
    """The sections, together at most ``room`` characters. Only plans can be rendered shorter; of a
    section that another run wrote, a line is left when it is over its share."""

    def text(name: str, limit: int | None = None) -> str:
        if not is_bad(plans[name]):
            return section_text(plans[name], limit, dialect)
        return _failed_text(plans[name], facts[name], known.get(name), limit, dialect)

    texts = {name: text(name) if name in plans else known[name].text for name in facts}
    rooms = share({name: len(text) for name, text in texts.items()}, room)
    for name in texts.keys() - plans.keys():
        # What another run wrote cannot be rendered shorter here: its plan is not at hand.
        if len(texts[name]) > rooms[name]:
            texts[name] = _line(name, facts[name], dialect)
    room -= sum(len(text) for name, text in texts.items() if name not in plans)
    for name, size in share({name: len(texts[name]) for name in plans}, room).items():
        if len(texts[name]) > size:
            note = _note(facts[name])
            shorter = f"{text(name, max(0, size - len(note) - 2))}\n\n{note}"
            texts[name] = shorter if len(shorter) <= size else _line(name, facts[name], dialect)
    return texts


def share(sizes: Mapping[str, int], room: int) -> dict[str, int]:
    """``room`` divided: the small get all they need, the others the same of what is left."""
    given: dict[str, int] = {}
    for number, name in enumerate(sorted(sizes, key=lambda name: sizes[name])):
        given[name] = min(sizes[name], max(0, room) // (len(sizes) - number))
        room -= given[name]
    return given


def section_text(document: Document, limit: int | None = None, dialect: Dialect = GITHUB) -> str:
    """One stage as markdown, in which nothing can be taken for a marker of ours."""
    named = {**document, "stage": name_of(document)}
    if is_failure(document):
        return _plain(render_failure(named, limit=limit, dialect=dialect))
    return _plain(render_section(named, limit=limit, dialect=dialect))


def _plain(text: str) -> str:
    return _MARKER.sub("&lt;!--", text).strip()


def _failed_text(
    document: Document,
    facts: Mapping[str, Any],
    before: Section | None,
    limit: int | None,
    dialect: Dialect,
) -> str:
    """Why the plan failed or is refused, and the last good one folded, as far as there is room."""
    since, commit = (str(facts["failed"].get(name) or "") for name in ("since", "since_commit"))
    if is_failure(document):
        named = {**document, "stage": name_of(document)}
        text = _plain(
            render_failure(named, since=since, since_commit=commit, limit=limit, dialect=dialect)
        )
    else:
        of = f", commit {dialect.escape(commit)}" if commit else ""
        told = f"_Refused since {dialect.escape(since)}{of}._"
        room = None if limit is None else max(0, limit - len(told) - 2)
        text = f"{section_text(document, room, dialect)}\n\n{told}"
    if "commit" not in facts and not facts["summary"]:
        return text
    commit = f" of commit {dialect.escape(str(facts['commit']))}" if facts.get("commit") else ""
    title = f"Last good plan{commit}: {describe(facts['summary'])}"
    good = before.good if before else ""
    marked = f"<!-- cicd:good -->\n{good}\n<!-- /cicd:good -->"
    folded = dialect.fold(title, marked)
    has_room = limit is None or len(text) + len(folded) + 2 <= limit
    if good and has_room:
        return f"{text}\n\n{folded}"
    line = f"_{title}_"
    return f"{text}\n\n{line}" if limit is None or len(text) + len(line) + 2 <= limit else text


def _line(name: str, facts: Mapping[str, Any], dialect: Dialect) -> str:
    return f"**{dialect.escape(name)}**: {described(facts)}. {_note(facts)}"


def _note(facts: Mapping[str, Any]) -> str:
    run = (facts.get("failed") or facts).get("run")
    if not run:
        return "_Too long for a comment: `cicd plan` shows the whole plan._"
    return f"_Too long for a comment: the whole plan is in the [summary of the run]({run})._"
