"""The contract with the generators: each is run for real, once, against a bucket in memory."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cicd.cli.template import command
from cicd.emulator.workflow import check
from cicd.errors import CicdError, InvalidStage
from cicd.metaflow import Built, build, compare
from cicd.metaflow.bucket import bucket_in_memory
from cicd.metaflow.generator import PLUGIN, SUPPORTED, find_generator
from cicd.platforms.aicore.dialect.flows.declared import Flow
from tests.metaflow.flow_project import PLAIN, SAP, load, python_with, write_project

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=[PLAIN, SAP])
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Flow, Built, Mapping[str, bytes], dict[str, str]]]:
    """A flow, what it was built to, what the bucket got, and the environment of the build."""
    python = python_with(request.param)
    root = write_project(tmp_path_factory.mktemp("build"), python)
    with bucket_in_memory() as bucket:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "USER": "a.b@example.com",
            "METAFLOW_S3_ENDPOINT_URL": bucket.url,
            "METAFLOW_SERVICE_AUTH_KEY": "hush-hush",
            "AWS_ACCESS_KEY_ID": "known-key",
            "AWS_SECRET_ACCESS_KEY": "known-secret",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }
        flow = load(root)
        built = build(flow, environ)
        (root / flow.settings.template).write_text(built.text, encoding="utf-8")
        yield flow, built, bucket.objects, environ


Project = tuple[Flow, Built, Mapping[str, bytes], dict[str, str]]


def by_name(built: Built) -> dict[str, Any]:
    return {item["name"]: item for item in built.document["spec"]["templates"]}


def test_the_template_has_all_that_the_flow_says(project: Project) -> None:
    _, built, _, _ = project
    steps = by_name(built)
    names = ["start", "linear", "spread", "tune", "collect", "choose", "end"]
    assert [name for name in steps if "container" in steps[name]] != []
    assert set(names) <= set(steps)
    images = {name: steps[name]["container"]["image"] for name in names}
    assert images["start"] == "docker.io/acme/data:1" and images["end"] == "docker.io/acme/eval:1"
    assert {images[name] for name in names[1:-1]} == {"docker.io/acme/flow:1"}
    assert str(steps["tune"]["retryStrategy"]["limit"]) == "2"
    for name in names:
        secrets = [s["secretRef"]["name"] for s in steps[name]["container"]["envFrom"]]
        assert secrets == ["mine"] * (name == "start") + ["default-object-store-secret"]
    parameters = built.document["spec"]["arguments"]["parameters"]
    assert [(p["name"], p["value"]) for p in parameters] == [("epochs", "3"), ("note", "first try")]


def test_no_person_secret_or_machine_is_in_the_text(project: Project) -> None:
    _, built, _, _ = project
    for word in ("a.b@", "hush", "known-", "127.0.0.1", str(Path.home())):
        assert word not in built.text


def test_no_script_holds_a_parameter_of_the_run(project: Project) -> None:
    _, built, _, _ = project
    scripts = [t["container"]["args"][0] for t in by_name(built).values() if "container" in t]
    assert not [script for script in scripts if "workflow.parameters" in script]


def test_the_emulator_can_run_it(project: Project) -> None:
    _, built, _, _ = project
    assert check(json.loads(json.dumps(built.document))) == []


def test_the_code_is_in_the_bucket(project: Project) -> None:
    _, built, objects, _ = project
    [key] = [key for key in objects if "/data/" in key]
    assert f"s3://{key}" in built.text


def test_check_with_the_generator_finds_nothing_but_what_is_changed(project: Project) -> None:
    flow, built, _, environ = project
    nowhere = {k: v for k, v in environ.items() if not k.startswith(("AWS_", "METAFLOW_"))}
    path = flow.root / flow.settings.template
    edited = built.text.replace("limit: 2", "limit: 7").replace('limit: "2"', 'limit: "7"')
    path.write_text(edited, encoding="utf-8")
    try:
        [difference] = compare(flow, nowhere)
    finally:
        path.write_text(built.text, encoding="utf-8")
    assert difference.startswith("spec.templates.tune.retryStrategy.limit is ")


def test_an_embedded_flow_needs_no_bucket_and_downloads_nothing(project: Project) -> None:
    flow, _, _, _ = project
    settings = msgspec.structs.replace(flow.settings, embedded=True)
    embedded = Flow(settings, flow.source, flow.root, flow.place, flow.store)
    built = build(embedded, {"PATH": os.environ["PATH"], "HOME": str(flow.root)})
    assert "job.tar" not in built.text and "METAFLOW_CODE_URL" not in built.text
    assert "METAFLOW_DATASTORE_SYSROOT_S3" in built.text


def test_package_has_the_code_and_a_dockerfile(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow, _, _, _ = project
    monkeypatch.chdir(flow.root)
    for name in [name for name in os.environ if name.startswith(("AWS_", "METAFLOW_"))]:
        monkeypatch.delenv(name)
    out = tmp_path / "image"
    command.main(["package", "trainflow", "--dockerfile", str(out)], standalone_mode=False)
    with tarfile.open(out / "job.tar") as code:
        assert {"trainflow.py", "helper.py"} <= set(code.getnames())
    assert "ADD job.tar" in (out / "Dockerfile").read_text(encoding="utf-8")


def test_the_old_template_stays_when_the_flow_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = python_with(PLAIN)
    root = write_project(tmp_path, python)
    old = root / "templates/trainflow.yaml"
    old.write_text("old\n", encoding="utf-8")
    file = root / "flows/trainflow.py"
    text = file.read_text(encoding="utf-8").replace("self.next(self.end)", "self.next(self.nope)")
    file.write_text(text, encoding="utf-8")
    monkeypatch.chdir(root)
    with pytest.raises(InvalidStage, match=r"trainflow.py:\d+:1: .*unknown step, nope"):
        command.main(["build", "dev"], standalone_mode=False)
    assert old.read_text(encoding="utf-8") == "old\n"


def test_an_interpreter_without_metaflow_is_told(tmp_path: Path) -> None:
    plain = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if plain is None:
        pytest.skip("there is no Python of the system")
    flow = load(write_project(tmp_path, Path(plain)))
    with pytest.raises(CicdError, match=r"has no metaflow \(pip install"):
        find_generator(flow)


def test_the_extra_installs_what_is_supported() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = extras["project"]["optional-dependencies"].get("metaflow")
    if wanted is None:
        pytest.skip("the extra is not declared yet")
    low, high = (".".join(map(str, version)) for version in SUPPORTED)
    assert f"metaflow>={low},<{high}" in wanted
    assert not [name for name in wanted if name.startswith(PLUGIN)]
