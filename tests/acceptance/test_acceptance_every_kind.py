"""One stage file that uses every kind and every field: applied, changed, imported, destroyed."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from tests.acceptance.conftest import Project, token

pytestmark = pytest.mark.slow

DOCKER = '{"auths": {"https://index.docker.io": {"auth": "%s"}}}'
SECRETS = {
    "S3_ID": "canary-s3-id",
    "S3_KEY": "canary-s3-key",
    "DOCKER": DOCKER % "canary-docker",
    "API_KEY": "canary-api-key",
    "HF_TOKEN": "canary-hf-token",
    "LICENCE": "canary-licence",
    "PROXY": "canary-proxy",
}
CHANGED_SECRETS = {
    **SECRETS,
    "S3_KEY": "canary-new-key",
    "DOCKER": DOCKER % "canary-new-docker",
    "HF_TOKEN": "canary-new-token",
    "LICENCE": "canary-new-licence",
    "PROXY": "canary-new-proxy",
}

STAGE = """\
branch: main
aicore:
  resource_group: every-dev
  labels: {ext.ai.sap.com/team: "churn"}
  nodes: {starter: 1}
git: {application: every, path: templates, revision: main}
secrets:
  object_store:
    - name: data-lake
      type: S3
      bucket: lake
      endpoint: s3.example.com
      region: eu-1
      path_prefix: cicd
      data: {AWS_ACCESS_KEY_ID: "${env.S3_ID}", AWS_SECRET_ACCESS_KEY: "${env.S3_KEY}"}
  docker_registry:
    - {name: pull-secret, data: {.dockerconfigjson: "${env.DOCKER}"}}
  generic:
    - {name: model-keys, data: {api-key: "${env.API_KEY}", hf_token: "${env.HF_TOKEN}"}}
    - {name: tenant-licence, scope: tenant, data: {LICENCE: "${env.LICENCE}"}}
    - {name: shared-proxy, scope: all_resource_groups, data: {proxy: "${env.PROXY}"}}
artifacts:
  - key: words
    name: Words
    kind: dataset
    url: ai://default/words
    scenario_id: small
    description: All words of 2025
    labels: {ext.ai.sap.com/team: churn}
executions:
  - key: train
    configuration:
      name: every-training
      scenario_id: small
      executable_id: small-train
      parameter_bindings: {word: hello}
    rerun: on_change
    watch: [src/train.py]
    wait_for_status: COMPLETED
    timeout: 2m
    require: [{metric: letters, min: 3}]
schedules:
  - key: weekly
    name: weekly-training
    execution: train
    cron: "0 0 * * 0"
    start: "2026-01-01T00:00:00Z"
    end: "2099-01-01T00:00:00Z"
    active: true
deployments:
  - key: serve
    configuration:
      name: every-serving
      scenario_id: small
      executable_id: small-serve
      parameter_bindings: {greeting: hi}
      input_artifact_bindings: {model: "${executions.train.artifacts.model}"}
    wait_for_status: RUNNING
    timeout: 2m
    ttl: 24h
    drain: 1s
    smoke_test: {path: /v1/greet, expect: {contains: hi}}
    on_failure: rollback
    destination_name: EVERY
  - key: chat
    configuration:
      name: every-chat
      scenario_id: foundation-models
      executable_id: azure-openai
      parameter_bindings: {modelName: gpt-4o, modelVersion: latest}
    timeout: 2m
prune: stage
limits: {max_delete_percent: 50, max_delete: 20}
protect: [artifact/words]
local:
  images:
    docker.io/your-org/small:1: {mounts: {/app/src: src}}
"""

EDITS = [
    ('team: "churn"', 'team: "growth"'),
    ("{starter: 1}", "{starter: 2}"),
    ("bucket: lake", "bucket: sea"),
    ("s3.example.com", "s3.example.org"),
    ("region: eu-1", "region: eu-2"),
    ("path_prefix: cicd", "path_prefix: new"),
    ("All words of 2025", "All words of 2026"),
    ("url: ai://default/words", "url: ai://default/words2"),
    ("{ext.ai.sap.com/team: churn}", "{ext.ai.sap.com/team: sales}"),
    ("{word: hello}", "{word: goodbye}"),
    ('"0 0 * * 0"', '"0 3 * * 0"'),
    ('end: "2099', 'end: "2098'),
    ("active: true", "active: false"),
    ("{greeting: hi}", "{greeting: hiya}"),
    ("contains: hi}", "contains: hiya}"),
    ("ttl: 24h", "ttl: 48h"),
    ("modelName: gpt-4o,", "modelName: gpt-4o-mini,"),
]
EXPECTED = {
    "resource_group/every-dev": ("update", ["labels.ext.ai.sap.com/team"]),
    "node_reservation/starter": ("update", ["count"]),
    "docker_registry_secret/pull-secret": ("update", ["data..dockerconfigjson"]),
    "generic_secret/model-keys": ("update", ["data.hf_token"]),
    "generic_secret/tenant-licence": ("update", ["data.LICENCE"]),
    "generic_secret/shared-proxy": ("update", ["data.proxy"]),
    "object_store_secret/data-lake": (
        "update",
        ["bucket", "data.AWS_SECRET_ACCESS_KEY", "endpoint", "path_prefix", "region"],
    ),
    "artifact/words": ("create", ["description", "labels.ext.ai.sap.com/team", "url"]),
    "configuration/train": ("create", ["parameter_bindings.word"]),
    "execution/train": ("run", []),
    "configuration/serve": (
        "create",
        ["input_artifact_bindings.model", "parameter_bindings.greeting"],
    ),
    "deployment/serve": ("replace", ["configuration", "ttl"]),
    "destination/EVERY": ("update", ["url"]),
    "configuration/chat": ("create", ["parameter_bindings.modelName"]),
    "deployment/chat": ("update", ["configuration"]),
    "schedule/weekly": ("update", ["active", "configuration", "cron", "end"]),
}
STRANGER = """\
branch: other
aicore: {resource_group: other-group}
git: {application: other, path: templates, revision: main}
secrets:
  generic:
    - {name: not-ours, scope: tenant, data: {x: "${env.API_KEY}"}}
executions:
  - key: train
    configuration:
      name: other-training
      scenario_id: small
      executable_id: small-train
      parameter_bindings: {word: other}
local:
  images:
    docker.io/your-org/small:1: {mounts: {/app/src: src}}
"""


def test_one_stage_file_with_everything(small: Project) -> None:
    small.write("stages/dev.yaml", STAGE)
    small.write("stages/other.yaml", STRANGER)
    small.environ |= SECRETS
    apply(small, "other")
    stranger = belongings(small, "other-group")

    apply(small, "dev")
    assert small.cicd("plan", "dev", "--local", "--detailed-exitcode").returncode == 0

    for before, after in EDITS:
        small.edit("stages/dev.yaml", before, after)
    small.environ |= CHANGED_SECRETS
    assert changes_of(small, "dev") == EXPECTED
    apply(small, "dev")
    again = small.cicd("plan", "dev", "--local", "--detailed-exitcode")
    assert again.returncode == 0, again.stdout

    import_is_empty(small)
    small.edit("stages/dev.yaml", "protect: [artifact/words]", "protect: []")
    destroyed = small.cicd("destroy", "dev", "--local", "--auto-approve", "--stage-name", "dev")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert what_is_left(small) == [], destroyed.stdout + destroyed.stderr
    assert belongings(small, "other-group") == stranger
    assert small.cicd("plan", "other", "--local", "--detailed-exitcode").returncode == 0
    assert not canaries_in(small)


def apply(project: Project, stage: str) -> None:
    done = project.cicd("apply", stage, "--local", "--auto-approve", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "canary" not in done.stdout + done.stderr


def changes_of(project: Project, stage: str) -> dict[str, tuple[str, list[str]]]:
    """Key -> action and paths of all that would change, deletes of old runs left out."""
    result = project.cicd("plan", stage, "--local", "--output", "json")
    assert result.returncode == 0, result.stderr
    assert "canary" not in result.stdout
    return {
        change["key"]: (change["action"], [field["path"] for field in change["fields"]])
        for change in json.loads(result.stdout)["changes"]
        if change["action"] not in {"no_op", "delete"}
    }


def import_is_empty(project: Project) -> None:
    """The live resource group as a stage file of its own, with the login of a real account."""
    environ = project.emulator_environment()
    values = {
        "DATA_LAKE_AWS_ACCESS_KEY_ID": "S3_ID",
        "DATA_LAKE_AWS_SECRET_ACCESS_KEY": "S3_KEY",
        "PULL_SECRET_DOCKERCONFIGJSON": "DOCKER",
        "MODEL_KEYS_API_KEY": "API_KEY",
        "MODEL_KEYS_HF_TOKEN": "HF_TOKEN",
    }
    environ |= {name: CHANGED_SECRETS[source] for name, source in values.items()}
    done = project.cicd("import", "copy", "--resource-group", "every-dev", env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "plan: no changes" in done.stdout
    text = (project.root / "stages" / "copy.yaml").read_text(encoding="utf-8")
    assert "gpt-4o-mini" in text and "weekly-training" in text and "canary" not in text
    again = project.cicd("plan", "copy", "--detailed-exitcode", env=environ)
    assert again.returncode == 0, again.stdout + again.stderr


def belongings(project: Project, group: str) -> dict[str, Any]:
    """Everything in a resource group, and what of the tenant is not of the stage."""
    found: dict[str, Any] = {
        path: project.api(f"/lm/{path}", group)["resources"]
        for path in ("artifacts", "configurations", "executions", "deployments")
    }
    names = [item["applicationName"] for item in listed(project, "applications")]
    return {**found, "other": "other" in names}


def listed(project: Project, what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.api(f"/admin/{what}", "default")["resources"]
    return found


def what_is_left(project: Project) -> list[str]:
    """Names of all that the stage had made and that is still there."""
    ours = {"every-dev", "every", "pull-secret", "tenant-licence", "shared-proxy"}
    names = [item["resourceGroupId"] for item in listed(project, "resourceGroups")]
    names += [item["applicationName"] for item in listed(project, "applications")]
    names += [item["name"] for item in listed(project, "dockerRegistrySecrets")]
    for group in ("default", "*"):
        names += [item["name"] for item in tenant_secrets(project, group)]
    nodes = project.api("/admin/resources/nodes", "default")["resourcePlans"]
    reserved = [plan for plan, now in nodes.items() if now["requested"]]
    destinations = project.cicd("plan", "dev", "--local", "--output", "json").stdout
    plan = json.loads(destinations)["changes"]
    there = [c["key"] for c in plan if c["kind"] == "destination" and c["action"] != "create"]
    return sorted({name for name in names if name in ours}) + reserved + there


def tenant_secrets(project: Project, group: str) -> list[dict[str, Any]]:
    """The generic secrets of the tenant, or with ``*`` those for all resource groups."""
    env = project.emulator_environment()
    request = urllib.request.Request(
        f"{env['AICORE_BASE_URL']}/admin/secrets",
        headers={
            "Authorization": f"Bearer {token(env)}",
            "AI-Resource-Group": group,
            "AI-Tenant-Scope": "true",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)["resources"]
    return found


def canaries_in(project: Project) -> list[str]:
    """Files that hold a secret, the emulator's own database left out."""
    return [
        str(file)
        for file in project.root.rglob("*")
        if file.is_file() and "emulator.db" not in file.name and "emulator.sqlite" not in file.name
        if b"canary" in file.read_bytes()
    ]
