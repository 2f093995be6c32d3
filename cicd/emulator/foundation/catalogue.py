"""Which models the platform offers: a list in the shape of the API's own (AiModelList).

It is the default one until another was given; that one is kept as a file in the data folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from cicd.emulator.errors import EmulatorError
from cicd.emulator.git import templates
from cicd.emulator.state.private import write_private

FILE_NAME = "models.json"
DEFAULT = Path(__file__).with_name("models.json")
"""Well-known names, all details invented. Short on purpose, with one of everything that a tool has
to cope with: a model in two versions, a deprecated version, one that retires soon, one that is
retired, versions without a date, embeddings, and a model of each vendor's API. Its retirement dates
are days from today, for a date would be over one day. What a tenant really has: the answer of
GET /v2/lm/scenarios/foundation-models/models, saved to a file, can be used instead of this."""
LATEST = "latest"
SCENARIO = "foundation-models"
ID = f"^{templates.ID}$"


class NotOffered(Exception):
    """A model or version that cannot be had, or not any more; the message says so."""


class BadModelList(ValueError):
    """A document that is no list of models; the message says where."""


@dataclass(frozen=True)
class Offer:
    """One model in one version."""

    name: str
    version: str
    executable_id: str
    capabilities: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How an answer names it, as Azure does: ``gpt-4o-2024-11-20``."""
        return f"{self.name}-{self.version}"

    @property
    def embeds(self) -> bool:
        """Whether it makes vectors, not text."""
        return any("embed" in word for word in self.capabilities)


@dataclass(frozen=True)
class Catalogue:
    """A checked list of models, each as the API shows it."""

    models: tuple[Mapping[str, Any], ...]

    @property
    def executable_ids(self) -> list[str]:
        """Every executable that offers a model, each once."""
        return list(dict.fromkeys(str(model["executableId"]) for model in self.models))

    def of_scenario(self, scenario_id: str) -> list[Mapping[str, Any]]:
        """The models that can be used in a scenario."""
        return [model for model in self.models if scenario_id in scenarios_of(model)]

    def find(self, name: str, version: str, executable_id: str, today: date) -> Offer:
        """The model that an executable deploys; NotOffered with the reason.

        No version or ``latest`` is the one that the list calls so, else its last.
        """
        for model in self.models:
            if model["model"] == name and executable_id == model["executableId"]:
                return offer(model, version or LATEST, today)
        known = [m["model"] for m in self.models if m["executableId"] == executable_id]
        raise NotOffered(
            f"executable {executable_id} offers no model {name!r}; "
            f"it has {', '.join(known) or 'none'}"
        )

    def find_for(self, scenario_id: str, name: str, version: str, today: date) -> Offer:
        """The model of this name in a scenario, whoever offers it; NotOffered with the reason."""
        for model in self.of_scenario(scenario_id):
            if model["model"] == name:
                return offer(model, version or LATEST, today)
        raise NotOffered(f"Model {name} in version {version or LATEST} not found.")


def offer(model: Mapping[str, Any], version: str, today: date) -> Offer:
    """One version of a model; NotOffered when there is none such or it is retired."""
    versions: Sequence[Mapping[str, Any]] = model["versions"]
    wanted = [item for item in versions if item["name"] == version]
    if not wanted and version == LATEST:
        wanted = [item for item in versions if item["isLatest"]] or list(versions[-1:])
    if not wanted:
        names = ", ".join(str(item["name"]) for item in versions)
        raise NotOffered(f"model {model['model']} has no version {version!r}; it has {names}")
    found = wanted[0]
    retires = retirement(found)
    if retires and retires < today:
        instead = ", ".join(found.get("suggestedReplacements") or [])
        advice = f"; suggested instead: {instead}" if instead else ""
        raise NotOffered(
            f"version {found['name']} of model {model['model']} is retired since {retires}{advice}"
        )
    capabilities = tuple(found.get("capabilities") or ())
    return Offer(model["model"], found["name"], model["executableId"], capabilities)


def retirement(version: Mapping[str, Any]) -> date | None:
    """The day after which a version is gone; ValueError when the text is no date."""
    text = version.get("retirementDate") or ""
    return datetime.fromisoformat(text).date() if text else None


def scenarios_of(model: Mapping[str, Any]) -> list[str]:
    """Where a model can be used; a list that says nothing of it means ``foundation-models``."""
    allowed = model.get("allowedScenarios") or [{"scenarioId": SCENARIO}]
    return [str(item.get("scenarioId")) for item in allowed]


def today() -> date:
    """The day that retirement dates are compared with (UTC)."""
    return datetime.now(UTC).date()


class ModelList:
    """The list of one data folder. Whoever writes the file changes it at once, running or not."""

    def __init__(self, data: Path) -> None:
        self._path = data / FILE_NAME
        self._read: tuple[object, Catalogue] | None = None
        self._lock = Lock()

    def read(self) -> Catalogue:
        """The list as it is now; EmulatorError when somebody has damaged the file."""
        try:
            stat = self._path.stat()
            stamp: object = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except FileNotFoundError:
            # its dates are counted from today
            stamp = today()
        if self._read is None or self._read[0] != stamp:
            is_given = not isinstance(stamp, date)
            catalogue = load(self._path) if is_given else default(today())
            self._read = (stamp, catalogue)
        return self._read[1]

    def keep(self, catalogue: Catalogue) -> None:
        """Offer this list from now on."""
        with self._lock:
            write_private(self._path, json.dumps({"resources": catalogue.models}))

    def forget(self) -> None:
        """Go back to the default list."""
        self._path.unlink(missing_ok=True)


def default(today: date) -> Catalogue:
    """The list where nobody gave another."""
    document = json.loads(DEFAULT.read_text(encoding="utf-8"))
    for model in document["resources"]:
        for version in model["versions"]:
            # like the real API it says "" where there is no date
            if days := version["retirementDate"]:
                version["retirementDate"] = f"{today + timedelta(days=days)}T00:00:00Z"
    return parse(document)


def load(path: Path) -> Catalogue:
    """The list in a file; EmulatorError in one line when there is none."""
    hint = "it must look like the answer of GET /v2/lm/scenarios/foundation-models/models"
    try:
        return parse(json.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise EmulatorError(
            f"the list of models {path} cannot be read: {error.strerror or error}"
        ) from error
    except BadModelList as error:
        raise EmulatorError(f"{path} is no list of models: {error}", hint) from error
    except (ValueError, RecursionError) as error:
        raise EmulatorError(f"{path} is not JSON: {error}", hint) from error


def parse(document: Any) -> Catalogue:
    """A checked document. Fields that are not known here pass: a newer API may have them."""
    found = document.get("resources") if isinstance(document, dict) else None
    if not isinstance(found, list) or not found:
        raise BadModelList("resources must be a list of models, at least one")
    seen: dict[tuple[Any, Any], int] = {}
    for number, item in enumerate(found):
        where = f"resources[{number}]"
        for problem in problems_of_model(item):
            raise BadModelList(f"{where}{problem}")
        identity = (item["model"], item["executableId"])
        if identity in seen:
            raise BadModelList(f"{where} is the same model as resources[{seen[identity]}]")
        seen[identity] = number
    return Catalogue(tuple(found))


def problems_of_model(item: Any) -> Iterator[str]:
    """What is wrong with one entry of the list, each with its path below the entry."""
    if not isinstance(item, dict):
        yield " must be an object"
        return
    for field in ("model", "executableId", "description"):
        if not isinstance(item.get(field), str) or not item[field]:
            yield f".{field} must be a text"
    if not re.search(ID, item["executableId"]):
        yield f".executableId {item['executableId']!r} does not match {ID}"
    allowed = item.get("allowedScenarios") or []
    if not isinstance(allowed, list) or not all(isinstance(entry, dict) for entry in allowed):
        yield ".allowedScenarios must be a list of objects"
    versions = item.get("versions")
    if not isinstance(versions, list) or not versions:
        yield ".versions must be a list, at least one"
        return
    for number, version in enumerate(versions):
        for problem in problems_of_version(version):
            yield f".versions[{number}]{problem}"
    if sum(version["isLatest"] for version in versions) > 1:
        yield ".versions: only one can be the latest"


def problems_of_version(version: Any) -> Iterator[str]:
    """What is wrong with one version, each with its path below it."""
    if not isinstance(version, dict):
        yield " must be an object"
        return
    if not isinstance(version.get("name"), str):
        yield ".name must be a text"
    for field in ("isLatest", "deprecated"):
        if not isinstance(version.get(field), bool):
            yield f".{field} must be true or false"
    for field in ("capabilities", "inputTypes", "suggestedReplacements"):
        texts = version.get(field) or []
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            yield f".{field} must be a list of texts"
    try:
        retirement(version)
    except (TypeError, ValueError):
        yield f".retirementDate {version['retirementDate']!r} is no ISO 8601 date"
