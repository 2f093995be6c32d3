"""Services of AWS that are not ours, answered by moto in this process: IAM, SSM and the like.

What moto keeps it keeps in memory: it is gone with the emulator.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response

from cicd.emulator.sagemaker.errors import Refused

LOG = logging.getLogger(__name__)
UNKNOWN = "This operation is not supported here."
NEEDED = "pip install 'aicore-cicd[local-aws]'"
Wsgi = Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]


@cache
def moto() -> Wsgi:
    """moto's server as an application, loaded with the first request for it. Refused where it is
    not installed."""
    try:
        server = import_module("moto.moto_server.werkzeug_app")
    except ModuleNotFoundError as error:
        text = f"This service of AWS needs {error.name}, which is not installed: {NEEDED}"
        raise Refused("NotImplemented", text, 501) from None
    application: Wsgi = server.DomainDispatcherApplication(server.create_backend_app)
    return application


def answer(method: str, path: str, query: str, headers: Headers, body: bytes) -> Response:
    """What moto answers. Refused for what it does not know or cannot do."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ |= {f"HTTP_{key.upper().replace('-', '_')}": text for key, text in headers.items()}
    began: list[Any] = []
    try:
        content = b"".join(moto()(environ, lambda status, found, *_: began.extend((status, found))))
    except NotImplementedError as error:
        raise Refused("UnknownOperationException", str(error)) from None
    except Refused:
        raise
    except Exception as error:  # so it ends where it does not know the service at all
        LOG.info("moto failed at %s %s: %r", method, path, error)
        raise Refused("UnknownOperationException", UNKNOWN) from None
    status, found = int(str(began[0]).partition(" ")[0]), dict(began[1])
    if status >= 500:
        # what moto does not have may end in a page for people
        raise Refused("UnknownOperationException", UNKNOWN)
    kept = {key: text for key, text in found.items() if key.lower() != "content-length"}
    return Response(content, status, kept)
