"""What SAP AI Core can do with each of its kinds, and by what things of it are known."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.model import State
from cicd.platforms.aicore.kinds import KINDS

RUNS = {"deployment", "execution"}
CONTENT = {"artifact", "configuration"}
SECRETS = {"docker_registry_secret", "generic_secret", "object_store_secret"}
TENANT = {"repository", "application", "node_reservation"}
OTHERS = {"resource_group", "destination", "schedule"}


def test_there_are_no_others() -> None:
    assert set(KINDS) == RUNS | CONTENT | SECRETS | TENANT | OTHERS


@pytest.mark.parametrize(
    ("flag", "kinds"),
    [
        ("is_run", {"execution"}),
        ("is_service", {"deployment"}),
        ("is_secret", SECRETS),
        ("stoppable", RUNS),
        ("log", RUNS),
        ("prunable", {*RUNS, "schedule"}),
        ("updatable", set(KINDS) - CONTENT - {"execution"}),
        ("deletable", set(KINDS) - CONTENT),
        ("named", {*SECRETS, *TENANT, "resource_group", "destination"}),
        ("contains", {"resource_group"}),
        ("inline", set()),
        ("is_implicit", {*SECRETS, "node_reservation"}),
        ("tenant_wide", {*TENANT, "docker_registry_secret", "generic_secret"}),
    ],
)
def test_only_these_kinds(flag: str, kinds: set[str]) -> None:
    assert {name for name, kind in KINDS.items() if getattr(kind, flag)} == kinds


@pytest.mark.parametrize(
    ("field", "values"),
    [
        (
            "wait_for",
            {"application": "Synced", "repository": "COMPLETED", "resource_group": "PROVISIONED"},
        ),
        ("verify", {"deployment": ("configuration",)}),
        ("succession", {"deployment": ("scenario_id", "executable_id")}),
        ("computed", {"repository": {"name"}}),
        ("write_only", {"repository": {"username", "password"}}),
        ("partial", {"application": {"executables"}, "resource_group": {"labels"}}),
        ("programs", {"application": "executables"}),
        ("version", dict.fromkeys([*RUNS, "schedule"], ("configuration", "configuration"))),
        (
            "takes",
            {
                "application": {"repository": "repository"},
                "configuration": {"input_artifact_bindings": "artifact"},
            },
        ),
        (
            "told",
            {
                "application": ("repository", "path", "revision"),
                "artifact": ("scenario_id", "kind"),
            },
        ),
    ],
)
def test_kinds_that_differ_in_this_from_the_rest(field: str, values: dict[str, Any]) -> None:
    found = {name: getattr(kind, field) for name, kind in KINDS.items() if getattr(kind, field)}
    assert found == values


def test_a_stage_prunes_what_runs_its_programs() -> None:
    own = {name for name, kind in KINDS.items() if kind.scope != ("owner",)}
    assert own == {*RUNS, "schedule"}
    assert {KINDS[name].scope for name in own} == {("scenario_id", "executable_id")}


def test_a_tenant_has_some_secrets_and_groups_others() -> None:
    assert KINDS["generic_secret"].tenant_wide == ("scope", "resource_group")
    assert KINDS["docker_registry_secret"].tenant_wide is True


@pytest.mark.parametrize(
    ("kind", "identity", "family"),
    [
        ("artifact", (), ("name", "scenario_id")),
        ("configuration", (), ("name", "scenario_id", "executable_id")),
        (
            "execution",
            ("configuration",),
            ("configuration_name", "scenario_id", "executable_id"),
        ),
        (
            "deployment",
            ("configuration_name", "scenario_id", "executable_id"),
            ("configuration_name", "scenario_id", "executable_id"),
        ),
        ("repository", ("url",), ("name",)),
        ("generic_secret", ("name", "scope"), ("name",)),
        ("destination", ("name",), ("name",)),
        (
            "schedule",
            ("name",),
            ("name", "configuration_name", "scenario_id", "executable_id"),
        ),
    ],
)
def test_a_thing_is_known_by_these_fields(
    kind: str, identity: tuple[str, ...], family: tuple[str, ...]
) -> None:
    assert (KINDS[kind].identity, KINDS[kind].family) == (identity, family)


def test_a_deployment_is_changed_only_while_it_runs_or_comes_up() -> None:
    deployment = KINDS["deployment"]
    assert deployment.updatable_in == {State.RUNNING, State.PENDING, State.UNKNOWN}
    assert set(deployment.immutable) == {"executable_id", "scenario_id", "ttl"}


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("generic_secret", {"SCOPE"}),
        ("repository", {"URL"}),
        ("application", {"PATH", "REVISION", "REPOSITORY"}),
        ("deployment", {"CONFIGURATION", "EXECUTABLE", "SCENARIO", "URL"}),
        ("execution", {"CONFIGURATION", "EXECUTABLE", "SCENARIO", "DURATION"}),
        ("schedule", {"CONFIGURATION", "EXECUTABLE", "SCENARIO", "CRON"}),
        ("artifact", {"KIND", "SCENARIO", "EXECUTION", "URL"}),
    ],
)
def test_a_table_has_the_columns_of_its_kind(kind: str, columns: set[str]) -> None:
    usual = {"ID", "STATUS", "KEY", "NAME", "AGE"}
    assert {title for title in KINDS[kind].columns.values() if title} - usual == columns
