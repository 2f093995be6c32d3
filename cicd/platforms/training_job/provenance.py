"""Where a login comes from and what stands behind it unused: places and names, never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cicd.platforms.base import Finding
from cicd.platforms.training_job.dialect.login_sources import NAMES, PREFIX, sources

CHECK = "credentials"


def target(environ: Mapping[str, str]) -> dict[str, str]:
    """Where a login goes by itself."""
    return {"api_url": environ.get(f"{PREFIX}API_URL", "")}


def explain(environ: Mapping[str, str]) -> Iterator[Finding]:
    """What is known of the login without sending anything."""
    known: set[str] = set()
    for source in sources(environ):
        if source.problem:
            cure = "paste the whole key, from { to }, or unset it"
            yield Finding(CHECK, "warning", source.problem, cure)
            continue
        new = [name for name in NAMES if name in source.values and name not in known]
        known.update(new)
        if new:
            told = ", ".join(name.replace("_", " ") for name in new)
            yield Finding(CHECK, "ok", f"{told}: {source.name}")
        else:
            yield Finding(CHECK, "skipped", f"{source.name}: not used, others come first")
    for name in NAMES:
        if name not in known:
            text = f"{PREFIX}{name.upper()} is not set"
            yield Finding(CHECK, "warning", text, f"set it, or training_job.{name} in a stage file")
