"""How workflows on SageMaker log in: by GitHub's own token, in a file for AWS's libraries."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.acceptance.conftest import REPOSITORY

SCRIPT = REPOSITORY / "cicd/scaffold/sagemaker/aws/log-in.sh"
ROLE = "arn:aws:iam::123456789012:role/churn-plan"
has_programs = all(map(shutil.which, ("bash", "curl", "jq")))
pytestmark = pytest.mark.skipif(not has_programs, reason="bash, curl or jq is not installed")


@contextmanager
def github(status: int, text: str) -> Iterator[tuple[str, list[str]]]:
    """Where tokens are asked for, and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/token?a=1", asked
        finally:
            server.shutdown()
            thread.join()


def log_in(folder: Path, url: str, role: str) -> tuple[int, str]:
    """Exit code, and all that is said."""
    told = {
        "PATH": os.environ["PATH"],
        "ROLE": role,
        "RUNNER_TEMP": str(folder),
        "GITHUB_ENV": str(folder / "env"),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "asker",
        "ACTIONS_ID_TOKEN_REQUEST_URL": url,
    }
    process = subprocess.Popen(
        ["bash", str(SCRIPT)],
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said, _ = process.communicate(timeout=60)
    try:  # what goes on asking for new tokens
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        assert process.returncode
    return process.returncode, said


def test_steps_after_it_find_role_and_token(tmp_path: Path) -> None:
    with github(200, '{"count": 1, "value": "a.b.c"}') as (url, asked):
        assert log_in(tmp_path, url, ROLE) == (0, "")
    assert asked == ["/token?a=1&audience=sts.amazonaws.com bearer asker"]
    token = tmp_path / "aws-token"
    assert token.read_text() == "a.b.c\n" and token.stat().st_mode & 0o777 == 0o600
    lines = [f"AWS_ROLE_ARN={ROLE}", f"AWS_WEB_IDENTITY_TOKEN_FILE={token}"]
    assert (tmp_path / "env").read_text().splitlines() == lines


@pytest.mark.parametrize(("status", "text"), [(403, "{}"), (200, "{}"), (200, "<html>")])
def test_without_a_token_it_fails_and_leaves_none(status: int, text: str, tmp_path: Path) -> None:
    with github(status, text) as (url, _):
        code, said = log_in(tmp_path, url, ROLE)
    assert code and "asker" not in said
    assert not (tmp_path / "aws-token").exists() and not (tmp_path / "env").exists()


def test_without_a_role_it_says_which_variable_is_missing(tmp_path: Path) -> None:
    code, said = log_in(tmp_path, "http://127.0.0.1:9", "")
    assert code == 4 and "the variable AWS_ROLE_ARN is not set" in said
