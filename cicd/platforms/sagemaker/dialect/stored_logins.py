"""The file of logins that other tools have for SageMaker: ``sagemaker-credentials``, from which a
stage file chooses one by its ``group`` or ``path``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cicd.errors import Denied

VARIABLE = "CICD_SAGEMAKER_CREDENTIALS"
"""Where the file is."""
ROOT = "sagemaker-credentials"
UNNAMED = "default"
"""What chooses a login to which the file gives no name."""


@dataclass(frozen=True)
class Stored:
    """A login as the variables that AWS's own tools know. They hold secrets."""

    type: str
    variables: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Section:
    """One list of the file. ``name``: the field that chooses an entry; ``type``: what the login is
    in a stage file, and in ``authenticationType``; ``variables``: field -> variable of AWS."""

    title: str
    name: str
    type: str
    theirs: str
    variables: Mapping[str, str]
    more: Mapping[str, str]


SECTIONS = (
    Section(
        "storedCredentials",
        "group",
        "basic",
        "BASIC",
        {"accessKeyId": "AWS_ACCESS_KEY_ID", "secretAccessKey": "AWS_SECRET_ACCESS_KEY"},
        {"sessionToken": "AWS_SESSION_TOKEN"},
    ),
    Section(
        "eksServiceAccountCredentials",
        "path",
        "web_identity",
        "ASSUME_ROLE_WITH_WEB_IDENTITY",
        {"roleArn": "AWS_ROLE_ARN", "webIdentityTokenFile": "AWS_WEB_IDENTITY_TOKEN_FILE"},
        {},
    ),
)


def is_chosen(asked: Mapping[str, Any]) -> bool:
    """Whether ``sagemaker.credentials`` of a stage file chooses a login of the file."""
    return any(asked.get(section.name) for section in SECTIONS)


def chosen(asked: Mapping[str, Any], environ: Mapping[str, str]) -> Stored:
    """The login of a group, or of a path. Raises Denied where there is none, or not all of it."""
    section, entry = _entry(asked, environ)
    what = f"{environ[VARIABLE]}: {section.name} {asked[section.name]}"
    if missing := [name for name in section.variables if not entry.get(name)]:
        raise Denied(f"{what} has no {', '.join(missing)}")
    if (told := str(entry.get("authenticationType") or section.theirs)) != section.theirs:
        raise Denied(f"{what} has another authenticationType than {section.theirs}", hint=told)
    variables = {**section.variables, **section.more}
    found = {variable: str(entry.get(name) or "") for name, variable in variables.items()}
    # of a login that is chosen nothing else of the environment is part
    return Stored(section.type, found)


def region_of(asked: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """The region that the file says of the chosen login; empty where it says none. Raises Denied
    where there is none."""
    return str(_entry(asked, environ)[1].get("region") or "")


def _entry(
    asked: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[Section, Mapping[str, Any]]:
    """The list that is chosen from, and what it says of the login."""
    file = environ.get(VARIABLE, "")
    if not file:
        raise Denied(
            f"{VARIABLE} is not set",
            hint="it names the file that sagemaker.credentials chooses from",
        )
    section = next(section for section in SECTIONS if asked.get(section.name))
    wanted, entries = str(asked[section.name]), _read(file).get(section.title)
    found = [
        entry
        for entry in (entries if isinstance(entries, Sequence) else ())
        if isinstance(entry, Mapping) and str(entry.get(section.name) or UNNAMED) == wanted
    ]
    if len(found) > 1:
        text = f"{file} has {len(found)} logins with the {section.name} {wanted}"
        raise Denied(text, hint="which one is meant nobody knows: name them otherwise")
    if found:
        return section, found[0]
    raise Denied(
        f"{file} has no login with the {section.name} {wanted}", hint=f"add it to {section.title}"
    )


class _Texts(yaml.SafeLoader):
    """All that is no list, map or null is a text."""


_Texts.yaml_implicit_resolvers = {
    first: [one for one in found if one[0].rpartition(":")[2] in ("null", "merge")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read(file: str) -> Mapping[str, Any]:
    """What the file says, all of it texts: a key of digits is no number. Nothing of it is told
    where it cannot be read: it holds secrets."""
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
        told = yaml.load(text, _Texts)  # noqa: S506 - it is a SafeLoader
    except OSError as error:
        raise Denied(f"{file} ({VARIABLE}) cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        cure = "indent with blanks: YAML takes no tabs"
        raise Denied(f"{file} ({VARIABLE}) is no YAML{where}", hint=cure if mark else "") from None
    found = told.get(ROOT, told) if isinstance(told, Mapping) else None
    if not isinstance(found, Mapping):
        raise Denied(f"{file} ({VARIABLE}) has no {ROOT}")
    return found
