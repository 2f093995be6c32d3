"""The same work with nothing but HTTP: what a program needs that knows the stage by heart.

``python -m benchmarks.bare STAGE.json`` logs in, reads the four lists side by side, makes what the
file names over ten connections, looks once at all deployments, and points the destinations at them.
It locks nothing, compares nothing, and trusts every answer.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from benchmarks.aicore import DESTINATIONS

T = TypeVar("T")
CONNECTIONS = 10
LISTS = ("/v2/lm/artifacts", "/v2/lm/configurations", "/v2/lm/deployments", DESTINATIONS)


class Client:
    """One host, a connection for each thread."""

    def __init__(self, url: str, group: str) -> None:
        self._host = urlsplit(url).netloc
        self._held = threading.local()
        self._headers = {"AI-Resource-Group": group}

    def login(self) -> None:
        """Get a token for all that follows."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = "grant_type=client_credentials&client_id=me&client_secret=s"
        token = self.ask("POST", "/oauth/token", body, form)["access_token"]
        self._headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, body: Any) -> Any:
        """Make something."""
        return self.ask("POST", path, json.dumps(body), {"Content-Type": "application/json"})

    def ask(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        """The answer to one request."""
        if not hasattr(self._held, "connection"):
            self._held.connection = http.client.HTTPConnection(self._host, timeout=60)
        connection = self._held.connection
        connection.request(method, path, body, {**self._headers, **(headers or {})})
        text = connection.getresponse().read()
        return json.loads(text) if text else None


def apply(stage: dict[str, Any], client: Client) -> None:
    """Make all of it."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:

        def each(work: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
            return list(pool.map(work, items))

        each(lambda _: client.login(), range(2))  # two services, two logins
        each(lambda path: client.ask("GET", path), LISTS)

        def artifact(wish: dict[str, Any]) -> str:
            body = {name: wish[name] for name in ("name", "kind", "url")}
            made = client.post("/v2/lm/artifacts", {**body, "scenarioId": wish["scenario_id"]})
            return str(made["id"])

        ids = dict(
            zip(
                (wish["key"] for wish in stage["artifacts"]),
                each(artifact, stage["artifacts"]),
                strict=True,
            )
        )

        def configuration(deployment: dict[str, Any]) -> str:
            wish = deployment["configuration"]
            bound = [
                {"key": name, "artifactId": ids[key]}
                for name, key in wish["input_artifact_bindings"].items()
            ]
            names = {"name": wish["name"], "scenarioId": wish["scenario_id"]}
            body = {**names, "executableId": wish["executable_id"], "parameterBindings": []}
            path = "/v2/lm/configurations"
            return str(client.post(path, {**body, "inputArtifactBindings": bound})["id"])

        used = each(configuration, stage["deployments"])
        path = "/v2/lm/deployments"
        made = each(lambda id: str(client.post(path, {"configurationId": id})["id"]), used)
        urls = {item["id"]: item["deploymentUrl"] for item in client.ask("GET", path)["resources"]}

        def destination(pair: tuple[dict[str, Any], str]) -> None:
            name, url = pair[0]["destination_name"], urls[pair[1]]
            client.post(DESTINATIONS, {"Name": name, "Type": "HTTP", "URL": url})

        each(destination, zip(stage["deployments"], made, strict=True))


def main() -> None:
    """Apply the file."""
    stage = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    apply(stage, Client(os.environ["AICORE_BASE_URL"], stage["aicore"]["resource_group"]))


if __name__ == "__main__":
    main()
