"""Draws a comment as GitHub shows it: ``draw.py COMMENT.md PICTURE.png [--width 860] [--open]``.

A tool of the documentation and no part of the program. Needs markdown-it-py and Chromium.
"""

from __future__ import annotations

import argparse
import html
import re
import subprocess
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

STYLE = """
body { margin: 0; padding: 16px; color: #1f2328; background: #fff;
  font: 14px/1.5 "Liberation Sans", Arial, sans-serif; }
.comment { border: 1px solid #d1d9e0; border-radius: 6px; }
.head { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; border-radius: 6px 6px 0 0;
  color: #59636e; padding: 8px 16px; }
.body { padding: 16px; overflow-wrap: anywhere; }
.body > :last-child { margin-bottom: 0; }
h2 { font-size: 1.5em; border-bottom: 1px solid #d1d9e0; padding-bottom: .3em; margin: 0 0 16px; }
h3 { font-size: 1.25em; margin: 0 0 16px; }
p, details, pre, blockquote, ul { margin: 0 0 16px; }
ul { padding-left: 2em; }
code { font: 85% "DejaVu Sans Mono", monospace; background: #818b981f; border-radius: 6px;
  padding: .2em .4em; }
pre { background: #f6f8fa; border-radius: 6px; padding: 16px; overflow: auto; line-height: 1.45; }
pre code { background: none; padding: 0; font-size: 12px; }
.del { background: #ffebe9; color: #82071e; } .add { background: #dafbe1; color: #116329; }
.chg { background: #ffd8b5; color: #953800; } .rem { color: #59636e; }
.alert { border-left: .25em solid; margin-bottom: 16px; padding: 8px 16px; color: inherit; }
.alert > :last-child { margin-bottom: 0; }
.alert .title { font-weight: 500; margin-bottom: 8px; }
.CAUTION { border-color: #cf222e; } .CAUTION .title { color: #d1242f; }
.WARNING { border-color: #9a6700; } .WARNING .title { color: #9a6700; }
.NOTE { border-color: #0969da; } .NOTE .title { color: #0969da; }
.IMPORTANT { border-color: #8250df; } .IMPORTANT .title { color: #8250df; }
"""
ALERT = re.compile(r"<blockquote>\s*<p>\[!(\w+)\]\s*(.*?)</blockquote>", re.DOTALL)
DIFF = re.compile(r'<code class="language-diff">(.*?)</code>', re.DOTALL)
SORTS = {"-": "del", "+": "add", "!": "chg", "#": "rem"}


def page(comment: str, *, is_open: bool = False) -> str:
    """A page with nothing but the comment; ``is_open``: all that is folded is seen."""
    body = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    text = ALERT.sub(
        r'<div class="alert \1"><p class="title">\1</p><p>\2</div>', body.render(comment)
    )
    text = DIFF.sub(lambda match: f"<code>{_coloured(match[1])}</code>", text)
    text = text.replace("<details>", "<details open>") if is_open else text
    return (
        f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><div class="comment">'
        f'<div class="head"><b>github-actions</b> commented now</div><div class="body">{text}</div>'
        "</div><script>"
        "document.title = document.querySelector('.comment').offsetHeight + 32"
        "</script>"
    )


def _coloured(lines: str) -> str:
    return "\n".join(
        f'<span class="{SORTS.get(line[:1], "")}">{line}</span>' for line in lines.splitlines()
    )


def draw(comment: str, picture: Path, *, width: int = 860, is_open: bool = False) -> None:
    """Write the picture, as high as the comment is."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "comment.html"
        file.write_text(page(comment, is_open=is_open), encoding="utf-8")
        chromium = [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
        ]
        seen = subprocess.run(
            [*chromium, f"--window-size={width},600", "--dump-dom", file.as_uri()],
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.search(r"<title>(\d+)</title>", seen.stdout)
        height = int(html.unescape(found[1])) if found else 2000
        subprocess.run(
            [
                *chromium,
                f"--window-size={width},{height}",
                f"--screenshot={picture.resolve()}",
                file.as_uri(),
            ],
            capture_output=True,
            check=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("comment", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=860)
    parser.add_argument("--open", action="store_true")
    given = parser.parse_args()
    text = given.comment.read_text(encoding="utf-8")
    draw(text, given.picture, width=given.width, is_open=given.open)


if __name__ == "__main__":
    main()
