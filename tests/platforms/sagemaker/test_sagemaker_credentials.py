"""Logins: of the environment, of a workload whose token changes, of the file that others have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cicd.model import Stage
from cicd.platforms import registry
from cicd.platforms.base import Finding
from tests.emulator.sagemaker.aws import Aws

ROLE = "arn:aws:iam::123456789012:role/workload"
HIDDEN = "a secret of mine"


def login(environ: Mapping[str, str], root: Path, **asked: str) -> Finding:
    """What the doctor says of the login that a stage file asks for."""
    settings: dict[str, Any] = {"credentials": asked, "bucket": "b-b"}
    stage = Stage(
        "dev", "", str(root), "sagemaker", {"region": "eu-central-1"}, None, (), settings=settings
    )
    platform = registry.connect(stage, dict(environ))
    try:
        return next(iter(platform.diagnose()))
    finally:
        platform.close()


def stored(root: Path, aws: Aws, token: Path) -> str:
    file = root / "stored.yaml"
    file.write_text(
        f"""
sagemaker-credentials:
  storedCredentials:
    - group: ours
      authenticationType: BASIC
      accessKeyId: {aws.environ["AWS_ACCESS_KEY_ID"]}
      secretAccessKey: {aws.environ["AWS_SECRET_ACCESS_KEY"]}
      region: us-east-2
    - group: half
      accessKeyId: {HIDDEN}
  eksServiceAccountCredentials:
    - path: pods
      roleArn: {ROLE}
      webIdentityTokenFile: {token}
""",
        encoding="utf-8",
    )
    return str(file)


def test_logins_of_every_kind_are_taken(aws: Aws, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first", encoding="utf-8")
    bare = {"AWS_ENDPOINT_URL": aws.environ["AWS_ENDPOINT_URL"]}
    with_file = {**bare, "CICD_SAGEMAKER_CREDENTIALS": stored(tmp_path, aws, token)}
    workload = {**bare, "AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}
    assert "user/emulator" in login(aws.environ, tmp_path).text
    assert "user/emulator" in login(aws.environ, tmp_path, type="basic").text
    assert "user/emulator" in login(with_file, tmp_path, group="ours").text
    for found in (
        login(workload, tmp_path, type="web_identity"),
        login(bare, tmp_path, type="web_identity", role_arn=ROLE, token_file=str(token)),
        login(with_file, tmp_path, path="pods"),
    ):
        assert found.state == "ok" and "assumed-role/workload" in found.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"type": "basic"}, "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY not set"),
        ({"type": "web_identity"}, "AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE not set"),
        ({"group": "theirs"}, "has no login with the group theirs"),
        ({"group": "half"}, "secretAccessKey of group half is missing"),
        ({"path": "nowhere"}, "has no login with the path nowhere"),
    ],
)
def test_what_a_login_lacks_is_named_and_nothing_of_it_is_told(
    aws: Aws, tmp_path: Path, asked: dict[str, str], said: str
) -> None:
    environ = {
        "AWS_ENDPOINT_URL": aws.environ["AWS_ENDPOINT_URL"],
        "CICD_SAGEMAKER_CREDENTIALS": stored(tmp_path, aws, tmp_path / "token"),
    }
    found = login(environ, tmp_path, **asked)
    assert found.state == "error" and said in found.text
    assert HIDDEN not in repr(found)


@pytest.mark.parametrize("text", ["{", "[1]", "other: 1\n"])
def test_a_file_that_is_none_is_refused_without_its_content(
    aws: Aws, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "stored.yaml"
    file.write_text(f"{text} # {HIDDEN}", encoding="utf-8")
    found = login({"CICD_SAGEMAKER_CREDENTIALS": str(file)}, tmp_path, group="ours")
    assert found.state == "error" and str(file) in found.text and HIDDEN not in repr(found)


def test_a_wrong_login_ends_as_refused(aws: Aws, tmp_path: Path) -> None:
    found = login({**aws.environ, "AWS_SECRET_ACCESS_KEY": "wrong"}, tmp_path)
    assert found.state == "error" and "signature" in found.text.lower()
