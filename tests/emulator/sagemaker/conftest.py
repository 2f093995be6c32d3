"""One emulator for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.sagemaker.aws import BUCKET, Aws, running


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with running(tmp_path_factory.mktemp("aws") / "data") as found:
        found.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield found
