"""Serves a model by functions of a script, as the inference toolkit in AWS's own images does.

``model_fn(model_dir)``, then ``input_fn``, ``predict_fn`` and ``output_fn``, or ``transform_fn`` in
their place; for what the script does not have there are defaults. Nothing but the standard library.
https://github.com/aws/sagemaker-inference-toolkit
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON = "application/json"
CSV = "text/csv"


class Unsupported(Exception):
    """A content type that nobody reads or writes."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def input_fn(body: bytes, content_type: str) -> Any:
    """The default: JSON, or rows of numbers."""
    if content_type == JSON:
        return json.loads(body)
    if content_type == CSV:
        rows = csv.reader(io.StringIO(body.decode()))
        return [[float(cell) for cell in row] for row in rows if row]
    raise Unsupported(415, f"content type {content_type} is not supported: write an input_fn")


def predict_fn(data: Any, model: Any) -> Any:
    """The default: what the model predicts, or answers when it is called."""
    return model.predict(data) if hasattr(model, "predict") else model(data)


def output_fn(prediction: Any, accept: str) -> bytes:
    """The default: JSON, or rows."""
    plain = prediction.tolist() if hasattr(prediction, "tolist") else prediction
    if accept in (JSON, "*/*", ""):
        return json.dumps(plain).encode()
    if accept == CSV:
        rows = plain if isinstance(plain, list) else [plain]
        text = io.StringIO()
        cells = [row if isinstance(row, list) else [row] for row in rows]
        csv.writer(text, lineterminator="\n").writerows(cells)
        return text.getvalue().encode()
    raise Unsupported(406, f"accept {accept} is not supported: write an output_fn")


class Served:
    """The script and its model."""

    def __init__(self, script: Any) -> None:
        self._script = script
        if not hasattr(script, "model_fn"):
            raise SystemExit(f"{script.__name__}.py has no model_fn(model_dir)")
        self._model = script.model_fn(os.environ["SM_MODEL_DIR"])

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """The answer to one request, and its content type."""
        if transform := getattr(self._script, "transform_fn", None):
            return self._packed(transform(self._model, body, content_type, accept), accept)
        data = getattr(self._script, "input_fn", input_fn)(body, content_type)
        prediction = getattr(self._script, "predict_fn", predict_fn)(data, self._model)
        return self._packed(
            getattr(self._script, "output_fn", output_fn)(prediction, accept), accept
        )

    def _packed(self, answer: Any, accept: str) -> tuple[bytes, str]:
        """Scripts may answer with a body, or with a body and its content type."""
        content_type = JSON if accept in ("*/*", "") else accept
        if isinstance(answer, tuple):
            answer, content_type = answer
        return answer if isinstance(answer, bytes) else str(answer).encode(), content_type


def handler(served: Served) -> type[BaseHTTPRequestHandler]:
    """What answers requests with this model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(200 if self.path == "/ping" else 404, b"", JSON)

        def do_POST(self) -> None:
            body = self._body()
            if self.path != "/invocations":
                self._send(404, b"", JSON)
                return
            content_type = self.headers.get("Content-Type", JSON).partition(";")[0].strip()
            accept = self.headers.get("Accept", "*/*").partition(",")[0].strip()
            try:
                self._send(200, *served.answer(body, content_type, accept))
            except Unsupported as error:
                self._send(error.status, str(error).encode(), "text/plain")
            except Exception:
                text = traceback.format_exc()
                sys.stderr.write(text)
                self._send(500, text.encode(), "text/plain")

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _send(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            if self.path != "/ping":
                sys.stdout.write(f"{format % args}\n")
                sys.stdout.flush()

    return Handler


def main() -> None:
    """Load the model, then answer."""
    sys.path.insert(0, os.environ["SAGEMAKER_SUBMIT_DIRECTORY"])
    name = os.environ["SAGEMAKER_PROGRAM"].removesuffix(".py")
    served = Served(importlib.import_module(name))
    port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
    server = ThreadingHTTPServer(("", port), handler(served))
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
