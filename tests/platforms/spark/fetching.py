"""Spark itself, of a pyspark from the package index: python3 -m tests.platforms.spark.fetching 4

Nothing is installed: its source distribution, unpacked, is all that Spark needs. It is kept in a
folder of its own for the next time (CICD_TEST_CACHE, else ~/.cache/cicd-tests). Needs nothing but
Python and pip, so that it can be fetched while the environment of the tests is still being made.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


class NotToBeHad(Exception):
    """Why there is no Spark of a version."""


def fetched(version: str) -> Path:
    """The home of the newest release of a version. Raises NotToBeHad."""
    cache = Path(os.environ.get("CICD_TEST_CACHE") or Path.home() / ".cache/cicd-tests")
    home = cache / f"spark-{version}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"lock-{version}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # it is 300 MB and more, which one fetches for all
        if not home.is_dir():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                _unpacked(version, Path(folder)).rename(home)
    return home


def _unpacked(version: str, folder: Path) -> Path:
    asked = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command = [*asked, "-d", str(folder), f"pyspark=={version}.*"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NotToBeHad(f"pyspark {version} cannot be had: {done.stderr.strip()[-200:]}")
    [archive] = folder.glob("pyspark-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    archive.unlink()
    [home] = [path for path in folder.iterdir() if path.is_dir()]
    for name, target in {"bin": "deps/bin", "jars": "deps/jars", "python": "."}.items():
        (home / name).symlink_to(target)
    return home


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        fetched(asked)
