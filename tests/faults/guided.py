"""The same damage as in ``test_faults_fuzz``, guided by coverage where atheris installs:

``pip install atheris && python -m tests.faults.guided stage_files -max_total_time=60``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris
from hypothesis import given
from hypothesis import strategies as st

with atheris.instrument_imports(include=["cicd"]):
    from tests.config.config_sample import SERVE, TRAIN, write_repository
    from tests.faults import test_faults_fuzz as fuzz

ROOT = write_repository(Path(tempfile.mkdtemp(prefix="cicd-fuzz-")))


def inner(test: Any) -> Any:
    """The body of a hypothesis test, to be called with values."""
    return test.hypothesis.inner_test


TARGETS: dict[str, Any] = {
    "stage_files": given(fuzz.EDITS)(
        fuzz.LIMITED(lambda edits: inner(fuzz.test_stage_files)(ROOT, edits))
    ),
    "seed_files": given(fuzz.EDITS)(
        fuzz.LIMITED(lambda edits: inner(fuzz.test_seed_files)(ROOT, edits))
    ),
    "variables": given(st.lists(fuzz.PIECES, max_size=6).map("".join), st.booleans())(
        fuzz.LIMITED(lambda text, is_one: inner(fuzz.test_variables)(ROOT, text, is_one))
    ),
    "templates": given(fuzz.EDITS, st.sampled_from([TRAIN, SERVE]))(
        fuzz.LIMITED(lambda edits, text: inner(fuzz.test_templates)(ROOT, edits, text))
    ),
}


if __name__ == "__main__":
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name].hypothesis.fuzz_one_input)
    atheris.Fuzz()
