"""Documents of Jira Cloud's REST API v3: what is wrong with one, and a small one.

Source: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
NODES: dict[str, tuple[set[str], set[str]]] = {
    # node: (its attributes, what may be in it)
    "doc": (set(), {"paragraph", "codeBlock", "heading", "bulletList", "rule", "panel"}),
    "paragraph": (set(), {"text", "hardBreak", "mention", "emoji", "inlineCard"}),
    "codeBlock": ({"language"}, {"text"}),
}
MARKS: dict[str, set[str]] = {"strong": set(), "em": set(), "code": set(), "link": {"href"}}


def wrong_document(node: Any, name: str = "doc") -> list[str]:
    """What is wrong with a document or a part of it, by the format's schema."""
    if not isinstance(node, dict) or node.get("type") != name:
        return [f"ADF: {node!r:.60} is no {name}"]
    if name == "text":
        return _wrong_span(node)
    attributes, children = NODES[name]
    wrong = [
        f"ADF: {name} has {key}"
        for key in node.keys() - {"type", "content", "attrs"} - ({"version"} & {*node})
    ]
    if name == "doc" and (node.get("version") != 1 or "content" not in node):
        wrong.append("ADF: a document has version 1 and content")
    wrong += [f"ADF: {name} has attribute {a}" for a in node.get("attrs", {}).keys() - attributes]
    for child in node.get("content", []):
        kind = child.get("type") if isinstance(child, dict) else None
        if kind not in children or kind not in {*NODES, "text"}:
            wrong.append(f"ADF: {kind} in {name}")
        else:
            wrong += wrong_document(child, str(kind))
    return wrong


def _wrong_span(node: Json) -> list[str]:
    wrong = []
    if not isinstance(node.get("text"), str) or not node["text"]:
        wrong.append("ADF: a text is empty")
    for mark in node.get("marks", []):
        kind = mark.get("type")
        if kind not in MARKS or mark.get("attrs", {}).keys() != MARKS[kind]:
            wrong.append(f"ADF: mark {mark!r:.60}")
    return wrong + [f"ADF: text has {key}" for key in node.keys() - {"type", "text", "marks"}]


def document_of(words: str) -> Json:
    """A document of one paragraph, as a browser sends it."""
    content = [{"type": "paragraph", "content": [{"type": "text", "text": words}]}]
    return {"type": "doc", "version": 1, "content": content}


def units(text: str) -> int:
    """Characters as Java counts them."""
    return len(text.encode("utf-16-le")) // 2
