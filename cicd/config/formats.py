"""Small formats inside a stage file that every platform shares: names, times, paths. Pure."""

from __future__ import annotations

import re
import unicodedata

KEY = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
STAGE = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
STAGE_SAYS = "letters, digits, dots, - and _"
MAX_STAGE = 63
DURATION = r"^[1-9][0-9]{0,5}[smhd]$"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def stage_name_problem(name: str) -> str:
    """What is wrong with the name of a stage, empty when nothing is."""
    if not re.fullmatch(STAGE, name):
        return f"must be {STAGE_SAYS}"
    if len(name) > MAX_STAGE:
        return f"is longer than {MAX_STAGE} characters"
    if ".." in name or name.endswith((".", ".lock")):  # --local makes a branch of that name
        return "is no name for a Git branch: no double dots, and no dot or .lock at its end"
    return ""


def seconds(text: str) -> int:
    """How long ``90s``, ``15m``, ``2h``, ``1d`` or ``1w`` is, in seconds."""
    return int(text[:-1]) * _SECONDS[text[-1].lower()]


def slug(text: str) -> str:
    """Lower-case ASCII letters and digits with single hyphens; may be empty."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")


def metric_pattern_problem(pattern: str) -> str:
    """What is wrong with a regular expression that finds a metric, empty when nothing is."""
    try:
        groups = re.compile(pattern).groups
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    return "" if groups else "has no group for the value: put it in ( )"


def relative_path_problem(path: str) -> str:
    """What is wrong with a path that must stay inside the project, empty when nothing is."""
    if "\\" in path:
        return "use forward slashes"
    if path.startswith(("/", "~")) or re.match("[A-Za-z]:", path):
        return "must be relative to the project"
    if ".." in path.split("/"):
        return "leads out of the project"
    return ""
