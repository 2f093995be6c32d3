"""Asks a server whether it is up: it takes a connection, or answers the probe with 2xx or 3xx."""

from __future__ import annotations

import http.client

from cicd.emulator.jobs import Upstream
from cicd.emulator.runner.serving.handover import connected
from cicd.emulator.runner.serving.template import Probe

TIMEOUT = 2.0
"""Seconds for one question."""


def is_ready(upstream: Upstream, probe: Probe | None) -> bool:
    """One question; every trouble with the connection is a no."""
    connection = _Connection(upstream)
    try:
        if probe is None:
            connection.connect()
            return True
        connection.request("GET", probe.path, headers=dict(probe.headers))
        return 200 <= connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    """HTTP through a Unix socket or to a port of this machine."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__("127.0.0.1", upstream.port or None, timeout=TIMEOUT)
        self._socket = upstream.socket

    def connect(self) -> None:
        if self._socket is None:
            super().connect()
            return
        self.sock = connected(self._socket, TIMEOUT)
