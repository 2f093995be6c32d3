"""References in stage files: ``${…}`` for what a platform tells only after apply. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from cicd.config.tree import Paths, did_you_mean
from cicd.values import Key, Ref


@dataclass(frozen=True)
class Reference:
    """What a ``${…}`` stands for that is known only after apply: an ``output`` of a resource of a
    ``kind``. ``NAME`` in it is what stands there in the form. ``places``: where it may stand, by
    what the field is called."""

    kind: str
    output: str
    places: Mapping[str, Paths]

    def makes(self, ref: Ref) -> bool:
        """Whether it is this form that a value was made from."""
        before, name, _ = self.output.partition("NAME")
        same = ref.output.startswith(before) if name else ref.output == self.output
        return ref.key.kind == self.kind and same


References = Mapping[str, Reference]
"""Form, with KEY and perhaps NAME in it, -> what it stands for."""


def meant_form(expression: str, plain: Sequence[str], references: References) -> str:
    """The form that was meant, of the ``plain`` ones or of references, filled in as far as that can
    be told, or else all there are."""
    room, _, rest = expression.partition(".")
    rooms = [form.partition(".")[0] for form in references]
    close = get_close_matches(room.lower(), rooms, n=1, cutoff=0.75)
    if not close:
        forms = ", ".join([*plain, *references])
        return did_you_mean(expression, plain) or f" (there are: {forms})"
    key, _, output = rest.partition(".")
    name = output.rpartition(".")[2]
    possible = [
        form.replace("KEY", key or "KEY").replace("NAME", name or "NAME")
        for form in references
        if form.partition(".")[0] == close[0]
    ]
    return f' (did you mean "${{{get_close_matches(expression, possible, n=1, cutoff=0)[0]}}}"?)'


def reference(expression: str, references: References) -> Ref | None:
    """What an expression refers to, None where it is no reference."""
    for form, found in references.items():
        if match := _pattern(form).fullmatch(expression):
            output = found.output.replace("NAME", match.groupdict().get("NAME", ""))
            return Ref(Key(found.kind, match["KEY"]), output)
    return None


def expression(ref: Ref, references: References) -> tuple[str, Reference] | None:
    """What stands for a Ref in a stage file, and what form that is; None where nothing does."""
    for form, found in references.items():
        if found.makes(ref):
            before, key, after = form.partition("KEY")
            name = ref.output[found.output.find("NAME") :] if "NAME" in found.output else ""
            return f"{before}{ref.key.name if key else ''}{after.replace('NAME', name)}", found
    return None


@cache
def _pattern(form: str) -> re.Pattern[str]:
    known = re.escape(form).replace("KEY", "(?P<KEY>.+?)")
    return re.compile(known.replace("NAME", "(?P<NAME>.+)"))
