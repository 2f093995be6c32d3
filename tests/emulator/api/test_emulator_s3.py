"""The emulator's own S3, asked by the client that everybody uses."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from tests.emulator.emulator_client import Client

BUCKET = "my-bucket"
MIB = 2**20


def s3_client(client: Client, **login: str) -> Any:
    """boto3's, with the emulator's own login unless told otherwise."""
    config = importlib.import_module("botocore.config").Config(
        retries={"max_attempts": 1}, s3={"addressing_style": "path"}
    )
    own = {name.lower(): text for name, text in client.world.credentials.s3_login.items()}
    return importlib.import_module("boto3").client(
        "s3",
        endpoint_url=f"{client.url}/s3",
        region_name="eu-central-1",
        config=config,
        **(own | login),
    )


@pytest.fixture
def s3(client: Client) -> Iterator[Any]:
    made = s3_client(client)
    yield made
    made.close()


def code_of(error: Any) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.fixture
def refused() -> Any:
    return importlib.import_module("botocore.exceptions").ClientError


@pytest.mark.parametrize("key", ["a", "a/b c/ü+&%.txt", "~x/(1)!", "x" * 900])
def test_an_object_comes_back_as_it_was(s3: Any, key: str) -> None:
    s3.put_object(
        Bucket=BUCKET, Key=key, Body=b"\0content", ContentType="text/x", Metadata={"by": "me"}
    )
    found = s3.get_object(Bucket=BUCKET, Key=key)
    assert found["Body"].read() == b"\0content"
    assert (found["ContentType"], found["Metadata"]) == ("text/x", {"by": "me"})
    head = s3.head_object(Bucket=BUCKET, Key=key)
    assert (head["ContentLength"], head["ETag"]) == (8, found["ETag"])
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b""
    [listed] = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert (listed["Key"], listed["Size"]) == (key, 0)


def test_large_objects_come_in_parts_and_go_in_ranges(s3: Any) -> None:
    content = bytes(range(256)) * (20 * MIB // 256) + b"end"
    s3.upload_fileobj(io.BytesIO(content), BUCKET, "large")
    assert s3.head_object(Bucket=BUCKET, Key="large")["ETag"].endswith('-3"')
    target = io.BytesIO()
    s3.download_fileobj(BUCKET, "large", target)
    assert target.getvalue() == content
    part = s3.get_object(Bucket=BUCKET, Key="large", Range="bytes=10-19")
    assert part["Body"].read() == content[10:20] and part["ContentRange"].startswith("bytes 10-19/")
    last = s3.get_object(Bucket=BUCKET, Key="large", Range="bytes=-3")
    assert last["Body"].read() == b"end"


def test_parts_may_come_in_any_order_and_twice(s3: Any, refused: Any) -> None:
    target = {"Bucket": BUCKET, "Key": "k"}
    upload = s3.create_multipart_upload(**target, Metadata={"a": "b"})["UploadId"]
    for number, body in ((2, b"two"), (1, b"wrong"), (1, b"one")):
        s3.upload_part(**target, UploadId=upload, PartNumber=number, Body=body)
    parts = [{"PartNumber": number, "ETag": "x"} for number in (1, 2)]
    s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": parts})
    found = s3.get_object(**target)
    assert (found["Body"].read(), found["Metadata"]) == (b"onetwo", {"a": "b"})
    with pytest.raises(refused) as again:
        s3.abort_multipart_upload(**target, UploadId=upload)
    assert code_of(again) == "NoSuchUpload"
    with pytest.raises(refused) as gone:
        s3.upload_part(**target, UploadId="../../x", PartNumber=1, Body=b"")
    assert code_of(gone) == "NoSuchUpload"


def test_lists_have_pages_folders_and_an_order(s3: Any) -> None:
    for name in ("b/2", "a", "b/1", "c/d/e", "ü x"):
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"")
    s3.put_object(Bucket="other", Key="z", Body=b"")
    for operation in ("list_objects_v2", "list_objects"):
        pages = s3.get_paginator(operation).paginate(
            Bucket=BUCKET, PaginationConfig={"PageSize": 2}
        )
        keys = [item["Key"] for page in pages for item in page["Contents"]]
        assert keys == ["a", "b/1", "b/2", "c/d/e", "ü x"]
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    found = list(pages)
    folders = [item["Prefix"] for page in found for item in page.get("CommonPrefixes", ())]
    files = [item["Key"] for page in found for item in page.get("Contents", ())]
    assert (folders, files) == (["b/", "c/"], ["a", "ü x"])
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="c/d", Delimiter="/")["KeyCount"] == 1
    assert s3.list_objects_v2(Bucket="empty")["KeyCount"] == 0
    assert {item["Name"] for item in s3.list_buckets()["Buckets"]} == {BUCKET, "other"}


def test_every_bucket_says_since_when_it_is_there_as_tools_show_it(s3: Any) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    s3.create_bucket(Bucket="made")
    s3.create_bucket(Bucket="made-and-filled")
    for bucket in ("made-and-filled", "filled-alone"):
        s3.put_object(Bucket=bucket, Key="a", Body=b"")
    found = {item["Name"]: item["CreationDate"] for item in s3.list_buckets()["Buckets"]}
    assert found.keys() == {"made", "made-and-filled", "filled-alone"}
    assert all(before <= since <= datetime.now(UTC) for since in found.values())


def test_objects_are_copied_and_deleted(s3: Any, refused: Any) -> None:
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="a/ü", Body=b"x", Metadata={"a": "b"})
    s3.copy_object(Bucket="two", Key="b", CopySource={"Bucket": BUCKET, "Key": "a/ü"})
    assert s3.get_object(Bucket="two", Key="b")["Metadata"] == {"a": "b"}
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "a/ü"}, {"Key": "none"}]})
    s3.delete_object(Bucket="two", Key="b")
    for bucket, key in ((BUCKET, "a/ü"), ("two", "b")):
        with pytest.raises(refused) as gone:
            s3.get_object(Bucket=bucket, Key=key)
        assert code_of(gone) == "NoSuchKey"


@pytest.mark.parametrize(
    ("login", "code"),
    [
        ({"aws_access_key_id": "stranger"}, "InvalidAccessKeyId"),
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
    ],
)
def test_strangers_are_refused(
    client: Client, refused: Any, login: dict[str, str], code: str
) -> None:
    stranger = s3_client(client, **login)
    with pytest.raises(refused) as error:
        stranger.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    assert code_of(error) == code
    stranger.close()
    with requests.get(f"{client.url}/s3/{BUCKET}/k", timeout=20) as answer:
        assert answer.status_code == 403 and "AccessDenied" in answer.text


def test_who_has_the_login_of_an_object_store_secret_may(client: Client) -> None:
    secret = {
        "name": "default",
        "type": "S3",
        "bucket": "real",
        "data": {
            "AWS_ACCESS_KEY_ID": "real-key",
            "AWS_SECRET_ACCESS_KEY": "real-secret",
        },
    }
    client.send("POST", "/v2/admin/objectStoreSecrets", secret)
    user = s3_client(client, aws_access_key_id="real-key", aws_secret_access_key="real-secret")
    user.put_object(Bucket="real", Key="k", Body=b"x")
    assert user.list_objects_v2(Bucket="real")["KeyCount"] == 1
    user.close()


def test_what_it_does_not_know_is_said(s3: Any, refused: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    for call in (s3.get_object_acl, s3.get_object_tagging):
        with pytest.raises(refused) as error:
            call(Bucket=BUCKET, Key="k")
        assert code_of(error) == "NotImplemented"
