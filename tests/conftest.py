"""What holds for all tests: how long an example of hypothesis takes says nothing of the code."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("without clock", deadline=None)
settings.load_profile("without clock")
