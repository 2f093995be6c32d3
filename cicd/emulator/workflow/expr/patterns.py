"""Go's regular expressions as Python's."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import lru_cache

CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
"""``[[:NAME:]]``."""
PROPERTIES = {"L": r"^\W\d_", "Lu": "A-ZÀ-ÖØ-Þ", "Ll": "a-zß-öø-ÿ", "N": r"\d", "Nd": r"\d"}
"""``\\p{NAME}`` as far as it can be said with Python's."""
PART = re.compile(
    r"""(?P<quoted>\\Q(?P<literal>.*?)(?:\\E|\Z)) | (?P<point>\\x\{(?P<hex>[0-9A-Fa-f]+)\})
      | \\(?P<property>[pP](?:\{(?P<negated>\^?)(?P<long>\w+)\}|(?P<short>[A-Z])))
      | (?P<escape>\\.) | (?P<flags>\(\?(?P<on>[imsU]*)(?:-(?P<off>[imsU]+))?(?P<end>[:)]))
      | (?P<named>\(\?P?<(?P<name>\w+)>) | (?P<extension>\(\?(?!:|P))
      | (?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\})\??)(?P<again>[*+?]|\{\d+(?:,\d*)?\})?
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


MOST = 1000
"""How often something may be repeated."""


class BadPattern(Exception):
    """Not a regular expression of Go; the message says why."""


@lru_cache(maxsize=500)
def compiled(pattern: str) -> re.Pattern[str]:
    """Raises BadPattern."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile("".join(_parts(pattern)), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(f"error parsing regexp: {error}: `{pattern}`") from None


def _parts(pattern: str) -> Iterator[str]:
    """The parts of the pattern in Python's words."""
    opened = closes = 0
    is_class = is_multiline = False
    depth: list[int] = []
    position = 0
    while position < len(pattern):
        if is_class:
            text, position, is_class = _in_class(pattern, position)
            yield text
            continue
        match = PART.match(pattern, position)
        assert match
        position = match.end()
        if match["quoted"]:
            yield re.escape(match["literal"])
        elif match["point"]:
            yield re.escape(chr(int(match["hex"], 16)))
        elif match["property"]:
            yield f"(?u:[{_property(match)}])"
        elif match["escape"]:
            yield _escaped(match["escape"], pattern)
        elif match["flags"]:
            on, off = match["on"].replace("U", ""), (match["off"] or "").replace("U", "")
            is_multiline = ("m" in on or is_multiline) and "m" not in off
            flags = f"(?{on}{f'-{off}' if off else ''}:"
            yield flags if on or off else "(?:"
            if match["end"] == ")":
                # to the end of the group that it stands in
                depth.append(opened)
                closes += 1
            else:
                opened += 1
        elif match["extension"]:
            raise BadPattern(
                f"error parsing regexp: invalid or unsupported Perl syntax: "
                f"`{pattern[match.start() : match.start() + 3]}`"
            )
        elif match["repeat"]:
            yield _repeated(match)
        elif match["named"]:
            opened += 1
            yield f"(?P<{match['name']}>"
        elif match[0] == "[":
            is_class = True
            yield "["
            rest = re.match(r"\^?\]?", pattern[position:])
            assert rest
            yield rest[0].replace("]", r"\]")
            position += rest.end()
        elif match[0] == "(":
            opened += 1
            yield "("
        elif match[0] == ")":
            while depth and depth[-1] == opened:
                depth.pop()
                closes -= 1
                yield ")"
            opened -= 1
            yield ")"
        elif match[0] == "$" and not is_multiline:
            yield r"\Z"
        elif match[0] == "{":
            yield r"\{"
        else:
            yield match[0]
    yield ")" * closes


def _in_class(pattern: str, position: int) -> tuple[str, int, bool]:
    """One part between ``[`` and ``]``, the place after it, and whether it goes on."""
    rest = pattern[position:]
    if match := re.match(r"\[:(\^?)(\w+):\]", rest):
        if match[2] not in CLASSES or match[1]:
            raise BadPattern(f"error parsing regexp: invalid character class range: `{match[0]}`")
        return CLASSES[match[2]], position + match.end(), True
    if match := re.match(r"\\x\{([0-9A-Fa-f]+)\}", rest):
        return re.escape(chr(int(match[1], 16))), position + match.end(), True
    if rest[0] == "\\" and len(rest) > 1:
        return rest[:2], position + 2, True
    if rest[0] == "]":
        return "]", position + 1, False
    return ("\\[" if rest[0] == "[" else rest[0]), position + 1, True


def _repeated(match: re.Match[str]) -> str:
    if match["again"]:
        raise BadPattern(f"error parsing regexp: invalid nested repetition operator: `{match[0]}`")
    if any(int(count) > MOST for count in re.findall(r"\d+", match[0])):
        raise BadPattern(f"error parsing regexp: invalid repeat count: `{match[0]}`")
    return match[0]


def _property(match: re.Match[str]) -> str:
    name = match["long"] or match["short"]
    if name not in PROPERTIES:
        raise BadPattern(f"error parsing regexp: the emulator does not know \\p{{{name}}}")
    is_negated = (match["property"][0] == "P") is not bool(match["negated"])
    found = PROPERTIES[name]
    if not is_negated:
        return found
    return found.removeprefix("^") if found.startswith("^") else f"^{found}"


def _escaped(escape: str, pattern: str) -> str:
    if escape == r"\z":
        return r"\Z"
    if escape[1] in "123456789ZGkKRXuUNyYhHlLqQC":
        raise BadPattern(f"error parsing regexp: invalid escape sequence: `{escape}`")
    if escape == r"\a":
        return r"\x07"
    return escape
