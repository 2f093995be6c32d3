"""Who may import whom, read from the source with ast. This is the map."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from cicd.platforms.registry import PLATFORMS

ROOT = Path(__file__).parents[1] / "cicd"

# room -> the rooms of ours it may import; a room is the longest matching prefix
TABLE: dict[str, set[str]] = {
    "cicd": {"cicd.version", "cicd.automation"},
    "cicd.version": set(),
    "cicd.values": set(),
    "cicd.words": set(),
    "cicd.http": set(),
    "cicd.model": {"cicd.values", "cicd.words"},
    "cicd.errors": set(),
    "cicd.config": {
        "cicd.values",
        "cicd.words",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
    },
    "cicd.plan": {"cicd.version", "cicd.words", "cicd.model", "cicd.errors"},
    "cicd.render": {"cicd.values", "cicd.words", "cicd.model", "cicd.errors"},
    "cicd.platforms": {"cicd.model", "cicd.errors"},
    "cicd.platforms.base": {"cicd.model", "cicd.errors"},
    "cicd.platforms.recorded": {"cicd.platforms.base", "cicd.model", "cicd.errors"},
    "cicd.platforms.commands": {"cicd.words"},
    "cicd.platforms.tokens": {"cicd.errors"},
    "cicd.platforms.brought": {"cicd.errors"},
    "cicd.platforms.hiding": {
        "cicd.platforms.base",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
    },
    "cicd.platforms.registry": {
        "cicd.platforms.base",
        "cicd.platforms.commands",
        "cicd.platforms.hiding",
        "cicd.model",
        "cicd.errors",
        "cicd.config.dialect",
        "cicd.config.plain_dialect",
        "cicd.config.rulebook",
        "cicd.scaffold",
    },
    # what cicd init writes: data, and the questions of each platform
    "cicd.scaffold": {"cicd.version", "cicd.errors", "cicd.config.formats"},
    "cicd.platforms.aicore": {"cicd.platforms.destination"},
    "cicd.platforms.training_job": {
        "cicd.platforms.base",
        "cicd.model",
        "cicd.errors",
        "cicd.http",
        "cicd.masking",
        "cicd.threads",
    },
    "cicd.platforms.training_job.dialect": {
        "cicd.config",
        "cicd.values",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
    },
    "cicd.platforms.sagemaker": {
        "cicd.platforms.base",
        "cicd.model",
        "cicd.errors",
        "cicd.threads",
    },
    "cicd.platforms.sagemaker.dialect": {
        "cicd.config",
        "cicd.values",
        "cicd.model",
        "cicd.errors",
    },
    "cicd.platforms.destination": {"cicd.platforms.base", "cicd.model", "cicd.errors"},
    "cicd.apply": {"cicd.words", "cicd.model", "cicd.errors", "cicd.platforms.base", "cicd.logs"},
    "cicd.masking": set(),
    "cicd.threads": set(),
    "cicd.logs": {"cicd.model", "cicd.errors", "cicd.platforms.base"},
    "cicd.forges": {
        "cicd.version",
        "cicd.values",
        "cicd.words",
        "cicd.model",
        "cicd.errors",
        "cicd.http",
        "cicd.masking",
        "cicd.render",
    },
    "cicd.lifecycle": {
        "cicd.version",
        "cicd.values",
        "cicd.words",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
        "cicd.http",
        "cicd.render",
        "cicd.forges",
    },
    "cicd.notify": {
        "cicd.version",
        "cicd.words",
        "cicd.model",
        "cicd.errors",
        "cicd.http",
        "cicd.masking",
        "cicd.render",
    },
    "cicd.metaflow": {
        "cicd.platforms.aicore.dialect",
        "cicd.config",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
    },
    # the emulator's own rooms, each floor on those above it; it imports nothing of the rest
    "cicd.emulator.errors": set(),
    "cicd.emulator.timestamps": set(),
    "cicd.emulator.jobs": set(),
    "cicd.emulator.workflow": {"cicd.emulator.jobs"},
    "cicd.emulator.state": {"cicd.emulator.errors", "cicd.emulator.timestamps"},
    "cicd.emulator.faults": {"cicd.emulator.errors", "cicd.emulator.timestamps"},
    # of what is kept it knows no more than files: no database, no clock, no credentials
    "cicd.emulator.runner": {
        "cicd.emulator.errors",
        "cicd.emulator.timestamps",
        "cicd.emulator.jobs",
        "cicd.emulator.workflow",
        "cicd.emulator.state.private",
        "cicd.emulator.state.s3",
    },
    "cicd.emulator.runner.inside": set(),
    "cicd.emulator.git": {
        "cicd.emulator.errors",
        "cicd.emulator.timestamps",
        "cicd.emulator.state",
        "cicd.emulator.workflow",
        "cicd.emulator.runner.serving",
    },
    "cicd.emulator.foundation": {
        "cicd.emulator.errors",
        "cicd.emulator.jobs",
        "cicd.emulator.state.private",
        "cicd.emulator.runner.lines",
        "cicd.emulator.git.templates",
    },
    # what runs is known by jobs.Runner and jobs.Journal alone
    "cicd.emulator.runs": {
        "cicd.emulator.errors",
        "cicd.emulator.timestamps",
        "cicd.emulator.jobs",
        "cicd.emulator.state",
        "cicd.emulator.git.templates",
        "cicd.emulator.foundation",
    },
    "cicd.emulator.world": {
        "cicd.emulator.jobs",
        "cicd.emulator.state",
        "cicd.emulator.faults",
        "cicd.emulator.git",
        "cicd.emulator.foundation",
        "cicd.emulator.runs",
    },
    # what a front door declares; who has one stands on the same as AI Core's
    "cicd.emulator.front_door": {"cicd.emulator.state.credentials", "cicd.emulator.world"},
    "cicd.emulator.training_job": {
        "cicd.emulator.errors",
        "cicd.emulator.front_door",
        "cicd.emulator.runs",
        "cicd.emulator.state",
        "cicd.emulator.workflow.yaml12",
        "cicd.emulator.world",
    },
    # AWS's other services come with it, and S3 and what serves are those that all have
    "cicd.emulator.sagemaker": {
        "cicd.emulator.api.passing",
        "cicd.emulator.api.s3",
        "cicd.emulator.api.signature",
        "cicd.emulator.front_door",
        "cicd.emulator.jobs",
        "cicd.emulator.runner.artifacts",
        "cicd.emulator.runs",
        "cicd.emulator.state",
        "cicd.emulator.world",
    },
    "cicd.emulator.sagemaker.inside": set(),
    "cicd.emulator.training_job.inside": set(),
    "cicd.emulator.api": {
        "cicd.emulator.errors",
        "cicd.emulator.timestamps",
        "cicd.emulator.jobs",
        "cicd.emulator.state",
        "cicd.emulator.faults",
        "cicd.emulator.git",
        "cicd.emulator.foundation",
        "cicd.emulator.runs",
        "cicd.emulator.world",
        "cicd.emulator.front_door",
        "cicd.emulator.runner.serving.exchange",
    },
    "cicd.emulator.host": {"cicd.emulator"},
    "cicd.emulator.pytest_plugin": {"cicd.emulator", "cicd.emulator.host"},
    "cicd.emulator": {"cicd.emulator.host"},
    "cicd.automation": {
        "cicd.values",
        "cicd.words",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",
        "cicd.threads",
        "cicd.config",
        "cicd.plan",
        "cicd.apply",
        "cicd.logs",
        "cicd.render",
        "cicd.platforms",
        "cicd.scaffold",
        "cicd.forges",
        "cicd.lifecycle",
        "cicd.notify",
        # by automation.local alone
        "cicd.emulator.host.control",
        "cicd.emulator.host.folder",
        "cicd.emulator.errors",
    },
    "cicd.controller": {
        "cicd.automation",
        "cicd.model",
        "cicd.errors",
        "cicd.masking",  # what a program or a server said is stored without secrets
        "cicd.render",
        "cicd.notify",
    },
    "cicd.page": {
        "cicd.words",
        "cicd.model",
        "cicd.errors",
        "cicd.render",
        "cicd.automation",
    },
    "cicd.cli": {"*"},
    "cicd.__main__": {"cicd.cli"},
}
# each platform has these two, and may have rows of its own above for what it needs besides
PLATFORM = {
    "cicd.platforms.commands",
    "cicd.version",
    "cicd.platforms.base",
    "cicd.platforms.recorded",
    "cicd.platforms.sealing",
    "cicd.platforms.log_metrics",
    "cicd.platforms.tokens",
    "cicd.platforms.brought",
    "cicd.model",
    "cicd.errors",
    "cicd.http",
    "cicd.masking",
    "cicd.threads",
}
DIALECT = {
    "cicd.config",
    "cicd.values",
    "cicd.words",
    "cicd.model",
    "cicd.errors",
    "cicd.masking",
}
for adapter in PLATFORMS.values():
    folder = adapter.rpartition(".")[0]
    TABLE[folder] = PLATFORM | TABLE.get(folder, set())
    TABLE[f"{folder}.dialect"] = DIALECT | TABLE.get(f"{folder}.dialect", set())
    project = folder.replace(".platforms.", ".scaffold.")
    if (ROOT.parent / project.replace(".", "/")).is_dir():
        TABLE[project] = {"cicd.scaffold", "cicd.config", "cicd.errors", f"{folder}.dialect"}
PURE = (
    "cicd.plan",
    "cicd.render",
    "cicd.values",
    "cicd.words",
    "cicd.model",
    "cicd.errors",
    "cicd.controller.deciding",
    "cicd.controller.windows",
    "cicd.controller.retries",
)
IO_MODULES = {
    "os",
    "io",
    "pathlib",
    "socket",
    "subprocess",
    "requests",
    "urllib.request",  # urllib.parse only takes texts apart
    "http",
    "time",
}


def module_name(path: Path) -> str:
    parts = ("cicd", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


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
    return "*" in allowed or any(is_within(name, other) for other in allowed if other != "cicd")


def test_only_one_module_above_the_emulator_imports_it() -> None:
    """All the rest meets it over HTTP; the commands that start, stop and ask it are its own."""
    doors = {
        module
        for module, path in MODULES.items()
        if not is_within(module, "cicd.emulator") and not is_within(module, "cicd.cli")
        if any(is_within(name, "cicd.emulator") for name in imports(path))
    }
    assert doors == {"cicd.automation.local"}


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports inside functions and for type checkers count: each is a loop that was hidden."""
    graph = {module: modules_in(imports(path)) - {module} for module, path in MODULES.items()}
    assert not loop_in(graph)


def test_no_room_imports_itself_by_way_of_others() -> None:
    graph: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        mine = room(module)
        others = {room(other) for other in modules_in(imports(path))}
        graph.setdefault(mine, set()).update(others - {mine})
    assert not loop_in(graph)


def test_the_table_itself_has_no_loop() -> None:
    """Whatever it allows may be done tomorrow."""
    graph = {
        name: {room(other) for other in allowed if other != "*"} - {name}
        for name, allowed in TABLE.items()
        # the host puts the emulator together: it may import all of it
        if name != "cicd.emulator.host"
    }
    assert not loop_in(graph)


def test_every_row_of_the_table_is_a_room() -> None:
    assert not [name for name in TABLE if not any(is_within(m, name) for m in MODULES)]


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from cicd.emulator.world import World\n"
        "def late() -> None:\n    import cicd.emulator.host.server\n"
        "class Holder:\n    from cicd.emulator import jobs\n",
        encoding="utf-8",
    )
    wanted = {"cicd.emulator.world", "cicd.emulator.host.server", "cicd.emulator.jobs"}
    assert modules_in(imports(file)) == wanted


def test_loops_of_any_length_are_found() -> None:
    assert not loop_in({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    assert set(loop_in({"a": {"b"}, "b": {"a"}})) == {"a", "b"}
    assert set(loop_in({"x": {"a"}, "a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


def modules_in(names: Iterable[str]) -> set[str]:
    """The modules of ours that imported names are or stand in."""
    owners = {name if name in MODULES else name.rpartition(".")[0] for name in names}
    return owners & MODULES.keys()


def loop_in(graph: dict[str, set[str]]) -> list[str]:
    """One loop of a graph, its start at both ends; empty when there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_pure_rooms_do_no_input_or_output() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in MODULES.items()
        if any(is_within(module, pure) for pure in PURE)
        for name in imports(path)
        if any(is_within(name, other) for other in IO_MODULES)
    ]
    assert not wrong, "\n".join(wrong)


def test_only_cli_prints_reads_the_environment_and_exits() -> None:
    wrong = [
        f"{module}: {what}"
        for module, path in MODULES.items()
        if not is_within(module, "cicd.cli")
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


def test_a_whole_platform_is_a_folder_of_100_to_200_lines() -> None:
    """Rule 7: what the toy has no line for, every new platform has for nothing."""
    files = (Path(__file__).parent / "platforms/toy").glob("*.py")
    own = [path for path in files if not path.name.startswith("test_")]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in own)
    told = "the toy shows how little a platform has to say: try more on one of your own"
    assert len(own) == 4 and 100 <= lines <= 200, f"{lines} lines: {told}"


PLATFORM_WORDS = re.compile(
    r"ai.?core|executable|scenario|resource.?group|artifact|deployment|\bexecutions?\b|configuration"
    r"|destination|argo\b|sagemaker|endpoint|spark|livy",
    re.IGNORECASE,
)


def test_the_language_of_stage_files_has_no_word_of_a_platform() -> None:
    """Names, texts and comments: what a platform says stands in its dialect."""
    found = [
        f"{module}: {match[0]}"
        for module, path in MODULES.items()
        if is_within(module, "cicd.config")
        for match in PLATFORM_WORDS.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


WORD = re.compile(
    r"(?<![A-Za-z])(executable|scenario|resource[ _-]?group|configuration|deployment|execution"
    r"|artifact|ai[ _-]?core|destination)s?(?![A-Za-z])",
    re.IGNORECASE,
)
"""What only AI Core has, or calls so."""
THEIRS = (
    "cicd.platforms.aicore",
    "cicd.platforms.destination",
    "cicd.platforms.sagemaker",  # the same
    "cicd.platforms.training_job",  # another platform, whose API has some of these words too
    "cicd.emulator",
    "cicd.scaffold.aicore",
    "cicd.metaflow",
)
SPEAK_TOO = {
    "cicd.version": "the name of the package: aicore-cicd",
    "cicd.platforms.registry": "the one line of each platform",
    "cicd.cli.emulator": "the command of the emulator: what AI Core's front door is asked by",
    "cicd.cli.emulator_faults": "the same, for its fault rules",
    "cicd.automation.local": "puts AI Core's front door of the emulator in place of the account",
    "cicd.lifecycle.comparator": "the Python that runs: sys.executable",
    "cicd.platforms.spark.kerberos": "the Python that runs: sys.executable",
    "cicd.platforms.spark.process": "the Python that runs: sys.executable",
    "cicd.forges.github": "a job that waits for an environment, in GitHub's API",
    "cicd.forges.github_deployments": "the same",
    "cicd.forges.gitlab": "what a job brings to an environment, in GitLab's API",
    "cicd.forges.pulls": "a pull request that carries configuration, the English word",
}
"""Modules that say a word of AI Core all the same, each with its reason."""
HELP = {"help", "epilog", "metavar", "short_help"}


def test_no_word_of_ai_core_stands_outside_its_folders() -> None:
    """Rule 6: rooms that serve all platforms ask kinds and dialects. Help pages may show AI Core's
    keys, as examples; so may ``docs``."""
    said = {
        module: found
        for module, path in MODULES.items()
        if not any(is_within(module, theirs) for theirs in THEIRS)
        if (found := sorted(words_in(module, path)))
    }
    wrong = [
        f"{module}:{found}" for module in said.keys() - SPEAK_TOO.keys() for found in said[module]
    ]
    assert not wrong, "\n".join(sorted(wrong))
    silent = SPEAK_TOO.keys() - said.keys()
    assert not silent, f"no exception is needed any more: {sorted(silent)}"


def words_in(module: str, path: Path) -> Iterator[str]:
    """Line and word, in names, texts, comments, and in docs outside of their examples."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    docs, helps = docs_and_helps(tree)
    for node in ast.walk(tree):
        if node in helps or (node in docs and is_within(module, "cicd.cli")):
            continue
        for said in texts_of(node):
            shown = re.sub(r"``.*?``", "", said, flags=re.DOTALL) if node in docs else said
            line = getattr(node, "lineno", 1)
            yield from (f"{line}: {found[0]}" for found in WORD.finditer(shown))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from (f"{token.start[0]}: {found[0]}" for found in WORD.finditer(token.string))


def docs_and_helps(tree: ast.Module) -> tuple[set[ast.AST], set[ast.AST]]:
    """The strings that document, and all that only help pages show."""
    docs: set[ast.AST] = set()
    helps: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docs.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg in HELP:
            helps |= set(ast.walk(node.value))
    return docs, helps


def texts_of(node: ast.AST) -> Iterator[str]:
    """The names and texts of one node itself."""
    for name in ("id", "attr", "arg", "name", "module"):
        if isinstance(said := getattr(node, name, None), str):
            yield said
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def test_no_word_of_another_front_door_stands_outside_its_folder() -> None:
    """What an emulator offers beside AI Core is a folder and a line."""
    said = {
        module
        for module, path in MODULES.items()
        if re.search("sagemaker", path.read_text(encoding="utf-8"), re.IGNORECASE)
        if is_within(module, "cicd.emulator")
        if not is_within(module, "cicd.emulator.sagemaker")
    }
    assert said == {"cicd.emulator.host.doors"}
