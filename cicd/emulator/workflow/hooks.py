"""Hooks: templates that run when their expression holds, and once what they belong to has ended.

Source: Argo Workflows 3.5, workflow/controller/hooks.go and exit_handler.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.expr.expressions import NOW, Unresolved, is_true, substitute
from cicd.emulator.workflow.frame import Frame, Walker
from cicd.emulator.workflow.program import Hook, TemplateCall
from cicd.emulator.workflow.scope import ENDED, Scope

EXIT = "exit"
"""The hook of what has ended."""


def hooked(
    walk: Walker, name: str, call: TemplateCall, prefix: str, frame: Frame, scope: Scope
) -> Node:
    """One call with its hooks: it has ended once they have."""
    node = walk.single(name, call, frame, scope)
    if not call.hooks or node.phase in ("Pending", "Skipped", "Omitted"):
        return node
    # A copy: what a hook knows of its own step is not for the steps after it.
    inner = Scope(dict(scope.texts), dict(scope.artifacts))
    inner.texts[f"{prefix}.{call.name}.status"] = node.phase
    inner.texts[NOW] = str(node.ended or node.started)
    inner.add(f"{prefix}.{call.name}", node)
    is_over, trouble = run(walk, name, call.hooks, node, inner, frame.level)
    if node.phase not in ENDED:
        return node
    if not is_over:
        return replace(node, phase="Running")
    if not trouble or node.message == trouble:
        return node
    # a task ends with it, of steps the group around it
    is_task = prefix == "tasks"
    failed = replace(node, type="Skipped", phase="Error", message=trouble)
    return walk.close(node, "Error", trouble, outputs=node.outputs) if is_task else failed


def run(
    walk: Walker, name: str, hooks: Sequence[Hook], node: Node, scope: Scope, level: int
) -> tuple[bool, str]:
    """Run what has to run; whether nothing of it is open, and why an expression has no answer,
    which is a failure of what has the hook (executeTmplLifeCycleHook)."""
    is_over, trouble = True, ""
    for hook in hooks:
        is_exit = hook.name == EXIT
        if is_exit and node.phase not in ENDED:
            continue
        where = f"{name}.onExit" if is_exit else f"{name}.hooks.{hook.name}"
        blank = walk.blank(where, hook.template, "Pod", node.parent)
        saved = walk.nodes.get(blank.id)
        # That its expression has no answer was found out before, and it is not asked again.
        if saved and saved.type == "Skipped":
            trouble = trouble or saved.message
            continue
        try:
            if saved is None and not is_due(hook, scope):
                continue
        except Unresolved as error:
            trouble = trouble or str(error)
            walk.close(replace(blank, type="Skipped"), "Error", str(error))
            continue
        try:
            given = walk.given(hook, scope)
        except Unresolved as error:
            if saved is None:
                walk.close(blank, "Error", str(error))
            continue
        ended = walk.visit(where, hook.template, given, level + 1, node.parent)
        is_over = is_over and ended.phase in ENDED
    return is_over, trouble


def is_due(hook: Hook, scope: Scope) -> bool:
    """Whether what the hook waits for is so. Raises Unresolved."""
    text = substitute(hook.expression, scope.texts)
    return not text or is_true(text, scope.texts)
