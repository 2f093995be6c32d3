"""The storage of the training-job API: S3 at the root of the emulator, asked by boto3."""

from __future__ import annotations

import hashlib
import io
import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.emulator.training_job.training_job_client import Service, document, emulator, s3_client

MIB = 2**20


@pytest.fixture(scope="module")
def s3(service: Service) -> Any:
    service.sign_in()
    return service.s3()


@contextmanager
def refused(code: str, status: int) -> Iterator[None]:
    with pytest.raises(import_module("botocore.exceptions").ClientError) as caught:
        yield
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert answer["Error"]["Code"] in (code, str(status))


def test_a_bucket_is_there_once_it_was_made(tmp_path: Path) -> None:
    with emulator(tmp_path / "data") as service:
        s3 = s3_client(service.storage())
        whole = (s3.head_bucket, s3.list_objects_v2, s3.get_bucket_location)
        one = (s3.put_object, s3.get_object, s3.delete_object, s3.create_multipart_upload)
        for call, key in [*((each, {}) for each in whole), *((each, {"Key": "a"}) for each in one)]:
            with refused("NoSuchBucket", 404):
                call(Bucket="data", **key)
        assert s3.list_buckets()["Buckets"] == []
        for _ in "twice":
            s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="a", Body=b"1")
        s3.create_bucket(Bucket="data")
        s3.head_bucket(Bucket="data")
        assert s3.list_objects_v2(Bucket="data")["KeyCount"] == 1
    with emulator(tmp_path / "data") as service:
        s3 = s3_client(service.storage())
        assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["data"]
        with refused("BucketNotEmpty", 409):
            s3.delete_bucket(Bucket="data")
        s3.delete_object(Bucket="data", Key="a")
        s3.head_bucket(Bucket="data")
        s3.delete_bucket(Bucket="data")
        with refused("NoSuchBucket", 404):
            s3.head_bucket(Bucket="data")


@pytest.mark.parametrize("name", ["UPPER", "a", "x" * 64, "a_b", "ü-bucket"])
def test_a_bucket_is_called_as_buckets_are(service: Service, name: str) -> None:
    s3 = s3_client(service.storage())
    # what boto3 itself would not send
    s3.meta.events.unregister("before-parameter-build.s3", handler_of(s3))
    with refused("InvalidBucketName", 400):
        s3.create_bucket(Bucket=name)


def handler_of(s3: Any) -> Any:
    return import_module("botocore.handlers").validate_bucket_name


@pytest.mark.parametrize(
    ("login", "code"),
    [
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"aws_access_key_id": "NOBODY"}, "InvalidAccessKeyId"),
        ({"aws_secret_access_key": ""}, "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_signature_is_refused(service: Service, login: dict[str, str], code: str) -> None:
    service.s3()
    s3 = s3_client(service.storage(), **login)
    for call in (s3.list_objects_v2, s3.create_bucket, s3.head_bucket):
        with refused(code, 403):
            call(Bucket="data")
    for call in (s3.put_object, s3.get_object, s3.delete_object):
        with refused(code, 403):
            call(Bucket="data", Key="a")


def test_who_signs_nothing_sees_nothing(service: Service, s3: Any) -> None:
    s3.put_object(Bucket="data", Key="open", Body=b"secret")
    for headers in ({}, {"Authorization": f"Bearer {service.token()}"}):
        url = f"{service.world.base_url}/data/open"
        answer = requests.get(url, headers=headers, timeout=30)
        assert answer.status_code in (403, 404) and "secret" not in answer.text


def test_paths_of_the_apis_stay_theirs(service: Service) -> None:
    login = service.world.credentials.issue("aicore", issuer="x")
    headers = {"Authorization": f"Bearer {login}", "AI-Resource-Group": "default"}
    for path in ("/v2/lm/executions", "/emulator/faults"):
        url = f"{service.world.base_url}{path}"
        assert requests.get(url, headers=headers, timeout=30).status_code == 200
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request, x=y"}
        assert requests.get(url, headers=signed, timeout=30).status_code in (401, 403)


KEYS = ["a", "jobs/x y/train.py", "ü/日本", "a+b&c=d?e#f%20g", "q'\"<>", "..", "~", "deep/" * 50]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("size", [0, 1, 70_000])
def test_an_object_comes_back_as_it_was(s3: Any, key: str, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    put = s3.put_object(Bucket="data", Key=key, Body=content, Metadata={"a": "b"})
    found = s3.get_object(Bucket="data", Key=key)
    assert found["Body"].read() == content
    assert found["ETag"] == put["ETag"] and found["Metadata"] == {"a": "b"}
    assert s3.head_object(Bucket="data", Key=key)["ContentLength"] == size
    if len(content) > 10:
        for span in ("bytes=0-0", "bytes=100-69999", "bytes=-5", "bytes=69999-"):
            part = s3.get_object(Bucket="data", Key=key, Range=span)
            assert part["Body"].read() == spanned(content, span)
            assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
        with refused("InvalidRange", 416):
            s3.get_object(Bucket="data", Key=key, Range="bytes=70000-")


def spanned(content: bytes, span: str) -> bytes:
    first, _, last = span.removeprefix("bytes=").partition("-")
    if not first:
        return content[-int(last) :]
    return content[int(first) : int(last) + 1 if last else None]


def test_a_key_is_not_too_long(s3: Any) -> None:
    s3.put_object(Bucket="data", Key="k" * 1024, Body=b"")
    with refused("KeyTooLongError", 400):
        s3.put_object(Bucket="data", Key="k" * 1025, Body=b"")


def transfer() -> Any:
    """Parts as small as S3 takes them, several at once."""
    return import_module("boto3.s3.transfer").TransferConfig(
        multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4
    )


def test_the_transfer_manager_sends_and_fetches_in_parts(s3: Any, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * (13 * MIB // 256) + b"end")
    s3.upload_file(str(source), "data", "large/file", Config=transfer())
    assert s3.head_object(Bucket="data", Key="large/file")["ETag"].endswith('-3"')
    s3.download_file("data", "large/file", str(target), Config=transfer())
    assert target.read_bytes() == source.read_bytes()
    buffer = io.BytesIO()
    s3.download_fileobj("data", "large/file", buffer)
    assert buffer.getvalue() == source.read_bytes()


def test_parts_of_any_size_come_together(s3: Any) -> None:
    target = {"Bucket": "data", "Key": "tiny/parts"}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    pieces = [bytes([65 + number]) * (number + 1) for number in range(12)]
    parts = []
    for number, piece in enumerate(pieces, 1):
        part = s3.upload_part(**target, UploadId=upload, PartNumber=number, Body=piece)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(**target)["Body"].read() == b"".join(pieces)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_list_has_pages(s3: Any, size: int) -> None:
    names = [f"paged/{number % 3}/{number:03}-ü&" for number in range(23)]
    for name in names:
        s3.put_object(Bucket="data", Key=name, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="data", Prefix="paged/", PaginationConfig={"PageSize": size}
    )
    found = [[item["Key"] for item in page["Contents"]] for page in pages]
    assert [key for page in found for key in page] == sorted(names)
    assert len(found) == -(-len(names) // size)
    folders = s3.list_objects_v2(Bucket="data", Prefix="paged/", Delimiter="/")
    prefixes = [one["Prefix"] for one in folders["CommonPrefixes"]]
    assert prefixes == ["paged/0/", "paged/1/", "paged/2/"]


def test_a_lock_is_taken_once(s3: Any) -> None:
    target = {"Bucket": "data", "Key": "cicd/locks/dev"}
    taken = s3.put_object(**target, Body=b"me", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.put_object(**target, Body=b"you", IfNoneMatch="*")
    assert s3.get_object(**target)["Body"].read() == b"me"
    with refused("PreconditionFailed", 412):
        s3.put_object(**target, Body=b"you", IfMatch='"other"')
    s3.put_object(**target, Body=b"renewed", IfMatch=taken["ETag"])
    with refused("PreconditionFailed", 412):
        s3.put_object(**target, Body=b"late", IfMatch=taken["ETag"])
    s3.delete_object(**target)
    s3.put_object(**target, Body=b"you", IfNoneMatch="*")
    upload = s3.create_multipart_upload(**target)["UploadId"]
    part = s3.upload_part(**target, UploadId=upload, PartNumber=1, Body=b"parts")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with refused("PreconditionFailed", 412):
        s3.complete_multipart_upload(
            **target, UploadId=upload, MultipartUpload=parts, IfNoneMatch="*"
        )
    assert s3.get_object(**target)["Body"].read() == b"you"


def test_of_many_who_want_a_lock_one_has_it(service: Service, s3: Any) -> None:
    clients = [s3_client(service.storage()) for _ in range(6)]
    for number in range(5):
        key = f"race/{number}"
        with ThreadPoolExecutor(len(clients)) as pool:
            won = [who for who in pool.map(partial(taken, clients, key), range(6)) if who >= 0]
        assert len(won) == 1
        assert s3.get_object(Bucket="data", Key=f"race/{number}")["Body"].read() == b"%d" % won[0]


def taken(clients: list[Any], key: str, who: int) -> int:
    """Who has taken the lock; -1 where that was another."""
    try:
        clients[who].put_object(Bucket="data", Key=key, Body=b"%d" % who, IfNoneMatch="*")
    except clients[who].exceptions.ClientError:
        return -1
    return who


def test_an_upload_that_was_begun_outlives_a_restart(tmp_path: Path) -> None:
    target = {"Bucket": "data", "Key": "begun"}
    with emulator(tmp_path / "data") as service:
        s3 = service.s3()
        upload = s3.create_multipart_upload(**target)["UploadId"]
        first = s3.upload_part(**target, UploadId=upload, PartNumber=1, Body=b"a" * 1000)
        (tmp_path / "data/buckets/drafts/half").write_bytes(b"cut off by a kill")
    with emulator(tmp_path / "data") as service:
        s3 = service.s3()
        second = s3.upload_part(**target, UploadId=upload, PartNumber=2, Body=b"b")
        parts = [{"PartNumber": n, "ETag": e["ETag"]} for n, e in ((1, first), (2, second))]
        s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": parts})
        assert s3.get_object(**target)["Body"].read() == b"a" * 1000 + b"b"
        assert not any((tmp_path / "data/buckets/drafts").iterdir())


def test_a_body_that_is_cut_off_becomes_no_object(service: Service, s3: Any) -> None:
    found = service.storage()
    url = f"http://{found['endpoint']}/data/cut"
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    request = import_module("botocore.awsrequest").AWSRequest("PUT", url, headers=unsigned)
    login = import_module("botocore.credentials").Credentials(
        found["accessKey"], found["secretKey"]
    )
    import_module("botocore.auth").SigV4Auth(login, "s3", "us-east-1").add_auth(request)
    host, _, port = found["endpoint"].partition(":")
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join(
        ["PUT /data/cut HTTP/1.1", f"Host: {found['endpoint']}", "Content-Length: 100", *lines]
    )
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + b"x" * 50)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1000)
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket="data", Key="cut")


def test_large_files_go_through_a_job(service: Service, s3: Any, tmp_path: Path) -> None:
    """Out by what the client sends in parts, in by what it fetches in ranges."""
    content = bytes(range(256)) * (11 * MIB // 256)
    (tmp_path / "rows").write_bytes(content)
    job_id = str(uuid.uuid4())
    prefix = f"jobs/test-{job_id}/"
    s3.upload_file(str(tmp_path / "rows"), "data", f"{prefix}rows", Config=transfer())
    body = document("sha256sum rows && cat rows rows > model && rm rows")
    assert service.send("POST", f"/jobs/{job_id}", json=body).status_code == 201
    assert service.wait(job_id)["status"] == "SUCCESSFUL"
    assert hashlib.sha256(content).hexdigest() in service.log(job_id)
    s3.download_file("data", f"{prefix}model", str(tmp_path / "model"), Config=transfer())
    assert (tmp_path / "model").read_bytes() == content * 2
    assert s3.head_object(Bucket="data", Key=f"{prefix}rows")["ETag"].endswith('-3"')


def test_a_url_that_was_signed_in_advance_is_good_for_its_time(service: Service) -> None:
    s3 = s3_client(service.storage(), signature_version="s3v4")
    s3.create_bucket(Bucket="data")
    target = {"Bucket": "data", "Key": "a b/ü+&"}
    put = s3.generate_presigned_url("put_object", Params=target)
    assert requests.put(put, data=b"content", timeout=30).status_code == 200
    get = s3.generate_presigned_url("get_object", Params=target, ExpiresIn=600)
    assert requests.get(get, timeout=30).content == b"content"
    part = requests.get(get, headers={"Range": "bytes=3-"}, timeout=30)
    assert (part.status_code, part.content) == (206, b"tent")
    over = s3.generate_presigned_url("get_object", Params=target, ExpiresIn=0)
    for url in (over, get[:-1] + ("0" if get[-1] != "0" else "1"), get.replace("a%20b", "other")):
        answer = requests.get(url, timeout=30)
        assert answer.status_code == 403 and b"content" not in answer.content
    assert requests.put(get, data=b"x", timeout=30).status_code == 403


def test_an_object_is_asked_for_only_if_it_is_another(s3: Any) -> None:
    target = {"Bucket": "data", "Key": "etag"}
    etag = s3.put_object(**target, Body=b"1")["ETag"]
    assert s3.get_object(**target, IfMatch=etag)["Body"].read() == b"1"
    assert s3.get_object(**target, IfNoneMatch='"other"')["Body"].read() == b"1"
    with refused("PreconditionFailed", 412):
        s3.get_object(**target, IfMatch='"other"')
    with refused("NotModified", 304):
        s3.get_object(**target, IfNoneMatch=etag)


def test_a_large_object_is_copied_in_parts(s3: Any) -> None:
    content = bytes(range(256)) * (12 * MIB // 256)
    s3.put_object(Bucket="data", Key="whole ü", Body=content)
    source = {"Bucket": "data", "Key": "whole ü"}
    s3.copy(source, "data", "copied", Config=transfer())
    assert s3.get_object(Bucket="data", Key="copied")["Body"].read() == content
    target = {"Bucket": "data", "Key": "piece"}
    upload = {**target, "UploadId": s3.create_multipart_upload(**target)["UploadId"]}
    for span in ("bytes=0-12582912", "bytes=9-8", "0-1"):
        with refused("InvalidRange", 416):
            s3.upload_part_copy(**upload, PartNumber=1, CopySource=source, CopySourceRange=span)
    s3.abort_multipart_upload(**upload)
