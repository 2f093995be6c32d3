"""Makes a virtual environment over the one that stands in for an image, in the folder named by the
first argument: what a job installs goes there, and what is there already is seen through it."""

from __future__ import annotations

import importlib.util
import os
import sys
import venv

PIP = """#!{python}
import runpy
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
SITES = ("site-packages", "dist-packages")


def make(place: str) -> None:
    """Make it; pip is that of the image, if it has one."""
    below = [path for path in sys.path if os.path.basename(path) in SITES]  # noqa: PTH119
    has_pip = importlib.util.find_spec("pip") is not None
    venv.EnvBuilder(symlinks=True, with_pip=not has_pip).create(place)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    # so that what lies below may itself lead to other places
    lines = "".join(f"import site; site.addsitedir({path!r})\n" for path in below)
    write(f"{place}/lib/{version}/site-packages/below.pth", lines)
    for name in ("pip", "pip3") if has_pip else ():
        path = f"{place}/bin/{name}"
        write(path, PIP.format(python=f"{place}/bin/python3"))
        os.chmod(path, 0o755)  # noqa: PTH101, S103


def write(path: str, text: str) -> None:
    """Write a file."""
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)


if __name__ == "__main__":
    make(sys.argv[1])
