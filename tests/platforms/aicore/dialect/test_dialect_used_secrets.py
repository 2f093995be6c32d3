"""Secrets and images that templates name: whether there can be such, and who declares them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.config import GitOverride
from cicd.errors import InvalidStage
from cicd.model import Key
from tests.config.config_sample import (
    SERVE,
    STAGE,
    TRAIN,
    changed,
    findings,
    load,
    write_repository,
)

PULL_RUN = ("  entrypoint: train\n", "  entrypoint: train\n  imagePullSecrets: [{name: NAME}]\n")
PULL_SERVER = ("        minReplicas: 1\n", "        imagePullSecrets: [{name: NAME}]\n")
ENV_SERVER = (
    'env: [{name: STORAGE_URI, value: "{{inputs.artifacts.model}}"}]',
    'env: [{name: STORAGE_URI, value: "{{inputs.artifacts.model}}"}, '
    "{name: A, valueFrom: {secretKeyRef: {name: NAME, key: k}}}]",
)
ENV_FROM_RUN = (
    "        command: [python, train.py]\n",
    "        command: [python, train.py]\n        envFrom: [{secretRef: {name: NAME}}]\n",
)
VOLUME_RUN = (
    "  entrypoint: train\n",
    "  entrypoint: train\n  volumes: [{name: v, secret: {secretName: NAME}}]\n",
)
S3_RUN = (
    "{name: dataset, path: /app/data}",
    "{name: dataset, path: /app/data}, {name: x, path: /x, s3: {bucket: b, key: k, "
    "accessKeySecret: {name: NAME, key: a}, secretKeySecret: {name: NAME, key: b}}}",
)
USES = {
    "pull of a run": ("train", PULL_RUN, "docker_registry_secret"),
    "pull of a server": ("serve", PULL_SERVER, "docker_registry_secret"),
    "env of a server": ("serve", ENV_SERVER, "generic_secret"),
    "envFrom of a run": ("train", ENV_FROM_RUN, "generic_secret"),
    "volume of a run": ("train", VOLUME_RUN, "generic_secret"),
    "S3 input of a run": ("train", S3_RUN, "generic_secret"),
}
BOUND_SERVER = (
    "executable_id: server\n",
    "executable_id: server\n      parameter_bindings: {greeting: my-login}\n",
)
SECTIONS = {
    "docker_registry_secret": (
        'docker_registry: [{name: NAME, data: {.dockerconfigjson: "${env.D}"}}]'
    ),
    "generic_secret": 'generic: [{name: NAME, data: {k: "${env.D}"}}]',
    "object_store_secret": (
        "object_store: [{name: NAME, type: S3, bucket: b, data: "
        '{AWS_ACCESS_KEY_ID: "${env.D}", AWS_SECRET_ACCESS_KEY: "${env.D}"}}]'
    ),
}


def project(root: Path, which: str, name: str, section: str = "") -> Path:
    file, edit, _ = USES[which]
    stage = f"{STAGE}secrets:\n  {section}\n" if section else STAGE
    repo = write_repository(root, stage)
    text = changed(edit, text={"train": TRAIN, "serve": SERVE}[file]).replace("NAME", name)
    (repo / "templates" / f"{file}.yaml").write_text(text, encoding="utf-8")
    return repo


@pytest.mark.parametrize("which", USES)
def test_a_secret_that_the_stage_does_not_declare_is_a_warning(tmp_path: Path, which: str) -> None:
    file, _, kind = USES[which]
    [text] = findings(project(tmp_path, which, "my-login"))
    assert text.startswith(f"templates/{file}.yaml:")
    assert "warning: " in text
    words = kind.removesuffix("_secret").replace("_", " ")
    assert f'needs the {words} secret "my-login", which this stage does not declare' in text
    assert f"add it to secrets.{kind.removesuffix('_secret')}" in text


@pytest.mark.parametrize("which", USES)
def test_a_secret_that_the_stage_declares_is_fine(tmp_path: Path, which: str) -> None:
    section = SECTIONS[USES[which][2]].replace("NAME", "my-login")
    assert findings(project(tmp_path, which, "my-login", section)) == []


def test_the_warning_knows_a_name_that_is_close(tmp_path: Path) -> None:
    section = SECTIONS["docker_registry_secret"].replace("NAME", "docker-registry")
    [text] = findings(project(tmp_path, "pull of a run", "docker-regsitry", section))
    assert text.endswith('(did you mean "docker-registry"?)')


@pytest.mark.parametrize("which", USES)
@pytest.mark.parametrize("name", ['"<YOUR_SECRET>"', '"[DOCKER SECRET]"', "My_Secret", '""'])
def test_what_no_secret_can_be_called_is_an_error(tmp_path: Path, which: str, name: str) -> None:
    found = [text for text in findings(project(tmp_path, which, name)) if "warning" not in text]
    assert found and all("can be called" in text for text in found)


@pytest.mark.parametrize("which", USES)
def test_a_name_that_a_parameter_gives_is_judged_by_what_the_stage_binds(
    tmp_path: Path, which: str
) -> None:
    is_server = USES[which][0] == "serve"
    own, other = ("greeting", "inputs") if is_server else ("rate", "workflow")
    name = f'"{{{{{other}.parameters.{own}}}}}"'
    repo = project(tmp_path, which, name)
    words = USES[which][2].removesuffix("_secret").replace("_", " ")
    [text] = findings(repo)  # the default of the template
    assert f'{words} secret "{"hello" if is_server else "0.10"}", which this stage' in text
    edit = BOUND_SERVER if is_server else ("{epochs: 3}", "{epochs: 3, rate: my-login}")
    stage = repo / "stages" / "dev.yaml"
    stage.write_text(changed(edit))
    [text] = findings(repo)
    assert f'{words} secret "my-login", which this stage does not declare' in text
    section = SECTIONS[USES[which][2]].replace("NAME", "my-login")
    stage.write_text(f"{stage.read_text()}secrets:\n  {section}\n")
    assert findings(repo) == []


@pytest.mark.parametrize("name", ["{{inputs.parameters.rate}}", "{{item}}", "{{pod.name}}-login"])
def test_a_name_that_only_a_run_tells_is_not_judged(tmp_path: Path, name: str) -> None:
    found = findings(project(tmp_path, "volume of a run", f'"{name}"'))
    assert not any("secret" in text for text in found)


def test_an_optional_secret_may_be_missing(tmp_path: Path) -> None:
    assert findings(project(tmp_path, "env of a server", "x, optional: true")) == []


STORE = ('url: "ai://default/c"', 'url: "ai://lake/c"')


def test_the_object_store_of_an_artifact_must_be_declared_unless_it_is_the_default(
    tmp_path: Path,
) -> None:
    repo = write_repository(tmp_path, changed(STORE))
    [text] = findings(repo)
    assert 'artifact/customers needs the object store secret "lake"' in text
    section = SECTIONS["object_store_secret"].replace("NAME", "lake")
    (repo / "stages" / "dev.yaml").write_text(f"{changed(STORE)}secrets:\n  {section}\n")
    assert findings(repo) == []


def test_the_credentials_of_an_object_store_may_be_mounted(tmp_path: Path) -> None:
    """AI Core calls them NAME-object-store-secret."""
    section = SECTIONS["object_store_secret"].replace("NAME", "lake")
    name = "lake-object-store-secret"
    assert findings(project(tmp_path, "envFrom of a run", name, section)) == []
    [text] = findings(project(tmp_path / "other", "envFrom of a run", name))
    assert 'object store secret "lake"' in text


def test_who_uses_what_is_handed_on_to_the_platform(tmp_path: Path) -> None:
    stage = load(project(tmp_path, "pull of a server", "my-login"))
    uses = {resource.key: resource.options.uses for resource in stage.resources}
    place = "templates/serve.yaml:22:35"
    assert uses[Key("deployment", "serve")] == ((Key("docker_registry_secret", "my-login"), place),)
    assert not any(uses[key] for key in uses if key != Key("deployment", "serve"))


IMAGES = {
    "a placeholder": ('"<DOCKER_USER>/churn:1"', "is no name of an image"),
    "a placeholder after the registry": ("docker.io/YOUR_DOCKER_USERNAME/churn:1", "is no name"),
    "a sentence": ('"[DOCKER IMAGE URL GOES HERE]"', "is no name of an image"),
    "a tag with blanks": ('"a/b: 1"', "is no name of an image"),
    "upper case": ("docker.io/org/Churn:1", "is no name of an image"),
    "a scheme": ('"https://docker.io/org/churn:1"', "is no name of an image"),
    "nothing": ('""', "has no image"),
}


@pytest.mark.parametrize("which", IMAGES)
@pytest.mark.parametrize("file", ["train", "serve"])
def test_an_image_that_no_registry_can_have_is_an_error(
    tmp_path: Path, which: str, file: str
) -> None:
    image, says = IMAGES[which]
    repo = write_repository(tmp_path)
    text = changed(("docker.io/org/churn:1", image), text={"train": TRAIN, "serve": SERVE}[file])
    (repo / "templates" / f"{file}.yaml").write_text(text, encoding="utf-8")
    [found] = findings(repo)
    assert says in found and "warning" not in found


GOOD = [
    *(
        "python",
        "python:3.11",
        "org/churn",
        "localhost:5000/a/b:x",
        "ghcr.io/a/b/c_d/e--f:1.0-rc.1",
    ),
    *("my.registry.example.com:8443/team/img", "a/b:{{inputs.parameters.greeting}}"),
    *("{{inputs.parameters.greeting}}", "{{inputs.parameters.greeting}}/b:1"),
    f"org/churn@sha256:{'a' * 64}",
]


@pytest.mark.parametrize("image", GOOD)
def test_an_image_as_registries_have_them_is_fine(tmp_path: Path, image: str) -> None:
    repo = write_repository(tmp_path)
    text = changed(("docker.io/org/churn:1", f'"{image}"'), text=SERVE)
    (repo / "templates" / "serve.yaml").write_text(text, encoding="utf-8")
    assert findings(repo) == []


def test_what_this_machine_stands_in_for_does_not_hold_up_local_work(tmp_path: Path) -> None:
    repo = project(tmp_path, "pull of a run", '"<YOUR_SECRET>"')
    text = changed(("docker.io/org/churn:1", '"<USER>/churn:1"'), text=SERVE)
    (repo / "templates" / "serve.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidStage):
        load(repo)
    assert load(repo, application=GitOverride("file:///x", "HEAD", "")).programs
