"""Saved plans: writing and reading one, and whether it is still what would be done now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd.automation.applied import NEXT, Application, is_done
from cicd.automation.choice import Choice
from cicd.automation.session import document_of
from cicd.errors import InvalidStage, Problem, Refused, Usage
from cicd.masking import Mask
from cicd.model import Plan, Stage
from cicd.render.neutral import neutral_json

MAX_PLAN = 500_000_000
"""Bytes of a saved plan: some ten times what 10,000 resources take, and no endless device."""


@dataclass(frozen=True)
class Saved:
    """A plan that somebody has agreed to. ``name``: how messages call it; ``is_kept``: it lies in a
    file somewhere, so that somebody may apply it again."""

    document: Mapping[str, Any]
    name: str = "the saved plan"
    is_kept: bool = True

    @property
    def stage(self) -> str:
        """What its stage is called."""
        return str(self.document["stage"])

    @property
    def choice(self) -> Choice:
        """What it was made to be about."""
        return Choice.saved_in(self.document)

    @classmethod
    def read(cls, content: bytes, name: str = "the saved plan") -> Saved:
        """A plan that can be applied, from what was saved. Raises InvalidStage when it is something
        else, Refused where it says why there is none, and where another version wrote it in a way
        that this one cannot judge."""
        document = parse_document(content, name)
        if isinstance(failure := document.get("failure"), dict):
            why = str(failure.get("message") or "").partition("\n")[0]
            raise Refused(f"{name} holds no plan, as planning failed: {why}", hint="plan again")
        return cls(document, name)

    @classmethod
    def of(cls, plan: Plan, mask: Mask) -> Saved:
        """A plan that was made just now, as if it had been saved."""
        return cls(document_of(plan, mask), "the plan", is_kept=False)

    def check_place(self, stage: Stage) -> None:
        """Refuse the plan of another stage: all that the two differ in would be no news."""
        from cicd.plan.bound import explain_place

        if elsewhere := explain_place(self.document, stage):
            hint = f"apply {self.stage} with it, or plan {stage.name}"
            raise Refused(f"{self.name} {elsewhere}", hint=hint)

    def check(self, plan: Plan, mask: Mask, last: Application | None = None) -> None:
        """Refuse what is not what would be done now, saying what moved, and first of all that it
        was applied already. ``last``: its last apply, where anybody knows."""
        from cicd.plan.bound import explain_drift

        moved = explain_drift(self.document, plan, told=lambda plan: document_of(plan, mask))
        # Said first, because everything that it changed is a difference now, and none of these
        # would tell why.
        if moved and (last or is_done(self.document, plan)):
            told = str(last) if last else "has been applied: all that it was to do is done"
            raise Refused(f"{self.name} {told}", hint=NEXT)
        if moved:
            raise Refused(
                f"{self.name} no longer fits: {'; '.join(moved)}",
                hint="plan again and have it reviewed",
            )


def to_bytes(plan: Plan, mask: Mask) -> bytes:
    """The plan as it is saved: JSON in ASCII, so that no file encoding can break it."""
    text = neutral_json(mask.hide_in(document_of(plan, mask)), indent=2, is_ascii=True)
    return f"{text}\n".encode("ascii")


def as_page(saved: Iterable[bytes]) -> str:
    """Saved plans as one HTML page, without those in whose place it is said why there is none."""
    from cicd.render.html import render_page

    documents = [parse_document(content, "the saved plan") for content in saved]
    return render_page([document for document in documents if "failure" not in document])


def read_file(path: Path) -> bytes:
    """What a file holds, as far as it can be a plan. Raises Usage, InvalidStage for more."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PLAN + 1)
    except OSError as error:
        raise Usage(f"cannot read {path}: {error.strerror}") from error
    if len(content) > MAX_PLAN:
        message = f"not a plan: it is larger than {MAX_PLAN:,} bytes"
        raise InvalidStage([Problem(str(path), 0, 0, message)])
    return content


def read_saved(path: Path) -> Saved:
    """A plan that can be applied, from a file. Raises as ``Saved.read`` does, and Usage."""
    return Saved.read(read_file(path), str(path))


def read_document(path: Path) -> dict[str, Any]:
    """What plan --out saved, also where that is no plan. Raises as ``parse_document`` does."""
    return parse_document(read_file(path), str(path))


def parse_document(content: bytes, name: str) -> dict[str, Any]:
    """What was saved. Raises InvalidStage when it is something else, Refused when another version
    wrote it in a way that this one cannot judge."""
    from cicd.plan.bound import explain_version

    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidStage([Problem(name, 0, 0, f"not a plan: {error}")]) from error
    if not isinstance(document, dict) or not document.keys() >= {"schema_version", "stage"}:
        raise InvalidStage([Problem(name, 0, 0, "not a plan: it has no schema_version")])
    stage = document["stage"]
    if not isinstance(stage, str) or not stage.isprintable():
        raise InvalidStage([Problem(name, 0, 0, "not a plan: its stage is no name")])
    if problem := explain_version(document):
        raise Refused(f"{name} cannot be applied: {problem}", hint="plan again with this version")
    return document
