"""What stands in for container images: entries, the repository, podman, or advice."""

from __future__ import annotations

import contextlib
import http.client
import json
import resource
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd.emulator.jobs import Image
from cicd.emulator.runner.bounds import Limits
from cicd.emulator.runner.local import LocalRunner, create
from cicd.emulator.runner.settings import Settings
from cicd.emulator.runs import standins
from tests.emulator.emulator_client import wait_for
from tests.emulator.runner.runner_journal import (
    ENVIRON,
    MemoryJournal,
    deployment,
    execution,
    serving,
    shell,
    workflow,
)

IMAGE = "localhost/train:1"
BODY = {"images": {}, "artifacts": {}, "root": "/repo", "workdir": "/app"}
ENTRY = {"mounts": {"/src": "/x"}, "python": "", "command": [], "env": {}, "workdir": ""}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("host:5000/team/train:1.0", {"/src": "/x"}),
        ("host:5000/team/train@sha256:00", {"/src": "/x"}),
        ("host:5000/team/train", {"/src": "/x"}),
        ("host:5000/team/serve:1.0", {"/app": "/repo"}),
        ("localhost/built", {"/app": "/repo"}),
    ],
)
def test_the_closest_entry_stands_in(name: str, expected: dict[str, str]) -> None:
    found = standins.images({**BODY, "images": {"host:5000/team/train": ENTRY}})[name]
    assert (found.mounts or found.files) == expected
    assert found.local == (name if name.startswith("localhost/") else "")


def test_an_entry_goes_before_what_podman_has() -> None:
    assert standins.images({**BODY, "images": {IMAGE: ENTRY}})[IMAGE].local == ""
    without = standins.images({**BODY, "root": None})
    assert without[IMAGE] == Image(local=IMAGE)
    with pytest.raises(KeyError):
        without["docker.io/x"]


# Not podman, but what it is asked for: a container is a folder, its image is in it. What the real
# one does with the options is nothing that a machine without it can try.
PODMAN = f"""#!{sys.executable}
import json, os, pathlib, shutil, signal, subprocess, sys
home = pathlib.Path(os.environ["HOME"])
with open(home / "calls", "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
command, *rest = sys.argv[1:]
if command == "image":
    sys.exit(0 if rest[1] == "{IMAGE}" else 1)
if command == "info":
    print((home / "controllers").read_text() if (home / "controllers").exists() else "null")
if command == "inspect":
    print("true" if (home / rest[-1] / "oom").exists() else "false")
options, words = {{}}, iter(rest)
if command == "create":
    for word in words:
        if not word.startswith("--"):
            break
        options.setdefault(word, []).append(next(words))
    box = home / options["--name"][0]
    (box / "app").mkdir(parents=True)
    for volume in options.get("--volume", []):
        source, target, *_ = volume.split(":")
        place = box / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(source)
    env = {{name: os.environ[name] for name in options.get("--env", [])}}
    spec = [json.loads(options["--entrypoint"][0]) + list(words), env, options["--workdir"][0]]
    (box / "spec").write_text(json.dumps(spec))
elif command == "start":
    box = home / rest[1]
    command, env, workdir = json.loads((box / "spec").read_text())
    child = subprocess.Popen(command, env=dict(env, PATH=os.environ["PATH"], BOX=str(box)),
                             cwd=box / workdir.lstrip("/"), start_new_session=True)
    (box / "pid").write_text(str(child.pid))
    signal.signal(signal.SIGTERM, lambda number, frame: child.send_signal(number))
    code = child.wait()
    sys.exit(128 - code if code < 0 else code)
elif command == "cp":
    name, _, path = rest[0].partition(":")
    source = home / name / path.lstrip("/")
    if not source.exists():
        sys.exit(125)
    shutil.copytree(source, rest[1]) if source.is_dir() else shutil.copy(source, rest[1])
elif command == "rm":
    box = home / rest[-1]
    try:
        os.kill(int((box / "pid").read_text()), signal.SIGKILL)
    except (OSError, ValueError):
        pass
    shutil.rmtree(box, ignore_errors=True)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where podman keeps everything; it is beside it."""
    program = tmp_path / "bin" / "podman"
    program.parent.mkdir()
    program.write_text(PODMAN)
    program.chmod(0o755)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def runner(journal: MemoryJournal, home: Path) -> Iterator[LocalRunner]:
    path = f"{home.parent / 'bin'}:{ENVIRON['PATH']}"
    environ = {**ENVIRON, "HOME": str(home), "PATH": path}
    settings = Settings(sandbox="process", grace=2.0, crashes=1)
    found = create(journal, environ=environ, settings=settings)
    with contextlib.closing(found):
        yield found


def calls(home: Path) -> list[list[str]]:
    return [json.loads(line) for line in (home / "calls").read_text().splitlines()]


def in_image(*templates: Any, **more: Any) -> dict[str, Any]:
    container = {"image": IMAGE, "workingDir": "/app"}
    return workflow(
        *[{**t, "container": {**t["container"], **container}} for t in templates], **more
    )


def test_what_podman_has_runs_as_it_is(
    runner: LocalRunner, journal: MemoryJournal, home: Path, tmp_path: Path
) -> None:
    none: dict[str, Any] = {"archive": {"none": {}}}
    template = shell(
        "main",
        "cat $BOX/in.txt; echo $WORD; echo made > model.txt; exit $CODE",
        inputs={"artifacts": [{"name": "i", "path": "/in.txt", "raw": {"data": "given\n"}}]},
        outputs={"artifacts": [{"name": "m", "path": "/app/model.txt", "globalName": "m", **none}]},
    )
    words = [
        {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "CODE", "value": "0"},
    ]
    template["container"]["env"] = words
    job = execution(
        tmp_path,
        in_image(template),
        images={IMAGE: Image(local=IMAGE)},
        secrets={"s": {"k": "secret-word"}},
    )
    runner.start_execution(job)
    assert journal.end("e1") == "COMPLETED", (journal.message, journal.text)
    assert [text for text in journal.texts if "warning" not in text] == ["given", "secret-word"]
    [(name, path)] = journal.published
    assert (name, path.read_text()) == ("m", "made\n")
    [made] = [call for call in calls(home) if call[0] == "create"]
    assert "secret-word" not in str(made)
    assert [made[made.index(x) + 1] for x in ("--pull", "--network", "--cap-drop")] == [
        "never",
        "host",
        "all",
    ]
    # nothing is left of it
    assert [path.name for path in home.iterdir()] == ["calls"]


def option(call: list[str], name: str) -> list[str]:
    """The values that an option has."""
    return [call[at + 1] for at, word in enumerate(call) if word == name]


@pytest.mark.parametrize(
    ("controllers", "memory", "pids", "lacking"),
    [
        ('["cpu", "memory", "pids"]', ["4294967296b"], ["2000"], ""),
        ('["pids"]', [], ["2000"], "memory"),
        ("[]", [], [], "memory and processes"),
        ("damaged", [], [], "memory and processes"),
    ],
)
def test_podman_gets_the_limits_that_it_can_hold_and_the_log_names_the_others(
    runner: LocalRunner,
    journal: MemoryJournal,
    home: Path,
    tmp_path: Path,
    controllers: str,
    memory: list[str],
    pids: list[str],
    lacking: str,
) -> None:
    (home / "controllers").write_text(controllers)
    template = in_image(shell("main", "true"))
    runner.start_execution(execution(tmp_path, template, images={IMAGE: Image(local=IMAGE)}))
    assert journal.end("e1") == "COMPLETED", (journal.message, journal.text)
    [made] = [call for call in calls(home) if call[0] == "create"]
    assert option(made, "--memory") == option(made, "--memory-swap") == memory
    assert option(made, "--pids-limit") == pids
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = 8192 if most == resource.RLIM_INFINITY else min(8192, most)
    ulimits = dict(text.split("=") for text in option(made, "--ulimit"))
    assert ulimits["nofile"] == f"{files}:{files}" and ulimits["fsize"].partition(":")[0].isdigit()
    warnings = [text for text in journal.texts if "podman cannot limit" in text]
    assert [text.removesuffix(" on this machine").split("limit ")[1] for text in warnings] == [
        *filter(None, [lacking])
    ]


def test_a_container_that_podman_killed_for_its_memory_is_dead_with_the_reason(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    template = in_image(shell("main", "touch $BOX/oom; exit 137"))
    runner.start_execution(execution(tmp_path, template, images={IMAGE: Image(local=IMAGE)}))
    assert journal.end("e1") == "DEAD"
    assert "OOMKilled: more than 4 GiB of memory (exit code 137)" in journal.message


def test_what_a_container_of_podman_writes_to_a_volume_counts(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    runner._settings.bounds._limits = Limits(disk=4 * 2**20)
    template = shell("main", "for n in 1 2 3 4 5; do head -c 2000000 /dev/zero > v/$n; done")
    template["container"]["args"][0] += "; sleep 20"
    template["container"]["volumeMounts"] = [{"name": "v", "mountPath": "/app/v"}]
    whole = in_image(template, volumes=[{"name": "v", "emptyDir": {}}])
    runner.start_execution(execution(tmp_path, whole, images={IMAGE: Image(local=IMAGE)}))
    assert journal.end("e1") == "DEAD"
    assert "Evicted: more than 0.00391 GiB written to disk" in journal.message


def test_a_container_that_fails_or_is_stopped(
    runner: LocalRunner, journal: MemoryJournal, home: Path, tmp_path: Path
) -> None:
    images = {IMAGE: Image(local=IMAGE)}
    failing = in_image(shell("main", "exit 7"))
    runner.start_execution(execution(tmp_path, failing, images=images))
    assert journal.end("e1") == "DEAD"
    assert "exit code 7" in str(journal.details)
    endless = in_image(shell("main", "trap '' TERM; echo up; while true; do sleep 0.1; done"))
    job = execution(tmp_path, endless, images=images, id="e2")
    runner.start_execution(replace(job, folder=tmp_path / "e2"))
    journal.wait(lambda: "up" in journal.texts)
    runner.stop_execution("e2")
    assert journal.end("e2") == "STOPPED"
    wait_for(lambda: [path.name for path in home.iterdir()], lambda names: names == ["calls"])


def test_a_server_in_its_own_image(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    text = serving()["spec"]["template"]["spec"].replace("image: img", f"image: {IMAGE}")
    job = deployment(tmp_path, serving(), parameters={"answer": "from the image"})
    text = text.replace("/app/src/server.py", job.images["img"].mounts["/app/src"] + "/server.py")
    runner.deploy(replace(job, template=serving(text), images={IMAGE: Image(local=IMAGE)}))
    journal.wait(lambda: journal.last("d1") in {"RUNNING", "DEAD"})
    with runner.upstream("d1") as upstream:
        assert upstream, journal.message
        connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"from the image"
        connection.close()


def test_without_podman_or_the_image_there_is_advice(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    other = "localhost/other"
    job = execution(tmp_path, workflow(shell("main", "true", container={"image": other})))
    job = replace(job, images={other: Image(local=other)})
    runner.start_execution(job)
    assert journal.end("e1") == "DEAD"
    [node] = journal.saved.values()
    assert "podman does not have it: build it with `podman build -t localhost/other .`" in (
        node.message
    )
    without = create(journal, environ={**ENVIRON, "PATH": ""}, settings=Settings(sandbox="process"))
    with contextlib.closing(without):
        without.start_execution(replace(job, id="e2", folder=tmp_path / "e2"))
        assert journal.end("e2") == "DEAD"
        assert "podman is not here: install podman, or name the image" in str(journal.saved)
        # the repository stands in for it where there is one
        image = {other: Image(mounts={"/app": str(tmp_path)}, local=other)}
        without.start_execution(replace(job, id="e3", folder=tmp_path / "e3", images=image))
        assert journal.end("e3") == "COMPLETED"
