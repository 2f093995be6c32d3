"""A script as one writes it for AI Core: knows nothing but the variables of `cicd emulator env`."""

import time
from collections.abc import Callable
from typing import Any

from ai_api_client_sdk.models.artifact import Artifact
from ai_api_client_sdk.models.input_artifact_binding import InputArtifactBinding
from ai_api_client_sdk.models.metric import Metric
from ai_api_client_sdk.models.metric_tag import MetricTag
from ai_api_client_sdk.models.parameter_binding import ParameterBinding
from ai_api_client_sdk.models.status import Status
from ai_api_client_sdk.models.target_status import TargetStatus
from ai_core_sdk.ai_core_v2_client import AICoreV2Client

client = AICoreV2Client.from_env()


def until(look: Callable[[], Any], *statuses: Status) -> Any:
    for _ in range(600):
        seen = look()
        if seen.status in statuses:
            return seen
        time.sleep(0.05)
    raise AssertionError(f"{seen} is never {statuses}")


def configuration(name: str, executable: str, mode: str, artifact: str = "") -> str:
    inputs = [InputArtifactBinding(key="data", artifact_id=artifact)] if artifact else []
    key = "mode" if artifact else "greeting"
    made = client.configuration.create(
        name=name,
        scenario_id="churn",
        executable_id=executable,
        parameter_bindings=[ParameterBinding(key=key, value=mode)],
        input_artifact_bindings=inputs,
    )
    return str(made.id)


# what is there
assert "churn" in [item.id for item in client.scenario.query().resources]
executables = {item.id: item for item in client.executable.query("churn").resources}
assert executables["train"].deployable is False
assert executables["train"].parameters[1].default == "3"
assert [item.name for item in executables["train"].output_artifacts] == ["model"]
assert executables["serve"].deployable is True
status = client.applications.get_status("app")
assert status.sync_status == "Synced"
assert len(status.source.revision) == 40
assert len(status.sync_resources_status) == 2
assert client.repositories.query().resources[0].status.value == "COMPLETED"
assert client.resource_groups.get("default").status == "PROVISIONED"

# train
artifact = client.artifact.create(
    name="data", kind=Artifact.Kind.DATASET, url="ai://default/data", scenario_id="churn"
).id
train = configuration("py", "train", "quick", artifact)
execution = client.execution.create(train).id
done = until(lambda: client.execution.get(execution), Status.COMPLETED, Status.DEAD)
assert done.status is Status.COMPLETED, (done.status_message, done.status_details)
assert done.output_artifacts[0].url == f"ai://default/{execution}/model"
logs = client.execution.query_logs(execution).data.result
assert any("mode quick" in item.msg for item in logs), [item.msg for item in logs]
assert client.execution.query(top=1).count == 1
assert client.execution.count(scenario_id="churn") == 1

# metrics, from the run (the template's own call) and from here
client.metrics.log_metrics([Metric("loss", 0.25, None)], execution)
client.metrics.set_tags([MetricTag("cicd.stage", "dev")], execution)
[found] = client.metrics.query(execution_ids=[execution]).resources
assert {metric.name: metric.value for metric in found.metrics} == {"rows": 3.0, "loss": 0.25}
assert found.tags[0].value == "dev"

# stop and delete
slow = client.execution.create(configuration("slow", "train", "slow", artifact)).id
until(lambda: client.execution.get(slow), Status.RUNNING)
client.execution.modify(slow, TargetStatus.STOPPED)
until(lambda: client.execution.get(slow), Status.STOPPED)
client.execution.delete(slow)

# deploy, update under the same url, stop, delete
deployment = client.deployment.create(configuration("s", "serve", "hello")).id
running = until(lambda: client.deployment.get(deployment), Status.RUNNING, Status.DEAD)
assert running.status is Status.RUNNING, (running.status_message, running.status_details)
assert running.deployment_url.endswith(f"/v2/inference/deployments/{deployment}")
path = f"/inference/deployments/{deployment}/v1/greeting"
assert client.rest_client.get(path) == {"greeting": "hello"}
new = configuration("s2", "serve", "servus")
client.deployment.modify(deployment, configuration_id=new)
after = until(lambda: client.deployment.get(deployment), Status.RUNNING, Status.DEAD)
assert after.latest_running_configuration_id == new
assert client.rest_client.get(path) == {"greeting": "servus"}
client.deployment.modify(deployment, TargetStatus.STOPPED)
until(lambda: client.deployment.get(deployment), Status.STOPPED)
client.deployment.delete(deployment)
print("ok")
