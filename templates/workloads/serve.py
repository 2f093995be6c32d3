"""Serve the regression over HTTP: POST /v2/predict with the four features as JSON."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODEL = json.loads(Path("/mnt/models/model.json").read_text(encoding="utf-8"))
CURRENCY = os.environ.get("CURRENCY", "EUR")


def predict(house: dict[str, Any]) -> float:
    columns = zip(MODEL["features"], MODEL["weights"], MODEL["means"], MODEL["scales"], strict=True)
    return float(
        MODEL["bias"] + sum(w * (float(house[name]) - mean) / s for name, w, mean, s in columns)
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/v2/health":
            self.answer(200, {"status": "ok", "r2": MODEL["r2"]})
        else:
            self.answer(404, {"error": f"nothing at {self.path}"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v2/predict":
            self.answer(404, {"error": f"nothing at {self.path}"})
            return
        try:
            price = predict(json.loads(body))
        except (KeyError, TypeError, ValueError) as error:
            self.answer(400, {"error": f"send {MODEL['features']} as JSON numbers: {error!r}"})
            return
        self.answer(200, {"prediction": round(price, 2), "currency": CURRENCY})

    def answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        print(format % args, flush=True)


if __name__ == "__main__":
    print(f"model with r2 {MODEL['r2']:.3f} loaded, listening on 8080", flush=True)
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
