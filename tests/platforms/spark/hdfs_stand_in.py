"""A stand-in for a name node and its data node, with the answers of Hadoop's documentation
(WebHDFS): lists of folders, and content to which the one sends on to the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from tests.platforms.stub_server import Reply, Request, StubServer, running

API = "/webhdfs/v1"
CHANGED = 1764500000123


@dataclass
class Hdfs:
    """``files``: path -> text. ``cuts``: so many characters of each are left out. ``is_direct``:
    content comes at once, as HttpFS has it. ``cookie``: of who has shown a ticket of
    Kerberos, where that is asked for. ``names``: what a list has beside those."""

    stub: StubServer
    url: str
    files: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    cuts: int = 0
    is_direct: bool = False
    cookie: str = ""

    def answer(self, request: Request) -> Reply:
        assert request.method == "GET", request
        if request.path == "/data":
            return self.content(request.query["path"])
        if self.cookie and request.headers.get("Cookie") != self.cookie:
            return Reply(401, "", {"WWW-Authenticate": "Negotiate"})
        path, op = unquote(request.path.removeprefix(API)), request.query["op"]
        if op == "LISTSTATUS":
            return self.listed(path)
        assert op == "OPEN", request
        if path in self.files and not self.is_direct:
            where = f"{self.url}/data?path={quote(path, safe='')}"
            return Reply(307, "", {"Location": where})
        return self.content(path)

    def content(self, path: str) -> Reply:
        if path not in self.files:
            return self.missing(path)
        text = self.files[path]
        return Reply(200, text[: len(text) - self.cuts])

    def listed(self, path: str) -> Reply:
        found: dict[str, int | None] = {}
        for file, text in self.files.items():
            if file == path:
                found[""] = len(text.encode())
            elif file.startswith(f"{path}/"):
                name, _, below = file.removeprefix(f"{path}/").partition("/")
                found[name] = None if below else len(text.encode())
        if not found:
            return self.missing(path)
        rows = [
            {
                "pathSuffix": name,
                "type": "DIRECTORY" if size is None else "FILE",
                "length": size or 0,
                "modificationTime": CHANGED,
                "owner": "ann",
                "permission": "644",
            }
            for name, size in (*found.items(), *((name, 1) for name in self.names))
        ]
        return Reply(200, {"FileStatuses": {"FileStatus": rows}})

    def missing(self, path: str) -> Reply:
        said = {"exception": "FileNotFoundException", "message": f"File {path} does not exist."}
        return Reply(404, {"RemoteException": said})


@contextmanager
def hdfs() -> Iterator[Hdfs]:
    """One that answers on a port of its own."""
    with running() as (stub, url):
        found = Hdfs(stub, url)
        stub.otherwise = found.answer
        yield found
