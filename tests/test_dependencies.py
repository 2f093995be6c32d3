"""What cicd stands on: bounded ranges, licences that fit, nothing imported that is not declared."""

from __future__ import annotations

import importlib.metadata
import re
import runpy
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
VERSIONS = runpy.run_path(str(ROOT / ".ci/versions"))
GROUPS: dict[str, list[str]] = VERSIONS["requirements"]()
FOR_USERS = {
    text for extra, texts in GROUPS.items() if extra != VERSIONS["TOOLS"] for text in texts
}
DIRECT = sorted({re.split(r"[\[<>=]", text)[0] for texts in GROUPS.values() for text in texts})
NOTICE = dict(re.findall(r"^  (\S+)  +(.+)$", (ROOT / "NOTICE").read_text("utf-8"), re.MULTILINE))

IMPORTED = re.compile(
    r"^ *(?:from|import) (\w+)(?:[\w.]* import .*|[\w.]*(?: as \w+)?)$", re.MULTILINE
)

# what may be used by a program under Apache-2.0 and by those who sell what they make with it
ALLOWED = {
    "MIT": r"\bMIT\b",
    "BSD": r"\b0?BSD\b",
    "Apache": r"\bApache\b",
    "PSF": r"\bPSF\b|Python Software Foundation",
    "MPL": r"\bMPL\b|Mozilla Public License",
    "Zlib": r"\bZlib\b",
    "CC0": r"\bCC0\b",
}
UNDECIDED = "sap-ai-sdk-base"  # no licence of the list, nobody has decided yet


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def licences(name: str) -> list[str]:
    """All that apply to an installed package, one alternative or several in each."""
    about = importlib.metadata.metadata(name)
    if "License-Expression" in about:
        return about["License-Expression"].split(" AND ")
    kinds = about.get_all("Classifier") or []
    approved = [kind for kind in kinds if kind.startswith("License :: OSI Approved :: ")]
    return approved or [text.strip().partition("\n")[0] for text in about.get_all("License") or []]


def family(text: str) -> str:
    """Which of those that are allowed a licence is, or else nothing."""
    return next((name for name, words in ALLOWED.items() if re.search(words, text)), "")


def to_decide(name: str) -> Any:
    """Strict: the test fails when the licence becomes one of those that are allowed."""
    reason = f"{name} is under {NOTICE.get(name)}: no licence of the list, nobody has decided yet"
    marks = pytest.mark.xfail(strict=True, reason=reason)
    return pytest.param(name, marks=marks) if name == UNDECIDED else name


def installed_with(texts: Iterable[str]) -> set[str]:
    """The packages that these requirements bring along, themselves included."""
    todo = [Requirement(text) for text in texts]
    seen: dict[str, set[str]] = {}
    while todo:
        wanted = todo.pop()
        extras = {"", *wanted.extras} - seen.get(wanted.name, set())
        seen.setdefault(wanted.name, set()).update(extras)
        for text in importlib.metadata.requires(wanted.name) or [] if extras else []:
            further = Requirement(text)
            marker = further.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(further)
    return set(seen)


@pytest.mark.parametrize("text", sorted(FOR_USERS))
def test_what_users_install_has_a_lowest_and_a_highest_version(text: str) -> None:
    match = VERSIONS["BOUNDED"].fullmatch(text)
    assert match, f"{text}: write it as name>=LOWEST,<TOO HIGH"
    assert numbers(match[2]) < numbers(match[3])


def test_a_package_has_one_range_wherever_it_is_named() -> None:
    names = sorted(re.split(r"[\[<>=]", text)[0] for text in FOR_USERS)
    assert names == sorted(set(names))


@pytest.mark.parametrize("name", [to_decide(name) for name in DIRECT])
def test_the_licence_of_a_direct_dependency_is_allowed_and_listed(name: str) -> None:
    found = licences(name)
    families = {family(text) for text in found}
    assert found and "" not in families, f"{name} is under {found}: not in the list of allowed ones"
    assert name in NOTICE, f"NOTICE has no line for {name}: {found}"
    assert family(NOTICE[name]) in families


def test_the_licences_of_what_comes_along_for_users_are_allowed() -> None:
    kinds = {name: licences(name) for name in installed_with(FOR_USERS)}
    found = {name for name, texts in kinds.items() if not (texts and all(map(family, texts)))}
    assert found == {UNDECIDED}, {name: kinds[name] for name in found}


def test_the_list_names_nothing_else() -> None:
    assert sorted(NOTICE) == DIRECT


def test_no_other_licence_passes() -> None:
    for text in ("GPL-3.0-only", "License :: OSI Approved :: GNU LGPLv3", "", "Proprietary"):
        assert family(text) == ""


def test_what_cicd_imports_is_declared() -> None:
    """What comes along with another package may be gone with its next version."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "cicd").rglob("*.py"))
    roots = {root for text in texts for root in IMPORTED.findall(text)}
    declared = {
        Path(file).parts[0].removesuffix(".py")
        for name in DIRECT
        for file in importlib.metadata.files(name) or []
    }
    assert roots - declared - set(sys.stdlib_module_names) - {"cicd"} == set()
