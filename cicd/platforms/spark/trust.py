"""Certificates: whom a server has to be, and who we are to it. Nothing of a key is left on disk."""

from __future__ import annotations

import os
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from cicd.errors import Denied


@dataclass(frozen=True)
class Certificates:
    """``authority``: who vouches for the server, as PEM, else those that this machine believes.
    ``own`` and ``key``: who we are, as PEM. ``source``: where that is said."""

    source: str
    authority: bytes = b""
    own: bytes = b""
    key: bytes = b""

    def context(self) -> ssl.SSLContext:
        """For connections. Raises Denied for what is no certificate."""
        try:
            text = self.authority.decode("ascii") if self.authority else None
            found = ssl.create_default_context(cadata=text)
            if self.own:
                _present(found, self.own + b"\n" + self.key)
        except (OSError, ValueError):  # an SSLError, which is an OSError, tells nothing more
            text = f"{self.source} has a certificate or key that cannot be used"
            raise Denied(
                text, hint="it has to be PEM, and the key that of the certificate"
            ) from None
        return found


def _present(context: ssl.SSLContext, chain: bytes) -> None:
    """Say who we are. OpenSSL reads files only: it gets one that is on no disk where there is
    such, else one that nobody else may read and that is gone at once."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("certificate")
        with os.fdopen(descriptor, "wb") as file:
            file.write(chain)
            file.flush()
            context.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate"
        path.touch(0o600)
        path.write_bytes(chain)
        context.load_cert_chain(path, password="")


class OwnTrust(HTTPAdapter):
    """Believes what a context believes, and nothing that the environment says beside."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        return super().proxy_manager_for(*arguments, **options, ssl_context=self._context)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context does that."""
