"""Answers that more than one platform asks for -> the markers that they fill. Pure."""

from __future__ import annotations

import hashlib
import json
import re

from cicd.config.formats import slug
from cicd.errors import Usage
from cicd.scaffold import Markers

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*/[A-Za-z0-9._:@/-]*[A-Za-z0-9]")
_WORDS_OF_YAML = {"true", "false", "null"}
_NOT_IN_TITLES = set('{}<>$@"\\`')


def fill_name(text: str, pattern: re.Pattern[str], use: str, hint: str) -> Markers:
    """TITLE and NAME of a project, whose ids are made from it; ``YAML_TITLE``: the title as a value
    of YAML; ``WORDS``: the name as words. Raises Usage.

    A title in another script has a name all the same: one made from its letters, else its digest.
    ``pattern``: what a name has to be; ``use``, ``hint``: what it could not be, and what it should.
    """
    title = " ".join(text.split())
    if not title or len(title) > 200 or not title.isprintable() or _NOT_IN_TITLES & set(title):
        signs = " ".join(sorted(_NOT_IN_TITLES))
        raise Usage(
            f"the name {text[:50]!r} cannot be used",
            hint=f"up to 200 printable characters, none of {signs}",
        )
    name = slug(title)
    if not title.isascii() and not pattern.fullmatch(name):
        name = f"project-{hashlib.sha256(title.encode()).hexdigest()[:8]}"
    if not pattern.fullmatch(name) or name in _WORDS_OF_YAML:
        raise Usage(f'"{name}", made from the name {text[:50]!r}, cannot be {use}', hint=hint)
    words = name.replace("-", " ").capitalize()
    title = words if title == name else title
    is_plain = re.fullmatch(r"[A-Za-z]\w*( \w+)+", title, re.ASCII)
    return {
        "NAME": name,
        "TITLE": title,
        "YAML_TITLE": title if is_plain else json.dumps(title, ensure_ascii=False),
        "WORDS": words,
    }


def fill_image(text: str) -> Markers:
    """IMAGE: a container image with its registry; ``IMAGE_NAME``: without tag and digest. Raises
    Usage."""
    if not _IMAGE.fullmatch(text) or len(text) > 300:
        raise Usage(f"{text[:80]!r} is not an image", hint="like docker.io/your-org/name:1.0")
    return {"IMAGE": text, "IMAGE_NAME": re.sub(r":[^/:]*$", "", text.partition("@")[0])}
