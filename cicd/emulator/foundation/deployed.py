"""What a deployment of the platform's own scenarios is of, and whether it can be. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from cicd.emulator.foundation import executables
from cicd.emulator.foundation.catalogue import Catalogue, NotOffered, Offer

NO_FILTER = ("", "null")


@dataclass(frozen=True)
class ModelFilter:
    """Which models an orchestration deployment may use: an allow or a deny list.

    ``versions``: model -> its versions, none means all of them. None is no list at all.
    """

    allows: bool = True
    versions: Mapping[str, tuple[str, ...]] | None = None

    def admits(self, model: str, version: str) -> bool:
        """Whether a model in a version may be used."""
        if self.versions is None:
            return True
        listed = model in self.versions and (
            not self.versions[model] or version in self.versions[model]
        )
        return listed == self.allows


def bound(scenario_id: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a configuration with the defaults of its executable."""
    return {**executables.DEFAULTS[scenario_id], **parameters}


def offer_of(
    catalogue: Catalogue, executable_id: str, parameters: Mapping[str, str], today: date
) -> Offer:
    """The model that a deployment of ``foundation-models`` answers with; NotOffered if none."""
    name, version = parameters.get("modelName", ""), parameters["modelVersion"]
    return catalogue.find(name, version, executable_id, today)


def filter_of(parameters: Mapping[str, str]) -> ModelFilter:
    """The model filter of an orchestration deployment; NotOffered when it cannot be read."""
    kind, text = parameters["modelFilterListType"], parameters["modelFilterList"]
    if kind not in ("allow", "deny"):
        raise NotOffered(f"modelFilterListType must be allow or deny, not {kind!r}")
    if text.strip() in NO_FILTER:
        return ModelFilter()
    try:
        versions = {
            str(item["modelName"]): tuple(map(str, item.get("modelVersions") or ()))
            for item in json.loads(text)
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotOffered(
            "modelFilterList must be a JSON list of objects with modelName and, "
            "if not all are meant, modelVersions"
        ) from None
    return ModelFilter(kind == "allow", versions)


def describe(
    catalogue: Catalogue,
    scenario_id: str,
    executable_id: str,
    parameters: Mapping[str, str],
    today: date,
) -> str:
    """What comes up, in words for its log; NotOffered when it cannot come up."""
    if scenario_id == executables.ORCHESTRATION:
        filter_of(parameters)
        return "orchestration is served by the emulator: models repeat what they are told"
    found = offer_of(catalogue, executable_id, parameters, today)
    wanted = parameters["modelVersion"]
    asked = f" ({wanted})" if wanted != found.version else ""
    return (
        f"model {found.name} version {found.version}{asked} is served by the emulator: "
        "it repeats what it is told"
    )
