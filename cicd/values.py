"""The values that stage files and templates are made of: keys, references, secrets. The rest of
``model`` is what becomes of them; a check needs none of it, and comes without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Spec = Mapping[str, Any]
"""What a resource is: plain data (str, int, bool, None, lists, maps) plus Ref and Secret leaves.
What it is called stays plain, also where it comes from the environment."""


Happening = Literal[
    "failed", "drifted", "approval_needed", "deployed", "recovered", "retiring", "suspended"
]
"""What people can be told of a stage."""


class Key(msgspec.Struct, frozen=True, order=True):
    """Identity inside a stage, printed ``deployment/serve``."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class Ref(msgspec.Struct, frozen=True, order=True):
    """A value that another resource has once it exists.

    ``output`` is ``id``, ``url``, or whatever else its kind tells once it is there: what a run has
    made is called after its kind, such as ``models.NAME``. ``stage``: the other stage whose
    resource it is; empty for one of the stage at hand.
    """

    key: Key
    output: str = "id"
    stage: str = ""

    @property
    def name(self) -> str:
        """Whose it is and what, in a word."""
        return f"{f'stages.{self.stage}.' if self.stage else ''}{self.key}.{self.output}"

    def __str__(self) -> str:
        return f"${{{self.name}}}"


class Secret:
    """A string that shows as ``***`` wherever it is printed; ``reveal()`` is the only way out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one call that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac  # it loads OpenSSL, and most commands compare no secrets

        # a variable of the environment may hold bytes that are no text
        mine, theirs = (text.encode(errors="surrogatepass") for text in (self._value, other._value))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Secret is never pickled")


class Hidden(Secret):
    """A text from the environment that stands where plain text may stand as well.

    It shows as ``***`` like any Secret, and equals its text: that is what a platform reads back.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self._value == other if isinstance(other, str) else super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self._value)


def opened(value: Any) -> Any:
    """The same with the text itself for each Hidden in it, for who sends it."""
    if isinstance(value, Hidden):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: opened(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [opened(item) for item in value]
    return value


class Program(msgspec.Struct, frozen=True):
    """What runs or services start: what a file beside the stage file declares of it.

    ``digest``: sha256 of its meaning: comments and line endings do not count. ``parameters``: name
    -> default, None when there is none. ``asks``: what it takes from the platform beside its
    inputs, by what people call that (``image``). ``called``: the fields of a spec by which it is
    named. ``makes``: those that all it puts out has in common, beside a name among ``outputs``.
    """

    file: str
    name: str
    version: str
    digest: str
    parameters: Mapping[str, str | None] = {}
    inputs: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    asks: Mapping[str, tuple[str, ...]] = {}
    called: Mapping[str, str] = {}
    makes: Mapping[str, str] = {}

    def is_called_by(self, spec: Spec) -> bool:
        """Whether something of that spec starts it."""
        return bool(self.called) and all(spec.get(name) == v for name, v in self.called.items())

    def puts_out(self, spec: Spec) -> bool:
        """Whether something of that spec may be what it has put out."""
        is_its = all(spec.get(name) == value for name, value in self.makes.items())
        return is_its and spec.get("name") in self.outputs
