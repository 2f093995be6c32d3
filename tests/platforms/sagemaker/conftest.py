"""One emulator for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.sagemaker.aws import Aws, running


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """A SageMaker that really runs what it is given."""
    with running(tmp_path_factory.mktemp("aws") / "data") as found:
        yield found
