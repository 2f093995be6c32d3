"""Images that hold no more than a language or a shell: programs of this machine stand in for them.

The names are those of Docker's official images, https://hub.docker.com/u/library.
"""

from __future__ import annotations

import platform

from cicd.emulator.jobs import Image

HUBS = ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")
PYTHON = ("python", "pypy")
SHELLS = {
    "almalinux",
    "alpine",
    "amazonlinux",
    "archlinux",
    "bash",
    "buildpack-deps",
    "busybox",
} | {
    "centos",
    "debian",
    "fedora",
    "oraclelinux",
    "rockylinux",
    "ubuntu",
}
LANGUAGES = {"gcc", "golang", "julia", "node", "perl", "php", "r-base", "ruby", "rust"}
"""Run where this machine has their programs."""


def plain_image(name: str) -> Image | None:
    """What stands in for a plain image, whatever its tag or digest; None for any other image."""
    word = _official(name)
    if word in PYTHON:
        note = f"Python {platform.python_version()} of this machine stands in for image {name}"
        return Image(args=("python3",), is_whole=True, note=note)
    if word in SHELLS | LANGUAGES:
        note = f"programs of this machine stand in for image {name}"
        command = ("sh",) if word in SHELLS else ()
        return Image(args=command, is_whole=True, note=note)
    return None


def _official(name: str) -> str:
    """``docker.io/library/python:3.11@sha256:…`` -> ``python``; empty for nobody's official image.

    Also below a mirror (``mirror.gcr.io/library/python``), which keeps the word ``library``.
    """
    parts = name.partition("@")[0].split("/")
    word = parts[-1].partition(":")[0]
    before = parts[:-1]
    if not before or before[-1] == "library" or (len(before) == 1 and before[0] in HUBS):
        return word
    return ""
