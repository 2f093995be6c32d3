"""The environment of a container, built from nothing: what the template says and little else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from cicd.emulator.jobs import Image
from cicd.emulator.runner.sandbox import Mount, search_path

PASSED_ON = (
    "TZ",
    "SYSTEMROOT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
)
"""How this machine reaches the network; a program would not without them."""
LOCAL = "127.0.0.1,localhost"

ROOT = "METAFLOW_DATASTORE_SYSROOT_S3"
REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)")

Secrets = Mapping[str, Mapping[str, str]]


class NotRunnable(Exception):
    """The container cannot be started; the message says why and what to do."""


def find_image(images: Mapping[str, Image], name: str) -> Image:
    """How an image is stood in for. Raises NotRunnable."""
    try:
        return images[name]
    except KeyError:
        raise NotRunnable(
            f"nothing stands in for image {name} on this machine: name it under local.images in "
            f"the stage file (or in PUT /emulator/stand-ins), or give the repository a Dockerfile"
        ) from None


def mounts_of(image: Image) -> tuple[Mount, ...]:
    """What the image mounts, paths normalised. Raises NotRunnable."""
    return checked(Mount(Path(path).absolute(), at) for at, path in image.mounts.items())


def files_of(image: Image) -> tuple[Mount, ...]:
    """What the image holds, in the same way."""
    return checked(Mount(Path(path).absolute(), at) for at, path in image.files.items())


def checked(mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """The same with paths normalised. Raises NotRunnable for what cannot be mounted."""
    found = []
    for mount in mounts:
        target = PurePosixPath(mount.target)
        if not mount.source.exists():
            raise NotRunnable(f"{mount.source} does not exist, but is to be mounted at {target}")
        if len(target.parts) < 2 or ".." in target.parts or not target.is_absolute():
            raise NotRunnable(f"{mount.source} cannot be mounted at {target}: choose a folder")
        found.append(Mount(mount.source, str(target)))
    return tuple(found)


def workdir_of(container: Mapping[str, Any], image: Image) -> str:
    """Where the program starts."""
    return str(PurePosixPath(container.get("workingDir") or image.workdir or "/"))


def base(image: Image, environ: Mapping[str, str]) -> dict[str, str]:
    """What every program has, before platform and template add theirs."""
    env = {
        "PATH": search_path(image.python, environ),
        "HOME": "/tmp",  # noqa: S108 the container's own
        "LANG": environ.get("LANG") or "C.UTF-8",
        # lines must come when they are written, not when a buffer is full
        "PYTHONUNBUFFERED": "1",
    }
    env |= {key: environ[key] for key in PASSED_ON if key in environ}
    if any(key.lower().endswith("_proxy") for key in env):
        # the emulator itself must be reached directly
        names = environ.get("NO_PROXY") or environ.get("no_proxy")
        env["NO_PROXY"] = env["no_proxy"] = f"{names},{LOCAL}" if names else LOCAL
    own = dict(image.env)
    if "PATH" in own:
        # what a Dockerfile adds to the PATH of its base comes first there too
        own["PATH"] = own["PATH"].replace("$PATH", env["PATH"])
    return env | own


def declared(
    container: Mapping[str, Any],
    before: Mapping[str, str],
    secrets: Secrets,
    fields: Mapping[str, str],
) -> dict[str, str]:
    """``before`` with ``envFrom`` and ``env`` of the container added. Raises NotRunnable."""
    env = dict(before)
    for item in container.get("envFrom") or ():
        reference = item["secretRef"]
        found = secrets.get(reference["name"])
        if found is None and not reference.get("optional"):
            raise NotRunnable(f"secret {reference['name']} does not exist in the resource group")
        prefix = item.get("prefix") or ""
        env |= {f"{prefix}{key}": value for key, value in (found or {}).items()}
    for item in container.get("env") or ():
        value = _value(item, env, secrets, fields)
        if value is not None:
            env[item["name"]] = value
    return env


def with_stores(env: Mapping[str, str], image: Image, stores: Mapping[str, str]) -> dict[str, str]:
    """``env``, and for a program that keeps its data as Metaflow does, where that is here."""
    if ROOT not in env:
        return dict(env)
    return {**env, **{name: image.env.get(name, text) for name, text in stores.items()}}


def _value(
    item: Mapping[str, Any], env: Mapping[str, str], secrets: Secrets, fields: Mapping[str, str]
) -> str | None:
    source = item.get("valueFrom")
    if not source:
        value = item.get("value")
        return expand(_text("" if value is None else value), env)
    if source.get("fieldRef"):
        return fields.get(source["fieldRef"]["fieldPath"], "")
    reference = source["secretKeyRef"]
    name, key = reference["name"], reference["key"]
    value = secrets.get(name, {}).get(key)
    if value is None and not reference.get("optional"):
        what = f"has no key {key}" if name in secrets else "does not exist in the resource group"
        raise NotRunnable(f"env {item['name']}: secret {name} {what}")
    return value


def expand(text: str, env: Mapping[str, str]) -> str:
    """Kubernetes' ``$(NAME)``; unknown names stay as they are, ``$$`` is one ``$``."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return env.get(match[1], match[0])

    return REFERENCE.sub(value, text)


def command_line(
    container: Mapping[str, Any], image: Image, env: Mapping[str, str]
) -> tuple[str, ...]:
    """Command and arguments, ``$(NAME)`` expanded, as in Kubernetes: the container's command takes
    the place of all that the image says, its args that of the image's own.

    Raises NotRunnable when neither names a command.
    """
    own, args = container.get("command") or (), container.get("args") or ()
    command = [*(own or image.command)]
    if not command and not image.is_whole:
        args = ()
    words = [*command, *(args if args or own else image.args)]
    if not words:
        raise NotRunnable(
            f"container of image {container.get('image')} has no command: add one to the template, "
            f"CMD to the Dockerfile, or one to the image's entry under local.images in the stage "
            f"file"
        )
    return tuple(expand(_text(word), env) for word in words)


def _text(value: Any) -> str:
    """A scalar of YAML as Kubernetes would have it written."""
    return str(value).lower() if isinstance(value, bool) else str(value)
