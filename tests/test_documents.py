"""What the documents cite is there: links, files by name, and nothing that stands elsewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    if name and (ROOT / name).is_file()
]
PICTURES = {".png", ".svg", ".gz", ".ico"}
DOCUMENTS = [path for path in FILES if path.suffix == ".md" and "golden" not in path.parts]
LINK = re.compile(r"\[[^\]\n]*\]\((?!https?://|mailto:)([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
FOR_DEVELOPERS = ("docs/architecture.md", ".github/CONTRIBUTING.md")
NAMED = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|toml|json|yml))`|`((?:[\w.-]+/)+[\w.-]+)`")
ELSEWHERE = re.compile(r"\bDESIGN(?:\.md|\b section|, rule)|(?<!/art)\bfacts/|house\.md|style\.md")
"""What was written beside the repository while it was made, and nobody who has it can read."""


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of headings."""
    heads = re.findall(r"^#+ (.+)$", CODE.sub("", text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", h)) for h in heads)
    return {head.strip().lower().replace(" ", "-") for head in plain}


def broken_links(path: Path, root: Path = ROOT) -> list[str]:
    text = path.read_text(encoding="utf-8")
    targets = LINK.findall(CODE.sub("", text))
    return [target for target in targets if not is_there(path, unquote(target), root)]


def is_there(path: Path, target: str, root: Path) -> bool:
    """Whether a link of a document leads to a file of the repository, and to a heading of it."""
    name, _, anchor = target.partition("#")
    there = (path.parent / name).resolve() if name else path
    if not there.exists() or not there.is_relative_to(root):
        return False
    is_checked = bool(anchor) and there.suffix == ".md"
    return not is_checked or anchor in anchors(there.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_document_lead_to_what_is_there(path: Path) -> None:
    assert broken_links(path) == []


def test_a_link_to_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "other.md").write_text("# One thing\n", encoding="utf-8")
    page = tmp_path / "inside/page.md"
    page.write_text(
        "[a](no.md) [b](#not) [c](https://x.example) [d](../other.md#one-thing)\n"
        "[e](../other.md#two) [f](../../out.md) [g](#is-here)\n"
        "```\n[h](shown.md)\n```\n# Is `here`\n",
        encoding="utf-8",
    )
    assert broken_links(page, tmp_path) == ["no.md", "#not", "../other.md#two", "../../out.md"]


@pytest.mark.parametrize("name", FOR_DEVELOPERS)
def test_files_that_developers_are_told_of_are_there(name: str) -> None:
    """By their path from the top, or by the end of it where a room was named before."""
    there = {path.relative_to(ROOT).as_posix() for path in FILES}
    folders = {parent.as_posix() for file in there for parent in Path(file).parents}
    text = CODE.sub("", (ROOT / name).read_text(encoding="utf-8"))
    named = {found[0] or found[1] for found in NAMED.findall(text)}
    missing = [
        one
        for one in named
        if not any(found == one or found.endswith(f"/{one}") for found in there | folders)
        if not one.startswith((".cicd/", "kind/", "project/"))
    ]
    assert len(named) > 30 and sorted(missing) == []


def test_every_room_is_in_the_picture() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = [path for path in (ROOT / "cicd").iterdir() if (path / "__init__.py").is_file()]
    rooms += [p for p in (ROOT / "cicd/emulator").iterdir() if (p / "__init__.py").is_file()]
    assert [path.name for path in rooms if not re.search(rf"\b{path.name}\b", text)] == []


def test_nothing_cites_a_document_that_is_not_here() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in FILES
        if path != Path(__file__)
        and path.suffix in {".py", ".md", ".toml", ".yml", ".yaml", ".ipynb", ""}
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if ELSEWHERE.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["as DESIGN.md section 2 says", "(DESIGN section 4)", "see facts/aicore.md 8.3"]
)
def test_a_citation_of_what_is_elsewhere_is_found(line: str) -> None:
    assert ELSEWHERE.search(line)
    assert not ELSEWHERE.search("the artifacts/x of a DESIGNER in a run's facts")
