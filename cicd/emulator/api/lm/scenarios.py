"""/v2/lm/scenarios: scenarios, executables and versions: the platform's own, then what was synced.

Also /emulator/models: which models the platform offers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from cicd.emulator.api import limits
from cicd.emulator.api.web import ApiCall, Operation, Reply, label_test
from cicd.emulator.errors import invalid, not_found
from cicd.emulator.foundation.catalogue import BadModelList, parse
from cicd.emulator.git import templates

PATH = "/v2/lm/scenarios"
SCENARIO_LABEL = re.compile(
    r"(scenarios(?!\.ai\.sap\.com/id$)|ext)\.ai\.sap\.com/[\w.-]+", re.ASCII
)
"""Labels of a template that are its scenario's; by the id all of them would be alike."""


def query(call: ApiCall) -> Reply:
    sql = (
        "SELECT scenario_id FROM executables GROUP BY scenario_id ORDER BY MIN(created_at), MIN(id)"
    )
    synced = [row["scenario_id"] for row in call.world.store.rows(sql)]
    names = dict.fromkeys((*templates.PLATFORM_SCENARIOS, *synced))
    found = [call.world.executables(name) for name in names]
    # a sync may take one away meanwhile
    return everything([show_scenario(rows) for rows in found if rows])


def get(call: ApiCall) -> Reply:
    scenario = call.path["scenario"]
    rows = call.world.executables(scenario)
    if not rows:
        raise not_found("Scenario", scenario)
    return Reply(show_scenario(rows))


def query_executables(call: ApiCall) -> Reply:
    """Of a scenario that does not exist there are none: the API has no 404 here."""
    version = call.option("versionId")
    found = call.world.executables(call.path["scenario"])
    rows = [row for row in found if version in (None, row["version_id"])]
    return everything([show_executable(row) for row in rows])


def get_executable(call: ApiCall) -> Reply:
    row = call.world.executable(call.path["scenario"], call.path["id"])
    if row is None:
        raise not_found("Executable", call.path["id"])
    return Reply(show_executable(row))


def query_versions(call: ApiCall) -> Reply:
    """The versions that the scenario's executables are in, those with the labels asked for."""
    fits = label_test(call, "labelSelector")
    found = call.world.executables(call.path["scenario"])
    rows = [row for row in found if fits(json.loads(row["document"])["metadata"]["labels"])]
    versions = dict.fromkeys(row["version_id"] for row in rows)
    shown = []
    for version in versions:
        mine = [row for row in rows if row["version_id"] == version]
        shown.append({"id": version, "scenarioId": call.path["scenario"], **times(mine)})
    return everything(shown)


def query_models(call: ApiCall) -> Reply:
    """Models exist in the scenarios that the platform itself provides; others have none."""
    return everything(call.world.models.read().of_scenario(call.path["scenario"]))


def read_models(call: ApiCall) -> Reply:
    """The list of models that is in force."""
    return everything(call.world.models.read().models)


def write_models(call: ApiCall) -> Reply:
    """Replace the list; kept with the data folder. 400 for one that cannot be used."""
    try:
        catalogue = parse(call.json)
    except BadModelList as error:
        raise invalid(str(error)) from None
    call.world.models.keep(catalogue)
    return everything(catalogue.models)


def forget_models(call: ApiCall) -> Reply:
    """Go back to the default list."""
    call.world.models.forget()
    return read_models(call)


def expansion(call: ApiCall) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Adds the scenario to what belongs to one, if ``$expand=scenario`` asks for that."""
    wanted = call.option("$expand")
    if wanted is None:
        return lambda shown: shown
    limits.one_of(wanted, "$expand", ("scenario",))

    @cache
    def scenario(scenario_id: str) -> dict[str, Any] | None:
        rows = call.world.executables(scenario_id)
        return show_scenario(rows) if rows else None

    return lambda shown: {**shown, "scenario": scenario(shown["scenarioId"])}


def show_scenario(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    """A scenario, described by the first of its executables."""
    metadata = json.loads(rows[0]["document"])["metadata"]
    annotations = metadata["annotations"]
    labels = {
        key: value for key, value in metadata["labels"].items() if SCENARIO_LABEL.fullmatch(key)
    }
    description = annotations.get(templates.SCENARIO_DESCRIPTION)
    return {
        "id": rows[0]["scenario_id"],
        "name": annotations[templates.SCENARIO_NAME],
        **({"description": description} if description else {}),
        "labels": limits.as_pairs(labels),
        **times(rows),
    }


def show_executable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **json.loads(row["summary"]),
        "createdAt": row["created_at"],
        "modifiedAt": row["modified_at"],
    }


def times(rows: list[Mapping[str, Any]]) -> dict[str, str]:
    return {
        "createdAt": min(row["created_at"] for row in rows),
        "modifiedAt": max(row["modified_at"] for row in rows),
    }


def everything(items: Iterable[Any]) -> Reply:
    """These lists have no pages."""
    found = list(items)
    return Reply({"count": len(found), "resources": found})


OPERATIONS = (
    Operation("scenario.list", "GET", PATH, query),
    Operation("scenario.get", "GET", f"{PATH}/{{scenario}}", get, names=limits.ID),
    Operation(
        "executable.list",
        "GET",
        f"{PATH}/{{scenario}}/executables",
        query_executables,
        names=limits.ID,
    ),
    Operation(
        "executable.get",
        "GET",
        f"{PATH}/{{scenario}}/executables/{{id}}",
        get_executable,
        names=limits.ID,
    ),
    Operation(
        "version.list", "GET", f"{PATH}/{{scenario}}/versions", query_versions, names=limits.ID
    ),
    Operation("model.list", "GET", f"{PATH}/{{scenario}}/models", query_models, names=limits.ID),
    Operation("model.list", "GET", "/emulator/models", read_models, "aicore"),
    Operation("model.update", "PUT", "/emulator/models", write_models, "aicore"),
    Operation("model.delete", "DELETE", "/emulator/models", forget_models, "aicore"),
)
