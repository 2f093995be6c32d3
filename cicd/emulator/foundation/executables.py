"""The executables of the platform's own scenarios, as if they had been synced from Git.

Pure. A row here has the names of a row of the table ``executables``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cicd.emulator.foundation.catalogue import LATEST, Catalogue
from cicd.emulator.git import templates

VERSION = "0.0.1"
SINCE = "2024-01-01T00:00:00.000000+00:00"
"""When they were made and last changed: the platform's own business, so always the same."""

FOUNDATION, ORCHESTRATION = templates.PLATFORM_SCENARIOS
SCENARIO_TEXTS = {
    FOUNDATION: ("foundation-models", "Foundation models"),
    ORCHESTRATION: ("orchestration", "Orchestration of foundation models"),
}
VENDORS = {
    "azure-openai": "Azure OpenAI Service",
    "aws-bedrock": "AWS Bedrock",
    "gcp-vertexai": "GCP Vertex AI",
    "aicore-ibm": "IBM models, hosted by SAP AI Core",
    "aicore-mistralai": "Mistral AI models, hosted by SAP AI Core",
    "aicore-opensource": "open source models, hosted by SAP AI Core",
}
PARAMETERS: Mapping[str, list[dict[str, str]]] = {
    FOUNDATION: [
        {"name": "modelName", "description": "Name of the model"},
        {"name": "modelVersion", "default": LATEST, "description": "Version of the model"},
    ],
    ORCHESTRATION: [
        {
            "name": "modelFilterList",
            "default": "null",
            "description": "JSON list of {modelName, modelVersions} to allow or deny",
        },
        {"name": "modelFilterListType", "default": "allow", "description": "allow or deny"},
    ],
}
DEFAULTS = {
    scenario: {item["name"]: item["default"] for item in items if "default" in item}
    for scenario, items in PARAMETERS.items()
}


def of_scenario(catalogue: Catalogue, scenario_id: str) -> list[dict[str, Any]]:
    """The executables of a scenario: none unless it is the platform's own."""
    if scenario_id == ORCHESTRATION:
        return [row(scenario_id, ORCHESTRATION, "Orchestration service")]
    if scenario_id == FOUNDATION:
        known = {**dict.fromkeys(catalogue.executable_ids, ""), **VENDORS}
        return [row(scenario_id, name, text or name) for name, text in sorted(known.items())]
    return []


def row(scenario_id: str, executable_id: str, description: str) -> dict[str, Any]:
    """One executable."""
    name, about = SCENARIO_TEXTS[scenario_id]
    document = {
        "kind": "ServingTemplate",
        "metadata": {
            "name": executable_id,
            "labels": {
                templates.SCENARIO_ID: scenario_id,
                templates.VERSION: VERSION,
                # by this the SDK tells scenarios of language models from others
                "scenarios.ai.sap.com/llm": "true",
            },
            "annotations": {
                templates.SCENARIO_NAME: name,
                templates.SCENARIO_DESCRIPTION: about,
                templates.EXECUTABLE_NAME: executable_id,
                templates.EXECUTABLE_DESCRIPTION: description,
            },
        },
        "spec": {"inputs": {"parameters": PARAMETERS[scenario_id]}},
    }
    return {
        "id": executable_id,
        "scenario_id": scenario_id,
        "version_id": VERSION,
        "kind": "serving",
        "summary": json.dumps(templates.summarize(document)),
        "document": json.dumps(document),
        "created_at": SINCE,
        "modified_at": SINCE,
    }


def scenario_of(template: Mapping[str, Any]) -> str:
    """The scenario of a template that a run was made with; empty where it is in none."""
    return str(templates.mapping(template["metadata"].get("labels")).get(templates.SCENARIO_ID, ""))
