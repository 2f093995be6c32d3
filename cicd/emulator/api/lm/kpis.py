"""/v2/analytics/kpis: how much of everything there is, as a table."""

from __future__ import annotations

from collections import Counter

from cicd.emulator.api import limits
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import invalid

ATTRIBUTES = ("ResourceGroup", "Scenario", "Executable")
COUNTED = ("Executions", "Artifacts", "Deployments")
DEFAULT = "ResourceGroup,Executions,Artifacts,Deployments"
COUNT = """
SELECT resource_group, scenario_id, executable_id, kind, COUNT(*) FROM (
  SELECT resource_group, scenario_id, executable_id,
    CASE kind WHEN 'execution' THEN 'Executions' ELSE 'Deployments' END AS kind FROM runs
  UNION ALL
  SELECT a.resource_group, a.scenario_id, COALESCE(c.executable_id, ''), 'Artifacts'
    FROM artifacts a LEFT JOIN configurations c ON c.id = a.configuration_id
) GROUP BY 1, 2, 3, 4
"""


def query(call: ApiCall) -> Reply:
    """The columns asked for: one row for each combination of the attributes among them."""
    columns = [
        limits.one_of(column, "$select", (*ATTRIBUTES, *COUNTED))
        for column in (call.option("$select") or DEFAULT).split(",")
    ]
    if len(set(columns)) != len(columns):
        raise invalid("$select names a column twice")
    attributes = [column for column in columns if column in ATTRIBUTES]
    groups: dict[tuple[str, ...], Counter[str]] = {}
    for *values, kind, count in call.world.store.rows(COUNT):
        of = dict(zip(ATTRIBUTES, values, strict=True))
        counts = groups.setdefault(tuple(of[name] for name in attributes), Counter())
        counts[kind] += count
    rows = []
    for key, counts in sorted(groups.items()):
        cells = {**dict(zip(attributes, key, strict=True)), **{k: counts[k] for k in COUNTED}}
        rows.append([cells[column] for column in columns])
    return Reply({"header": columns, "rows": rows})


OPERATIONS = (Operation("kpi.list", "GET", "/v2/analytics/kpis", query, "aicore"),)
