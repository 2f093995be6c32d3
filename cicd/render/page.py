"""Pages that need nothing else: no script, no file beside it, no network. HTML is in ``pages``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from cicd.words import printable

if TYPE_CHECKING:
    from jinja2 import Environment


def page(template: str, **values: Any) -> str:
    """A whole page. Every text among the values shows letter by letter, in an element or an
    attribute."""
    return _environment().get_template(template).render(values) + "\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # where there is a page to make

    return Environment(
        loader=PackageLoader("cicd.render", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: Any) -> Any:
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return printable(value) if is_text else value
