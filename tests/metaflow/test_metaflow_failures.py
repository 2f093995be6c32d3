"""What can go wrong when a template is built: one clear error, and the old template stays."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from cicd.cli.template import command
from cicd.errors import CicdError, ConnectionFailed, Denied, InvalidStage
from cicd.metaflow.generator import failure, template_in
from cicd.model import Secret
from cicd.platforms.aicore.dialect.flows.declared import Store
from tests.metaflow.flow_project import PLAIN, STAGE, load, python_with, write_project
from tests.serving import serving

pytestmark = pytest.mark.slow

OLD = "# what was there before\n"
LOGIN = {"AWS_ACCESS_KEY_ID": "known-key", "AWS_SECRET_ACCESS_KEY": "known-secret"}
ENDPOINT = "METAFLOW_S3_ENDPOINT_URL"


class Project:
    """The project with a template of former times; ``env`` is all that is known of a bucket."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self._monkeypatch = root, monkeypatch
        self.template = root / "templates/trainflow.yaml"
        self.template.write_text(OLD, encoding="utf-8")
        monkeypatch.chdir(root)

    def failed(self, **env: str) -> CicdError:
        """The error of ``cicd template build dev``, after which the old template is there."""
        for name in [n for n in os.environ if n.startswith(("AWS_", "METAFLOW_"))]:
            self._monkeypatch.delenv(name)
        # no login of this person, none of the machine either
        here = {"HOME": str(self.root), "AWS_EC2_METADATA_DISABLED": "true"}
        for name, text in (here | env).items():
            self._monkeypatch.setenv(name, text)
        with pytest.raises(CicdError) as caught:
            command.main(["build", "dev"], standalone_mode=False)
        assert self.template.read_text(encoding="utf-8") == OLD
        assert [path.name for path in self.template.parent.iterdir()] == [self.template.name]
        assert "\n" not in str(caught.value) and "known-secret" not in str(caught.value)
        return caught.value


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(write_project(tmp_path, python_with(PLAIN)), monkeypatch)


@pytest.fixture(scope="module")
def without_buckets() -> Iterator[str]:
    """An S3 service that has no bucket at all."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def do_HEAD(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            body = b"<Error><Code>NoSuchBucket</Code><Message>no such bucket</Message></Error>"
            self.send_response(404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with serving(Handler) as url:
        yield url


def test_nothing_names_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = STAGE.replace("    datastore: s3://bucket/metaflow\n", "")
    error = Project(write_project(tmp_path, stage=stage), monkeypatch).failed(**LOGIN)
    assert isinstance(error, InvalidStage) and "no bucket for the code" in str(error)


def test_the_bucket_does_not_exist(project: Project, without_buckets: str) -> None:
    error = project.failed(**LOGIN, **{ENDPOINT: without_buckets})
    assert "the bucket bucket does not exist" in str(error)


def test_there_are_no_credentials(project: Project, without_buckets: str) -> None:
    error = project.failed(**{ENDPOINT: without_buckets})
    assert isinstance(error, Denied) and "no login for the bucket" in str(error)


def test_the_store_cannot_be_reached(project: Project) -> None:
    with socket.socket() as taken:  # bound, never listening: nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        error = project.failed(**LOGIN, **{ENDPOINT: url})
    assert isinstance(error, ConnectionFailed) and "cannot be reached" in str(error)


def test_the_generator_falls_over_the_flow(project: Project) -> None:
    flow = project.root / "flows/trainflow.py"
    text = flow.read_text(encoding="utf-8")
    flow.write_text(text.replace("import pathlib\n", "import pathlib\nimport nowhere_at_all\n"))
    error = project.failed(**LOGIN)
    assert isinstance(error, InvalidStage) and "No module named 'nowhere_at_all'" in str(error)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("import pathlib\n", "import pathlib\nimport nowhere\n", r"trainflow.py:3:1: .*'nowhere'"),
        ("import pathlib\n", "import helper\n", r"helper.py:3:1: .*ZeroDivisionError: division"),
        ("class Train", "KEY = os.environ['GONE']\n\n\nclass Train", r":7:1: .*KeyError: 'GONE'"),
        ("    @retry(", "    @unheard\n    @retry(", r":26:1: .*name 'unheard' is not defined"),
        ("class Train", "exit('set up X')\n\n\nclass Train", "the generator failed: set up X"),
        ("class Train", "exit(3)\n\n\nclass Train", "ended with exit code 3 and said nothing"),
        ("    TrainFlow()\n", "    pass\n", "nothing in it runs the flow: end it with"),
        ("    TrainFlow()\n", "    print('hello')\n", "its last line is: hello"),
    ],
)
def test_the_error_says_the_cause_and_where_it_is(
    project: Project, before: str, after: str, says: str
) -> None:
    (project.root / "flows/helper.py").write_text("RATE = 1\n\nRATE / 0\n")
    flow = project.root / "flows/trainflow.py"
    text = flow.read_text(encoding="utf-8")
    assert before in text
    flow.write_text(text.replace(before, after), encoding="utf-8")
    assert re.search(says, str(project.failed(**LOGIN)))


def test_the_error_says_where_the_store_was_looked_for(project: Project) -> None:
    url = "http://no.such.host.invalid"
    assert f'endpoint URL: "{url}/bucket/' in str(project.failed(**LOGIN, **{ENDPOINT: url}))
    assert "is no url: Invalid endpoint: here" in str(project.failed(**LOGIN, **{ENDPOINT: "here"}))


def test_an_interpreter_that_is_none_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho 'no licence' >&2; exit 1\n")
    program.chmod(0o755)
    root = tmp_path / "project"
    root.mkdir()
    error = Project(write_project(root, program), monkeypatch).failed(**LOGIN)
    assert "does not run Python: no licence" in str(error)


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ('{"kind": "x"}\n', {"kind": "x"}),
        ('hello {"a"}\n{not this}\n{"kind": "x",\n "y": {\n}}\n', {"kind": "x", "y": {}}),
        ("hello\n", None),
        ("", None),
    ],
)
def test_what_a_flow_prints_does_not_hide_its_template(output: str, found: object) -> None:
    assert template_in(output) == found


@pytest.mark.parametrize(
    ("stderr", "kind", "says"),
    [
        ("botocore: (403) when calling HeadObject: Forbidden", Denied, "login .* is refused"),
        ("the key known-secret is odd", CicdError, r"generator failed: the key \*\*\* is odd"),
        ("token from-outside", CicdError, r"generator failed: token \*\*\*"),
        ("", CicdError, "generator failed: it says nothing"),
    ],
)
def test_last_words(tmp_path: Path, stderr: str, kind: type[CicdError], says: str) -> None:
    store = Store("s3://bucket/metaflow", "", "")
    login = {name: Secret(text) for name, text in LOGIN.items()}
    with pytest.raises(kind, match=says):
        raise failure(
            load(write_project(tmp_path)),
            replace(store, credentials=login),
            stderr,
            {"AWS_SESSION_TOKEN": "from-outside"},
        )
