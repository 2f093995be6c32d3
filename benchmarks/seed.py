"""The way without cicd: what a script of the first generation does, in our own words.

One list of everything per object, one object after the other, a new connection for each request,
and then a look at each deployment in turn. ``python -m benchmarks.seed STAGE.json`` applies such a
file with the SDK as it comes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from ai_api_client_sdk.models.artifact import Artifact
from ai_api_client_sdk.models.input_artifact_binding import InputArtifactBinding
from ai_core_sdk.ai_core_v2_client import AICoreV2Client

DESTINATIONS = "/destination-configuration/v1/subaccountDestinations"


def find_or_create_artifact(client: AICoreV2Client, wish: Mapping[str, Any]) -> str:
    """The id of the artifact, looked for among all that there are."""
    fields = ("name", "url", "scenario_id")
    for known in client.artifact.query().resources:
        if all(getattr(known, field) == wish[field] for field in fields):
            return str(known.id)
    kind = Artifact.Kind(wish["kind"])
    return str(client.artifact.create(wish["name"], kind, wish["url"], wish["scenario_id"]).id)


def find_or_create_configuration(
    client: AICoreV2Client, wish: Mapping[str, Any], artifacts: Mapping[str, str]
) -> str:
    """The id of the configuration, its content compared as text with all that there are."""
    bound = {name: artifacts[key] for name, key in wish["input_artifact_bindings"].items()}
    names = ("name", "scenario_id", "executable_id")
    wanted = json.dumps([*(wish[name] for name in names), [], sorted(bound.items())])
    for known in client.configuration.query().resources:
        inputs = sorted((item.key, item.artifact_id) for item in known.input_artifact_bindings)
        parameters = sorted((item.key, item.value) for item in known.parameter_bindings)
        content = [*(getattr(known, name) for name in names), parameters, inputs]
        if json.dumps(content) == wanted:
            return str(known.id)
    inputs_sent = [InputArtifactBinding(name, id) for name, id in bound.items()]
    made = client.configuration.create(*(wish[name] for name in names), [], inputs_sent)
    return str(made.id)


def wait_until_running(client: AICoreV2Client, id: str) -> None:
    """A look at status and log; what the benchmark deploys runs at once."""
    found = client.deployment.get(id)
    client.deployment.query_logs(id)
    assert found.status.value == "RUNNING", found.status


def point_destination(name: str, id: str) -> None:
    """A login and a new destination, each over a connection of its own."""
    base, auth = os.environ["DESTINATION_BASE_URL"], os.environ["DESTINATION_AUTH_URL"]
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["DESTINATION_CLIENT_ID"],
        "client_secret": os.environ["DESTINATION_CLIENT_SECRET"],
    }
    token = requests.post(f"{auth}/oauth/token", data=form, timeout=60).json()["access_token"]
    url = f"{os.environ['AICORE_BASE_URL']}/v2/inference/deployments/{id}"
    entry = {"Name": name, "Type": "HTTP", "URL": url, "ProxyType": "Internet"}
    headers = {"Authorization": f"Bearer {token}"}
    path = f"{base}{DESTINATIONS}"
    answer = requests.post(path, json=entry, headers=headers, timeout=60)
    answer.raise_for_status()


def main() -> None:
    """Apply the file, everything in its order."""
    stage = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    client = AICoreV2Client(
        base_url=f"{os.environ['AICORE_BASE_URL']}/v2",
        auth_url=f"{os.environ['AICORE_AUTH_URL']}/oauth/token",
        client_id=os.environ["AICORE_CLIENT_ID"],
        client_secret=os.environ["AICORE_CLIENT_SECRET"],
        resource_group=stage["aicore"]["resource_group"],
    )
    wishes = stage["artifacts"]
    artifacts = {wish["key"]: find_or_create_artifact(client, wish) for wish in wishes}
    ids = []
    for deployment in stage["deployments"]:
        used = find_or_create_configuration(client, deployment["configuration"], artifacts)
        ids.append(str(client.deployment.create(used).id))
    for id in ids:
        wait_until_running(client, id)
    for deployment, id in zip(stage["deployments"], ids, strict=True):
        point_destination(deployment["destination_name"], id)


if __name__ == "__main__":
    main()
