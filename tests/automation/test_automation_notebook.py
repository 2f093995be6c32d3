"""The notebook in ``examples/``: its form, and what its cells do as code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.acceptance.conftest import REPOSITORY, Project, example  # noqa: F401 fixture

BOOKS = sorted((REPOSITORY / "examples").rglob("*.ipynb"))
TEXT = {"type": "array", "items": {"type": "string"}}
CELL = {
    "type": "object",
    "required": ["id", "cell_type", "metadata", "source"],
    "properties": {
        "id": {"type": "string", "pattern": "^[a-zA-Z0-9-_]+$", "minLength": 1, "maxLength": 64},
        "metadata": {"type": "object"},
        "source": TEXT,
    },
    "if": {"properties": {"cell_type": {"const": "code"}}},
    "then": {
        "required": ["outputs", "execution_count"],
        "properties": {"outputs": {"const": []}, "execution_count": {"const": None}},
    },
    "else": {
        "properties": {"cell_type": {"const": "markdown"}, "outputs": False},
    },
}
SCHEMA = {
    "type": "object",
    "required": ["metadata", "nbformat_minor", "nbformat", "cells"],
    "additionalProperties": False,
    "properties": {
        "nbformat": {"const": 4},
        "nbformat_minor": {"const": 5},
        "metadata": {
            "type": "object",
            "required": ["kernelspec", "language_info"],
            "properties": {
                "kernelspec": {"required": ["name", "display_name"]},
                "language_info": {"required": ["name"]},
            },
        },
        "cells": {"type": "array", "items": CELL, "minItems": 1},
    },
}
"""What the notebook format 4.5 says of what is in ours, and that nothing is in it that ran."""


def read(path: Path) -> dict[str, Any]:
    book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return book


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_one_and_keeps_no_output(path: Path) -> None:
    book = read(path)
    jsonschema.validate(book, SCHEMA)
    ids = [cell["id"] for cell in book["cells"]]
    assert len(ids) == len(set(ids))
    for cell in book["cells"]:
        lines = cell["source"]
        assert all(line.endswith("\n") for line in lines[:-1])


def test_the_cells_of_the_notebook_train_serve_look_and_take_down(
    example: Project,  # noqa: F811
) -> None:
    folder = example.root / "examples" / "notebook"
    shutil.copytree(REPOSITORY / "examples" / "notebook", folder)
    example.publish()
    [book] = BOOKS
    cells = [cell for cell in read(book)["cells"] if cell["cell_type"] == "code"]
    # the last expression of a cell is what a notebook shows
    program = "\n".join(
        [
            "import ast, json, sys",
            "space = {}",
            "for source in json.load(sys.stdin):",
            "    tree = ast.parse(source)",
            "    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None",
            "    exec(compile(tree, 'cell', 'exec'), space)",
            "    if last:",
            "        shown = eval(compile(ast.Expression(last.value), 'cell', 'eval'), space)",
            "        print(repr(shown)) if shown is not None else None",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=example.environ,
        input=json.dumps(["".join(cell["source"]) for cell in cells]),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout
    assert "['stages/dev.yaml', 'stages/prd.yaml', 'stages/tst.yaml']" in said
    assert "execution/train │ " in said and "deployment/serve: applied" in said
    assert "/v2/inference/deployments/" in said
    assert "things of dev are deleted" in said
    assert not example.api("/lm/deployments", "default")["resources"]
