"""B12: a login that is typed on a terminal, for one import, and is kept nowhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.acceptance.conftest import clean_environment
from tests.emulator.sagemaker.aws import IMAGE, ROLE, Aws
from tests.platforms.sagemaker.seeded import in_project

IMPORT = ("import", "dev", "--platform", "sagemaker", "--target", "region=eu-central-1")


def typed(
    root: Path, environ: Mapping[str, str], answers: Sequence[tuple[str, str]]
) -> tuple[int, str]:
    """What a person sees who gives these answers to these questions, and the exit code."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "cicd", *IMPORT, "--prompt"],
        cwd=root,
        env={**clean_environment(), "HOME": str(root), "NO_PROXY": "*", **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        seen = ""
        for question, answer in answers:
            while question not in seen.rpartition("\n")[2]:
                seen += os.read(ours, 4096).decode()
            os.write(ours, f"{answer}\n".encode())
            seen += "\n"
        while piece := read(ours):
            seen += piece
        os.close(ours)
        return process.wait(60), seen


def read(terminal: int) -> str:
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:  # its end on Linux
        return ""


@pytest.mark.parametrize("is_right", [True, False])
def test_b12_a_login_is_asked_for_and_kept_nowhere(
    is_right: bool, aws: Aws, tmp_path: Path
) -> None:
    name = "theirs-right" if is_right else "theirs-wrong"
    container = {"Image": IMAGE, "ModelDataUrl": "s3://data/m.tar.gz"}
    aws.client("sagemaker").create_model(
        ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    key, secret = aws.environ["AWS_ACCESS_KEY_ID"], aws.environ["AWS_SECRET_ACCESS_KEY"]
    secret = secret if is_right else "wrong-secret-of-a-person"
    other = {"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "others-secret-key"}
    other |= {"AWS_SESSION_TOKEN": "others-token", "AWS_REGION": "eu-central-1"}
    other |= {"SAGEMAKER_ROLE": ROLE, "AWS_ENDPOINT_URL": aws.environ["AWS_ENDPOINT_URL"]}
    answers = [("[eu-central-1]: ", ""), ("Access key: ", key)]
    answers += [("Secret key: ", secret), ("Session token, if any: ", "")]
    code, seen = typed(tmp_path, other, answers)
    assert code == (0 if is_right else 4), seen
    assert secret not in seen
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    texts = [path.read_bytes() for path in files]
    assert not any(part.encode() in text for part in (secret, key) for text in texts)
    stage = tmp_path / "stages/dev.yaml"
    assert stage.exists() is is_right


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (IMPORT, 5, "nobody is there to type a login"),
        (("import", "dev", "--resource-group", "x"), 64, "nothing to ask for aicore"),
        ((*IMPORT[:3], "sagemkr", *IMPORT[4:]), 64, 'there is no platform "sagemkr"'),
    ],
)
def test_b12_where_nobody_can_type_or_nothing_is_asked_for_that_is_said(
    arguments: Sequence[str], code: int, said: str, aws: Aws, tmp_path: Path
) -> None:
    with in_project(tmp_path, aws, aws.environ, {"stages/x.yaml": "{}"}) as project:
        assert said in project.run(*arguments, "--prompt", code=code).err
