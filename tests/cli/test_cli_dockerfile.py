"""What counts of the Dockerfiles of a repository, read as Docker reads them."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from cicd.automation.built_images import built_images
from cicd.automation.dockerfile import Built, Copy, read_dockerfile

SHELL = ("/bin/sh", "-c")


@pytest.mark.parametrize(
    ("text", "entrypoint", "command"),
    [
        ('FROM a\nCMD ["python", "a.py"]', (), ("python", "a.py")),
        ("FROM a\nCMD python a.py --x", (), (*SHELL, "python a.py --x")),
        ('FROM a\nENTRYPOINT ["serve"]\nCMD ["--port", "1"]', ("serve",), ("--port", "1")),
        ('FROM a\nCMD ["--port", "1"]\nENTRYPOINT ["serve"]', ("serve",), ("--port", "1")),
        ('FROM a\nENTRYPOINT exec serve\nCMD ["x"]', (*SHELL, "exec serve"), ("x",)),
        ('FROM a\nCMD ["old"]\nCMD ["new"]', (), ("new",)),
        ('from a\ncmd  [ "lower" ]', (), ("lower",)),
        ('FROM a\r\nCMD ["py", \\\r\n  "a.py"]\r\n', (), ("py", "a.py")),
        ('FROM a\nCMD \\\n# a comment\n\n  ["py"]', (), ("py",)),
        ('FROM a\nHEALTHCHECK --interval=5m \\\n  CMD curl -f x\nCMD ["a"]', (), ("a",)),
        ('FROM a\nSHELL ["/bin/bash", "-c"]\nCMD run', (), ("/bin/bash", "-c", "run")),
        ("FROM a\nCMD ['quoted', 'wrongly']", (), (*SHELL, "['quoted', 'wrongly']")),
        ("FROM a\nRUN <<EOF\nCMD not this\nEOF\nCMD this", (), (*SHELL, "this")),
        ('# escape=`\nFROM a\nCMD ["py", `\n"a"]', (), ("py", "a")),
        ('\ufeffFROM a\nCMD ["bom"]', (), ("bom",)),
        ('FROM a AS b\nCMD ["b"]\nFROM c', (), ()),
        ('FROM a AS b\nENTRYPOINT ["e"]\nCMD ["b"]\nFROM b', ("e",), ("b",)),
        ('FROM a AS b\nCMD ["b"]\nFROM b\nENTRYPOINT ["e"]', ("e",), ()),
        ("FROM a\nENTRYPOINT []\nCMD []", (), ()),
        ('FROM\ta\nCMD\t["tab"]', (), ("tab",)),
        ('FROM a\nCMD ["open"] \\', (), ("open",)),
        ('FROM a\nRUN echo $((1<<2)) && x "1<<y"\nCMD ["shift"]', (), ("shift",)),
        ('FROM a\nRUN cat <<EOF\n EOF\nCMD no\nEOF\nCMD ["exact"]', (), ("exact",)),
        ('FROM a\nRUN <<A <<-B\nA\nCMD no\n\tB\nCMD ["two"]', (), ("two",)),
        ("FROM a\nONBUILD CMD no\nSTOPSIGNAL 9\nUSER 1\nCMD yes", (), (*SHELL, "yes")),
        ("", (), ()),
    ],
)
def test_the_last_command_of_the_last_stage_counts(
    text: str, entrypoint: tuple[str, ...], command: tuple[str, ...]
) -> None:
    built = read_dockerfile(text)
    assert (built.entrypoint, built.command) == (entrypoint, command)


@pytest.mark.parametrize(
    ("text", "env"),
    [
        ("ENV A=1 B=2", {"A": "1", "B": "2"}),
        ("ENV A some words", {"A": "some words"}),
        ("ENV A 'quoted words'", {"A": "quoted words"}),
        ('ENV A="two words" B=x\\ y', {"A": "two words", "B": "x y"}),
        ("ENV A=1\nENV B=$A/x C=${A}y D=${NO:-else} E=${A:+then}", {"B": "1/x", "E": "then"}),
        ("ENV A=1\nENV A=2 B=$A", {"A": "2", "B": "1"}),
        ("ENV A='$HOME'", {"A": "$HOME"}),
        ("ENV A=\\$B", {"A": "$B"}),
        ("ARG V=3\nENV A=v$V", {"A": "v3"}),
        ("ENV PATH=/opt/bin:$PATH", {"PATH": "/opt/bin:$PATH"}),
        ("ENV PATH=/opt/bin", {"PATH": "/opt/bin:$PATH"}),
        ("ENV A=1 \\\n    B=ü", {"A": "1", "B": "ü"}),
        ("ENV A=${NO-else} B=${NO:-${NO:-in}} C=${NO+then}", {"A": "else", "B": "in", "C": ""}),
        ("ENV E=\nENV A=${E-else} B=${E:-else} C=${E+then}", {"A": "", "B": "else", "C": "then"}),
        ("ENV\tA\tsome words", {"A": "some words"}),
        ("ENV URL=http://x/?a=b", {"URL": "http://x/?a=b"}),
    ],
)
def test_env_is_what_docker_makes_of_it(text: str, env: dict[str, str]) -> None:
    assert read_dockerfile(f"FROM a\n{text}").env.items() >= env.items()


@pytest.mark.parametrize(
    ("text", "workdir"),
    [
        ("WORKDIR /app", "/app"),
        ("WORKDIR /app\nWORKDIR src", "/app/src"),
        ("ENV H=/srv\nWORKDIR $H/x", "/srv/x"),
        ("ARG D=/arg\nWORKDIR ${D}", "/arg"),
        ('WORKDIR "/with space"', "/with space"),
        ("RUN true", "/"),
    ],
)
def test_workdirs_build_on_each_other(text: str, workdir: str) -> None:
    assert read_dockerfile(f"ARG V=1\nFROM a:$V\n{text}").workdir == workdir


def test_a_copy_from_a_stage_is_what_that_stage_was_given() -> None:
    text = "FROM a AS build\nWORKDIR /b\nCOPY src/ ./src/\nFROM c\nCOPY --from=build /b /app\n"
    assert read_dockerfile(text).copies == (Copy(("src",), "/app/src", True),)
    assert read_dockerfile(text.replace("=build", "=0")).copies[0].target == "/app/src"
    assert read_dockerfile("FROM a\nCOPY --from=elsewhere /x /y\nCOPY https://x /y").copies == ()


@pytest.mark.parametrize(
    ("given", "source", "target", "wanted"),
    [
        ("COPY x.py /y/", "/y/x.py", "/z/", ("x.py", "/z", True)),
        ("COPY . /src", "/src/web/x.py", "/z/x.py", ("web/x.py", "/z/x.py", False)),
        ("COPY lib /src/lib", "/src/lib/x.py", "/z/", ("lib/x.py", "/z", True)),
        ('ENV D=/src\nCOPY ["x.py", "$D/"]', "/src/x.py", "/z", ("x.py", "/z", False)),
    ],
)
def test_a_copy_of_a_part_of_what_a_stage_was_given(
    given: str, source: str, target: str, wanted: tuple[str, str, bool]
) -> None:
    built = read_dockerfile(f"FROM a\n{given}\nFROM b\nCOPY --from=0 {source} {target}")
    [copy] = built.copies
    assert wanted[0] in copy.sources and (copy.target, copy.is_folder) == wanted[1:]


def test_here_documents_are_files(tmp_path: Path) -> None:
    texts = {
        "Dockerfile": "FROM a\nENV WHO=me\nWORKDIR /app\n"
        "COPY <<EOF run.sh\n#!/bin/sh\necho $WHO\nEOF\n"
        "COPY --chmod=755 <<-'a.txt' <<b.txt /d/\n\t$WHO\n\ta.txt\n${NO:-b}\nb.txt\n"
        'CMD ["/app/run.sh"]\n'
    }
    found = files_of(tmp_path, texts)[""]
    written = {place: (tmp_path / file).read_text() for place, file in found.items() if file != "."}
    assert written == {
        "/app/run.sh": "#!/bin/sh\necho me\n",
        "/d/a.txt": "$WHO\n",
        "/d/b.txt": "b\n",
    }


def test_what_is_no_dockerfile_says_nothing() -> None:
    assert read_dockerfile("\0\x01 ünïcode\n\n= = =\nFROM\nENV\nCOPY\nARG\nWORKDIR") in (
        Built(is_own_command=False),
        Built(is_own_command=False, folders=("/",)),
    )


def files_of(root: Path, texts: dict[str, str]) -> dict[str, dict[str, str]]:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return {
        name: {inside: str(Path(path).relative_to(root)) for inside, path in entry["files"].items()}
        for name, entry in built_images(root).items()
    }


def test_a_dockerfile_stands_for_the_image_of_its_folder(tmp_path: Path) -> None:
    texts = {
        "Dockerfile": "FROM a\nWORKDIR /app\n",
        "train/Dockerfile": "FROM a\nWORKDIR /train\nCOPY . .\n",
        "images/serve/Containerfile": "FROM a\nCOPY app.py /srv/\n",
        "images/serve/app.py": "",
        "Dockerfile.eval": "FROM a\nCOPY evaluate.py /e.py\n",
        "evaluate.py": "",
        "node_modules/x/Dockerfile": "FROM a\nWORKDIR /no\n",
        ".hidden/Dockerfile": "FROM a\nWORKDIR /no\n",
    }
    assert files_of(tmp_path, texts) == {
        "": {"/app": "."},
        "train": {"/train": "train"},
        "serve": {"/srv/app.py": "images/serve/app.py"},
        "eval": {"/e.py": "evaluate.py"},
    }


def test_the_only_dockerfile_stands_for_every_image(tmp_path: Path) -> None:
    texts = {"docker/Dockerfile": "FROM a\nWORKDIR /app\nCOPY code/run.py .\n", "code/run.py": ""}
    found = files_of(tmp_path, texts)
    assert found[""] == found["docker"] == {"/app": ".", "/app/run.py": "code/run.py"}


def test_copies_follow_patterns_and_never_leave_the_repository(tmp_path: Path) -> None:
    texts = {
        "a/Dockerfile": "FROM x\nWORKDIR /w\nCOPY *.py lib/ /w/\nCOPY ../secret /s\nCOPY gone /g\n",
        "a/one.py": "",
        "a/two.py": "",
        "a/lib/three.py": "",
        "secret": "",
    }
    found = files_of(tmp_path, texts)["a"]
    assert found == {
        "/w": "a",
        "/w/one.py": "a/one.py",
        "/w/two.py": "a/two.py",
        "/w/three.py": "a/lib/three.py",
    }


def test_folders_that_come_and_go_meanwhile_make_no_difference(tmp_path: Path) -> None:
    texts = {"docker/Dockerfile": "FROM a\nWORKDIR /app\n"}
    expected = files_of(tmp_path, texts)
    is_over = threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            for name in ("passing", ".cicd/passing"):
                (tmp_path / name / "deep").mkdir(parents=True)
                shutil.rmtree(tmp_path / name)

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        assert all(files_of(tmp_path, {}) == expected for _ in range(200))
    finally:
        is_over.set()
        other.join()


@pytest.mark.parametrize("folder", [".hidden", "a/.hidden", "node_modules", "venv/a", "a/b/c/d"])
def test_dockerfiles_of_what_is_hidden_installed_or_deep_do_not_count(
    tmp_path: Path, folder: str
) -> None:
    assert files_of(tmp_path, {f"{folder}/Dockerfile": "FROM a\nWORKDIR /app\n"}) == {}
