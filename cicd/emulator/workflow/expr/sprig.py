"""The functions of ``{{=sprig.…()}}``, except those that make keys and certificates or ask the net.

Sprig 3.2, which Argo Workflows 3.5 has, without ``env`` and ``expandenv``, as there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cicd.emulator.workflow.expr.sprig_lists import LISTS
from cicd.emulator.workflow.expr.sprig_numbers import NUMBERS
from cicd.emulator.workflow.expr.sprig_random import DRAWN
from cicd.emulator.workflow.expr.sprig_texts import TEXTS
from cicd.emulator.workflow.expr.sprig_times import TIMES, TIMES_DRAWN
from cicd.emulator.workflow.expr.sprig_versions import VERSIONS

SPRIG: dict[str, Callable[..., Any]] = {**TEXTS, **NUMBERS, **LISTS, **TIMES, **VERSIONS}
SPRIG_DRAWN: dict[str, Callable[..., Any]] = {**DRAWN, **TIMES_DRAWN}
"""Those that also take where the time and chance come from."""
