"""The models offered where nobody gave a list: well-known names, all details invented.

Short on purpose, with one of everything that a tool has to cope with: a model in two versions, a
deprecated version, one that retires soon, one that is retired, versions without a date, embeddings,
and a model of each vendor's API. What a tenant really has:
GET /v2/lm/scenarios/foundation-models/models; its answer saved to a file can be used instead of
this.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

SOON, LATER = 30, 300
"""Days until a version retires that does so soon or later. Counted from today: a date here would
be over one day."""


def document(today: date) -> dict[str, Any]:
    """The list as the API has it (AiModelList)."""
    models = [
        model(
            "gpt-4o",
            "azure-openai",
            "OpenAI",
            version("2024-11-20", latest=True, sees=True),
            version("2024-05-13", retires=day(today, SOON), instead="gpt-4o", sees=True),
        ),
        model(
            "gpt-4o-mini",
            "azure-openai",
            "OpenAI",
            version("2024-07-18", latest=True, retires=day(today, LATER), sees=True),
        ),
        model(
            "gpt-35-turbo",
            "azure-openai",
            "OpenAI",
            version("0125", latest=True, retires=day(today, SOON), instead="gpt-4o-mini", old=True),
            version("0613", retires=day(today, -SOON), instead="gpt-4o-mini", old=True),
        ),
        model(
            "text-embedding-3-small",
            "azure-openai",
            "OpenAI",
            version("1", latest=True, does="text-embedding"),
        ),
        model(
            "anthropic--claude-3.5-sonnet",
            "aws-bedrock",
            "Anthropic",
            version("1", latest=True, sees=True),
        ),
        model(
            "amazon--titan-embed-text",
            "aws-bedrock",
            "Amazon",
            version("2", latest=True, does="text-embedding"),
        ),
        model(
            "gemini-1.5-flash",
            "gcp-vertexai",
            "Google",
            version("002", latest=True, sees=True),
        ),
        model(
            "mistralai--mistral-large-instruct",
            "aicore-mistralai",
            "Mistral AI",
            version("2407", latest=True),
        ),
        model(
            "meta--llama3.1-70b-instruct",
            "aicore-opensource",
            "Meta",
            version("1", latest=True, instead="mistralai--mistral-large-instruct", old=True),
        ),
        model(
            "ibm--granite-13b-chat",
            "aicore-ibm",
            "IBM",
            version("2.1.0", latest=True),
        ),
    ]
    return {"count": len(models), "resources": models}


def day(today: date, days: int) -> str:
    """``days`` from today as the API writes it."""
    return f"{today + timedelta(days=days)}T00:00:00Z"


def model(
    name: str, executable_id: str, provider: str, *versions: dict[str, Any]
) -> dict[str, Any]:
    """One model, offered by its executable and through orchestration."""
    return {
        "model": name,
        "executableId": executable_id,
        "description": f"{name} of {provider}, emulated: it repeats what it is told",
        "displayName": name.rpartition("--")[2],
        "accessType": "Local" if executable_id.startswith("aicore-") else "Remote",
        "provider": provider,
        "allowedScenarios": [
            {"scenarioId": "foundation-models", "executableId": executable_id},
            {"scenarioId": "orchestration", "executableId": "orchestration"},
        ],
        "versions": list(versions),
    }


def version(
    name: str,
    *,
    latest: bool = False,
    old: bool = False,
    retires: str = "",
    instead: str = "",
    sees: bool = False,
    does: str = "text-generation",
) -> dict[str, Any]:
    """One version; like the real API it says "" where there is no date."""
    return {
        "name": name,
        "isLatest": latest,
        "deprecated": old,
        "retirementDate": retires,
        "contextLength": 128_000 if does == "text-generation" else 8_000,
        "inputTypes": ["text", "image"] if sees else ["text"],
        "capabilities": [does, "image-recognition"] if sees else [does],
        "streamingSupported": does == "text-generation",
        **({"suggestedReplacements": [instead]} if instead else {}),
    }
