"""The storage of the API: objects of one bucket, over S3.

Where it is and its login are asked of the API when they are first needed.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cicd.errors import Conflict, ConnectionFailed, Denied, NotFound, PlatformError
from cicd.model import Secret
from cicd.platforms.training_job.objects import PART, Object

import_module("boto3")
"""Loaded with the adapter: who has not installed it hears of that before anything is sent."""
FIELDS = {
    "endpoint": ("endpoint", "url", "host"),
    "access": ("accesskey", "accesskeyid", "awsaccesskeyid"),
    "secret": ("secretkey", "secretaccesskey", "awssecretaccesskey"),
    "secure": ("secure", "ssl", "usessl"),
}
"""What is needed of the answer, and how it may be called."""
MISSING = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})
REFUSED = frozenset(
    {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}
)
TAKEN = frozenset({"409", "412", "PreconditionFailed", "ConditionalRequestConflict"})
TIMEOUT = (10.0, 60.0)
"""Seconds to connect and to wait for an answer."""
TRIES = 3
"""How often a file is fetched that does not arrive whole."""
NOTHING = (None, None, os.devnull, None)
OWN = {
    "profile": (None, None, None, None),
    "config_file": NOTHING,
    "credentials_file": NOTHING,
}
"""No settings of Amazon's tools on this machine count here."""
Hear = Callable[[int, int], None]
"""Told how many bytes of how many have been moved."""


class Place:
    """Where the storage is and its login, as the API tells it."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        plain = {str(name).replace("_", "").lower(): value for name, value in told.items()}
        found = {
            field: next((plain[name] for name in names if plain.get(name) is not None), "")
            for field, names in FIELDS.items()
        }
        if missing := [name for name in ("endpoint", "access", "secret") if not found[name]]:
            text = f"the API does not tell all of its storage: {', '.join(missing)} is missing"
            raise ConnectionFailed(text, hint="check training_job.routes.storage")
        self.access = Secret(str(found["access"]))
        self.secret = Secret(str(found["secret"]))
        self.url = _url(str(found["endpoint"]), found["secure"])


def _url(endpoint: str, secure: Any) -> str:
    """The address of the endpoint. One that does not say is spoken to by HTTPS, but on this very
    machine."""
    if "://" in endpoint:
        return endpoint.rstrip("/")
    is_plain = str(secure).lower() in {"false", "0", "no"}
    if secure in ("", None):
        is_plain = _is_here(urlsplit(f"//{endpoint}").hostname or "")
    return f"{'http' if is_plain else 'https'}://{endpoint}".rstrip("/")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Storage:
    """The objects of the bucket, by their names in it. ``tell``: asks the API where it is."""

    def __init__(self, tell: Callable[[], Mapping[str, Any]], bucket: str) -> None:
        self._tell = tell
        self.bucket = bucket
        self._lock = threading.RLock()
        self._client: Any = None
        self._url = ""

    def url(self, key: str) -> str:
        """How others name an object."""
        return f"s3://{self.bucket}/{key}"

    def located(self, url: str) -> tuple[str, str]:
        """Bucket and key of an object that others name."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return bucket, key

    def under(self, prefix: str, bucket: str = "") -> list[Object]:
        """All objects whose names begin so, by name."""
        found = []
        with self._translated() as client:
            pages = client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket or self.bucket, Prefix=prefix):
                found += [
                    Object(
                        str(item["Key"]),
                        int(item["Size"]),
                        str(item.get("ETag", "")).strip('"'),
                        item["LastModified"].astimezone(UTC).isoformat(timespec="microseconds"),
                    )
                    for item in page.get("Contents", ())
                ]
        return sorted(found, key=lambda item: item.key)

    def read(self, key: str) -> bytes:
        """A small object. Raises NotFound."""
        with self._translated(key) as client:
            body: bytes = client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            return body

    def read_json(self, key: str) -> Any:
        """The JSON of a small object, None where it is none or not there."""
        try:
            return json.loads(self.read(key))
        except (NotFound, ValueError, RecursionError):
            return None

    def write(self, key: str, content: bytes, *, if_new: bool = False) -> None:
        """A small object. ``if_new``: raises Conflict where there is one of that name, as far as
        the storage honours that."""
        condition = {"IfNoneMatch": "*"} if if_new else {}
        with self._translated(key) as client:
            client.put_object(Bucket=self.bucket, Key=key, Body=content, **condition)

    def upload(self, file: Path, key: str, hear: Hear | None = None) -> None:
        """A file of any size, in parts where it is large."""
        with self._translated(key) as client:
            client.upload_file(
                str(file),  # parts of an open one would all be held in memory
                self.bucket,
                key,
                Callback=_counted(file.stat().st_size, hear),
                Config=_transfer(),
            )

    def download(self, item: Object, file: Path, hear: Hear | None = None) -> None:
        """An object of any size, into a file that is not there yet. Raises ConnectionFailed where
        what comes is cut off, or something else: proxies answer too."""
        if not item.size:  # of nothing there is no first byte to ask for
            file.touch()
            return
        for _ in range(TRIES):
            with self._translated(item.key) as client:
                client.download_file(
                    self.bucket,
                    item.key,
                    str(file),
                    Callback=_counted(item.size, hear),
                    Config=_transfer(),
                )
            size = file.stat().st_size
            if size == item.size:
                return
        text = f"the storage {self._url} gave {size} bytes of {item.key}, which has {item.size}"
        raise ConnectionFailed(text, hint="apply again; a proxy on the way may have answered")

    def copy(self, bucket: str, source: str, key: str) -> None:
        """An object beside itself under another name, without moving its content through here."""
        with self._translated(source) as client:
            client.copy({"Bucket": bucket, "Key": source}, self.bucket, key, Config=_transfer())

    def remove(self, key: str) -> None:
        """Nothing is there under that name any more."""
        with self._translated(key) as client:
            client.delete_object(Bucket=self.bucket, Key=key)

    def probe(self) -> None:
        """Ask for the bucket and its content. Raises what stands against it."""
        with self._translated() as client:
            client.list_objects_v2(Bucket=self.bucket, MaxKeys=1)

    def close(self) -> None:
        """Give connections back."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                place = Place(self._tell())
                self._url = place.url
                client = _connect(place)
                self._ensure_bucket(client)
                self._client = client
            return self._client

    def _ensure_bucket(self, client: Any) -> None:
        """The service leaves it to its clients to make the bucket."""
        with self._meant():
            try:
                client.head_bucket(Bucket=self.bucket)
            except client.exceptions.ClientError as error:
                if _code(error) in REFUSED:
                    return  # it may be there for all that; whatever is asked of it next tells
                if _code(error) not in MISSING:
                    raise
                with _ignoring_owned(client):
                    client.create_bucket(Bucket=self.bucket)

    @contextmanager
    def _translated(self, key: str = "") -> Iterator[Any]:
        client = self._connected()
        with self._meant(key):
            yield client

    @contextmanager
    def _meant(self, key: str = "") -> Iterator[None]:
        """What S3's library raises, as errors of ours."""
        exceptions = import_module("botocore.exceptions")
        transfer = import_module("boto3.exceptions")
        try:
            yield
        except exceptions.ClientError as error:
            raise self._refusal(error, key) from None
        except transfer.Boto3Error as error:
            cause = error.__cause__ or error.__context__
            if isinstance(cause, exceptions.ClientError):
                raise self._refusal(cause, key) from None
            raise self._unreachable(cause or error) from None
        except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            raise self._unreachable(error) from None
        except exceptions.BotoCoreError as error:
            raise PlatformError(f"the storage failed: {type(error).__name__}") from None

    def _unreachable(self, error: BaseException) -> ConnectionFailed:
        text = f"the storage {self._url} cannot be reached: {type(error).__name__}"
        return ConnectionFailed(text, hint="check the network; cicd doctor looks into it")

    def _refusal(self, error: Any, key: str) -> PlatformError:
        code = _code(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        what = f"the storage has refused {key or f'bucket {self.bucket}'} ({code})"
        if code in MISSING:
            named = f"{key} in " if key else ""
            return NotFound(f"there is no {named}bucket {self.bucket}", status=404)
        if code in REFUSED:
            with self._lock:
                self._client = None  # its login may have been renewed
            return Denied(what, hint="cicd doctor looks into it", status=status)
        if code in TAKEN:
            return Conflict(what, status=status)
        if status >= 500:
            text = f"the storage {self._url} does not answer as it should ({code})"
            return ConnectionFailed(text, hint="try again later", status=status)
        return PlatformError(what, status=status)


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))


@contextmanager
def _ignoring_owned(client: Any) -> Iterator[None]:
    """Somebody else may have made the bucket at the same time."""
    try:
        yield
    except client.exceptions.ClientError as error:
        if _code(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise


def _counted(total: int, hear: Hear | None) -> Callable[[int], None] | None:
    """Tells of all that has been moved, where the library tells of each piece; from any thread."""
    if hear is None:
        return None
    lock, moved = threading.Lock(), [0]

    def count(piece: int) -> None:
        with lock:
            moved[0] += piece
            hear(min(moved[0], total), total)

    return count


def _transfer() -> Any:
    """In parts, few at once: memory stays bounded whatever the size."""
    return import_module("boto3.s3.transfer").TransferConfig(
        multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=2, max_io_queue=8
    )


def _connect(place: Place) -> Any:
    core = import_module("botocore.session").Session(session_vars=OWN)
    config = import_module("botocore.config").Config(
        connect_timeout=TIMEOUT[0],
        read_timeout=TIMEOUT[1],
        retries={"max_attempts": 4, "mode": "standard"},
        # stores other than Amazon's may know no newer checksums, and no bucket host names
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"},
    )
    session = import_module("boto3.session").Session(botocore_session=core)
    try:
        return session.client(
            "s3",
            aws_access_key_id=place.access.reveal(),
            aws_secret_access_key=place.secret.reveal(),
            region_name="us-east-1",
            endpoint_url=place.url,
            config=config,
        )
    except ValueError:
        raise ConnectionFailed(f"the storage has no good address: {place.url}") from None
