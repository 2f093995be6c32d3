"""Reads YAML as Argo CD and KServe do: ruamel's reader, which takes fewer tabs than theirs."""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.scanner import Scanner


def yaml_reader() -> YAML:
    """A reader of one text, as plain data."""
    reader = YAML(typ="safe", pure=True)
    reader.Scanner = _Scanner
    return reader


class _Scanner(Scanner):
    def scan_to_next_token(self) -> None:
        """A tab may stand between two words of a line."""
        super().scan_to_next_token()
        while not self.allow_simple_key and self.reader.peek() == "\t":
            self.reader.forward()
            super().scan_to_next_token()
