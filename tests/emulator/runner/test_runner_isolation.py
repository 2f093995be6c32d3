"""What a run cannot reach: paths outside of its own folder, and, in the sandbox, the emulator's
own data and that of other resource groups."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.emulator.jobs import Image
from cicd.emulator.runner.local import create
from cicd.emulator.runner.settings import Settings
from tests.emulator.runner.runner_journal import (
    ENVIRON,
    HAS_BWRAP,
    MemoryJournal,
    execution,
    shell,
    workflow,
)

EVIL = "/../../../evil"
NONE: dict[str, Any] = {"archive": {"none": {}}}


@pytest.mark.parametrize(
    "template",
    [
        shell(
            "main",
            "true",
            inputs={"artifacts": [{"name": "a", "path": EVIL, "raw": {"data": "x"}}]},
        ),
        shell("main", "true", outputs={"artifacts": [{"name": "a", "path": EVIL, **NONE}]}),
        shell("main", "true", outputs={"parameters": [{"name": "a", "valueFrom": {"path": EVIL}}]}),
        shell("main", "true", container={"workingDir": EVIL}),
        shell("main", "true", container={"volumeMounts": [{"name": "v", "mountPath": EVIL}]}),
    ],
    ids=["input", "output", "parameter", "workingDir", "volume"],
)
@pytest.mark.parametrize("mode", ["process", "bubblewrap"])
def test_no_path_of_a_template_leads_out(template: Any, mode: Any, tmp_path: Path) -> None:
    if mode == "bubblewrap" and not HAS_BWRAP:
        pytest.skip("bubblewrap is not installed")
    journal = MemoryJournal()
    runner = create(journal, environ=ENVIRON, settings=Settings(sandbox=mode))
    with contextlib.closing(runner):
        job = execution(tmp_path, workflow(template, volumes=[{"name": "v", "emptyDir": {}}]))
        runner.start_execution(replace(job, folder=tmp_path / "a" / "b"))
        assert journal.end("e1") == "DEAD"
    assert journal.message
    assert not list(tmp_path.rglob("evil"))


def test_no_output_is_taken_from_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    journal = MemoryJournal()
    runner = create(journal, environ=ENVIRON, settings=Settings(sandbox="process"))
    output = {"artifacts": [{"name": "a", "path": "/out/a.txt", "globalName": "a", **NONE}]}
    template = shell("main", f"ln -s {secret} /out/a.txt", outputs=output)
    with contextlib.closing(runner):
        runner.start_execution(execution(tmp_path, workflow(template)))
        assert journal.end("e1") == "DEAD"
    assert "leads out of the container" in journal.message
    assert not journal.published


@pytest.fixture
def data() -> Iterator[Path]:
    """An emulator's folder at a place that the sandbox does not make private anyway."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        found = Path(folder, "emulator")
        (found / "objectstore" / "default" / "default" / "mine").mkdir(parents=True)
        (found / "objectstore" / "default" / "default" / "mine" / "x").write_text("my data")
        (found / "objectstore" / "other" / "default").mkdir(parents=True)
        (found / "runs" / "other").mkdir(parents=True)
        for name in NAMES:
            (found / name).write_text("NOT YOURS")
        link = found / "objectstore" / "default" / "default" / "mine" / "link"
        link.symlink_to(found / "credentials.json")
        yield found


NAMES = (
    "credentials.json",
    "emulator.db",
    "emulator.db-wal",
    "emulator.db-shm",
    "objectstore/other/default/theirs",
    "runs/other/started",
)
LOOK = """
import os, pathlib, sys
data = pathlib.Path(sys.argv[1])
print("mine:", pathlib.Path("/in/x").read_text(), flush=True)
names = sys.argv[3:]
places = [*(data / name for name in names), pathlib.Path("/in/link")]
for pid in (1, os.getppid()):
    places += [pathlib.Path(f"/proc/{pid}/root{data}", name) for name in names]
for place in places:
    try:
        print("READ", place, place.read_text(), flush=True)
    except OSError:
        pass
for place in pathlib.Path(sys.argv[2]).glob("cicd-*"):
    print("SOCKETS", place, flush=True)
for folder, _, files in os.walk(data):
    for name in files:
        print("SEEN", folder, name, flush=True)
for pid in os.listdir("/proc"):
    try:
        if b"py" b"test" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
            print("PROCESS", pid, flush=True)
        if b"OUTER_SECRET" in pathlib.Path(f"/proc/{pid}/environ").read_bytes():
            print("ENVIRONMENT", pid, flush=True)
    except OSError:
        pass
"""


@pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not installed")
@pytest.mark.skipif(not Path("/var/tmp").is_dir(), reason="there is no /var/tmp")
def test_in_the_sandbox_nothing_of_the_emulator_shows(data: Path, mocker: MockerFixture) -> None:
    # also where temporary files are not at the place that is private anyway
    mocker.patch.object(tempfile, "tempdir", str(data.parent))
    journal = MemoryJournal()
    environ = {**ENVIRON, "OUTER_SECRET": "x", "AICORE_CLIENT_SECRET": "y"}
    runner = create(
        journal, environ=environ, private=[data], settings=Settings(sandbox="bubblewrap")
    )
    image = Image(mounts={"/in": str(data / "objectstore" / "default" / "default" / "mine")})
    container = {"command": ["python", "-c"], "args": [LOOK, str(data), str(data.parent), *NAMES]}
    template = workflow({"name": "main", "container": {"image": "img", **container}})
    with contextlib.closing(runner):
        job = execution(data / "runs", template, images={"img": image})
        runner.start_execution(job)
        assert journal.end("e1") == "COMPLETED", journal.text
    assert journal.texts == ["mine: my data"]
