"""Every method of every client of SAP's Python SDK, called as its documentation says."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ai_api_client_sdk.ai_api_v2_client import AIAPIV2Client
from ai_api_client_sdk.exception import AIAPINotFoundException
from ai_api_client_sdk.models.artifact import Artifact
from ai_api_client_sdk.models.base_models import BasicModifyRequest, Order
from ai_api_client_sdk.models.input_artifact_binding import InputArtifactBinding
from ai_api_client_sdk.models.label import Label
from ai_api_client_sdk.models.metric import Metric
from ai_api_client_sdk.models.metric_custom_info import MetricCustomInfo
from ai_api_client_sdk.models.metric_tag import MetricTag
from ai_api_client_sdk.models.parameter_binding import ParameterBinding
from ai_api_client_sdk.models.status import ScheduleStatus, Status
from ai_api_client_sdk.models.target_status import TargetStatus
from ai_api_client_sdk.resource_clients.base_client import BaseClient
from ai_core_sdk.ai_core_v2_client import AICoreV2Client
from ai_core_sdk.tracking import Tracking

from tests.emulator.emulator_client import (
    Client,
    commit,
    onboard,
    running,
    synced,
    template_files,
    wait_for,
)

METRICS = ("core.metrics", "tracking")


class Sdk:
    """Both clients of the SDK, and the one for metrics alone."""

    def __init__(self, emulator: Client) -> None:
        self.emulator = emulator
        login = emulator.world.credentials
        access = {
            "auth_url": f"{emulator.url}/oauth/token",
            "client_id": login.client_id,
            "client_secret": login.client_secret,
            "resource_group": "default",
        }
        core = AICoreV2Client(base_url=f"{emulator.url}/v2", **access)
        api = AIAPIV2Client(base_url=f"{emulator.url}/v2/lm", **access)
        tracking = Tracking(base_url=f"{emulator.url}/v2", **access)
        self.clients = {
            "tracking": tracking,
            **{f"core.{name}": found for name, found in clients_of(core)},
            # what both have is the same
            **{f"api.{n}": found for n, found in clients_of(api) if n not in vars(core)},
        }

    def __call__(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call ``core.artifact.get``, say."""
        client, _, method = name.rpartition(".")
        return getattr(self.clients[client], method)(*args, **kwargs)


def clients_of(sdk: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(sdk).items():
        if isinstance(value, BaseClient):
            yield name, value


def methods_of(client: Any) -> Iterator[str]:
    """The public methods that a client has; the others are there too, and raise."""
    for name, method in inspect.getmembers(type(client), inspect.isfunction):
        if not name.startswith("_") and method is not getattr(BaseClient, name, None):
            yield name


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    folder = tmp_path_factory.mktemp("sdk")
    commit(folder / "repository", template_files())
    with running(folder / "data") as emulator:
        onboard(emulator, folder / "repository")
        synced(emulator)
        yield Sdk(emulator)


def until(look: Callable[[], Any], status: Status) -> Any:
    return wait_for(look, lambda seen: seen.status is status)


def test_artifacts(sdk: Sdk) -> None:
    label = Label(key="ext.ai.sap.com/v", value="1")
    made = sdk(
        "core.artifact.create",
        name="data",
        kind=Artifact.Kind.DATASET,
        url="ai://default/d",
        scenario_id="churn",
        description="some",
        labels=[label],
    )
    selected = {"artifact_label_selector": ["ext.ai.sap.com/v=1"], "kind": Artifact.Kind.DATASET}
    found = sdk("core.artifact.query", scenario_id="churn", search="DAT", **selected, top=5)
    assert found.count == 0
    found = sdk("core.artifact.query", search="DAT", search_case_insensitive=True, **selected)
    assert [item.id for item in found.resources] == [made.id]
    shown = sdk("core.artifact.get", made.id, expand="scenario")
    assert (shown.labels, shown.scenario.name) == ([label], "Churn")
    assert sdk("core.artifact.count", **selected) == 1


def test_configurations(sdk: Sdk) -> None:
    made = create_configuration(sdk, "configured", "complete")
    assert sdk("core.configuration.get", made, expand="scenario").scenario.id == "churn"
    found = sdk("core.configuration.query", executable_ids=["train"], search="onfigured")
    assert [item.id for item in found.resources] == [made]
    assert sdk("core.configuration.count", scenario_id="churn", search="configured") == 1


def create_configuration(sdk: Sdk, name: str, value: str, executable: str = "train") -> str:
    """The id of a configuration of one of the two templates."""
    key, inputs = "greeting", []
    if executable == "train":
        data = sdk.emulator.send(
            "POST",
            "/v2/lm/artifacts",
            {"name": "d", "kind": "dataset", "url": "ai://default/d", "scenarioId": "churn"},
        )
        key, inputs = "mode", [InputArtifactBinding(key="data", artifact_id=data.json()["id"])]
    made = sdk(
        "core.configuration.create",
        name=name,
        scenario_id="churn",
        executable_id=executable,
        parameter_bindings=[ParameterBinding(key=key, value=value)],
        input_artifact_bindings=inputs,
    )
    return str(made.id)


def test_executions(sdk: Sdk) -> None:
    configuration = create_configuration(sdk, "hangs", "hang")
    first, second = (sdk("core.execution.create", configuration).id for _ in range(2))
    until(lambda: sdk("core.execution.get", first), Status.RUNNING)
    assert sdk("core.execution.get", first, select="status").status is Status.RUNNING
    found = sdk("core.execution.query", configuration_id=configuration, status=Status.RUNNING)
    assert {item.id for item in found.resources} == {first, second}
    assert sdk("core.execution.count", configuration_id=configuration) == 2
    hour = timedelta(hours=1)
    span = {"start": datetime.now(UTC) - hour, "end": datetime.now(UTC) + hour}
    logs = sdk("core.execution.query_logs", first, top=1, order=Order.DESC, **span)
    assert [line.msg for line in logs.data.result] == ["line 2"]
    assert sdk("core.execution.modify", first, TargetStatus.STOPPED).id == first
    until(lambda: sdk("core.execution.get", first), Status.STOPPED)
    assert sdk("core.execution.delete", first).id == first
    answers = sdk("core.execution.bulk_modify", bulk(second, "nothing"))
    assert [item.id for item in answers.executions] == [second, "nothing"]


def bulk(*ids: str) -> list[BasicModifyRequest]:
    return [BasicModifyRequest(id=run, target_status=TargetStatus.STOPPED) for run in ids]


def test_deployments(sdk: Sdk) -> None:
    before, after = (create_configuration(sdk, name, name, "serve") for name in ("a", "b"))
    first = sdk("core.deployment.create", before, ttl="1d").id
    second = sdk("core.deployment.create", before).id
    until(lambda: sdk("core.deployment.get", first), Status.RUNNING)
    until(lambda: sdk("core.deployment.get", second), Status.RUNNING)
    assert sdk("core.deployment.get", first, select="status").status is Status.RUNNING
    assert sdk("core.deployment.query", executable_ids=["serve"], top=1).count == 1
    assert sdk("core.deployment.count", status=Status.RUNNING) == 2
    assert sdk("core.deployment.query_logs", first).data.result == []
    sdk("core.deployment.modify", first, configuration_id=after)
    shown = until(lambda: sdk("core.deployment.get", first), Status.RUNNING)
    assert (shown.latest_running_configuration_id, shown.ttl) == (after, "1d")
    sdk("core.deployment.modify", first, TargetStatus.STOPPED)
    until(lambda: sdk("core.deployment.get", first), Status.STOPPED)
    assert sdk("core.deployment.delete", first).id == first
    answers = sdk("core.deployment.bulk_modify", bulk(second))
    assert [item.id for item in answers.deployments] == [second]


def test_schedules(sdk: Sdk) -> None:
    configuration = create_configuration(sdk, "weekly", "complete")
    start = datetime.now(UTC)
    times = {"start": start, "end": start + timedelta(days=9)}
    made = sdk("api.execution_schedule.create", "weekly", "0 0 * * 0", configuration, **times).id
    assert sdk("api.execution_schedule.get", made).cron == "0 0 * * 0"
    found = sdk(
        "api.execution_schedule.query", configuration_id=configuration, status=ScheduleStatus.ACTIVE
    )
    assert [item.id for item in found.resources] == [made]
    assert sdk("api.execution_schedule.modify", made, status=ScheduleStatus.INACTIVE).id == made
    assert sdk("api.execution_schedule.count", status=ScheduleStatus.INACTIVE) == 1
    assert sdk("api.execution_schedule.delete", made).id == made


def test_scenarios_and_models(sdk: Sdk) -> None:
    assert sdk("core.scenario.get", "churn").name == "Churn"
    assert "churn" in {item.id for item in sdk("core.scenario.query").resources}
    models = {item.id for item in sdk("core.scenario.query_llm_scenarios").resources}
    assert models == {"foundation-models", "orchestration"}
    versions = sdk("core.scenario.query_versions", "churn", label_selector=["ext.ai.sap.com/a!=b"])
    assert [item.id for item in versions.resources] == ["1.0"]
    found = sdk("core.executable.query", "churn", version_id="1.0")
    assert {item.id for item in found.resources} == {"train", "serve"}
    assert sdk("core.executable.get", "churn", "train").deployable is False
    assert sdk("core.model.query").resources[0].versions


@pytest.mark.parametrize("client", METRICS)
def test_metrics(sdk: Sdk, client: str) -> None:
    execution = sdk.emulator.execute()
    now = datetime.now(UTC)
    sdk(f"{client}.log_metrics", [Metric("loss", 0.5, now, 1)], execution, artifact_name="model")
    sdk(f"{client}.set_tags", [MetricTag("stage", "dev")], execution)
    sdk(f"{client}.set_custom_info", [MetricCustomInfo("note", "[1, 2]")], execution)
    sdk(f"{client}.modify", execution, metrics=[Metric("loss", 0.25, now, 2)])
    [found] = sdk(f"{client}.query", execution_ids=[execution]).resources
    assert [(metric.value, metric.step) for metric in found.metrics] == [(0.5, 1), (0.25, 2)]
    assert (found.tags[0].value, found.custom_info[0].value) == ("dev", "[1, 2]")
    wanted = {"filter": f"executionId eq '{execution}'", "select": ["tags"]}
    with pytest.deprecated_call():
        [some] = sdk(f"{client}.query", **wanted).resources
    assert not some.metrics
    sdk(f"{client}.delete", execution)
    with pytest.raises(AIAPINotFoundException):
        sdk(f"{client}.delete", execution)


def test_tracking_from_inside_a_run(sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    """There it needs no login, and knows the execution."""
    execution = sdk.emulator.execute()
    run = sdk.emulator.world.run("execution", "default", execution)
    assert run is not None
    monkeypatch.setenv("AICORE_EXECUTION_ID", execution)
    monkeypatch.setenv("AICORE_TRACKING_ENDPOINT", f"{sdk.emulator.url}/tracking/{run['token']}")
    inside = Tracking()
    inside.log_metrics([Metric("loss", 0.5, datetime.now(UTC), 1)])
    inside.set_tags([MetricTag("stage", "dev")])
    inside.set_custom_info([MetricCustomInfo("note", "{}")])
    [found] = inside.query(execution_ids=[execution]).resources
    assert (found.execution_id, found.metrics[0].value) == (execution, 0.5)
    [seen] = sdk("tracking.query", execution_ids=[execution]).resources
    assert seen.tags[0].value == "dev"
    inside.delete(execution)
    assert sdk("tracking.query", execution_ids=[execution]).resources == []


def test_what_the_api_says_of_itself(sdk: Sdk) -> None:
    meta = sdk("core.meta.get")
    assert (meta.runtime_identifier, meta.ai_api.capabilities.multitenant) == ("aicore", True)
    assert [item.version_id for item in sdk("core.meta.get_versions").versions] == ["v2"]
    assert sdk("api.healthz.get").status.value == "READY"
    assert "Executions" in sdk("core.kpis.query").header


def test_resource_groups(sdk: Sdk) -> None:
    label = Label(key="ext.ai.sap.com/team", value="a")
    made = sdk("core.resource_groups.create", "team-a", labels=[label])
    assert made.resource_group_id == "team-a"
    wait_for(
        lambda: sdk("core.resource_groups.get", "team-a"),
        lambda group: bool(group.status == "PROVISIONED"),
    )
    assert sdk("core.resource_groups.query").count == 2
    assert sdk("core.resource_groups.modify", "team-a", labels=[]) is None
    assert sdk("core.resource_groups.delete", "team-a").id == "team-a"


def test_repositories_and_applications(sdk: Sdk, tmp_path: Path) -> None:
    commit(tmp_path, template_files())
    url = str(tmp_path)
    sdk("core.repositories.create", name="other", url=url, username="u", password="p")
    assert sdk("core.repositories.get", "other").url == url
    assert sdk("core.repositories.query").count == 2
    sdk("core.repositories.modify", "other", username="u", password="q")
    place = {"path": "templates", "revision": "main"}
    sdk("core.applications.create", **place, application_name="app2", repository_name="other")
    assert sdk("core.applications.get", "app2").repository_url == url
    assert {item.application_name for item in sdk("core.applications.query").resources} == {
        "app",
        "app2",
    }
    sdk("core.applications.modify", "app2", repository_url=url, **place)
    assert sdk("core.applications.refresh", "app2").id == "app2"
    wait_for(
        lambda: sdk("core.applications.get_status", "app2"),
        lambda status: bool(status.sync_status == "Synced" and status.sync_finished_at),
    )
    assert sdk("core.applications.delete", "app2").id == "app2"
    assert sdk("core.repositories.delete", "other").id == "other"


def test_secrets(sdk: Sdk) -> None:
    data = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    store = {"type": "S3", "data": data, "bucket": "b", "endpoint": "e", "region": "r"}
    store |= {"path_prefix": "p", "verifyssl": "1", "usehttps": "1"}
    sdk("core.object_store_secrets.create", name="store", **store)
    shown = sdk("core.object_store_secrets.get", "store")
    assert (shown.name, shown.metadata["storage.ai.sap.com/bucket"]) == (
        "store-object-store-secret",
        "b",
    )
    assert sdk("core.object_store_secrets.query", top=1).count == 1
    assert sdk("core.object_store_secrets.modify", "store", **store).id == "store"
    assert sdk("core.object_store_secrets.delete", "store").id == "store"

    docker = {".dockerconfigjson": json.dumps({"auths": {}})}
    sdk("core.docker_registry_secrets.create", name="docker", data=docker)
    assert sdk("core.docker_registry_secrets.get", "docker").name == "docker"
    assert sdk("core.docker_registry_secrets.query", top=5, skip=0).count == 1
    assert sdk("core.docker_registry_secrets.modify", "docker", data=docker).id == "docker"
    assert sdk("core.docker_registry_secrets.delete", "docker").id == "docker"

    generic = {"name": "secret", "data": {"KEY": "dmFsdWU="}}
    for where in ({}, {"resource_group": "*"}, {"ai_tenant_scope": False}):
        sdk("core.secrets.create", **generic, **where)
        assert sdk("core.secrets.query", **where).resources[0].name == "secret"
        assert sdk("core.secrets.modify", **generic, **where).message
        sdk("core.secrets.delete", "secret", **where)
        assert sdk("core.secrets.query", **where).count == 0


def test_no_method_was_left_out(sdk: Sdk) -> None:
    """Not even one that a later version of the SDK brings."""
    source = Path(__file__).read_text(encoding="utf-8")
    names = {
        f"{{client}}.{method}" if name in METRICS else f"{name}.{method}"
        for name, client in sdk.clients.items()
        for method in methods_of(client)
    }
    assert len(names) > 60
    assert not [name for name in sorted(names) if f'"{name}"' not in source]
