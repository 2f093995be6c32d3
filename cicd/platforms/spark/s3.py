"""Documents and programs on their way, kept in S3: below a prefix of one bucket.

Login, region and endpoint are those that AWS's own tools find. boto3 is loaded with the first one.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from cicd.errors import CicdError, Conflict, ConnectionFailed, Denied, NotFound, PlatformError
from cicd.platforms.recorded import Record
from cicd.platforms.spark.places import PART, Made
from cicd.platforms.spark.staging import DIGITS

MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
REFUSED = frozenset(
    {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}
)
TAKEN = frozenset({"409", "412", "PreconditionFailed", "ConditionalRequestConflict"})


def is_s3(place: str) -> bool:
    """Whether a place is one of S3."""
    return place.startswith(("s3://", "s3a://"))


class Bucket:
    """What is below the prefix of an ``s3://bucket/prefix``. Safe for many threads."""

    def __init__(self, place: str, *below: str) -> None:
        try:
            self._boto3 = import_module("boto3")
        except ModuleNotFoundError:
            text = f"{place} needs boto3, which is not installed"
            raise CicdError(text, hint="pip install boto3") from None
        self.name, _, prefix = place.partition("://")[2].partition("/")
        parts = [part for part in (prefix.strip("/"), *below) if part]
        self._prefix = "".join(f"{part}/" for part in parts)
        self._lock = threading.Lock()
        self._client: Any = None

    def url(self, key: str) -> str:
        """As Spark reads it."""
        return f"s3a://{self.name}/{self._prefix}{key}"

    def keys(self, prefix: str) -> list[str]:
        """All whose names begin so."""
        return [key for key, _ in self.items(prefix)]

    def items(self, prefix: str) -> list[tuple[str, Mapping[str, Any]]]:
        """All whose names begin so, with what the list tells of them."""
        with self._translated() as client:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=self._prefix + prefix
            )
            found = [item for page in pages for item in page.get("Contents", ())]
        return [(str(item["Key"]).removeprefix(self._prefix), item) for item in found]

    def read(self, key: str) -> bytes:
        """Raises NotFound."""
        return b"".join(self.content(key))

    def content(self, key: str) -> Generator[bytes, None, None]:
        """The same in pieces."""
        with self._translated() as client:
            body = client.get_object(Bucket=self.name, Key=self._prefix + key)["Body"]
            with closing(body):
                yield from body.iter_chunks(PART)

    def write(self, key: str, content: bytes, *, if_new: bool = False) -> None:
        """``if_new``: raises Conflict where there is one of that name."""
        condition = {"IfNoneMatch": "*"} if if_new else {}
        with self._translated() as client:
            client.put_object(Bucket=self.name, Key=self._prefix + key, Body=content, **condition)

    def remove(self, key: str) -> None:
        """Nothing is there under that name any more."""
        with suppress(NotFound), self._translated() as client:
            client.delete_object(Bucket=self.name, Key=self._prefix + key)

    @contextmanager
    def _translated(self) -> Iterator[Any]:
        """The client; what fails with it as an error of ours."""
        exceptions = import_module("botocore.exceptions")
        try:
            with self._lock:
                if self._client is None:
                    self._client = self._boto3.session.Session().client("s3")
            yield self._client
        except exceptions.ClientError as error:
            told = error.response.get("Error", {})
            code, said = str(told.get("Code", "")), str(told.get("Message") or error)
            text = f"s3://{self.name}: {said}"
            kinds = ((MISSING, NotFound), (REFUSED, Denied), (TAKEN, Conflict))
            kind = next((kind for codes, kind in kinds if code in codes), PlatformError)
            raise kind(text, code=code) from None
        except exceptions.NoCredentialsError:
            hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            raise Denied(f"s3://{self.name}: there is no login for AWS", hint=hint) from None
        except exceptions.BotoCoreError as error:
            raise ConnectionFailed(f"s3://{self.name}: {error}") from None


class S3Documents:
    """Documents, each an object. One is made only where there is none: the store has to honour
    that, which is tried once."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._is_proven = False

    def ids(self, kind: str) -> list[str]:
        keys = self._bucket.keys(f"{kind}/")
        return [unquote(PurePosixPath(key).stem) for key in keys if key.endswith(".json")]

    def read(self, kind: str, id: str) -> Record:
        try:
            content = self._bucket.read(self._key(kind, id))
        except NotFound:
            raise NotFound(f"there is no {kind} {id}", status=404) from None
        told = json.loads(content)
        if not isinstance(told, dict):
            raise ValueError(f"{kind} {id} is no document")
        return told

    def add(self, kind: str, id: str, fields: Record) -> bool:
        self._prove()
        try:
            self._bucket.write(self._key(kind, id), _text(fields), if_new=True)
        except Conflict:
            return False
        return True

    def write(self, kind: str, id: str, fields: dict[str, Any]) -> None:
        try:
            known = self.read(kind, id)
        except (NotFound, ValueError):
            known = {}
        self._bucket.write(self._key(kind, id), _text({**known, **fields}))

    def delete(self, kind: str, id: str) -> None:
        self._bucket.remove(self._key(kind, id))

    def _key(self, kind: str, id: str) -> str:
        return f"{kind}/{quote(id, safe='')}.json"

    def _prove(self) -> None:
        """Old ones take no notice of the condition, and would give a lock to everybody."""
        if self._is_proven:
            return
        probe = f"probe/{uuid.uuid4()}"
        self._bucket.write(probe, b"1", if_new=True)
        try:
            self._bucket.write(probe, b"2", if_new=True)
        except Conflict:
            self._is_proven = True
        finally:
            self._bucket.remove(probe)
        if not self._is_proven:
            text = f"s3://{self._bucket.name} makes an object twice where it is to make it once"
            raise PlatformError(text, hint="it can hold no lock: name another store in spark.state")


def _text(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode(errors="replace")


class S3Staging:
    """Programs on their way, each run with a prefix of its own."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def put(self, run: str, files: Mapping[str, bytes]) -> dict[str, str]:
        """As ``Staging`` has it."""
        found = {}
        for name, content in files.items():
            digest = hashlib.sha256(content).hexdigest()[:DIGITS]
            key = f"{run}/{digest}/{PurePosixPath(name).name}"
            self._bucket.write(key, content)
            found[name] = self._bucket.url(key)
        return found

    def remove(self, run: str) -> None:
        """As ``Staging`` has it."""
        with suppress(PlatformError):
            for key in self._bucket.keys(f"{run}/"):
                self._bucket.remove(key)

    def runs(self) -> list[str]:
        """As ``Staging`` has it."""
        return sorted({key.partition("/")[0] for key in self._bucket.keys("")})


class S3Place:
    """What jobs have put below a prefix, or the one object that is called so."""

    def __init__(self, url: str) -> None:
        bucket, _, path = url.partition("://")[2].strip("/").partition("/")
        folder, _, self._own = path.rpartition("/")
        self._bucket = Bucket(f"s3://{bucket}/{folder}")

    def files(self) -> list[Made]:
        prefix = f"{self._own}/" if self._own else ""
        # what ends so stands for a folder, for those who would see one
        items = [(key, item) for key, item in self._bucket.items(prefix) if key[-1:] != "/"]
        if items or not self._own:
            return [_made(key.removeprefix(prefix), item) for key, item in items]
        return [_made("", item) for key, item in self._bucket.items(self._own) if key == self._own]

    def content(self, made: Made) -> Generator[bytes, None, None]:
        return self._bucket.content("/".join(filter(None, (self._own, made.name))))


def _made(key: str, item: Mapping[str, Any]) -> Made:
    return Made(key, int(item["Size"]), item["LastModified"].timestamp())
