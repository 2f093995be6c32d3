"""Atlassian's document format, the rich text of Jira Cloud's REST API v3. Pure.

A text node is text and nothing else: only a node of its own can be a mention, a picture or a card,
and we write none. Source: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cicd.lifecycle.jira.texts import Block, Line, Part, fitting, length

Node = dict[str, Any]


def document(parts: Sequence[Part]) -> Node:
    """The parts as a document, short enough for a field of Jira."""
    return _document(fitting(parts, lambda some: length(json.dumps(_document(some)))))


def _document(parts: Sequence[Part]) -> Node:
    return {"type": "doc", "version": 1, "content": [_node(part) for part in parts]}


def _node(part: Part) -> Node:
    if isinstance(part, Block):
        # a text node may not be empty, a block may
        content = [{"type": "text", "text": part.text}] if part.text else []
        return {"type": "codeBlock", "attrs": {"language": "diff"}, "content": content}
    return {"type": "paragraph", "content": _line(part)}


def _line(part: Line) -> list[Node]:
    label = f"{part.label}: " if part.text and part.label else part.label
    spans = [{"type": "text", "text": label, "marks": [{"type": "strong"}]}] if label else []
    if part.text and part.url:
        link = {"type": "link", "attrs": {"href": part.url}}
        spans.append({"type": "text", "text": part.text, "marks": [link]})
    elif part.text:
        spans.append({"type": "text", "text": part.text})
    return spans


def plain_text(body: Any) -> str:
    """The words of a document, or of the markup that REST v2 writes; on one line."""
    if isinstance(body, str):
        return " ".join(body.split())
    if not isinstance(body, dict):
        return ""
    content = body.get("content")
    inner = [plain_text(node) for node in content] if isinstance(content, list) else []
    return " ".join(filter(None, (" ".join(str(body.get("text") or "").split()), *inner)))
