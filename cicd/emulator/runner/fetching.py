"""Input artifacts from elsewhere: ``http`` and ``s3``."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cicd.emulator.runner.environment import NotRunnable, Secrets
from cicd.emulator.state.s3 import Bucket, StorageError

PATIENCE = 60.0
"""Seconds without a byte."""


class NotThere(NotRunnable):
    """The place answers, and has nothing there."""


def fetch(
    remote: Mapping[str, Any], folder: Path, secrets: Secrets, environ: Mapping[str, str]
) -> Path:
    """Bring what ``remote`` names into ``folder``; the file or folder that it is there. Raises
    NotRunnable."""
    folder.mkdir(parents=True, exist_ok=True)
    if "s3" in remote:
        return _fetch_s3(remote["s3"], folder, secrets)
    target = folder / "file"
    _fetch_http(remote["http"], target, environ)
    return target


def _fetch_http(source: Mapping[str, Any], target: Path, environ: Mapping[str, str]) -> None:
    url = source["url"]
    if urlsplit(url).scheme not in ("http", "https"):
        raise NotRunnable(f"{url} is no http or https url")
    headers = {item["name"]: str(item["value"]) for item in source.get("headers") or ()}
    # A proxy would look for these on its own machine.
    is_local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    names = {} if is_local else {"http": "HTTP_PROXY", "https": "HTTPS_PROXY"}
    proxies = {
        scheme: found
        for scheme, name in names.items()
        if (found := environ.get(name) or environ.get(name.lower()))
    }
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 checked above
    try:
        with opener.open(request, timeout=PATIENCE) as answer, target.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except urllib.error.HTTPError as error:
        error.close()
        kind = NotThere if error.code == 404 else NotRunnable
        raise kind(f"cannot fetch {url}: it answered {error.code}") from None
    except OSError as error:
        raise NotRunnable(f"cannot fetch {url}: {error}") from None


def _fetch_s3(source: Mapping[str, Any], folder: Path, secrets: Secrets) -> Path:
    data = {
        "AWS_ACCESS_KEY_ID": _secret(source["accessKeySecret"], secrets),
        "AWS_SECRET_ACCESS_KEY": _secret(source["secretKeySecret"], secrets),
    }
    scheme = "http" if source.get("insecure") else "https"
    place = source.get("endpoint") or "s3.amazonaws.com"
    fields = {
        "bucket": source["bucket"],
        "endpoint": place if "://" in place else f"{scheme}://{place}",
        "region": source.get("region"),
    }
    parts = [part for part in source["key"].split("/") if part]
    try:
        bucket = Bucket(source["accessKeySecret"]["name"], fields, data)
        return bucket.download(parts, folder)
    except StorageError as error:
        raise NotRunnable(str(error)) from None


def _secret(reference: Mapping[str, Any], secrets: Secrets) -> str:
    value = secrets.get(reference["name"], {}).get(reference["key"])
    if value is None:
        raise NotRunnable(
            f"secret {reference['name']} with key {reference['key']} does not exist in the "
            f"resource group"
        )
    return value
