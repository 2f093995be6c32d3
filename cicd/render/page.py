"""What every page has that needs nothing else: no script, no file beside it, no network."""

from __future__ import annotations

import html
from collections.abc import Iterable

from cicd.words import printable


def whole_page(title: str, style: str, body: Iterable[str]) -> str:
    """A page of these lines of HTML; ``title`` is text. Its policy lets nothing be fetched or run,
    whatever a stage file brought into it."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            "style-src 'unsafe-inline'\">",
            f"<title>{as_text(title)}</title>",
            f"<style>\n{style}</style>",
            "</head>",
            "<body>",
            *body,
            "</body>",
            "</html>\n",
        ]
    )


def as_text(text: str) -> str:
    """Text as it shows letter by letter, in an element or an attribute."""
    return html.escape(printable(text))
