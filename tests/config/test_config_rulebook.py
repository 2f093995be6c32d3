"""Every finding has a rule, every rule is in the book, and none is there that nobody uses."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from cicd.platforms.registry import DIALECTS, every_rule
from tests.config.config_sample import GIT, STAGE, changed, write_repository

RULES = every_rule()
TOP = Path(__file__).parents[2]
ROOMS = (TOP / "cicd" / "config", *TOP.glob("cicd/platforms/*/dialect"))
FILES = [path for room in ROOMS for path in sorted(room.rglob("*.py"))]
FILES += sorted(TOP.glob("cicd/platforms/*/dialect.py"))
SOURCES = {
    str(path.relative_to(TOP)): ast.parse(path.read_text(encoding="utf-8"))
    for path in FILES
    if path.name != "rulebook.py"
}


def texts(node: ast.AST) -> set[str]:
    return {
        child.value
        for child in ast.walk(node)
        if isinstance(child, ast.Constant) and isinstance(child.value, str)
    }


def test_rules_have_ids_that_can_be_typed_and_one_sentence_each() -> None:
    for name, rule in RULES.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name), name
        assert rule.says.endswith(".") and len(rule.says) <= 100, name


def severities() -> dict[str, set[str]]:
    """Rule -> the severities that the code gives it; calls that compute one count as an error."""
    found: dict[str, set[str]] = {}
    for tree in SOURCES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "problem":
                _, rule, *rest = node.args
                is_warning = bool(rest) and texts(rest[0]) == {"warning"}
                for name in texts(rule) & RULES.keys():
                    found.setdefault(name, set()).add("warning" if is_warning else "error")
    return found


def test_every_rule_has_a_source_or_is_a_warning() -> None:
    told = severities()
    bare = [name for name, rule in RULES.items() if not rule.source.strip()]
    assert [name for name in bare if told.get(name) != {"warning"}] == []
    known = "AI Core API|SAP AI Core|Argo|Kubernetes|KServe|Metaflow|OCI|POSIX|YAML|cicd:"
    known += "|trainingClient: |Amazon SageMaker: |Apache Spark: "
    assert [n for n, r in RULES.items() if r.source and not re.match(known, r.source)] == []
    assert len(told) > 40


def test_the_reference_lists_every_rule_with_its_source() -> None:
    text = (TOP / "README.md").read_text(encoding="utf-8")
    table = text.partition("| rule | means | comes from |\n|---|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == [
        f"| `{name}` | {rule.says} | {rule.source} |" for name, rule in RULES.items()
    ]


def test_every_finding_names_a_rule() -> None:
    """``place.problem(message, rule)`` cannot be called without one; ``Problem`` can."""
    bare = [
        f"{name}:{node.lineno}"
        for name, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Problem"
        and len(node.args) < 5
    ]
    assert bare == []


def test_every_rule_in_the_code_is_in_the_book() -> None:
    wrong = [
        f"{name}:{node.lineno}: {node.args[1].value!r}"
        for name, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "problem"
        and isinstance(node.args[1], ast.Constant)
        and node.args[1].value not in RULES
    ]
    assert wrong == []


def test_every_rule_in_the_book_is_used() -> None:
    made = {f"{what}-{word}" for what in ("unknown", "missing") for word in ("parameter", "input")}
    made |= {
        f"{what}-{word}" for what in ("mistyped", "missing") for word in ("label", "annotation")
    }
    made |= {"bad-command", "bad-args"}
    used = made.union(*(texts(tree) for tree in SOURCES.values()))
    assert set(RULES) - used == set()


def test_findings_of_a_file_that_is_all_wrong_carry_known_rules(tmp_path: Path) -> None:
    from cicd.config import Surroundings, check_stage

    edits = (
        ("executable_id: trainer", "executable_id: trianer"),
        ("{epochs: 3}", "{epoch: 3}"),
        ("ttl: 24h", "ttl: 9m"),
        ("{dataset: customers}", "{dataset: customer}"),
    )
    repo = write_repository(tmp_path, changed(*edits, text=STAGE))
    found = check_stage(
        "dev", Surroundings(root=repo, env={}, variables={}, dialects=DIALECTS, git=GIT)
    )
    assert {problem.rule for problem in found} == {
        "unknown-executable",
        "unknown-reference",
        "bad-ttl",
    }
