"""Sends requests to an emulator and holds each answer against AI Core's OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from tests.emulator.api import api_document
from tests.emulator.emulator_client import Client

UNREACHABLE = (
    (400, "GET /admin/resources/.*", "there is nothing that could be wrong"),
    (401, "GET /lm/.*/logs", "the gateway refuses a token, in plain text"),
    (404, "GET /(lm/meta|admin/tenantInfo|analytics/kpis)", "these always exist"),
    (404, "GET /admin/(secrets|objectStoreSecrets)", "a list may be empty"),
    (429, "GET /analytics/kpis", "usage may be read as often as one likes"),
    (501, "GET /lm/metrics", "metrics are implemented"),
)
"""Codes that the document has and the emulator never answers, and why."""


@dataclass
class Tour:
    """Sends requests, holds each answer against the document, remembers which codes were seen."""

    client: Client
    document: dict[str, api_document.Operation]
    """By ``GET /lm/artifacts``."""
    seen: dict[str, set[int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def send(
        self,
        method: str,
        template: str,
        status: int,
        body: Any = None,
        *,
        query: str = "",
        headers: Mapping[str, str | None] | None = None,
        data: bytes | None = None,
        **names: str,
    ) -> requests.Response:
        """One request of an operation; ``names`` are those of its path."""
        return self.ask(method, template, names, status, body, query, headers, data)

    def ask(
        self,
        method: str,
        template: str,
        names: Mapping[str, str],
        status: int,
        body: Any = None,
        query: str = "",
        headers: Mapping[str, str | None] | None = None,
        data: bytes | None = None,
    ) -> requests.Response:
        path = template
        for name, value in names.items():
            path = path.replace(f"{{{name}}}", quote(value))
        answer = self.client.send(
            method, f"/v2{path}{query}", body, status=status, headers=headers, data=data
        )
        operation = f"{method} {template}"
        self.seen.setdefault(operation, set()).add(status)
        case = self.document[operation].Case(path_parameters=dict(names))
        self.wrong += api_document.problems(case, answer)
        return answer

    def finds(self, template: str, **names: str) -> Any:
        """A GET that succeeds; its JSON."""
        return self.ask("GET", template, names, 200).json()

    def lacks(self, template: str, name: str, *methods: str, body: Any = None) -> None:
        """404 for a name that fits and does not exist, 400 for one that does not fit."""
        parameter = template.partition("{")[2].partition("}")[0]
        for method in methods:
            sent = None if method in {"GET", "DELETE"} else body
            self.ask(method, template, {parameter: name}, 404, sent)
            if 400 in documented(self.document[f"{method} {template}"]):
                self.ask(method, template, {parameter: "&?"}, 400, sent)


def documented(operation: api_document.Operation) -> set[int]:
    """The documented codes of an operation, ``default`` aside."""
    return {int(code) for code in operation.definition.raw["responses"] if code != "default"}


def is_reachable(operation: str, status: int) -> bool:
    return not any(
        status == code and re.fullmatch(operations, operation)
        for code, operations, _ in UNREACHABLE
    )
