"""Serve the regression over HTTP: POST /v2/predict with the four features as JSON."""

from __future__ import annotations

import argparse
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CURRENCY = os.environ.get("CURRENCY", "EUR")


def predict(model: dict[str, Any], house: dict[str, Any]) -> float:
    price = float(model["bias"])
    for name, weight, mean, scale in zip(
        model["features"], model["weights"], model["means"], model["scales"], strict=True
    ):
        price += weight * (float(house[name]) - mean) / scale
    return price


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: dict[str, Any]

    def do_GET(self) -> None:
        if self.path == "/v2/health":
            self.answer(200, {"status": "ok", "r2": self.model["r2"]})
        else:
            self.answer(404, {"error": f"nothing at {self.path}"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v2/predict":
            self.answer(404, {"error": f"nothing at {self.path}"})
            return
        try:
            price = predict(self.model, json.loads(body))
        except (KeyError, TypeError, ValueError) as error:
            self.answer(400, {"error": f"send {self.model['features']} as JSON numbers: {error!r}"})
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()

    Handler.model = json.loads((options.model / "model.json").read_text(encoding="utf-8"))
    print(f"model with r2 {Handler.model['r2']:.3f} loaded, port {options.port}", flush=True)
    ThreadingHTTPServer(("", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
