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
            return re.compile("".join(_Translation(pattern).parts()), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(f"error parsing regexp: {error}: `{pattern}`") from None


class _Translation:
    """One pattern on its way into Python's words.

    ``opened`` counts the groups that are open at this place. Go lets ``(?i)`` stand anywhere and
    hold to the end of the group that it stands in, Python only at the start: so it opens a group of
    its own, which ends with the one around it. ``depth``: where those stand.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._position = 0
        self._opened = 0
        self._depth: list[int] = []
        self._is_class = False
        self._is_multiline = False

    def parts(self) -> Iterator[str]:
        """The parts of the pattern in Python's words. Raises BadPattern."""
        while self._position < len(self._pattern):
            if self._is_class:
                text, self._position, self._is_class = _in_class(self._pattern, self._position)
                yield text
                continue
            match = PART.match(self._pattern, self._position)
            assert match
            self._position = match.end()
            if match["flags"]:
                yield self._flags(match)
            elif match["named"]:
                self._opened += 1
                yield f"(?P<{match['name']}>"
            elif match["other"]:
                yield self._other(match[0])
            else:
                yield _stateless(match, self._pattern)
        yield ")" * len(self._depth)

    def _flags(self, match: re.Match[str]) -> str:
        on, off = match["on"].replace("U", ""), (match["off"] or "").replace("U", "")
        self._is_multiline = ("m" in on or self._is_multiline) and "m" not in off
        if match["end"] == ")":
            self._depth.append(self._opened)
        else:
            self._opened += 1
        flags = f"(?{on}{f'-{off}' if off else ''}:"
        return flags if on or off else "(?:"

    def _other(self, text: str) -> str:
        """A single character, which may open or close something."""
        if text == "[":
            self._is_class = True
            # what comes first may be a bracket that closes nothing
            rest = re.match(r"\^?\]?", self._pattern[self._position :])
            assert rest
            self._position += rest.end()
            return "[" + rest[0].replace("]", r"\]")
        if text == "(":
            self._opened += 1
        elif text == ")":
            return self._closed()
        elif text == "$" and not self._is_multiline:
            # Python's also stands before a last line end
            return r"\Z"
        return r"\{" if text == "{" else text

    def _closed(self) -> str:
        """The end of a group, and of what flags opened in it."""
        inside = [depth for depth in self._depth if depth == self._opened]
        del self._depth[len(self._depth) - len(inside) :]
        self._opened -= 1
        return ")" * len(inside) + ")"


def _stateless(match: re.Match[str], pattern: str) -> str:
    """A part that means the same wherever it stands."""
    if match["quoted"]:
        return re.escape(match["literal"])
    if match["point"]:
        return re.escape(chr(int(match["hex"], 16)))
    if match["property"]:
        return f"(?u:[{_property(match)}])"
    if match["escape"]:
        return _escaped(match["escape"], pattern)
    if match["repeat"]:
        return _repeated(match)
    raise BadPattern(
        f"error parsing regexp: invalid or unsupported Perl syntax: "
        f"`{pattern[match.start() : match.start() + 3]}`"
    )


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
