"""What is told of each case of a table, word for word, in a golden file."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cicd.errors import Problem
from cicd.platforms.registry import PLATFORMS


class Told:
    """Name of a case -> its lines. ``CICD_GOLDEN=write`` makes the file say what is said today;
    what is no case any more goes where the file is deleted before."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, list[str]] = {}
        self._calls: Counter[str] = Counter()
        if file.exists():
            self._known = json.loads(file.read_text(encoding="utf-8"))

    def of(self, name: str, said: list[str]) -> list[str]:
        """What the file says of a case."""
        if os.environ.get("CICD_GOLDEN") == "write":
            self._known[name] = said
            known = {key: self._known[key] for key in sorted(self._known)}
            text = json.dumps(known, ensure_ascii=False, indent=0)
            self._file.write_text(f"{text}\n", encoding="utf-8")
        return self._known[name]

    def check(self, root: Path, said: Iterable[Problem]) -> None:
        """The same for the test that is run right now, of what is told in a folder; a test that is
        not in the file is a new one."""
        path, _, test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0].partition("::")
        test = f"{Path(path).stem}::{test}"
        self._calls[test] += 1
        count = self._calls[test]
        name = test if count == 1 else f"{test} #{count}"
        said = list(said)
        assert all(problem.line or not problem.column for problem in said)
        # a new platform is no other message
        one_of = re.compile(rf"(?<=must be )(one of )?{', '.join(PLATFORMS)}$")
        lines = [
            one_of.sub("one of PLATFORMS", str(problem).replace(str(root), "ROOT"))
            for problem in said
        ]
        if name in self._known or os.environ.get("CICD_GOLDEN") == "write":
            assert lines == self.of(name, lines)
