"""Whether a room's own tests notice a fault in it: a random sample of mutants, and who is alive.

    pip install cosmic-ray pytest-cov
    python -m benchmarks.mutants apply [--seed 1] [--count 60] [--jobs 2] [--only PATH:OPERATOR:N …]

cosmic-ray has the operators and writes the mutated source; what it cannot do is draw a sample or
pass over annotations, which nothing evaluates here, and it has no operator for what is returned or
left out. One place of the source is one lot: an operator with ten variants counts no more than one
with one. Everything runs in a copy of the tree. First the room's tests run there once, with a note
of which of them come by which line; a mutant then meets those tests only, or all of the room's
where its line is run before any test is.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import CoverageData
from pytest import ExitCode

from benchmarks import chosen_tests

ROOT = Path(__file__).parents[1]
AICORE = "cicd/platforms/aicore"
ROOMS = {
    "plan": (["cicd/plan"], ["tests/plan/test_*.py"]),
    "apply": (["cicd/apply"], ["tests/apply/test_*.py"]),
    "config": (
        ["cicd/config", f"{AICORE}/dialect"],
        [
            "tests/config/test_*.py",
            "tests/platforms/aicore/dialect/test_*.py",
            "tests/metaflow/test_metaflow_check.py",
        ],
    ),
    "workflow": (["cicd/emulator/workflow"], ["tests/emulator/workflow/test_*.py"]),
    "aicore": ([AICORE], ["tests/platforms/test_*.py"]),
}
"""Room -> where its source stands, which tests are its own; a folder of another room is not."""

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=90"]
LONGEST = 900.0
"""Seconds that the tests of one mutant may take; one that takes longer has been noticed."""
NO_END = "no end"
"""What is told of such a mutant, and of one that a test's own bound of time has noticed: on a
machine that does much else it wants a look."""

Span = tuple[tuple[int, int], tuple[int, int]]
"""From line and column to line and column, as cosmic-ray counts them."""


NOTHING = {"None", "False", "()", "[]", "{}", '""'}


class NothingReturned:
    """``return x`` gives None; what says no anyway is left alone."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Where it can change a node."""
        if node.type == "return_stmt" and node.children[1].get_code().strip() not in NOTHING:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, _: int) -> Any:
        """The node with the change."""
        node.children[1] = get_ast(" None")
        return node


class StatementLeftOut:
    """A call whose result nobody takes, or a ``raise``, is left out."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Where it can change a node."""
        if node.type == "simple_stmt" and node.children[0].type in {"atom_expr", "raise_stmt"}:
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, _: int) -> Any:
        """The node with the change."""
        prefix = node.children[0].get_first_leaf().prefix
        node.children[0] = get_ast(f"{prefix}pass")
        return node


OURS = {"NothingReturned": NothingReturned, "StatementLeftOut": StatementLeftOut}


def operator(name: str) -> Any:
    """An operator of cosmic-ray or of ours."""
    return OURS[name]() if name in OURS else get_operator(name)()


@dataclass(frozen=True, order=True)
class Mutant:
    """One change of one file: the ``number``-th place where an operator can change it."""

    path: str
    operator: str
    number: int
    span: Span

    def __str__(self) -> str:
        return f"{self.path}:{self.operator}:{self.number}"


def mutants(path: str, source: str) -> Iterator[Mutant]:
    """All of a file, but those in annotations."""
    silent = [
        ((part.lineno, part.col_offset), (part.end_lineno or 0, part.end_col_offset or 0))
        for node in ast.walk(ast.parse(source))
        for name in ("annotation", "returns")
        if (part := getattr(node, name, None)) is not None
    ]
    nodes = list(ast_nodes(get_ast(source)))
    # those two need arguments
    known = [name for name in operator_names() if "Variable" not in name and "NoOp" not in name]
    for name in [*known, *OURS]:
        found = operator(name)
        spans = (span for node in nodes for span in found.mutation_positions(node))
        for number, (start, end) in enumerate(spans):
            if not any(first <= start and end <= last for first, last in silent):
                yield Mutant(path, name, number, (start, end))


def sources(room: str) -> list[str]:
    """The files of a room."""
    own = ROOMS[room][0]
    foreign = [one for folders, _ in ROOMS.values() for one in folders if one not in own]
    return [
        path.relative_to(ROOT).as_posix()
        for folder in own
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not any(one.startswith(folder) and path.is_relative_to(ROOT / one) for one in foreign)
    ]


def all_of(room: str) -> Iterator[Mutant]:
    """All of a room."""
    for path in sources(room):
        yield from mutants(path, (ROOT / path).read_text(encoding="utf-8"))


def sample(room: str, seed: int, count: int) -> list[Mutant]:
    """As many places as are asked for, and one mutant of each."""
    places: dict[tuple[str, Span], list[Mutant]] = {}
    for mutant in all_of(room):
        places.setdefault((mutant.path, mutant.span), []).append(mutant)
    chance = random.Random(seed)  # noqa: S311
    drawn: list[Mutant] = []
    for place in chance.sample(sorted(places), len(places)):
        mutant = chance.choice(places[place])
        if len(drawn) < count and is_python(mutated(source_of(mutant), mutant)):
            drawn.append(mutant)
    return drawn


def is_python(source: str) -> bool:
    """Whether it compiles: ``*`` between parameters is no operator that can be another."""
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def source_of(mutant: Mutant) -> str:
    """The whole file without the change."""
    return (ROOT / mutant.path).read_text(encoding="utf-8")


def mutated(source: str, mutant: Mutant) -> str:
    """The source with the change."""
    return str(mutate_code(source, operator(mutant.operator), mutant.number))


def copy(folder: Path) -> Path:
    """The tree as it stands, in a new folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def pytest(
    folder: Path, *arguments: str, longest: float | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Its end, with what it printed; ``more`` of the environment. Raises TimeoutExpired after
    ``longest`` seconds."""
    return subprocess.run(
        [*PYTEST, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=longest,
    )


class Room:
    """The tests of a room, and which of them come by which line."""

    def __init__(self, name: str, folder: Path) -> None:
        """Runs them once in a copy of the tree. Raises SystemExit where they fail as it is."""
        self.folder = folder
        self.tests = [
            path.relative_to(folder).as_posix()
            for pattern in ROOMS[name][1]
            for path in sorted(folder.glob(pattern))
        ]
        measured = [f"--cov={source}" for source in ROOMS[name][0]]
        measured += ["--cov-context=test", "--cov-report=", "--durations=0", "-vv"]
        done = pytest(folder, *self.tests, *measured)
        if done.returncode:
            sys.exit(done.stdout)
        told = re.findall(r"^([\d.]+)s \w+ +(.+)$", done.stdout, re.MULTILINE)
        self.seconds = {test: float(seconds) for seconds, test in told}
        self.data = CoverageData(str(folder / ".coverage"))
        self.data.read()

    def chosen(self, mutant: Mutant) -> tuple[list[str], set[str]]:
        """The files with tests that come by a mutant's statement, that of its module first, then
        those that take the least time, and the tests: no names where each counts, as the line is
        run before any of them. What is set up for one test may be what another looks at: then the
        file stands for all of its tests."""
        first, last = mutant.span[0][0], mutant.span[1][0]
        statements = (
            node for node in ast.walk(ast.parse(source_of(mutant))) if isinstance(node, ast.stmt)
        )
        around = [one.lineno for one in statements if one.lineno <= first <= (one.end_lineno or 0)]
        begin = max(around, default=first)
        lines = self.data.contexts_by_lineno(str(self.folder / mutant.path))
        names = {name for line in range(begin, last + 1) for name in lines.get(line, [])}
        names = set() if "" in names else set(map(_test, names))
        files = {name.partition("::")[0] for name in names} or set(self.tests)
        own = re.compile(rf"_{Path(mutant.path).stem}\b")
        seconds = dict.fromkeys(sorted(files), 0.0)
        for test, taken in self.seconds.items():
            file = test.partition("::")[0]
            if file in files and (not names or not names.isdisjoint((test, file))):
                seconds[file] += taken
        return sorted(seconds, key=lambda file: (not own.search(file), seconds[file])), names


def _test(context: str) -> str:
    """``tests/plan/test_x.py::test_y[z]`` of ``…|run``."""
    name, _, when = context.rpartition("|")
    return name if when == "run" else name.partition("::")[0]


def noticed(room: Room, folder: Path, mutant: Mutant) -> str:
    """The test that failed, or nothing: the mutant is alive."""
    target = folder / mutant.path
    source, before = target.read_text(encoding="utf-8"), target.stat()
    files, names = room.chosen(mutant)
    listed = folder / "mutant-tests.txt"
    listed.write_text("\n".join(names), encoding="utf-8")
    plugin = ["-p", chosen_tests.__name__] if names else []
    try:
        target.write_text(mutated(source, mutant), encoding="utf-8")
        more = {chosen_tests.NAMES: str(listed)}
        done = pytest(folder, "-x", *plugin, *files, longest=LONGEST, **more)
    except subprocess.TimeoutExpired:
        return NO_END
    finally:
        target.write_text(source, encoding="utf-8")
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    if done.returncode == ExitCode.NO_TESTS_COLLECTED:
        raise SystemExit(f"none of its tests is there any more: {mutant}")
    if not done.returncode:
        return ""
    failed = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    late = (
        f" ({NO_END})" if re.search(r"Timeout \(>|^\++ Timeout", done.stdout, re.MULTILINE) else ""
    )
    return (failed[0] if failed else f"exit {done.returncode}") + late


def change(mutant: Mutant) -> str:
    """The lines that differ."""
    source = source_of(mutant)
    changed = mutated(source, mutant)
    lines = difflib.unified_diff(source.splitlines(), changed.splitlines(), lineterm="", n=0)
    return "\n".join(f"    {line}" for line in list(lines)[2:])


def trial(room: str, drawn: list[Mutant], jobs: int) -> Iterator[tuple[Mutant, str]]:
    """Each mutant with the test that noticed it, as they come."""
    with tempfile.TemporaryDirectory(prefix="cicd-mutants-") as folder:
        first = copy(Path(folder).resolve() / "copy")
        tests = Room(room, first)
        free: queue.Queue[Path] = queue.Queue()
        for number in range(jobs):
            free.put(shutil.copytree(first, first.with_name(f"copy{number}")))

        def tried(mutant: Mutant) -> tuple[Mutant, str]:
            place = free.get()
            try:
                return mutant, noticed(tests, place, mutant)
            finally:
                free.put(place)

        with ThreadPoolExecutor(jobs) as pool:
            for done in as_completed([pool.submit(tried, mutant) for mutant in drawn]):
                yield done.result()


def main() -> None:
    """Draw, run, and print each mutant with the test that noticed it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="+", metavar="PATH:OPERATOR:N")
    given = parser.parse_args()
    if given.only:
        drawn = [mutant for mutant in all_of(given.room) if str(mutant) in given.only]
    else:
        drawn = sample(given.room, given.seed, given.count)
    killed = 0
    for mutant, test in trial(given.room, drawn, given.jobs):
        killed += bool(test)
        word = "killed" if test else "ALIVE "
        sys.stdout.write(f"{word} {mutant} line {mutant.span[0][0]}  {test}\n{change(mutant)}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{given.room}: {killed} of {len(drawn)} killed\n")


if __name__ == "__main__":
    main()
