"""Images that hold no more than a language, a shell or a tool: programs of this machine stand in.

The names are those of Docker's official images, https://hub.docker.com/u/library, and of a few that
are as common.
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
OTHERS = {
    "bitnami/python": "python",
    "continuumio/anaconda3": "python",
    "continuumio/miniconda3": "python",
    "gcr.io/distroless/python3": "python",
    "gcr.io/distroless/python3-debian11": "python",
    "gcr.io/distroless/python3-debian12": "python",
    "mcr.microsoft.com/devcontainers/python": "python",
    "quay.io/centos/centos": "centos",
    "redhat/ubi8": "centos",
    "redhat/ubi9": "centos",
}
"""Not official, but no more than one of those above."""
TOOLS = {"alpine/curl": "curl", "alpine/git": "git", "curlimages/curl": "curl"}
"""The entrypoint of an image that holds a tool."""


def plain_image(name: str) -> Image | None:
    """What stands in for a plain image, whatever its tag or digest; None for any other image."""
    place = _without_hub(name)
    word = OTHERS.get(place) or _official(place)
    note = f"programs of this machine stand in for image {name}"
    if place in TOOLS:
        return Image(command=(TOOLS[place],), is_whole=True, note=note)
    if word in PYTHON:
        note = f"Python {platform.python_version()} of this machine stands in for image {name}"
        return Image(args=("python3",), is_whole=True, note=note)
    if word in SHELLS | LANGUAGES:
        command = ("sh",) if word in SHELLS else ()
        return Image(args=command, is_whole=True, note=note)
    return None


def _without_hub(name: str) -> str:
    """``docker.io/alpine/git:2@sha256:…`` -> ``alpine/git``; other registries stay."""
    before, _, last = name.partition("@")[0].rpartition("/")
    parts = [*filter(None, before.split("/")), last.partition(":")[0]]
    return "/".join(parts[1:] if parts[0] in HUBS else parts)


def _official(place: str) -> str:
    """``library/python`` -> ``python``; empty for nobody's official image.

    Also of a mirror, which keeps the word ``library`` or has them at its top
    (``mirror.gcr.io/library/python``, ``registry:5000/python``).
    """
    *before, word = place.split("/")
    is_registry = len(before) == 1 and (before == ["localhost"] or set(before[0]) & set(".:"))
    return word if not before or before[-1] == "library" or is_registry else ""
