"""Where Spark is on this machine: said, in the environment, or a pyspark of the project."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from cicd.errors import CicdError

INSTALL = "pip install 'pyspark==3.5.*'"


def submit_program(said: str, root: Path, environ: Mapping[str, str]) -> Path:
    """The spark-submit of this machine. ``said``: the home that the stage file names. Raises
    CicdError where there is none."""
    if said:
        named = root / said
        if (program := _program(named)) is None:
            text = f"spark.spark_home is {named}, where there is no bin/spark-submit"
            raise CicdError(text, hint="name the folder that Spark was unpacked to")
        return program
    for home in _homes(root, environ):
        if program := _program(home):
            return program
    if on_path := shutil.which("spark-submit", path=environ.get("PATH", "")):
        return Path(on_path)
    there = environ.get("SPARK_HOME")
    unset = f"is {there}, where there is no bin/spark-submit" if there else "is not set"
    text = f"there is no Spark on this machine: SPARK_HOME {unset}, and no pyspark is installed"
    raise CicdError(text, hint=INSTALL)


def no_java(environ: Mapping[str, str]) -> str:
    """Why Spark finds no Java on this machine; empty where it finds one."""
    if home := environ.get("JAVA_HOME"):
        is_there = (Path(home) / "bin/java").is_file()
        return "" if is_there else f"JAVA_HOME is {home}, where there is no bin/java"
    is_there = bool(shutil.which("java", path=environ.get("PATH")))
    return "" if is_there else "there is no java on the PATH, and JAVA_HOME is not set"


def _homes(root: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    if home := environ.get("SPARK_HOME"):
        yield Path(home)
    folders = [environ.get("VIRTUAL_ENV") or "", str(root / ".venv"), sys.prefix]
    for folder in filter(None, folders):
        yield from sorted(Path(folder).glob("lib/python3*/site-packages/pyspark"))


def _program(home: Path) -> Path | None:
    program = home / "bin/spark-submit"
    return program.absolute() if program.is_file() else None
