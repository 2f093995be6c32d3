"""What an executable takes and gives: the platform's words -> those of an application's spec. Pure.

Tenants report more or less of it, and numbers in their own spelling. Whatever one does not report,
or means the same, is given as it is desired, so that no plan shows a difference that is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.platforms.aicore.convert import Document

FIELDS = ("kind", "parameters", "inputs", "outputs")


def executable_spec(
    document: Document, wish: Mapping[str, Any], *, is_same_commit: bool
) -> dict[str, Any]:
    """One executable in an application's spec; ``wish`` is what the stage's template declares.

    From the same commit it is what the template says, however the platform puts it.
    """
    spec: dict[str, Any] = {
        "scenario_id": document.get("scenarioId", ""),
        "version": str(document.get("versionId", "")),
    }
    reported = {} if is_same_commit else _reported(document, wish)
    return spec | {name: reported.get(name, wish[name]) for name in FIELDS if name in wish}


def _reported(document: Document, wish: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(document.get("deployable"), bool):
        found["kind"] = "serving" if document["deployable"] else "workflow"
    if isinstance(document.get("parameters"), list):
        found["parameters"] = {
            name: _default(item, (wish.get("parameters") or {}).get(name))
            for name, item in _by_name(document["parameters"]).items()
        }
    for ours, theirs in (("inputs", "inputArtifacts"), ("outputs", "outputArtifacts")):
        if isinstance(document.get(theirs), list):
            found[ours] = sorted(_by_name(document[theirs]))
    return found


def _by_name(items: list[Any]) -> dict[str, Mapping[str, Any]]:
    return {str(item["name"]): item for item in items if isinstance(item, dict) and "name" in item}


def _default(item: Mapping[str, Any], wish: str | None) -> str | None:
    if item.get("default") is None:
        return wish
    text = str(item["default"])
    return wish if _means(text) == _means(wish or "") else text


def _means(text: str) -> object:
    """Two spellings of a number or of true and false mean the same: ``1e3`` and ``1000``."""
    try:
        return float(text)
    except ValueError:
        return text.lower() if text.lower() in {"true", "false"} else text
