"""Images that nobody named: plain ones, and those of the repository's own Dockerfiles."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd.emulator.jobs import Image
from cicd.emulator.runner.content import MOST_BYTES, copy_in
from cicd.emulator.runner.environment import NotRunnable, command_line
from cicd.emulator.runner.local import LocalRunner, create
from cicd.emulator.runner.sandbox import Mount
from cicd.emulator.runner.settings import Settings
from cicd.emulator.runs import standins
from cicd.emulator.runs.plain_images import plain_image
from tests.emulator.runner.runner_journal import (
    ENVIRON,
    HAS_BWRAP,
    MemoryJournal,
    deployment,
    execution,
    serving,
    shell,
    workflow,
)

NOTHING: dict[str, Any] = {"images": {}, "artifacts": {}}
SANDBOXES = [
    pytest.param(
        "bubblewrap", marks=pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not here")
    ),
    "process",
]


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(params=SANDBOXES)
def runner(journal: MemoryJournal, request: pytest.FixtureRequest) -> Iterator[LocalRunner]:
    settings = Settings(sandbox=request.param, grace=2.0, crashes=1)
    with contextlib.closing(create(journal, environ=ENVIRON, settings=settings)) as found:
        yield found


def run(
    runner: LocalRunner,
    journal: MemoryJournal,
    folder: Path,
    container: dict[str, Any],
    body: dict[str, Any] = NOTHING,
    **more: Any,
) -> list[str]:
    """The lines of a container that ran to its end; it is gone afterwards."""
    template = {"name": "main", "container": container, **more}
    job = execution(folder, workflow(template), images=standins.images(standins.check(body)))
    runner.start_execution(job)
    assert journal.end("e1") == "COMPLETED", (journal.message, journal.text)
    return [text for text in journal.texts if "without a sandbox" not in text]


@pytest.mark.parametrize(
    ("image", "container", "says"),
    [
        ("python:3.11-slim", {"command": ["python3", "-c"], "args": ["print('hi')"]}, "hi"),
        ("docker.io/library/python:latest", {"command": ["python", "-c", "print(6*7)"]}, "42"),
        ("mirror.gcr.io/library/python@sha256:00", {"command": ["python", "-V"]}, "Python 3"),
        ("alpine:3.19", {"command": ["sh", "-c"], "args": ["echo from sh"]}, "from sh"),
        ("docker.io/busybox", {"command": ["echo", "a", "word"]}, "a word"),
        ("bash:5", {"command": ["bash", "-c", "echo $0 | tail -c 5"]}, "bash"),
        ("registry.acme.com:5000/python:3.11-slim", {"command": ["python", "-V"]}, "Python 3"),
        ("gcr.io/distroless/python3-debian12:nonroot", {"command": ["python3", "-V"]}, "Python 3"),
        ("docker.io/alpine/git@sha256:00", {"command": ["git", "--version"]}, "git version"),
        ("redhat/ubi9", {"command": ["sh", "-c", "echo from ubi"]}, "from ubi"),
    ],
)
def test_plain_images_are_programs_of_this_machine(
    runner: LocalRunner,
    journal: MemoryJournal,
    tmp_path: Path,
    image: str,
    container: dict[str, Any],
    says: str,
) -> None:
    note, line = run(runner, journal, tmp_path, {"image": image, **container})
    assert "of this machine stand" in note and note.endswith(f"in for image {image}")
    assert line.startswith(says)


@pytest.mark.parametrize(
    "image",
    ["acme/python:3.11", "ghcr.io/acme/alpine", "registry.acme.com/team/python", "pythonic", "x"],
)
def test_an_image_of_somebody_is_no_plain_one(image: str) -> None:
    assert plain_image(image) is None
    with pytest.raises(KeyError):
        standins.images(NOTHING)[image]


def test_a_dockerfile_of_the_name_goes_before_a_plain_image_of_a_registry() -> None:
    body = standins.check(
        {**NOTHING, "built": {"python": {"command": ["own"]}, "": {"args": ["x"]}}}
    )
    images = standins.images(body)
    assert images["registry.acme.com/python:3"].command == ("own",)
    assert images["python:3"].args == ("python3",)
    assert images["registry.acme.com/alpine"].args == ("sh",)


ROOT_WRITES = "/srv/a /opt/b /root/c /var/tmp/d /mnt/e /own/f /home/me/g /var/log/h"


@pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not here")
def test_a_program_writes_where_the_root_of_an_image_can(
    journal: MemoryJournal, tmp_path: Path
) -> None:
    text = f"for file in {ROOT_WRITES}; do mkdir -p $(dirname $file); echo $file > $file; done"
    container = {"image": "ubuntu", "command": ["sh", "-c", f"{text}; cat {ROOT_WRITES}"]}
    settings = Settings(sandbox="bubblewrap")
    with contextlib.closing(create(journal, environ=ENVIRON, settings=settings)) as runner:
        _, *lines = run(runner, journal, tmp_path, container)
    assert lines == ROOT_WRITES.split()
    assert not any(Path(place).exists() for place in ROOT_WRITES.split())


@pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not here")
@pytest.mark.parametrize("place", ["/usr/local/bin", "/opt", "/etc", "/usr/bin", "/entry"])
def test_a_script_that_an_image_puts_among_programs_of_this_machine_runs(
    journal: MemoryJournal, tmp_path: Path, place: str
) -> None:
    script = tmp_path / "entry.sh"
    script.write_text('#!/bin/sh\necho "$@ by entry"\n')
    script.chmod(0o644)
    target = f"{place}/entry.sh" if place != "/entry" else "/entry.sh"
    entry = {"files": {target: str(script)}}
    body = {**NOTHING, "built": {"x": entry}}
    command = [target if place in ("/opt", "/etc", "/entry") else "entry.sh", "runs"]
    settings = Settings(sandbox="bubblewrap")
    with contextlib.closing(create(journal, environ=ENVIRON, settings=settings)) as runner:
        lines = run(runner, journal, tmp_path, {"image": "acme/x", "command": command}, body)
    assert lines == ["runs by entry"]
    assert not os.access(script, os.X_OK)


def built(root: Path, **fields: Any) -> dict[str, Any]:
    """Stand-ins of which a Dockerfile with the repository at /srv/app is one."""
    return {
        **NOTHING,
        "built": {"": {"files": {"/srv/app": str(root)}, "workdir": "/srv/app"} | fields},
    }


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "data").mkdir(parents=True)
    (root / "say.sh").write_text('echo "$0" "$@" "[$WORD]"\n')
    (root / "data" / "in.txt").write_text("as it was\n")
    return root


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({}, "serve --port 1"),
        ({"args": ["--debug"]}, "serve --debug"),
        ({"command": ["own"]}, "own"),
        ({"command": ["own"], "args": ["both"]}, "own both"),
        ({"args": ["$(WORD)", "$$(WORD)"]}, "serve env $(WORD)"),
        ({"args": [], "command": []}, "serve --port 1"),
    ],
)
def test_command_replaces_the_entrypoint_and_args_the_cmd(
    container: dict[str, Any], words: str
) -> None:
    entry = {"command": ["serve"], "args": ["--port", "1"]}
    image = standins.images(standins.check({**NOTHING, "built": {"x": entry}}))["acme/x:1"]
    assert " ".join(command_line(container, image, {"WORD": "env"})) == words


def test_without_an_entrypoint_args_are_the_command() -> None:
    """Of an image that is known; what an entry of ``local.images`` leaves out nobody knows."""
    plain = plain_image("python:3.12")
    assert plain and command_line({"args": ["python", "-V"]}, plain, {}) == ("python", "-V")
    assert command_line({}, plain, {}) == ("python3",)
    with pytest.raises(NotRunnable, match="has no command: add one to the template, CMD to the"):
        command_line({"args": ["--port", "1"]}, Image(), {})


def test_a_workdir_is_writable_and_the_repository_stays_as_it_is(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path, repository: Path
) -> None:
    text = "echo changed > data/in.txt; mkdir new; echo x > new/y; rm say.sh; cat data/in.txt"
    body = built(repository)
    before = sorted(path.name for path in repository.rglob("*"))
    for number in range(2):
        job = execution(
            tmp_path,
            workflow(shell("main", text, container={"image": "acme/x"})),
            images=standins.images(standins.check(body)),
            id=f"e{number}",
        )
        runner.start_execution(replace(job, folder=tmp_path / f"run{number}"))
        assert journal.end(f"e{number}") == "COMPLETED", journal.text
    assert journal.texts.count("changed") == 2
    assert sorted(path.name for path in repository.rglob("*")) == before
    assert (repository / "data" / "in.txt").read_text() == "as it was\n"


def test_inputs_and_outputs_lie_over_what_the_image_has(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path, repository: Path
) -> None:
    none: dict[str, Any] = {"archive": {"none": {}}}
    lines = run(
        runner,
        journal,
        tmp_path,
        {
            "image": "acme/x",
            "command": ["sh", "-c"],
            "args": ["cat /srv/app/data/in.txt; cp say.sh out.txt"],
        },
        built(repository),
        inputs={
            "artifacts": [{"name": "i", "path": "/srv/app/data/in.txt", "raw": {"data": "new\n"}}]
        },
        outputs={
            "artifacts": [{"name": "o", "path": "/srv/app/out.txt", "globalName": "o", **none}]
        },
    )
    assert lines == ["new"]
    [(_, path)] = journal.published
    assert path.read_text() == (repository / "say.sh").read_text()


def test_a_server_runs_the_command_of_its_dockerfile(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    job = deployment(tmp_path, serving(), parameters={"answer": "by CMD"})
    source = job.images["img"].mounts["/app/src"]
    text = serving()["spec"]["template"]["spec"]
    text = text.replace("    command: [python, /app/src/server.py]\n", "").replace(
        '    args: ["8080"]\n', ""
    )
    entry = {"files": {"/app/src": source}, "workdir": "/app/src"}
    entry |= {"args": ["/bin/sh", "-c", "exec python server.py $PORT"]}
    images = standins.images(standins.check({**NOTHING, "built": {"img": entry}}))
    runner.deploy(replace(job, template=serving(text), images=images))
    journal.wait(lambda: journal.last("d1") in {"RUNNING", "DEAD"})
    assert journal.last("d1") == "RUNNING", journal.text


def test_what_is_large_or_ours_is_not_copied(tmp_path: Path) -> None:
    source, root = tmp_path / "source", tmp_path / "root"
    for name in (".git/HEAD", ".cicd/emulator/x", "data/emulator.db", "code/a.py", "b.txt"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    with (source / "weights.bin").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    (source / "link").symlink_to("b.txt")
    os.mkfifo(source / "pipe")
    mounts = copy_in([Mount(source, "/app")], root)
    assert {mount.target for mount in mounts} == {"/app/.git", "/app/weights.bin"}
    names = {str(path.relative_to(root / "app")) for path in (root / "app").rglob("*")}
    assert names == {"code", "code/a.py", "b.txt", "link"}
    assert (root / "app" / "link").is_symlink()
