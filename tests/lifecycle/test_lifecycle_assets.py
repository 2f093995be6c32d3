"""What has to be there: missing, empty, out of reach (row B26)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from cicd.errors import NotFound, PlatformError
from cicd.lifecycle.assets import asset_problem, missing_assets


class Handler(BaseHTTPRequestHandler):
    asked: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append(dict(self.headers))
        status = int(self.path.strip("/").partition("/")[0] or 200)
        self.send_response(status)
        body = b"" if self.path.endswith("/empty") else b"some"
        if status == 302:
            host = self.headers["Host"].replace("127.0.0.1", "localhost")
            self.send_header("Location", f"http://{host}/200")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{found.server_address[1]}"
    found.shutdown()
    found.server_close()
    thread.join()


def size(url: str) -> int:
    """A store with three things."""
    if url.endswith("/secret"):
        raise PlatformError("AccessDenied")
    if url.endswith("/gone"):
        raise NotFound("no such key")
    return 0 if url.endswith("/empty") else 7


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
IS_POINTER = "is a pointer of Git LFS: git lfs pull brings the file"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("docs/model.md", ""),
        ("docs", ""),
        ("docs/none.md", "is not there"),
        ("docs/empty.md", "is empty"),
        ("nothing", "is empty"),
        ("docs/model.md/more", "cannot be looked at: Not a directory"),
        ("model.bin", f"cannot be looked at: model.bin {IS_POINTER}"),
        ("weights", f"cannot be looked at: part 1.bin {IS_POINTER}"),
        ("é/ü.txt", ""),
        ("a\0b", "cannot be looked at: embedded null byte"),
        ("https://[1/x", "cannot be looked at: Invalid IPv6 URL"),
        ("s3://bucket/data", ""),
        ("s3://bucket/gone", "is not there"),
        ("s3://bucket/empty", "is empty"),
        ("s3://bucket/secret", "cannot be looked at: AccessDenied"),
        ("{server}/200", ""),
        ("{server}/200/empty", "is empty"),
        ("{server}/404", "is not there"),
        ("{server}/410", "is not there"),
        ("{server}/403", "cannot be looked at: HTTP 403"),
        ("{server}/500", "cannot be looked at: HTTP 500"),
        ("{server}/302", "cannot be looked at: it leads to localhost: name what is there"),
        ("http://127.0.0.1:1/x", "cannot be looked at: its server cannot be reached"),
    ],
)
def test_an_asset_is_there_and_holds_something(
    tmp_path: Path, server: str, path: str, problem: str
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "model.bin").write_text(POINTER, encoding="utf-8")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "part 1.bin").write_text(POINTER, encoding="utf-8")
    (tmp_path / "é").mkdir()
    (tmp_path / "é" / "ü.txt").write_text("ü", encoding="utf-8")
    (tmp_path / "docs" / "model.md").write_text("what it does", encoding="utf-8")
    (tmp_path / "docs" / "empty.md").write_text("", encoding="utf-8")
    assert asset_problem(path.format(server=server), tmp_path, size) == problem


def test_no_login_of_the_user_is_sent(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    Handler.asked.clear()
    assert asset_problem(f"{server}/200", tmp_path, size) == ""
    assert Handler.asked and not any("Authorization" in told for told in Handler.asked)


def test_all_that_are_missing_are_told_at_once_by_name(tmp_path: Path) -> None:
    assets = {"documentation": "docs/model.md", "schema": "s3://b/gone", "data": "s3://b/data"}
    assert list(missing_assets(assets, tmp_path, size)) == [
        'documentation "docs/model.md" is not there',
        'schema "s3://b/gone" is not there',
    ]
