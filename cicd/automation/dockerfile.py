"""What a Dockerfile says of its image: where programs start, which, with what, and what is copied.

Nothing is built: RUN has no effect. https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

DEFAULT_SHELL = ("/bin/sh", "-c")
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*$")
_HEREDOC = re.compile(r"(?<!\S)\d*<<(-?)(['\"]?)([\w.-]+)\2(?!\S)")
_VARIABLE = re.compile(r"\\?\$(?:\{(\w+)(?:(:?[-+?])((?:[^{}]|\{[^{}]*\})*))?\}|(\w+))")
_PAIR = re.compile(r"""([^\s=]+)=((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])*)""", re.DOTALL)
_QUOTED = re.compile(r""""((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)""", re.DOTALL)


@dataclass(frozen=True)
class Copy:
    """``sources`` of the build context, relative to it, at ``target``; ``is_folder``: they go into
    it whatever it is. ``text``: that of a here-document, which has no source."""

    sources: tuple[str, ...]
    target: str
    is_folder: bool
    text: str | None = None


@dataclass(frozen=True)
class _Document:
    """A here-document; ``is_raw``: variables in it stay."""

    name: str
    is_raw: bool
    text: str


@dataclass(frozen=True)
class Built:
    """The image that a Dockerfile describes. ``command`` and ``entrypoint`` are empty where it
    leaves them to its base; ``$PATH`` in ``env`` stands for that of the base."""

    workdir: str = "/"
    folders: tuple[str, ...] = ()
    """Every WORKDIR: they exist."""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    copies: tuple[Copy, ...] = ()
    shell: tuple[str, ...] = DEFAULT_SHELL
    is_own_command: bool = True
    """Whether this stage itself says the command, not the one that it is made from."""


def read_dockerfile(text: str) -> Built:
    """The last stage of a Dockerfile; whatever is not understood is passed over."""
    stages: dict[str, Built] = {}
    arguments: dict[str, str] = {}
    built, names, count = Built(), ["0"], 0
    known: dict[str, str] = {}
    for word, rest, documents in _instructions(text):
        if word == "FROM":
            words = [part for part in rest.split() if not part.startswith("--")] or [""]
            base = stages.get(_expand(words[0], arguments).lower(), Built())
            built = replace(base, is_own_command=False)
            named = len(words) > 2 and words[1].upper() == "AS"
            names = [str(count), *([words[2].lower()] if named else [])]
            known, count = {}, count + 1
        elif word == "ARG":
            for name, value in _pairs(rest) or [(rest.strip(), "")]:
                scope = known if count else arguments
                scope[name] = _unquoted(value, scope) or arguments.get(name, "")
        else:
            built = _applied(built, word, rest, known, stages)
            if word in ("COPY", "ADD"):
                written = _written(rest, built, {**known, **built.env}, documents)
                built = replace(built, copies=(*built.copies, *written))
        if count:
            stages |= dict.fromkeys(names, built)
    return built


def _applied(
    built: Built, word: str, rest: str, known: dict[str, str], stages: dict[str, Built]
) -> Built:
    """The image after one more instruction."""
    scope = {**known, **built.env}
    match word:
        case "WORKDIR":
            place = posixpath.normpath(posixpath.join(built.workdir, _unquoted(rest, scope)))
            return replace(built, workdir=place, folders=(*built.folders, place))
        case "ENV":
            return replace(built, env=built.env | _variables(rest, scope))
        case "SHELL":
            return replace(built, shell=_json_form(rest) or built.shell)
        case "CMD":
            return replace(built, command=_command(rest, built.shell), is_own_command=True)
        case "ENTRYPOINT":
            # that of the base was for another entrypoint
            command = built.command if built.is_own_command else ()
            return replace(built, entrypoint=_command(rest, built.shell), command=command)
        case "COPY" | "ADD":
            return replace(built, copies=(*built.copies, *_copied(rest, built, scope, stages)))
        case _:
            return built


def _copied(rest: str, built: Built, scope: dict[str, str], stages: dict[str, Built]) -> list[Copy]:
    """What a COPY or ADD brings; of another stage, what that one has below the same place."""
    flags, rest = _flags(rest)
    words = _words(rest, scope)
    sources = [word for word in words[:-1] if "://" not in word and not word.startswith("<<")]
    if not sources:
        return []
    target, is_folder = _target(words, built)
    is_folder = is_folder or len(sources) > 1
    if "from" not in flags:
        relative = tuple(posixpath.normpath(source.lstrip("/")) for source in sources)
        return [Copy(relative, target, is_folder)]
    stage = stages.get(_expand(flags["from"], scope).lower())
    return [
        copy
        for before in (stage.copies if stage else ())
        for source in sources
        for copy in _taken(before, source.rstrip("/") or "/", target, is_folder=is_folder)
    ]


def _taken(before: Copy, source: str, target: str, *, is_folder: bool) -> Iterator[Copy]:
    """What a stage has got at ``source``, or below it, copied once more to ``target``."""
    if before.target == source or before.target.startswith(f"{source.rstrip('/')}/"):
        beyond = posixpath.relpath(before.target, source)
        yield replace(before, target=posixpath.normpath(posixpath.join(target, beyond)))
    elif source.startswith(f"{before.target.rstrip('/')}/") and before.text is None:
        # a part of what it got: of a folder's content, or of what was put into a folder
        first, _, rest = (inner := posixpath.relpath(source, before.target)).partition("/")
        parts = [posixpath.normpath(f"{folder}/{inner}") for folder in before.sources]
        parts += [
            posixpath.normpath(f"{one}/{rest}")
            for one in before.sources
            if posixpath.basename(one) == first
        ]
        yield Copy(tuple(parts), target, is_folder)


def _written(
    rest: str, built: Built, scope: dict[str, str], documents: list[_Document]
) -> Iterator[Copy]:
    """The files that here-documents are."""
    if not documents:
        return
    target, is_folder = _target(_words(_flags(rest)[1], scope), built)
    for document in documents:
        place = posixpath.join(target, document.name) if is_folder else target
        text = document.text if document.is_raw else _expand(document.text, scope)
        yield Copy((), place, is_folder=False, text=text)


def _words(rest: str, scope: dict[str, str]) -> list[str]:
    """Sources and target of a COPY."""
    words = _json_form(rest)
    return [_expand(word, scope) for word in words] or [
        _unquoted(word, scope) for word in rest.split()
    ]


def _target(words: list[str], built: Built) -> tuple[str, bool]:
    """Where it copies to, and whether that is a folder in any case."""
    target = posixpath.normpath(posixpath.join(built.workdir, words[-1]))
    is_folder = words[-1] == "." or words[-1].endswith(("/", "/."))
    return target, is_folder or target in built.folders


def _instructions(text: str) -> Iterator[tuple[str, str, list[_Document]]]:
    """(INSTRUCTION, its arguments, its here-documents): lines joined, comments left out."""
    lines = iter(text.removeprefix("\ufeff").splitlines())
    escape, is_first = "\\", True
    joined = ""
    for line in lines:
        bare = line.strip()
        if bare.startswith("#"):
            if is_first and (match := _DIRECTIVE.match(bare)):
                escape = match[2] if match[1].lower() == "escape" else escape
            continue
        is_first = False
        if not bare:
            continue
        if bare.endswith(escape):
            joined += bare[: -len(escape)] + " "
            continue
        yield _instruction(joined + bare, lines)
        joined = ""
    if joined.strip():
        yield _instruction(joined, lines)


def _instruction(line: str, lines: Iterator[str]) -> tuple[str, str, list[_Document]]:
    """One of them; its here-documents are taken from the lines that follow."""
    word, rest = (*line.split(None, 1), "")[:2]
    documents = []
    if word.upper() in ("RUN", "COPY", "ADD"):
        for match in _HEREDOC.finditer(rest):
            found = _until(match[3], lines, has_tabs=bool(match[1]))
            documents.append(_Document(match[3], bool(match[2]), found))
    return word.upper(), rest.strip(), documents


def _until(end: str, lines: Iterator[str], *, has_tabs: bool) -> str:
    """The lines before ``end``; ``has_tabs``: those at their beginnings do not count."""
    found = ""
    for line in lines:
        line = line.lstrip("\t") if has_tabs else line
        if line == end:
            break
        found += line + "\n"
    return found


def _command(rest: str, shell: tuple[str, ...]) -> tuple[str, ...]:
    """JSON as it is, anything else as a line for the shell."""
    if rest.startswith("[") and re.fullmatch(r"\[\s*\]", rest):
        return ()
    return _json_form(rest) or ((*shell, rest) if rest else ())


def _json_form(rest: str) -> tuple[str, ...]:
    try:
        found = json.loads(rest)
    except ValueError:
        return ()
    is_list = isinstance(found, list) and all(isinstance(word, str) for word in found)
    return tuple(found) if is_list else ()


def _variables(rest: str, scope: dict[str, str]) -> dict[str, str]:
    """``NAME=value …`` or ``NAME value``. Each sees what stood there before this instruction."""
    pairs = _pairs(rest)
    if not pairs:
        name, value = (*rest.split(None, 1), "", "")[:2]
        return {name: _with_base(name, _unquoted(value.strip(), scope))} if value.strip() else {}
    return {name: _with_base(name, _unquoted(value, scope)) for name, value in pairs}


def _with_base(name: str, value: str) -> str:
    """The programs of the base stay to be found."""
    return f"{value}:$PATH" if name == "PATH" and "$PATH" not in value else value


def _pairs(rest: str) -> list[tuple[str, str]]:
    first = rest.split(None, 1)[0] if rest.strip() else ""
    return _PAIR.findall(rest) if "=" in first else []


def _unquoted(text: str, scope: dict[str, str]) -> str:
    """Without quotes; variables replaced but in single quotes."""
    found, at = "", 0
    for match in _QUOTED.finditer(text):
        found += _expand(text[at : match.start()], scope)
        if match[2] is not None:
            found += match[2]
        else:
            found += _expand(re.sub(r"\\([\"\\])", r"\1", match[1] or ""), scope) + (match[3] or "")
        at = match.end()
    return found + _expand(text[at:], scope)


def _expand(text: str, scope: dict[str, str]) -> str:
    """``$NAME``, ``${NAME}``, ``${NAME:-else}`` and ``${NAME:+then}``, with ``:`` or without; the
    PATH of the base stays a variable, any other unknown one is empty."""

    def value(match: re.Match[str]) -> str:
        if match[0].startswith("\\"):
            return match[0][1:]
        name, how, other = match[1] or match[4], match[2] or "", match[3] or ""
        if name == "PATH":
            return scope.get("PATH", "$PATH")
        is_there = bool(scope.get(name)) if how.startswith(":") else name in scope
        if how.endswith("+"):
            return _expand(other, scope) if is_there else ""
        return scope.get(name, "") if is_there or not how.endswith("-") else _expand(other, scope)

    return _VARIABLE.sub(value, text)


def _flags(rest: str) -> tuple[dict[str, str], str]:
    """``--from=build --chown=…`` taken off the front."""
    flags: dict[str, str] = {}
    while match := re.match(r"--([\w-]+)(?:=(\S+))?\s*", rest):
        flags[match[1]] = match[2] or ""
        rest = rest[match.end() :]
    return flags, rest
