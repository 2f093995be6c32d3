"""/v2/lm/meta: capabilities, limits and versions of the API, as meta.json has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.state import quotas

FILE = Path(__file__).with_name("meta.json")


def get(call: ApiCall) -> Reply:
    """Capabilities and limits; only bulk updates are on or off."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    if not quotas.read(call.world.store)["bulkUpdates"]:
        bulk = document["aiApi"]["capabilities"]["bulkUpdates"]
        bulk.update(dict.fromkeys(bulk, False))
    return Reply(document)


def versions(call: ApiCall) -> Reply:
    """The one version of the API."""
    version = {"versionId": "v2", "url": f"{call.base_url}/v2/lm", "description": "AI API v2"}
    return Reply({"versions": [version]})


OPERATIONS = (
    Operation("meta.get", "GET", "/v2/lm/meta", get, "aicore"),
    Operation("version.list", "GET", "/v2/lm/meta/versions", versions, "aicore"),
)
