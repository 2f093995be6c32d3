"""Saved plans: reading one, and whether it is still what would be done now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cicd.automation.applied import NEXT, Application, is_done
from cicd.automation.session import document_of
from cicd.errors import InvalidStage, Problem, Refused, Usage
from cicd.model import Plan, Stage

if TYPE_CHECKING:
    pass


MAX_PLAN = 500_000_000
"""Bytes of a saved plan: some ten times what 10,000 resources take, and no endless device."""


def read_saved(path: Path) -> dict[str, Any]:
    """A plan that can be applied, from a file. Raises Refused where it says why there is none."""
    document = read_document(path)
    if isinstance(failure := document.get("failure"), dict):
        why = str(failure.get("message") or "").partition("\n")[0]
        raise Refused(f"{path} holds no plan, as planning failed: {why}", hint="plan again")
    return document


def read_document(path: Path) -> dict[str, Any]:
    """What plan --out saved. Raises InvalidStage when it is something else, Refused when another
    version wrote it in a way that this one cannot judge."""
    from cicd.plan.bound import explain_version

    try:
        with path.open("rb") as file:
            content = file.read(MAX_PLAN + 1)
        if len(content) > MAX_PLAN:
            raise ValueError(f"it is larger than {MAX_PLAN:,} bytes")
        document = json.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise Usage(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidStage([Problem(str(path), 0, 0, f"not a plan: {error}")]) from error
    if not isinstance(document, dict) or not document.keys() >= {"schema_version", "stage"}:
        raise InvalidStage([Problem(str(path), 0, 0, "not a plan: it has no schema_version")])
    stage = document["stage"]
    if not isinstance(stage, str) or not stage.isprintable():
        raise InvalidStage([Problem(str(path), 0, 0, "not a plan: its stage is no name")])
    if problem := explain_version(document):
        raise Refused(f"{path} cannot be applied: {problem}", hint="plan again with this version")
    return document


def check_place(document: Mapping[str, Any], stage: Stage, path: Path) -> None:
    """Refuse the saved plan of another stage: all that the two differ in would be no news."""
    from cicd.plan.bound import explain_place

    if elsewhere := explain_place(document, stage):
        made_for = document["stage"]
        raise Refused(f"{path} {elsewhere}", hint=f"apply {made_for} with it, or plan {stage.name}")


def check_saved(
    document: Mapping[str, Any], plan: Plan, path: Path, last: Application | None = None
) -> None:
    """Refuse a saved plan that is not what would be done now, saying what moved, and first of all
    that it was applied already. ``last``: its last apply, where anybody knows."""
    from cicd.plan.bound import explain_drift

    moved = explain_drift(document, plan, told=document_of)
    if moved and (last or is_done(document, plan)):
        told = str(last) if last else "has been applied: all that it was to do is done"
        raise Refused(f"{path} {told}", hint=NEXT)
    if moved:
        raise Refused(
            f"{path} no longer fits: {'; '.join(moved)}", hint="plan again and have it reviewed"
        )
