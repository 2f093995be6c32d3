"""The templates of ``pages`` and the files of ``assets``, each asset under the name of its
content, so that browsers keep it for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from cicd.render.chart import style_sheet
from cicd.words import count, printable

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Asset:
    """``name``: with a digest of the content in it."""

    name: str
    content: bytes
    media_type: str


ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#1f5fae"/>'
    '<path d="M8 17l5 5 11-12" fill="none" stroke="#fff" stroke-width="4"/></svg>'
)


def render(template: str, **values: Any) -> str:
    """A whole page. Every text among the values shows letter by letter."""
    return _environment().get_template(template).render(values) + "\n"


@cache
def assets() -> dict[str, Asset]:
    """What pages fetch, by its plain name."""
    folder = files("cicd.page") / "assets"
    css = (folder / "page.css").read_text("utf-8") + style_sheet()
    script = (folder / "page.js").read_text("utf-8")
    return {
        "page.css": _asset("page.css", css, "text/css; charset=utf-8"),
        "page.js": _asset("page.js", script, "text/javascript; charset=utf-8"),
        "icon.svg": _asset("icon.svg", ICON, "image/svg+xml"),
    }


def _asset(name: str, text: str, media_type: str) -> Asset:
    content = text.encode()
    stem, _, ending = name.partition(".")
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(f"{stem}.{digest}.{ending}", content, media_type)


def asset_href(name: str) -> str:
    """Where a page finds an asset."""
    return f"/assets/{assets()[name].name}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # where there is a page to make

    environment = Environment(
        loader=PackageLoader("cicd.page", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": asset_href, "count": count}
    return environment


def _shown(value: Any) -> Any:
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return printable(value) if is_text else value
