"""A full disk and folders that cannot be written to, at every file that a command writes."""

from __future__ import annotations

import os
import re
import resource
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from cicd.automation.files import write_file
from cicd.cli.comment import append
from cicd.errors import CicdError
from tests.faults.faults_world import STAGE, Faulty

OLD = "what was there before\n"
OTHER = STAGE.replace("model: gpt-4o}", "model: gpt-4o-mini}")


@contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """No file of this process can have more bytes than that: the kernel refuses the write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def arguments_for(case: str, file: Path, group: str) -> list[str]:
    """A command that writes this file."""
    variable = ["--var", f"group={group}"]
    match case:
        case "plan":
            return ["plan", "dev", "--offline", "--out", str(file), *variable]
        case "apply":
            return ["apply", "dev", "--auto-approve", "--summary", str(file), *variable]
        case "import":
            return ["import", "new", "--resource-group", group, "--out", str(file), "--force"]
        case _:
            return ["promote", "dev", str(file), "--yes"]


CASES = ("plan", "apply", "import", "promote")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("room", [0, 100])
def test_a_full_disk_leaves_the_old_file(faulty: Faulty, case: str, room: int) -> None:
    group = faulty.group()
    assert faulty.apply(group).code == 0
    file = faulty.root / "stages" / ("tst.yaml" if case == "promote" else "out.yaml")
    old = OTHER if case == "promote" else OLD
    file.write_text(old, encoding="utf-8")
    with full_disk(room):
        result = faulty.cicd(*arguments_for(case, file, group))
    assert result.code == 1, result.text
    assert "error: cannot write" in result.err and file.name in result.err, result.text
    assert file.read_text(encoding="utf-8") == old
    assert not list(faulty.root.rglob("*.part"))


@pytest.mark.parametrize("case", ["plan", "apply", "import"])
def test_a_folder_that_takes_no_file(faulty: Faulty, case: str) -> None:
    group = faulty.group()
    assert faulty.apply(group).code == 0
    for folder in ("/proc/self", str(faulty.root / "stages" / "dev.yaml")):
        result = faulty.cicd(*arguments_for(case, Path(folder) / "out.yaml", group))
        assert result.code in {1, 64}, result.text
        assert re.search("error: cannot (write|make)", result.err), result.err


def test_init_on_a_full_disk_says_so(faulty: Faulty) -> None:
    with full_disk():
        result = faulty.cicd("init", "new", "--yes")
    assert result.code == 1
    assert "cannot write" in result.err


def test_a_step_summary_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text(OLD, encoding="utf-8")
    with full_disk(len(OLD) + 10), pytest.raises(CicdError, match="cannot write"):
        append(file, "x" * 100_000)
    assert file.read_text(encoding="utf-8") == OLD
    append(file, "more")
    assert file.read_text(encoding="utf-8") == f"{OLD}more"


# the one writer ------------------------------------------------------------------------------


def test_mode_and_link_of_a_file_stay(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text(OLD, encoding="utf-8")
    file.chmod(0o640)
    link.symlink_to(file)
    write_file(link, "new \ud800\r\n")
    assert link.is_symlink()
    assert file.read_bytes() == b"new ?\r\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    write_file(pipe, OLD)
    reader.join(10)
    assert heard == [OLD]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_full_device_is_said() -> None:
    with pytest.raises(CicdError, match="cannot write /dev/full: No space left on device"):
        write_file(Path("/dev/full"), OLD)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, mocker: MockerFixture, interrupt: type[BaseException]
) -> None:
    file = tmp_path / "file"
    file.write_text(OLD, encoding="utf-8")

    def interrupted(*_: object) -> Callable[[], None]:
        raise interrupt

    mocker.patch("cicd.automation.files.shutil.copymode", interrupted)
    with pytest.raises(interrupt):
        write_file(file, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert file.read_text(encoding="utf-8") == OLD
