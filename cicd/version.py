"""The version of all of it, and what installs more of it."""

__version__ = "0.1.0"


def install(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'aicore-cicd[{extra}]'"
