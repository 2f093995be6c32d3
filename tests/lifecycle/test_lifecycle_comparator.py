"""What a comparator may end with: only what can be read for sure lets anything through."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from cicd.errors import CicdError
from cicd.lifecycle.comparator import Verdict, compare
from cicd.model import Comparator

SAYS = "import json; said = {'verdict': 'rejected', 'reason': 'worse'}\n"


def judged(folder: Path, code: str) -> Verdict | str:
    comparator = Comparator((sys.executable, "-c", code), 60.0)
    try:
        return compare(comparator, folder, folder, os.environ)
    except CicdError as error:
        return error.message


@pytest.mark.parametrize(
    "code",
    [
        "print(json.dumps(said))",
        "print('speed 2'); print(json.dumps(said, indent=2))",
        "print(json.dumps({**said, 'more': {'a': [1]}}, indent=4))",
        "print('\\ufeff' + json.dumps(said), end='\\r\\n')",
        "print(json.dumps({'reason': 'worse', 'more': 'x' * 50000, 'verdict': 'rejected'}))",
    ],
)
def test_a_rejection_is_read_however_its_json_is_laid_out(tmp_path: Path, code: str) -> None:
    code = f"import sys; sys.stdout.reconfigure(encoding='utf-8')\n{SAYS}{code}"
    assert str(judged(tmp_path, code)) == "rejected: worse"


@pytest.mark.parametrize(
    "code",
    [
        "print(said)",  # as Python writes it
        "print(json.dumps(said)[:20])",
        "print(json.dumps(said)[5:])",
        'print(json.dumps(said)[:-1] + \', "verdict": "accepted"}\')',
        "print(json.dumps(said) + '}')",
    ],
)
def test_what_looks_like_a_verdict_and_cannot_be_read_accepts_nothing(
    tmp_path: Path, code: str
) -> None:
    found = judged(tmp_path, SAYS + code)
    assert isinstance(found, str) and "something else than JSON" in found


@pytest.mark.parametrize("code", ["print('all is well')", "", "print('[1, 2]')"])
def test_other_words_leave_it_to_the_exit_code(tmp_path: Path, code: str) -> None:
    assert str(judged(tmp_path, code)) == "accepted"


def test_what_a_comparator_has_started_ends_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, file=sys.stderr); sys.exit(1)\n"
    )
    found = judged(tmp_path, code)
    assert isinstance(found, Verdict)
    state = Path(f"/proc/{int(found.reason)}/stat")
    while state.exists() and state.read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}:
        time.sleep(0.01)  # the system takes its time, and the run of the tests has an end
