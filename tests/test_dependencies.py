"""What cicd stands on: bounded ranges, licences that fit, nothing imported that is not declared."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

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
EXCEPTIONS = {
    "sap-ai-sdk-base": "the base of the AI Core SDK, which cicd was asked to be built on and which "
    "its users have; the AI Core platform alone needs it at run time, and nothing of it is copied",
}
"""Under no licence of the list, and used all the same, each with the reason."""
SDK = ("ai_core_sdk", "ai_api_client_sdk", "aenum", "humps")
"""What these packages are imported as, and what only they bring along."""


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


def test_what_is_declared_is_installed_here() -> None:
    """Else all that follows fails, and says less of what to do."""
    installed = {dist.name.lower() for dist in importlib.metadata.distributions()}
    wanted = sorted({text for texts in GROUPS.values() for text in texts})
    names = {text: re.split(r"[\[<>=]", text)[0].lower() for text in wanted}
    missing = [f"'{text}'" for text, name in names.items() if name not in installed]
    assert not missing, f"do this first: pip install {' '.join(missing)}"


@pytest.mark.parametrize("text", sorted(FOR_USERS))
def test_what_users_install_has_a_lowest_and_a_highest_version(text: str) -> None:
    match = VERSIONS["BOUNDED"].fullmatch(text)
    assert match, f"{text}: write it as name>=LOWEST,<TOO HIGH"
    assert numbers(match[2]) < numbers(match[3])


def test_a_package_has_one_range_wherever_it_is_named() -> None:
    names = sorted(re.split(r"[\[<>=]", text)[0] for text in FOR_USERS)
    assert names == sorted(set(names))


@pytest.mark.parametrize("name", sorted({*DIRECT} - EXCEPTIONS.keys()))
def test_the_licence_of_a_direct_dependency_is_allowed_and_listed(name: str) -> None:
    found = licences(name)
    families = {family(text) for text in found}
    assert found and "" not in families, f"{name} is under {found}: not in the list of allowed ones"
    assert name in NOTICE, f"NOTICE has no line for {name}: {found}"
    assert family(NOTICE[name]) in families


def test_the_licences_of_what_comes_along_for_users_are_allowed() -> None:
    kinds = {name: licences(name) for name in installed_with(FOR_USERS)}
    found = {name for name, texts in kinds.items() if not (texts and all(map(family, texts)))}
    assert found == EXCEPTIONS.keys(), {name: kinds[name] for name in found}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_a_licence_outside_the_list_has_a_reason_and_is_told(name: str) -> None:
    """No exception outlives its need; NOTICE names the licence, NOTICE and README what it means."""
    assert "" in {family(text) for text in licences(name)}, f"{name} needs no exception any more"
    assert EXCEPTIONS[name] and family(NOTICE[name]) == "" and "licen" in NOTICE[name].lower()
    for file in ("NOTICE", "README.md"):
        text = " ".join((ROOT / file).read_text("utf-8").split())
        assert f"`{name}`" in text or f"{name}," in text, file
        assert "of the AI Core platform only" in text and "nothing of it is copied" in text, file


def test_only_the_ai_core_platform_imports_the_sdk() -> None:
    """Its dialect, which checks stage files, is part of the rest."""
    of_platform = ROOT / "cicd/platforms/aicore"
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "cicd").rglob("*.py")
        if path.parent != of_platform
        if {*IMPORTED.findall(path.read_text("utf-8"))} & {*SDK}
    }
    assert not found


def test_nothing_of_the_sdk_is_copied() -> None:
    """No module of it stands among ours, under whatever folder, nor a file that is one of its."""
    theirs = {
        hashlib.sha256(path.read_bytes()).digest()
        for name in ("sap-ai-sdk-base", "sap-ai-sdk-core")
        for file in importlib.metadata.files(name) or []
        if file.suffix == ".py" and (path := Path(str(file.locate()))).stat().st_size
    }
    ours = [path for top in ("cicd", "tests") for path in (ROOT / top).rglob("*.py")]
    assert len(theirs) > 50 and len(ours) > 500
    assert not [path for path in ours if {*path.parts} & {*SDK}]
    assert not [path for path in ours if hashlib.sha256(path.read_bytes()).digest() in theirs]


WITHOUT = f"""
import sys

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {SDK!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Gone())
"""
"""A Python in which the SDK is not installed."""


def without_sdk(
    code: str, *arguments: str, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run code in a Python without the SDK."""
    command = [sys.executable, "-c", WITHOUT + code, *arguments]
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("AICORE_", "VCAP_"))}
    environ |= {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)


CICD = "sys.argv[0] = 'cicd'\nfrom cicd.cli.root import run\nrun()\n"


def test_without_the_sdk_every_module_outside_its_platform_can_be_imported() -> None:
    """All rooms, the emulator, the dialects, the kinds, every other platform. What runs inside the
    emulator's sandboxes are programs."""
    done = without_sdk(
        """
import importlib, pkgutil
import cicd
names = [found.name for found in pkgutil.walk_packages(cicd.__path__, "cicd.")]
missing, gone = {}, []
for name in names:
    if name == "cicd.__main__" or ".inside." in name:
        continue
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing[name] = error.name
        gone.append(name)
free = ("kinds", "dialect", "provenance", "credentials")
wrong = [
    name for name in gone
    if not name.startswith("cicd.platforms.aicore.") or name.split(".")[3] in free
]
print(len(names), wrong, "cicd.platforms.aicore.adapter" in gone)
""",
    )
    assert done.returncode == 0, done.stderr
    count, rest = done.stdout.split(" ", 1)
    assert int(count) > 400 and rest.strip() == "[] True"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("validate", "dev"), "dev: valid"),
        (("validate", "--rules"), "duplicate-key"),
        (("plan", "dev", "--offline"), "8 to create"),
        (("schema",), '"$schema"'),
        (("emulator", "faults", "--help"), "Usage:"),
    ],
)
def test_without_the_sdk_what_asks_no_platform_works(arguments: tuple[str, ...], says: str) -> None:
    done = without_sdk(CICD, *arguments)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout + done.stderr


def test_without_the_sdk_a_project_is_checked_from_python() -> None:
    code = "from cicd import Project\nprint([p.rule for p in Project('.', {}).check('dev')])"
    assert without_sdk(code).stdout.strip() == "['placeholder-left']"


def test_without_the_sdk_its_platform_says_what_is_missing() -> None:
    names = ("AUTH_URL", "BASE_URL", "CLIENT_ID", "CLIENT_SECRET", "RESOURCE_GROUP")
    login = {f"AICORE_{name}": "https://no.such.host.example.com" for name in names}
    code = f"import os\nos.environ.update({login!r})\n{CICD}"
    done = without_sdk(code, "plan", "dev")
    assert done.returncode == 1
    assert "the platform aicore needs ai_core_sdk, which is not installed" in done.stderr
    assert "bug" not in done.stderr and "Traceback" not in done.stderr


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
