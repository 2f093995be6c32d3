"""The project fixture of the acceptance tests, for commands tested on their own."""

from tests.acceptance.conftest import small

__all__ = ["small"]
