"""A Metaflow flow from its file to its model: built, checked, run on the emulator with a bucket."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.cli.template import command
from tests.acceptance.conftest import Project, make_project
from tests.metaflow.flow_project import PLAIN, SAP, STAGE, python_with, write_project

EVIL = 'it\'s $(touch injected) "x" `id`'
RUN = """\
secrets:
  object_store:
    - name: default
      type: S3
      bucket: bucket
      endpoint: {endpoint}
      use_https: false
      region: us-east-1
      data: {{AWS_ACCESS_KEY_ID: "${{env.S3_KEY}}", AWS_SECRET_ACCESS_KEY: "${{env.S3_SECRET}}"}}
  generic: [{{name: mine, data: {{TOKEN: "${{env.S3_KEY}}"}}}}]
artifacts:
  - {{key: data, name: data, kind: dataset, url: "ai://default/data", scenario_id: house-price}}
executions:
  - key: train
    configuration:
      name: flow-training
      scenario_id: house-price
      executable_id: trainflow
      parameter_bindings: {{epochs: 5, note: {note}}}
      input_artifact_bindings: {{data: data}}
    timeout: 10m
local:
  artifacts: {{"ai://default/data": flows}}
  images:
"""
IMAGE = "    docker.io/acme/{name}:1: {{python: {python}, workdir: /home/user, env: {{{env}}}}}\n"


@pytest.fixture
def bucket() -> Iterator[str]:
    """Host and port of an S3 server with a bucket."""
    server_room = pytest.importorskip("moto.server", reason="the bucket of this test is moto's")
    boto3 = importlib.import_module("boto3")
    server = server_room.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="bucket")
    client.close()
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    root = tmp_path / "flows"
    root.mkdir()
    project = make_project(root)
    yield project
    project.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)  # under load Metaflow needs half a minute a step
@pytest.mark.parametrize("generator", [PLAIN, SAP])
def test_a_flow_becomes_a_template_and_a_model(
    project: Project,
    bucket: str,
    generator: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("without bubblewrap Metaflow's own path /mnt/out cannot be redirected")
    python = python_with(generator)
    env = f'METAFLOW_S3_ENDPOINT_URL: "http://{bucket}"'
    images = "".join(
        IMAGE.format(name=name, python=python, env=env) for name in ("flow", "data", "eval")
    )
    stage = STAGE.replace("    datastore: s3://bucket/metaflow\n", "").replace(
        "env: {", 'env: {METAFLOW_SKIP_INSTALL_DEPENDENCIES: "1", '
    )
    stage = stage.replace("    image_pull_secrets: [my-docker-secret]\n", "")  # nobody declares it
    note = "'" + EVIL.replace("'", "''") + "'"
    run = RUN.format(endpoint=bucket, note=note) + images
    write_project(project.root, stage=f"{stage}    python: {python}\n{run}")
    monkeypatch.chdir(project.root)
    for name, text in {"S3_KEY": "k", "S3_SECRET": "s3cr3t-value"}.items():
        monkeypatch.setenv(name, text)
        project.environ[name] = text

    command.main(["build", "dev"], standalone_mode=False)
    assert f"templates/trainflow.yaml: written with {generator} " in capsys.readouterr().out
    checked = project.cicd("validate", "dev", "--strict")
    assert checked.returncode == 0, checked.stdout

    applied = project.cicd("apply", "dev", "--local", "--auto-approve", timeout=560)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    [model] = (project.root / ".cicd/emulator/objectstore").rglob("model/model.txt")
    assert model.read_text(encoding="utf-8") == f"16 {EVIL}"
    assert not list(project.root.rglob("injected"))
    assert "s3cr3t-value" not in applied.stdout + applied.stderr
