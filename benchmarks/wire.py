"""What one request costs: ours, beside the libraries that it goes over."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable

import urllib3

from benchmarks.applying import environment, server
from benchmarks.table import Row
from cicd.platforms.aicore.credentials import aicore_credentials
from cicd.platforms.aicore.login import Login
from cicd.platforms.aicore.rest import Http
from cicd.platforms.aicore.transport import open_session

PATH = "/v2/lm/artifacts/none"
BODY = b'{"name":"x"}'
HEADERS = {"Authorization": "Bearer t", "Content-Type": "application/json"}
TIMES, ROUNDS = 400, 5


def processor(ask: Callable[[], object], times: int = TIMES) -> float:
    """Milliseconds of CPU of one call."""
    ask()
    start = time.process_time()
    for _ in range(times):
        ask()
    return (time.process_time() - start) / times * 1000


def ways(url: str) -> dict[str, Callable[[], object]]:
    """The same POST, sent in three ways."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    pool = urllib3.PoolManager(maxsize=10)
    known = aicore_credentials(environment(url))
    session = open_session(known.base_url)
    ours = Http(known.base_url, Login(known, session), session, headers={"AI-Resource-Group": "g"})

    def bare() -> object:
        connection.request("POST", "/v2/lm/artifacts", BODY, HEADERS)
        return connection.getresponse().read()

    def pooled() -> object:
        address = f"{url}/v2/lm/artifacts"
        return pool.request("POST", address, body=BODY, headers=HEADERS, retries=False).data

    def called() -> object:
        return ours.call("POST", "/lm/artifacts", body={"name": "x"})

    return {"http.client": bare, "urllib3": pooled, "cicd": called}


def rows() -> list[Row]:
    """CPU of a request; the least of some rounds, in which all take turns."""
    with server() as url:
        asks = ways(url)
        found = {name: processor(ask) for name, ask in asks.items()}
        for _ in range(ROUNDS - 1):
            found = {name: min(found[name], processor(asks[name])) for name in asks}
    told = [Row(f"CPU of one request: {name}", f"{found[name]:.2f} ms") for name in found]
    ratio = found["cicd"] / found["urllib3"]
    return [*told, Row("cicd against urllib3", f"{ratio:.1f} x", "<= 2.5 x")]
