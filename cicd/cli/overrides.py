"""What a command line says otherwise of one run: ``--set``, ``--headers`` and ``--data``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cicd.cli.redaction import MASK
from cicd.config.files import scalar
from cicd.config.overrides import Override
from cicd.errors import Usage
from cicd.masking import is_secret_name


def overrides_of(given: dict[str, Any]) -> tuple[Override, ...]:
    """Those that the options say, which are taken out of ``given``. Headers come first, so that
    what is set one by one counts. Raises Usage."""
    file = given.pop("override_headers")
    fields, data = given.pop("override_fields"), given.pop("override_data")
    return (*(_headers(file) if file else ()), *map(_field, fields), *map(_data, data))


def _field(text: str) -> Override:
    name, value = _halves("--set", "FIELD=VALUE", text)
    return _override(tuple(name.split(".")), _value(value), f"--set {name}")


def _data(text: str) -> Override:
    name, file = _halves("--data", "NAME=FILE", text)
    if "://" not in file:
        file = _from_here(file)
    return _override(("data", name), file, f"--data {name}")


def _from_here(file: str) -> str:
    """A file as it is found from anywhere."""
    return str((Path.cwd() / file).resolve())


def _headers(file: Path) -> Iterator[Override]:
    try:
        told = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Usage(f"--headers {file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise Usage(f"--headers {file} is no JSON", hint="it is a map: {field: value}") from None
    if not isinstance(told, dict):
        raise Usage(f"--headers {file} is no map", hint="it is a map: {field: value}")
    for name, value in told.items():
        yield _override(tuple(name.split(".")), value, f"--headers {name}")


def _halves(option: str, form: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:  # not quoted: what lacks its name may be a secret
        raise Usage(f"{option} is not {form}")
    return name, value


def _value(text: str) -> Any:
    """What a stage file would take the text for; of maps and lists, JSON."""
    if text.strip()[:1] in {"{", "["}:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return scalar(text) if text else ""


def _override(path: tuple[str, ...], value: Any, said: str) -> Override:
    is_secret = is_secret_name(path[-1])
    if is_secret and isinstance(value, str):
        MASK.add([value])
    return Override(path, value, said, is_secret)
