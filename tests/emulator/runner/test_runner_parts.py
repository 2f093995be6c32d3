"""The runner's pure parts: cutting output, rewriting paths and ports, the sandbox's layout."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from cicd.emulator.jobs import Image, Line
from cicd.emulator.runner import artifacts, supervisor
from cicd.emulator.runner.bubblewrap import Layout
from cicd.emulator.runner.environment import NotRunnable, base, command_line, expand, mounts_of
from cicd.emulator.runner.lines import LONGEST, Cutter, Recorder, RunLog
from cicd.emulator.runner.plain import rewrite, rewrite_port
from cicd.emulator.runner.process import Exit, Launch
from cicd.emulator.runner.sandbox import Mount
from tests.emulator.runner.runner_journal import MemoryJournal


class Word(str):
    """Text that is not quite ``str``, as readers of YAML may make it."""


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"a\nb\n"], ["a", "b"]),
        ([b"a", b"b\r\nc"], ["ab", "c"]),
        ([b"\n\n"], ["", ""]),
        ([b"\xc3", b"\xa9\n"], ["é"]),
        ([b"\xff\n"], ["\ufffd"]),
        ([b""], []),
    ],
)
def test_output_is_cut_into_lines(pieces: list[bytes], lines: list[str]) -> None:
    cutter = Cutter()
    found = [line for piece in pieces for line in cutter.feed(piece)]
    assert found + cutter.finish() == lines


def test_a_long_line_is_cut_between_characters() -> None:
    cutter = Cutter()
    text = "a" + "é" * LONGEST
    found = [*cutter.feed(text.encode()), *cutter.finish()]
    assert "".join(found) == text
    assert len(found) == 3
    assert max(len(line.encode()) for line in found) <= LONGEST


def test_times_grow_strictly_over_all_processes_of_a_run() -> None:
    journal = MemoryJournal()
    log = RunLog(journal, "e1")
    log.write([Line(5, "a"), Line(5, "b"), Line(3, "c")])
    log.write([Line(1, "d"), Line(99, "e")])
    assert [line.time for line in journal.lines] == [5, 6, 7, 8, 99]


def test_only_standard_output_is_a_result() -> None:
    recorder = Recorder(RunLog(MemoryJournal(), "e1"), pod="p", keep_bytes=4)
    recorder.feed("stderr", b"no")
    recorder.feed("stdout", b"ab\n")
    assert recorder.result == "ab"
    recorder.feed("stdout", b"cdef")
    assert recorder.result == "ab\nc"


PLACES = {"/app/model": "/host/m", "/app": "/host/app", "/mnt/models": "/host/models"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/app/model", "/host/m"),
        ("--out=/app/model/x.pkl", "--out=/host/m/x.pkl"),
        ("cat '/app/a' > /app/model", "cat '/host/app/a' > /host/m"),
        ("/app/model2 /app/model-v2", "/host/app/model2 /host/app/model-v2"),
        ("/application /my/app s3://b/app", "/application /my/app s3://b/app"),
        ("open('/mnt/models')", "open('/host/models')"),
    ],
)
def test_whole_container_paths_are_rewritten(text: str, expected: str) -> None:
    assert rewrite(text, PLACES) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8080", "9"),
        ("--port=8080", "--port=9"),
        ("0.0.0.0:8080", "0.0.0.0:9"),
        ("18080 8080.5 80801 x8080", "18080 8080.5 80801 x8080"),
    ],
)
def test_whole_ports_are_rewritten(text: str, expected: str) -> None:
    assert rewrite_port(text, 8080, 9) == expected


def test_the_layout_hides_private_folders_and_opens_what_must_be_writable(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("a/deep", "b", ".cicd/x"):
        (source / name).mkdir(parents=True)
    layout = Layout([Mount(source, "/app/src")], ["/app/src/a"], ["/app/src/b"], [source / ".cicd"])
    words = layout.arguments()
    pairs = list(zip(words, words[1:], words[2:], strict=False))
    assert ("--dir", "/app/src", "--dir") in pairs
    assert ("--ro-bind-try", str(source / "a/deep"), "/app/src/a/deep") in pairs
    assert not [word for word in words if word.endswith((".cicd", "/app/src/b"))]
    assert ("--ro-bind-try", "/usr", "/usr") in pairs


def test_the_supervisor_imports_nothing_that_takes_long() -> None:
    script = f"import sys; exec({supervisor.SOURCE.read_text()!r}, {{'__name__': 'x'}})"
    shown = subprocess.run(
        supervisor.isolated("-c", f"{script}; print(*sys.modules)"),
        capture_output=True,
        check=True,
        text=True,
    )
    slow = {"re", "json", "enum", "typing", "subprocess", "threading", "contextlib", "signal"}
    assert not slow & set(shown.stdout.split())
    assert "resource" in shown.stdout.split()


@pytest.mark.parametrize(
    ("command", "cwd", "code", "said"),
    [
        (["no-such-program"], "/", 64, "cannot start no-such-program: No such file"),
        (["/etc/passwd"], "/", 64, "cannot start /etc/passwd: Permission denied"),
        (["etc"], "/", 64, "cannot start etc: Permission denied"),
        (["true"], "/no/such", 64, "cannot start working directory /no/such: No such file"),
        (["sh", "-c", "exit 7"], "/", 7, ""),
        (["sh", "-c", "kill -TERM $$"], "/", 143, ""),
        (["sh", "-c", "kill -PIPE $$"], "/", 141, ""),
        ([Word("sh"), "-c", "read line || exit 9"], "/", 9, ""),
        (["sh", "-c", "ls /proc/self/fd | wc -l | grep -qx 4"], "/", 0, ""),
    ],
)
def test_the_supervisor_starts_a_program(
    command: list[str], cwd: str, code: int, said: str
) -> None:
    env = {"PATH": "/usr/bin:/bin:/"}
    launch = Launch(supervisor.supervisor(), command, env, cwd)
    reader, writer = os.pipe()
    with subprocess.Popen(
        launch.argv,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=[writer],
    ) as process:
        assert process.stdin and process.stderr
        process.stdin.write(launch.order(writer))
        process.stdin.flush()
        text = process.stderr.read().decode()
        assert process.wait(20) == code, text
    os.close(reader)
    os.close(writer)
    assert text.startswith(said)
    assert bool(text) == bool(said)


def test_the_environment_is_explicit() -> None:
    environ = {"PATH": "/usr/bin", "SECRET": "x", "HTTPS_PROXY": "http://proxy:1"}
    env = base(Image(python="/venv", env={"A": "b", "LANG": "de_DE.UTF-8"}), environ)
    assert "SECRET" not in env
    assert env["PATH"] == "/venv:/usr/bin"
    assert (env["A"], env["LANG"]) == ("b", "de_DE.UTF-8")
    assert "127.0.0.1" in env["NO_PROXY"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$(A)-$(B)", "1-$(B)"), ("$$(A)", "$(A)"), ("$A $(date)", "$A $(date)"), ("$$$$", "$$")],
)
def test_variables_in_parentheses_are_expanded(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected


def test_the_command_of_the_image_is_the_last_resort() -> None:
    image = Image(command=("serve",))
    assert command_line({"args": ["$(P)"]}, image, {"P": "1"}) == ("serve", "1")
    assert command_line({"command": ["x"]}, image, {}) == ("x",)
    with pytest.raises(NotRunnable, match="no command"):
        command_line({"image": "img"}, Image(), {})


@pytest.mark.parametrize("target", ["/", "/app/../etc", "app"])
def test_what_cannot_be_mounted_is_said(tmp_path: Path, target: str) -> None:
    with pytest.raises(NotRunnable, match="cannot be mounted"):
        mounts_of(Image(mounts={target: str(tmp_path)}))


def test_mounts_are_normalised_and_must_exist(tmp_path: Path) -> None:
    assert mounts_of(Image(mounts={"/app//src/": str(tmp_path)})) == (Mount(tmp_path, "/app/src"),)
    with pytest.raises(NotRunnable, match=r"none does not exist, but is to be mounted at /app"):
        mounts_of(Image(mounts={"/app": str(tmp_path / "none")}))


def test_archives_come_back_as_they_were(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "ä").mkdir(parents=True)
    (folder / "ä" / "w.txt").write_text("1", encoding="utf-8")
    artifacts.pack(folder, tmp_path / "m.tgz", "model")
    assert artifacts.is_tar(tmp_path / "m.tgz")
    (tmp_path / "in").mkdir()
    artifacts.unpack(tmp_path / "m.tgz", tmp_path / "in")
    assert (tmp_path / "in" / "ä" / "w.txt").read_text(encoding="utf-8") == "1"


def test_an_archive_that_leads_out_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tar"
    with tarfile.open(bad, "w") as archive:
        archive.addfile(tarfile.TarInfo("../evil"))
    with pytest.raises(NotRunnable, match=r"cannot unpack bad\.tar"):
        artifacts.unpack(bad, tmp_path / "to" / "x")
    assert not (tmp_path / "evil").exists()


def test_a_link_that_leads_out_is_no_output(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(NotRunnable, match="leads out"):
        artifacts.inside(root, "/out")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "exit code 1"),
        (128, "exit code 128"),
        (137, "killed by signal 9 (exit code 137)"),
        (192, "killed by signal 64 (exit code 192)"),
        (193, "exit code 193"),
        (255, "exit code 255"),
    ],
)
def test_only_a_code_of_a_signal_is_called_one(code: int, words: str) -> None:
    assert str(Exit(code)) == words
