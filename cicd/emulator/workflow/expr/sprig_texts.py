"""Sprig's functions of texts, patterns, paths, encodings, checksums and URLs."""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
import re
import textwrap
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from cicd.emulator.workflow.expr.formatting import printed
from cicd.emulator.workflow.expr.functions import lower, repeat, split, upper
from cicd.emulator.workflow.expr.operators import BadExpression, limited, text
from cicd.emulator.workflow.expr.patterns import BadPattern, compiled
from cicd.emulator.workflow.expr.sprig_lists import Texts, mapping
from cicd.emulator.workflow.expr.sprig_numbers import to_int


def texts(values: Any) -> list[str]:
    """A list as texts, nothing left out; any other value as one."""
    if isinstance(values, list):
        return [printed(value) for value in values if value is not None]
    return [] if values is None else [printed(values)]


def title(value: Any) -> str:
    return re.sub(r"(?<![\w])[^\W\d_]", lambda match: upper(match[0]), text(value))


def untitle(value: Any) -> str:
    return re.sub(r"(?<!\S)\S", lambda match: lower(match[0]), text(value))


def words(value: Any, separator: str) -> str:
    """``FirstName`` as ``first_name`` or ``first-name``."""
    found = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text(value))
    found = re.sub(r"(?<![A-Za-z0-9])([A-Za-z]+)(?=\d+[a-z])", r"\1 ", found)
    return separator.join(word.lower() for word in re.split(r"[\s_-]+", found) if word)


def camel(value: Any) -> str:
    return "".join(
        word[:1].upper() + word[1:].lower() for word in re.split(r"[\s_-]+", text(value))
    )


def cut(value: Any, start: int, end: int | None) -> str:
    """The bytes of a text from ``start`` to ``end``."""
    return text(value).encode()[start:end].decode(errors="replace")


def truncated(count: Any, value: Any) -> str:
    size, length = to_int(count), len(text(value).encode())
    if size < 0:
        return cut(value, length + size, None) if length + size > 0 else text(value)
    return cut(value, 0, size) if length > size else text(value)


def substring(start: Any, end: Any, value: Any) -> str:
    first, last, length = to_int(start), to_int(end), len(text(value).encode())
    if first < 0:
        first = 0
        last = min(last, length) if last >= 0 else 0
    elif last < 0 or last > length:
        last = length
    if first > last:
        raise BadExpression(f"slice bounds out of range [{first}:{last}]")
    return cut(value, first, last)


def abbreviated(width: Any, value: Any) -> str:
    size = to_int(width)
    if size < 4 or len(text(value)) <= size:
        return text(value)
    return f"{text(value)[: size - 3]}..."


def abbreviated_both(left: Any, right: Any, value: Any) -> str:
    """``...middle...``: cut on both sides, ``left`` the first character to show."""
    offset, size, whole = to_int(left), to_int(right), text(value)
    if size < 4 or (offset > 0 and size < 7) or len(whole) <= size:
        return whole
    offset = min(offset, len(whole))
    if len(whole) - offset < size - 3:
        offset = len(whole) - (size - 3)
    if offset <= 4:
        return f"{whole[: size - 3]}..."
    if offset + size - 3 < len(whole):
        return f"...{abbreviated(size - 3, whole[offset:])}"
    return f"...{whole[len(whole) - (size - 3) :]}"


def wrapped(width: Any, line_end: str, value: Any, *, breaks: bool) -> str:
    lines = textwrap.wrap(
        text(value),
        max(1, to_int(width)),
        break_long_words=breaks,
        break_on_hyphens=False,
        replace_whitespace=False,
        expand_tabs=False,
    )
    return line_end.join(lines)


def indented(count: Any, value: Any) -> str:
    pad = " " * min(to_int(count), 1000)
    return pad + text(value).replace("\n", f"\n{pad}")


def quoted(value: Any) -> str:
    return json.dumps(printed(value), ensure_ascii=False)


def parts(separator: Any, value: Any, count: Any = -1) -> Texts:
    """``{"_0": …, "_1": …}``."""
    return Texts({f"_{place}": x for place, x in enumerate(split(value, separator, count))})


def pattern(source: Any) -> re.Pattern[str]:
    try:
        return compiled(text(source))
    except BadPattern as error:
        raise BadExpression(str(error)) from None


def _found(source: Any, value: Any) -> bool:
    """Not an error for what is no pattern."""
    try:
        return compiled(text(source)).search(text(value)) is not None
    except BadPattern:
        return False


def matches(source: Any, value: Any) -> list[re.Match[str]]:
    """All, as Go finds them: nothing, right behind what was found last, is not found."""
    found: list[re.Match[str]] = []
    for match in pattern(source).finditer(text(value)):
        if match[0] or not found or match.start() != found[-1].end():
            found.append(match)
    return found


def find_all(source: Any, value: Any, count: Any) -> list[str]:
    found = [match[0] for match in matches(source, value)]
    return found if to_int(count) < 0 else found[: to_int(count)]


def find(source: Any, value: Any) -> str:
    match = pattern(source).search(text(value))
    return match[0] if match else ""


def replaced(source: Any, value: Any, new: Any) -> str:
    """``$1`` and ``${name}`` in ``new`` are what the groups have found."""

    def expanded(match: re.Match[str]) -> str:
        def group(tag: re.Match[str]) -> str:
            name = tag["braced"] or tag["plain"]
            if name is None:
                return "$"
            try:
                return match[int(name) if name.isdigit() else name] or ""
            except IndexError:
                return ""

        return re.sub(r"\$(?:\$|\{(?P<braced>\w+)\}|(?P<plain>\w+))", group, text(new))

    return substituted(source, value, expanded)


def substituted(source: Any, value: Any, new: Callable[[re.Match[str]], str]) -> str:
    """Every match replaced."""
    found, start = "", 0
    for match in matches(source, value):
        found += text(value)[start : match.start()] + new(match)
        start = match.end()
    changed: str = limited(found + text(value)[start:])
    return changed


def split_by(source: Any, value: Any, count: Any) -> list[str]:
    """What stands between the matches, at most ``count`` parts (regexp.Split)."""
    most, start, end = to_int(count), 0, 0
    found: list[str] = []
    if most == 0:
        return []
    for match in matches(source, value):
        if most > 0 and len(found) == most - 1:
            break
        end = match.start()
        if match.end():
            found.append(text(value)[start:end])
        start = match.end()
    return found if value and end == len(text(value)) else [*found, text(value)[start:]]


def digest(name: str) -> Callable[[Any], str]:
    return lambda value: hashlib.new(name, text(value).encode(), usedforsecurity=False).hexdigest()


def decoded(function: Callable[[bytes], bytes]) -> Callable[[Any], str]:
    """What is no such encoding is the error's own text, as in sprig."""

    def decode(value: Any) -> str:
        try:
            return function(text(value).encode()).decode(errors="replace")
        except ValueError as error:
            return f"illegal base data: {error}"

    return decode


def clean(value: Any) -> str:
    found = posixpath.normpath(text(value) or ".")
    return f"/{found.lstrip('/')}" if found.startswith("//") else found


def base(value: Any) -> str:
    if not text(value):
        return "."
    return posixpath.basename(text(value).rstrip("/")) or "/"


def folder(value: Any) -> str:
    return clean(text(value)[: text(value).rfind("/") + 1])


def extension(value: Any) -> str:
    name = text(value).rpartition("/")[2]
    return f".{name.rpartition('.')[2]}" if "." in name else ""


def parsed_url(value: Any) -> dict[str, Any]:
    try:
        found = urlsplit(text(value))
        host = found.hostname or ""
    except ValueError as error:
        raise BadExpression(f"unable to parse url: {error}") from None
    user, at, address = found.netloc.rpartition("@")
    is_opaque = bool(found.scheme) and not found.netloc and not found.path.startswith("/")
    return {
        "scheme": found.scheme,
        "host": address,
        "hostname": host,
        "path": "" if is_opaque else found.path,
        "query": found.query,
        "opaque": found.path if is_opaque else "",
        "fragment": found.fragment,
        "userinfo": user if at else "",
    }


def joined_url(value: Any) -> str:
    given = {key: text(item) for key, item in mapping(value).items()}
    user = f"{given['userinfo']}@" if given.get("userinfo") else ""
    path = given.get("opaque") or given.get("path", "")
    netloc = user + given.get("host", "")
    if netloc and path and not path.startswith("/"):
        path = f"/{path}"
    found: tuple[str, str, str, str, str] = (
        given.get("scheme", ""),
        netloc,
        path,
        given.get("query", ""),
        given.get("fragment", ""),
    )
    return urlunsplit(found)


OF_PATTERNS: dict[str, Callable[..., Any]] = {
    "regexFindAll": find_all,
    "regexFind": find,
    "regexReplaceAll": replaced,
    "regexReplaceAllLiteral": lambda source, value, new: substituted(
        source, value, lambda _: text(new)
    ),
    "regexSplit": split_by,
}
"""Functions that have a twin with ``must`` before the name."""
OF_PATHS: dict[str, Callable[..., Any]] = {
    "base": base,
    "dir": folder,
    "clean": clean,
    "ext": extension,
    "isAbs": lambda value: text(value).startswith("/"),
}
TEXTS: dict[str, Callable[..., Any]] = {
    **OF_PATTERNS,
    **{f"mustR{name[1:]}": function for name, function in OF_PATTERNS.items()},
    **OF_PATHS,
    **{f"os{name[0].upper()}{name[1:]}": function for name, function in OF_PATHS.items()},
    "regexMatch": _found,
    "mustRegexMatch": lambda source, value: pattern(source).search(text(value)) is not None,
    "regexQuoteMeta": lambda value: re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text(value)),
    "hello": lambda: "Hello!",
    "trim": lambda value: text(value).strip(),
    "trimAll": lambda chars, value: text(value).strip(text(chars)),
    "trimall": lambda chars, value: text(value).strip(text(chars)),
    "trimPrefix": lambda start, value: text(value).removeprefix(text(start)),
    "trimSuffix": lambda end, value: text(value).removesuffix(text(end)),
    "upper": upper,
    "lower": lower,
    "title": title,
    "untitle": untitle,
    "swapcase": lambda value: text(value).swapcase(),
    "repeat": lambda count, value: repeat(value, count),
    "substr": substring,
    "trunc": truncated,
    "abbrev": abbreviated,
    "abbrevboth": abbreviated_both,
    "initials": lambda value: "".join(word[0] for word in text(value).split()),
    "wrap": lambda width, value: wrapped(width, "\n", value, breaks=False),
    "wrapWith": lambda width, end, value: wrapped(width, text(end), value, breaks=True),
    "contains": lambda what, value: text(what) in text(value),
    "hasPrefix": lambda start, value: text(value).startswith(text(start)),
    "hasSuffix": lambda end, value: text(value).endswith(text(end)),
    "quote": lambda *values: " ".join(quoted(value) for value in values if value is not None),
    "squote": lambda *values: " ".join(f"'{printed(x)}'" for x in values if x is not None),
    "cat": lambda *values: " ".join(printed(value) for value in values if value is not None),
    "indent": indented,
    "nindent": lambda count, value: "\n" + indented(count, value),
    "nospace": lambda value: re.sub(r"\s", "", text(value)),
    "replace": lambda old, new, value: limited(text(value).replace(text(old), text(new))),
    "plural": lambda one, many, count: one if to_int(count) == 1 else many,
    "snakecase": lambda value: words(value, "_"),
    "kebabcase": lambda value: words(value, "-"),
    "camelcase": camel,
    "split": parts,
    "splitn": lambda separator, count, value: parts(separator, value, count),
    "splitList": lambda separator, value: split(value, separator),
    "join": lambda separator, values: limited(text(separator).join(texts(values))),
    "sortAlpha": lambda values: sorted(texts(values), key=lambda value: value.encode()),
    "toString": printed,
    "toStrings": texts,
    "b64enc": lambda value: base64.b64encode(text(value).encode()).decode(),
    "b64dec": decoded(lambda data: base64.b64decode(data, validate=True)),
    "b32enc": lambda value: base64.b32encode(text(value).encode()).decode(),
    "b32dec": decoded(base64.b32decode),
    "sha1sum": digest("sha1"),
    "sha256sum": digest("sha256"),
    "sha512sum": digest("sha512"),
    "adler32sum": lambda value: str(zlib.adler32(text(value).encode())),
    "urlParse": parsed_url,
    "urlJoin": joined_url,
}
