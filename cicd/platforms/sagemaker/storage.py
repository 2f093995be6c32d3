"""The bucket: sources by digest, what is kept with runs, locks, and what runs have made."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from cicd.errors import Conflict, NotFound, PlatformError
from cicd.platforms.sagemaker.api import Api

FOLDER = "cicd"
"""Below which everything of ours is."""
LOOKED_AT = 100
"""So many objects tell whether a folder holds something."""
DEFAULT_REGION = "us-east-1"


class Storage:
    """The objects of one bucket, which is made when it is not there."""

    def __init__(self, api: Api, bucket: str) -> None:
        self._api = api
        self.bucket = bucket
        self._lock = threading.Lock()
        self._is_there = False

    def url(self, key: str) -> str:
        """How others name an object."""
        return f"s3://{self.bucket}/{key}"

    def read(self, key: str) -> bytes:
        """A small object. Raises NotFound."""
        with self._api.translated("s3") as client:
            body: bytes = client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            return body

    def read_at(self, url: str) -> bytes:
        """A small object at an ``s3://`` address. Raises NotFound."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        with self._api.translated("s3") as client:
            body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
            return body

    def read_json(self, key: str) -> Any:
        """The JSON of a small object, None where it is none or not there."""
        try:
            return json.loads(self.read(key))
        except (NotFound, ValueError, RecursionError):
            return None

    def write(self, key: str, content: bytes, *, if_new: bool = False, if_is: str = "") -> str:
        """A small object; its tag. ``if_new``: raises Conflict where there is one of that name.
        ``if_is``: raises Conflict where the object has another tag."""
        condition = {"IfNoneMatch": "*"} if if_new else {"IfMatch": if_is} if if_is else {}
        self._ensure()
        with self._api.translated("s3", is_write=True) as client:
            told = client.put_object(Bucket=self.bucket, Key=key, Body=content, **condition)
            return str(told["ETag"])

    def tag_of(self, key: str) -> str:
        """What tells an object from one that is written over it. Raises NotFound."""
        with self._api.translated("s3") as client:
            return str(client.head_object(Bucket=self.bucket, Key=key)["ETag"])

    def has(self, key: str) -> bool:
        """Whether there is an object of that name."""
        try:
            return bool(self.tag_of(key))
        except NotFound:
            return False

    def remove(self, key: str) -> None:
        """Nothing is there under that name any more."""
        with suppress(NotFound), self._api.translated("s3", is_write=True) as client:
            client.delete_object(Bucket=self.bucket, Key=key)

    def download(self, url: str, folder: Path) -> list[Path]:
        """The object of an ``s3://`` address, or all below it, as files: their paths. Raises
        NotFound."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        found: list[Path] = []
        with self._api.translated("s3") as client:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
            for item in (item for page in pages for item in page.get("Contents", ())):
                rest = item["Key"].removeprefix(key)
                if item["Key"] != key and not key.endswith("/") and not rest.startswith("/"):
                    continue
                file = folder / (rest.strip("/") or key.rpartition("/")[2])
                if not file.resolve().is_relative_to(folder.resolve()) or rest.endswith("/"):
                    continue
                file.parent.mkdir(parents=True, exist_ok=True)
                client.download_file(bucket, item["Key"], str(file))
                found.append(file)
        if not found:
            raise NotFound(f"there is nothing at {url}")
        return found

    def size_of(self, url: str) -> int:
        """Bytes of the object of an ``s3://`` address, or of the first ones below it. Raises
        NotFound."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        with self._api.translated("s3") as client:
            page = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=LOOKED_AT)
        folder = f"{key.rstrip('/')}/" if key else ""
        found = [
            item
            for item in page.get("Contents", ())
            if item["Key"] == key or item["Key"].startswith(folder)
        ]
        if not found:
            raise NotFound(f"there is nothing at {url}")
        return sum(int(item["Size"]) for item in found)

    def probe(self) -> str:
        """Ask for the bucket; its region, empty where that is not told. Raises what stands against
        it."""
        with self._api.translated("s3") as client:
            return str(client.head_bucket(Bucket=self.bucket).get("BucketRegion") or "")

    def _ensure(self) -> None:
        """Make the bucket where it is not there: the default one is nobody's but this product's and
        its like."""
        with self._lock:
            if self._is_there:
                return
            try:
                self.probe()
            except NotFound:
                self._make()
            except PlatformError as error:
                if error.status != 403:  # it may be written to without being asked for
                    raise
            self._is_there = True

    def _make(self) -> None:
        region = self._api.region
        place = {} if region == DEFAULT_REGION else {"LocationConstraint": region}
        more = {"CreateBucketConfiguration": place} if place else {}
        with suppress(Conflict), self._api.translated("s3", is_write=True) as client:
            client.create_bucket(Bucket=self.bucket, **more)
