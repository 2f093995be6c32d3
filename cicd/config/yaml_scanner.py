"""ruamel's YAML scanner and its neighbours, made to look fewer times at the same token.

The parser asks seven times about each token, and each time the scanner works out anew that it need
not read on. Nothing but taking a token changes that answer, so it is remembered until then.
And tabs are taken where other readers of YAML take them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.parser import Parser
from ruamel.yaml.scanner import Scanner


def compose(text: str) -> list[Any]:
    """The nodes of all documents in a text. Raises what ruamel raises."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer, yaml.Parser, yaml.Scanner = _Composer, _Parser, _Scanner
    yaml.composer.warn_double_anchors = False
    with _no_collection():
        return list(yaml.compose_all(text))


@contextmanager
def _no_collection() -> Iterator[None]:
    """All that is made meanwhile stays: looking for garbage in it would be a sixth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Scanner(Scanner):
    _is_ready = False

    def check_token(self, *choices: Any) -> bool:
        self._get_ready()
        tokens = self.tokens
        return bool(tokens) and (not choices or isinstance(tokens[0], choices))

    def peek_token(self) -> Any:
        self._get_ready()
        return self.tokens[0] if self.tokens else None

    def get_token(self) -> Any:
        self._get_ready()
        self._is_ready = False
        if not self.tokens:
            return None
        self.tokens_taken += 1
        return self.tokens.pop(0)

    def scan_to_next_token(self) -> None:
        """A tab may stand between two words of a line, as for the readers of C and Go."""
        super().scan_to_next_token()
        while not self.allow_simple_key and self.reader.peek() == "\t":
            self.reader.forward()
            super().scan_to_next_token()

    def _get_ready(self) -> None:
        """Read on until the next token is known for what it is."""
        if not self._is_ready:
            while self.need_more_tokens():
                self.fetch_more_tokens()
            self._is_ready = True


class _Parser(Parser):
    @cached_property
    def scanner(self) -> Any:
        return super().scanner

    @cached_property
    def resolver(self) -> Any:
        return super().resolver


class _Composer(Composer):
    @cached_property
    def parser(self) -> Any:
        return super().parser

    @cached_property
    def resolver(self) -> Any:
        return super().resolver
