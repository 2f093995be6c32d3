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
BASIC = {"accessKeyId": "AWS_ACCESS_KEY_ID", "secretAccessKey": "AWS_SECRET_ACCESS_KEY"}
ROLE = {"roleArn": "AWS_ROLE_ARN", "webIdentityTokenFile": "AWS_WEB_IDENTITY_TOKEN_FILE"}


@dataclass(frozen=True)
class Stored:
    """A login as the variables that AWS's own tools know. They hold secrets."""

    type: str
    variables: Mapping[str, str] = field(repr=False)


def chosen(asked: Mapping[str, Any], environ: Mapping[str, str]) -> Stored:
    """The login of a group, or of a path. Raises Denied where there is none, or not all of it."""
    file = environ.get(VARIABLE, "")
    if not file:
        raise Denied(
            f"{VARIABLE} is not set",
            hint="it names the file that sagemaker.credentials chooses from",
        )
    told = _read(file)
    name = "group" if asked.get("group") else "path"
    section, names, kind = (
        ("storedCredentials", BASIC, "basic")
        if name == "group"
        else ("eksServiceAccountCredentials", ROLE, "web_identity")
    )
    entries = told.get(section)
    wanted = str(asked[name])
    for entry in entries if isinstance(entries, Sequence) else ():
        if isinstance(entry, Mapping) and str(entry.get(name) or "") == wanted:
            if missing := [field for field in names if not entry.get(field)]:
                raise Denied(f"{file}: {', '.join(missing)} of {name} {wanted} is missing")
            found = {variable: str(entry[field]) for field, variable in names.items()}
            token = str(entry.get("sessionToken") or "")
            own = {"AWS_SESSION_TOKEN": token} if kind == "basic" else {}
            return Stored(kind, {**found, **own})
    raise Denied(f"{file} has no login with the {name} {wanted}", hint=f"add it to {section}")


def _read(file: str) -> Mapping[str, Any]:
    """What the file says. Nothing of it is told where it cannot be read: it holds secrets."""
    try:
        told = yaml.safe_load(Path(file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Denied(f"{file} ({VARIABLE}) cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise Denied(f"{file} ({VARIABLE}) is no YAML") from None
    found = told.get(ROOT, told) if isinstance(told, Mapping) else None
    if not isinstance(found, Mapping):
        raise Denied(f"{file} ({VARIABLE}) has no {ROOT}")
    return found
