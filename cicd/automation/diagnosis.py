"""Whether login, rights, quotas and clock of an account are in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from cicd.errors import Denied
from cicd.model import Stage

if TYPE_CHECKING:
    from cicd.platforms.base import Finding


def examine(stage: Stage, environ: Mapping[str, str]) -> Iterator[Finding]:
    """All that the platform finds, or why there is no way to ask it."""
    from cicd.platforms.base import Finding
    from cicd.platforms.registry import connect

    refusal: Denied | None = None
    try:
        platform = connect(stage, environ)
    except Denied as error:
        refusal = error
        try:  # the Destination service has a login of its own
            platform = connect(replace(stage, resources=()), environ)
        except Denied:
            yield from explain(refusal, environ)
            return
    try:
        found = []
        for finding in platform.diagnose():
            found.append(finding)
            yield finding
    finally:
        platform.close()
    if refusal and not any(finding.text == refusal.message for finding in found):
        yield Finding("destination", "error", refusal.message, refusal.hint)


def explain(refusal: Denied, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Where credentials were looked for, with the refusal as an error among them."""
    from cicd.platforms.aicore import provenance
    from cicd.platforms.base import Finding

    found = provenance.explain(environ)
    yield from found
    if not any(finding.state == "error" for finding in found):
        yield Finding("credentials", "error", refusal.message, refusal.hint)
