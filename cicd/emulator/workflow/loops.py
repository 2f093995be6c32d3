"""``withItems``, ``withParam``, ``withSequence``: the rounds of a step, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.expr.expressions import Unresolved, resolve, substitute
from cicd.emulator.workflow.expr.formatting import HTML, to_json
from cicd.emulator.workflow.expr.raw_json import compact, elements, loads, members
from cicd.emulator.workflow.program import Loop, TemplateCall
from cicd.emulator.workflow.scope import FAILED
from cicd.emulator.workflow.sequences import MOST_ITEMS, sequence


@dataclass(frozen=True)
class Item:
    """One round. ``label`` tells its node from the others: ``0:red``."""

    label: str
    texts: Mapping[str, str]


def expand(loop: Loop, texts: Mapping[str, str]) -> list[Item]:
    """All rounds, in order. Raises Unresolved."""
    values = _values(loop, texts)
    # Each item becomes a node in the store, and a template's mistake must not fill this machine.
    if len(values) > MOST_ITEMS:
        raise Unresolved(f"more than {MOST_ITEMS} items: the emulator does not go that far")
    return [_item(index, value) for index, value in enumerate(values)]


def _values(loop: Loop, texts: Mapping[str, str]) -> Sequence[str]:
    """The items as JSON."""
    if loop.items is not None:
        return [to_json(item) for item in resolve(loop.items, texts)]
    if loop.sequence is not None:
        return sequence({key: substitute(text, texts) for key, text in loop.sequence.items()})
    text = substitute(loop.param, texts).strip()
    try:
        return [] if text == "null" else elements(text)
    except ValueError as error:
        raise Unresolved(
            f"withParam value could not be parsed as a JSON list: {text[:200]}: {error}"
        ) from None


def _item(index: int, raw: str) -> Item:
    """A text is the item as it is; numbers, flags, lists and maps are as they are written."""
    if raw.startswith("{"):
        parts = members(raw)
        texts = {f"item.{key}": _unquoted(part) for key, part in parts.items()}
        label = ",".join(sorted(f"{key}:{_unquoted(part)}" for key, part in parts.items()))
        whole = ",".join(f"{to_json(key)}:{parts[key]}" for key in sorted(parts))
        return Item(f"{index}:{label}", {"item": f"{{{whole}}}", **texts})
    if raw.startswith("["):
        label = f"[{' '.join(map(_unquoted, elements(raw)))}]"
        return Item(f"{index}:{label}", {"item": raw})
    text = str(loads(raw)) if raw.startswith('"') else raw
    return Item(f"{index}:{_unquoted(raw)}", {"item": text})


def _unquoted(raw: str) -> str:
    """JSON as Argo shows an item: without the quotes, with the backslashes (item.go)."""
    text = raw[1:-1] if raw.startswith('"') else raw
    for char, code in HTML.items():
        text = text.replace(code, char) if char in "<>&" else text
    return text


def gathered(
    node: Node, rounds: Sequence[Node], call: TemplateCall, *, is_task: bool
) -> dict[str, Any]:
    """Phase, message and outputs of a loop whose rounds have ended. Of steps the first failure
    that counts decides, of tasks the last one."""
    # nothing is known of steps that all were skipped (executeSteps)
    is_known = is_task or any(child.type != "Skipped" for child in rounds)
    outputs = aggregate(rounds) if is_known else {}
    failed = [child for child in rounds if child.phase in FAILED]
    if is_task and "trouble" in outputs:
        return {"phase": "Error", "message": outputs["trouble"]}
    if not failed:
        return {"phase": "Succeeded", "outputs": outputs}
    counting = [child for child in failed if child.phase not in call.continues_on]
    phase = failed[-1].phase if is_task else (counting or failed)[0].phase
    message = f"{failed[0].name.removeprefix(node.name)}: {failed[0].message}"
    found = {"phase": phase, "message": message, "outputs": outputs}
    if not is_task and any(child.type == "Skipped" for child in failed):
        return {**found, "type": "Skipped", "phase": "Error"}
    return found


def aggregate(children: Sequence[Node]) -> dict[str, Any]:
    """The outputs of all rounds together: JSON lists, of the rounds that succeeded.

    ``all`` is the list of maps that ``outputs.parameters`` means. ``phases`` is for ``depends``.
    ``trouble``: a result is no JSON.
    """
    done = [node for node in children if node.phase == "Succeeded"]
    per_round = [node.outputs.get("parameters") or {} for node in done]
    names = dict.fromkeys(name for values in per_round for name in values)
    found = {
        "all": to_json([values for values in per_round if values]),
        "parameters": {
            name: listed([values[name] for values in per_round if name in values]) for name in names
        },
        "phases": [node.phase for node in children],
    }
    try:
        results = [_result(node) for node in done if "result" in node.outputs]
    except Unresolved as error:
        return {**found, "trouble": str(error)}
    return {**found, "result": f"[{','.join(results)}]"}


def listed(texts: Sequence[str]) -> str:
    """The values of one output as a JSON list: of texts, unless all are lists or maps."""
    try:
        values = [loads(text) for text in texts]
    except ValueError:
        return to_json(texts)
    return to_json(values if all(isinstance(value, list | dict) for value in values) else texts)


def _result(node: Node) -> str:
    """What a round has printed, which has to be JSON (processAggregateNodeOutputs)."""
    text = str(node.outputs["result"])
    try:
        loads(text)
    except ValueError as error:
        where = node.name[node.name.rfind("(") :]
        raise Unresolved(
            f"outputs.result of {where} is no JSON, so the results of the loop cannot be listed: "
            f"{error}: {text[:60]!r} (print a text in double quotes)"
        ) from None
    return compact(text)
