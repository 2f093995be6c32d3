"""A bucket of any S3 service, as an object store secret names it: files and folders up and down.

Nothing of this machine's own AWS settings is used. No message holds a value of the secret.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
NO_BUCKET = {"NoSuchBucket", "404"}
REFUSED = {
    "403",
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "SignatureDoesNotMatch",
}
AMAZON = ".amazonaws.com"


class StorageError(Exception):
    """The object store cannot be used; one line that says what to do, without secrets."""


class Bucket:
    """``fields`` are the open fields of the secret called ``secret``, ``data`` its values."""

    def __init__(self, secret: str, fields: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self._secret = secret
        self._prefix = [part for part in str(fields.get("pathPrefix") or "").split("/") if part]
        self._bucket = str(fields.get("bucket") or "")
        if not self._bucket:
            raise self._error("it names no bucket")
        if missing := [key for key in KEYS if not data.get(key)]:
            raise self._error(f"its data lacks {' and '.join(missing)}")
        self._endpoint = endpoint(fields)
        self._client = self._connect(fields, data)

    def upload(self, parts: list[str], source: Path) -> None:
        """Store a file, or every file below a folder. Links that lead out of it are left out."""
        with self._translated():
            for path in files(source):
                below = path.relative_to(source).parts
                key = "/".join([*self._prefix, *parts, *below])
                with path.open("rb") as file:
                    self._client.upload_fileobj(file, self._bucket, key)

    def download(self, parts: list[str], target: Path) -> Path:
        """Bring a file, or everything below it as a folder, to ``target``; its place there."""
        key = "/".join([*self._prefix, *parts])
        with self._translated():
            if key and key in self._keys(key, 1):
                return self._file(key, target / parts[-1])
            folder = f"{key}/" if key else ""
            found = [name for name in self._keys(folder) if not name.endswith("/")]
            for name in found:
                self._file(name, target / self._inside(name.removeprefix(folder)))
        if not found:
            raise self._error(f"there is nothing at {key or '/'} in bucket {self._bucket}")
        return target

    def holds(self, parts: list[str]) -> bool:
        """Whether there is a file."""
        key = "/".join([*self._prefix, *parts])
        with self._translated():
            return key in self._keys(key, 1)

    def delete(self, parts: list[str]) -> None:
        """Delete a file; one that is not there is no error."""
        with self._translated():
            self._client.delete_object(Bucket=self._bucket, Key="/".join([*self._prefix, *parts]))

    def _file(self, key: str, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            self._client.download_fileobj(self._bucket, key, file)
        return target

    def _keys(self, prefix: str, most: int = 0) -> Iterator[str]:
        """The keys that begin so, in order; the first page of ``most`` keys only, if given."""
        if most:
            pages = [self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=most)]
        else:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
        for page in pages:
            yield from (str(item["Key"]) for item in page.get("Contents", ()))

    def _inside(self, name: str) -> str:
        """``name`` if it stays in the folder that it is below; keys may be written by anybody."""
        if any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in name.split("/")):
            raise self._error(f"key {name!r} leads outside of its folder")
        return name

    def _connect(self, fields: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
        nothing = (None, None, os.devnull, None)
        own = {
            "profile": (None, None, None, None),
            "config_file": nothing,
            "credentials_file": nothing,
        }
        try:
            core = import_module("botocore.session").Session(session_vars=own)
            config = import_module("botocore.config").Config(
                connect_timeout=10,
                retries={"max_attempts": 3, "mode": "standard"},
                # stores other than Amazon's may know no newer checksums, and no bucket host names
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "auto" if AMAZON in self._endpoint else "path"},
            )
            return (
                import_module("boto3.session")
                .Session(botocore_session=core)
                .client(
                    "s3",
                    aws_access_key_id=data[KEYS[0]],
                    aws_secret_access_key=data[KEYS[1]],
                    aws_session_token=data.get("AWS_SESSION_TOKEN"),
                    region_name=fields.get("region") or "us-east-1",
                    endpoint_url=self._endpoint or None,
                    verify=None if fields.get("verifyssl") != "0" else False,
                    config=config,
                )
            )
        except ModuleNotFoundError as error:
            raise self._error(
                f"S3 needs {error.name}, which is not installed: pip install 'aicore-cicd[local]'"
            ) from None
        except ValueError:
            raise self._error(f"its endpoint {self._endpoint!r} or region is not valid") from None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        exceptions = import_module("botocore.exceptions")
        try:
            yield
        except exceptions.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            raise self._error(self._meaning(code)) from None
        except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            where = self._endpoint or "Amazon S3"
            raise self._error(f"{where} cannot be reached ({type(error).__name__})") from None
        except exceptions.BotoCoreError as error:
            raise self._error(f"S3 failed: {type(error).__name__}") from None

    def _meaning(self, code: str) -> str:
        if code in NO_BUCKET:
            return f"bucket {self._bucket} does not exist"
        if code in REFUSED:
            return f"its login is refused for bucket {self._bucket} ({code}): check its data"
        return f"S3 answers {code} for bucket {self._bucket}"

    def _error(self, text: str) -> StorageError:
        return StorageError(f"object store secret {self._secret}: {text}")


def endpoint(fields: Mapping[str, Any]) -> str:
    """The url of the service, empty for Amazon's own of the region."""
    named = str(fields.get("endpoint") or "")
    if not named or "://" in named:
        return named
    return f"{'http' if fields.get('usehttps') == '0' else 'https'}://{named}"


def files(source: Path) -> Iterator[Path]:
    """The file ``source``, or every file below the folder; no link that leads out of it."""
    if not source.is_dir():
        yield source
        return
    inside = source.resolve()
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.resolve().is_relative_to(inside):
            yield path
