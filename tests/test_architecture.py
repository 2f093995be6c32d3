"""Who may import whom (DESIGN.md section 2), read from the source with ast. This is the map."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1] / "cicd"

# room -> the rooms of ours it may import; a room is the longest matching prefix
TABLE: dict[str, set[str]] = {
    "cicd": set(),
    "cicd.values": set(),
    "cicd.model": {"cicd.values"},
    "cicd.errors": set(),
    "cicd.config": {
        "cicd.platforms.aicore.dialect",  # until it is handed in
        "cicd.values",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
    },
    "cicd.plan": {"cicd.model", "cicd.errors"},
    "cicd.render": {"cicd.values", "cicd.model", "cicd.errors"},
    "cicd.platforms": {"cicd.model", "cicd.errors"},
    "cicd.platforms.base": {"cicd.model", "cicd.errors"},
    "cicd.platforms.hiding": {
        "cicd.platforms.base",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
    },
    "cicd.platforms.registry": {
        "cicd.platforms.base",
        "cicd.platforms.hiding",
        "cicd.model",
        "cicd.errors",
    },
    "cicd.platforms.aicore": {
        "cicd.platforms.base",
        "cicd.platforms.destination",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
        "cicd.threads",
    },
    "cicd.platforms.aicore.dialect": {
        "cicd.config",
        "cicd.values",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
    },
    "cicd.platforms.destination": {"cicd.platforms.base", "cicd.model", "cicd.errors"},
    "cicd.apply": {"cicd.model", "cicd.errors", "cicd.platforms.base", "cicd.logs"},
    "cicd.masking": set(),
    "cicd.threads": set(),
    "cicd.logs": {"cicd.model", "cicd.errors", "cicd.platforms.base"},
    "cicd.github": {"cicd.values", "cicd.model", "cicd.errors", "cicd.masking", "cicd.render"},
    "cicd.metaflow": {
        "cicd.platforms.aicore.dialect",
        "cicd.config",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
    },
    "cicd.emulator": set(),
    "cicd.automation": {"*"},
    "cicd.cli": {"*"},
    "cicd.__main__": {"cicd.cli"},
}
PURE = ("cicd.plan", "cicd.render", "cicd.values", "cicd.model", "cicd.errors")
IO_MODULES = {"os", "io", "pathlib", "socket", "subprocess", "requests", "urllib", "http", "time"}


def module_name(path: Path) -> str:
    parts = ("cicd", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(module: str) -> str:
    return max((name for name in TABLE if is_within(module, name)), key=len)


def is_within(module: str, name: str) -> bool:
    return module == name or module.startswith(name + ".")


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def test_every_room_imports_only_what_the_table_allows() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in MODULES.items()
        for name in imports(path)
        if is_within(name, "cicd")
        if not is_allowed(module, name)
    ]
    assert not wrong, "\n".join(wrong)


def is_allowed(module: str, name: str) -> bool:
    mine = room(module)
    allowed = TABLE[mine] | {mine}
    return (
        "*" in allowed
        or any(is_within(name, other) for other in allowed if other != "cicd")
        or (name.removeprefix("cicd.") == "__version__")
    )


def test_pure_rooms_do_no_input_or_output() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in MODULES.items()
        if any(is_within(module, pure) for pure in PURE)
        for name in imports(path)
        if name.split(".")[0] in IO_MODULES
    ]
    assert not wrong, "\n".join(wrong)


def test_only_cli_prints_reads_the_environment_and_exits() -> None:
    wrong = [
        f"{module}: {what}"
        for module, path in MODULES.items()
        if not is_within(module, "cicd.cli") and not is_within(module, "cicd.automation")
        # programs that the emulator starts inside sandboxes are processes of their own
        if path.parent.name != "inside"
        for what in forbidden(path)
    ]
    assert not wrong, "\n".join(wrong)


def forbidden(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ):
            found.add("print()")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            dotted = f"{node.value.id}.{node.attr}"
            if dotted in {"os.environ", "os.getenv", "sys.exit", "sys.stdout", "sys.stderr"}:
                found.add(dotted)
    return found


def test_no_module_is_named_after_nothing() -> None:
    names = {"utils", "helpers", "common", "core", "manager", "service", "misc"}
    assert not [module for module in MODULES if module.rsplit(".", 1)[-1] in names]


def test_every_module_says_what_lives_there() -> None:
    silent = [
        m for m, path in MODULES.items() if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent, "\n".join(silent)


def test_only_the_console_prints() -> None:
    """What it lets out is free of secrets and of commands to CI systems."""
    printing = {"click.echo", "click.secho", "click.confirm", "print"}
    printing |= {"sys.stdout.write", "sys.stderr.write"}
    found = {
        f"{module}: {name}"
        for module, path in MODULES.items()
        if not is_within(module, "cicd.emulator") and module != "cicd.cli.console"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        if (name := ast.unparse(node.func)) in printing
    }
    assert not found
