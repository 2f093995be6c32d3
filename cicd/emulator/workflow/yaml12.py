"""YAML 1.2 as data, by libyaml; PyYAML's own resolver is that of 1.1 (``on``, ``017``, dates)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from yaml import CSafeLoader
from yaml.error import MarkedYAMLError, YAMLError
from yaml.nodes import MappingNode

TAG = "tag:yaml.org,2002:"
_RESOLVED = (
    ("null", "~nN", r"~|null|Null|NULL|"),
    ("bool", "tTfF", r"true|True|TRUE|false|False|FALSE"),
    ("int", "-+0123456789", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    (
        "float",
        "-+.0123456789",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    ),
    ("merge", "<", r"<<"),
)
"""Type, what its texts begin with, its form: https://yaml.org/spec/1.2.2/ 10.3.2; merge keys."""


class _Loader(CSafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012  (PyYAML looks it up on the class)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if isinstance(node, MappingNode):
            seen: set[str] = set()
            for key, _ in node.value:
                if key.tag != TAG + "merge" and str(key.value) in seen:
                    raise MarkedYAMLError(
                        problem=f'key "{key.value}" already set in map', problem_mark=key.start_mark
                    )
                seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def int_of(self, node: Any) -> int:
        text = self.construct_scalar(node)
        return int(text, 0 if text[:2] in {"0o", "0x"} else 10)


_Loader.add_constructor(TAG + "int", _Loader.int_of)
for _name, _first, _form in _RESOLVED:
    _Loader.add_implicit_resolver(
        TAG + _name, re.compile(f"(?:{_form})\\Z"), [*_first, *([""] if _name == "null" else [])]
    )


def load_yaml(text: str) -> Iterator[Any]:
    """The documents of a YAML text; ValueError with the line when it does not parse."""
    try:
        loader: Any = _Loader(text)
        try:
            while loader.check_data():
                yield loader.get_data()
        finally:
            loader.dispose()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"yaml: {line}{error.problem or error.context}") from None
    except YAMLError as error:
        raise ValueError(f"yaml: {str(error).splitlines()[0]}") from None
