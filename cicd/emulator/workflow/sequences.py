"""``withSequence``: whole numbers, written as Go's Sprintf writes one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cicd.emulator.workflow.expr.expressions import Unresolved
from cicd.emulator.workflow.expr.raw_json import loads

MOST_ITEMS = 10_000
WIDEST = 1000
NUMBER = re.compile(r"[-+]?[0-9]+")
VERB = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<width>\d*)(?:\.(?P<digits>\d*))?(?:\[(?P<index>\d*)\])?(?P<verb>.?)",
    re.DOTALL,
)
BASES = {"b": "b", "o": "o", "O": "o", "x": "x", "X": "X", "d": "d", "v": "d"}
PREFIXES = {"b": "0b", "x": "0x", "X": "0X"}
"""Of the flag ``#``; an octal number then begins with 0."""


def sequence(bounds: Mapping[str, str]) -> list[str]:
    """The items as JSON (expandSequence). Raises Unresolved."""
    start = _whole(bounds.get("start", "0"))
    if "end" in bounds:
        end = _whole(bounds["end"])
    elif (count := _whole(bounds["count"])) == 0:
        return []
    else:
        end = start + count - 1
    # Argo counts down where the end is below the start.
    numbers = range(start, end + 1) if start <= end else range(start, end - 1, -1)
    if len(numbers) > MOST_ITEMS:
        raise Unresolved(f"withSequence: more than {MOST_ITEMS} items")
    # Put between quotes without escaping, as Argo does: a format with a quote makes bad JSON there
    # as well, which the lines below tell.
    found = [f'"{formatted(bounds.get("format") or "%d", number)}"' for number in numbers]
    try:
        for item in found:
            loads(item)
    except ValueError as error:
        raise Unresolved(f"withSequence.format: {error}") from None
    return found


def _whole(text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise Unresolved(f'withSequence: strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def formatted(text: str, number: int) -> str:
    """Go's Sprintf of one whole number: ``%d``, ``%02X``, ``item-%03d``, ``%[1]d/%[1]x``."""
    used, is_counted = 0, True

    def value(match: re.Match[str]) -> str:
        nonlocal used, is_counted
        verb = match["verb"]
        if verb == "%":
            return "%"
        if not verb:
            return "%!(NOVERB)"
        if match["index"] is not None:
            is_counted = False
            if match["index"] != "1":
                return f"%!{verb}(BADINDEX)"
        elif used:
            return f"%!{verb}(MISSING)"
        used = 1
        shown = _shown(match, number)
        width = min(int(match["width"] or 0), WIDEST)
        return shown.ljust(width) if "-" in match["flags"] else shown.rjust(width)

    found = VERB.sub(value, text)
    return found if used or not is_counted else f"{found}%!(EXTRA int={number})"


def _shown(match: re.Match[str], number: int) -> str:
    """A number without what fills it up to its width with blanks."""
    verb, flags = match["verb"], match["flags"]
    if verb in "cqU":
        return _character(verb, number, is_long="#" in flags)
    if verb == "T":
        return "int"
    if verb not in BASES:
        return f"%!{verb}(int={number})"
    sign = "-" if number < 0 else next((flag for flag in "+ " if flag in flags), "")
    digits = format(abs(number), BASES[verb])
    least = 0
    if match["digits"] is not None:
        least = min(int(match["digits"] or 0), WIDEST)
        if not least and not number:
            return ""
    elif "0" in flags and "-" not in flags:
        least = min(int(match["width"] or 0), WIDEST) - len(sign)
    digits = digits.rjust(least, "0")
    if "#" in flags and verb == "o" and not digits.startswith("0"):
        digits = f"0{digits}"
    prefix = "0o" if verb == "O" else PREFIXES.get(verb, "") if "#" in flags else ""
    return f"{sign}{prefix}{digits}"


def _character(verb: str, number: int, *, is_long: bool) -> str:
    """Of a number as a code point."""
    char = chr(number) if 0 <= number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    if verb == "c":
        return char
    if verb == "q":
        return f"'{char}'"
    shown = f" '{char}'" if is_long and char.isprintable() else ""
    return f"U+{number:04X}{shown}"
