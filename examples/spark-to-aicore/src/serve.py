"""Answer POST /v2/predict with the model that Spark has made: a folder with one line of JSON."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--currency", default="EUR")
options = parser.parse_args()
[part] = options.model.glob("part-*.json")
model = json.loads(part.read_text(encoding="utf-8"))


class Prices(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        house = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        price = model["base"] + sum(model[name] * house[name] for name in ("area", "rooms"))
        body = json.dumps({"price": round(price), "currency": options.currency}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("", options.port), Prices).serve_forever()
