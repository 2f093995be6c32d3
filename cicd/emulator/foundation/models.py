"""Who answers a request to a deployed model. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from cicd.emulator.foundation import openai, vendors
from cicd.emulator.foundation.answers import Answer, Handler, ModelRequest, not_emulated
from cicd.emulator.foundation.catalogue import Offer

APIS: Mapping[str, Mapping[str, Handler]] = {
    "aws-bedrock": vendors.BEDROCK,
    "gcp-vertexai": vendors.VERTEX,
}
"""Executable -> the API of its vendor; every other one speaks OpenAI's."""


def answer(offer: Offer, asked: ModelRequest) -> Answer:
    """What a deployed model answers, in the shape of its vendor's API."""
    api = APIS.get(offer.executable_id, openai.API)
    for ending, handler in api.items():
        if asked.path.endswith(ending):
            return handler(offer, asked)
    return not_emulated(asked.path, api)
