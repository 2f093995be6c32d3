"""Where artifacts are kept: the folder that nothing leads out of, and buckets of S3 services."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd.emulator.host import control
from cicd.emulator.state import objectstore
from cicd.emulator.state.objectstore import ObjectStore, split
from cicd.emulator.state.s3 import Bucket, StorageError, endpoint
from cicd.emulator.state.store import Store
from tests.emulator.emulator_client import Client, wait_for

DATA = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "very-secret-value"}


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[ObjectStore]:
    (tmp_path / "data").mkdir()
    store = Store(tmp_path / "data")
    yield ObjectStore(tmp_path / "data", store)
    store.close()


def test_files_and_folders_are_replaced_as_a_whole(objects: ObjectStore, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "größe").mkdir(parents=True)
    (folder / "größe" / "a b.txt").write_text("1")
    objects.put("default", "ai://default/e1/model", folder)
    kept = objects.fetch("default", "ai://default/e1/model/", tmp_path / "unused")
    assert (kept / "größe" / "a b.txt").read_text() == "1"
    (tmp_path / "single").write_text("2")
    objects.put("default", "ai://default/e1/model", tmp_path / "single")
    assert kept.read_text() == "2"
    assert not objects.path("other", "ai://default/e1/model").exists()
    assert not (tmp_path / "unused").exists()


def test_only_a_clear_choice_leads_to_buckets(objects: ObjectStore, tmp_path: Path) -> None:
    assert str(objects.choice) == "folder"
    control.choose_object_store(tmp_path / "data", "secrets")
    assert str(objects.choice) == "secrets"
    (tmp_path / "data" / "object-store").write_text("secre")
    assert str(objects.choice) == "folder"


@pytest.mark.parametrize(
    "url",
    [
        "ai://default/../x",
        "ai://../default/x",
        "ai://default/a/../../x",
        "ai://default/a\\..\\x",
        "ai://default/a\0b",
        "ai://./x",
        "ai:///etc/passwd",
        "file:///etc/passwd",
        "s3://bucket/x",
        "/etc/passwd",
        "default/x",
    ],
)
def test_no_url_leads_out(objects: ObjectStore, url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        objects.path("default", url)
    with pytest.raises(ValueError):
        objects.put("default", url, tmp_path)
    with pytest.raises(ValueError):
        objects.fetch("default", url, tmp_path / "x")


def test_an_absolute_path_is_below_the_folder_all_the_same(objects: ObjectStore) -> None:
    assert split("ai://default//etc/passwd") == ("default", ["etc", "passwd"])
    assert objects.path("g", "ai://default//etc/passwd").parts[-4:] == (
        "g",
        "default",
        "etc",
        "passwd",
    )


def test_no_link_that_a_run_left_leads_out(objects: ObjectStore, tmp_path: Path) -> None:
    secret = tmp_path / "data" / "credentials.json"
    secret.write_text("secret")
    (tmp_path / "other").write_text("of another group")
    objects.put("other", "ai://default/o", tmp_path / "other")
    output = tmp_path / "output"
    output.mkdir()
    (output / "inside").write_text("fine")
    (output / "good").symlink_to("inside")
    (output / "absolute").symlink_to(secret)
    (output / "above").symlink_to("../../../other/default/o")
    (output / "folder").symlink_to(tmp_path)
    objects.put("default", "ai://default/e1", output)
    assert objects.path("default", "ai://default/e1/good").read_text() == "fine"
    for name in ("absolute", "above", "folder/data/credentials.json"):
        with pytest.raises(ValueError, match="outside of the object store"):
            objects.path("default", f"ai://default/e1/{name}")
    # nothing is written through such a link either
    with pytest.raises(ValueError, match="outside of the object store"):
        objects.put("default", "ai://default/e1/folder/new", tmp_path / "other")


def fields(url: str, **more: str) -> dict[str, Any]:
    return {"type": "S3", "bucket": "bucket", "endpoint": url, "region": "eu-central-1", **more}


def keys(url: str) -> set[str]:
    text = requests.get(f"{url}/bucket?list-type=2&max-keys=1000", timeout=10).text
    return {part.partition("</Key>")[0] for part in text.split("<Key>")[1:]}


def test_up_and_down(s3: str, tmp_path: Path) -> None:
    bucket = Bucket("default", fields(s3, pathPrefix="/team/x/"), DATA)
    source = tmp_path / "source"
    (source / "größe" / "a b").mkdir(parents=True)
    (source / "größe" / "a b" / "ü.txt").write_text("1")
    (source / "two").write_text("2")
    (source / "link").symlink_to("two")
    (source / "out").symlink_to("/etc/hostname")
    bucket.upload(["e1", "model"], source)
    bucket.upload(["e1", "model2"], source / "two")
    found = {key for key in keys(s3) if key.startswith("team/")}
    assert "team/x/e1/model2" in found
    assert found - {"team/x/e1/model2"} == {
        f"team/x/e1/model/{name}" for name in ("größe/a b/ü.txt", "two", "link")
    }
    down = bucket.download(["e1", "model"], tmp_path / "down")
    assert (down / "größe" / "a b" / "ü.txt").read_text() == "1"
    assert sorted(path.name for path in down.iterdir()) == ["größe", "link", "two"]
    assert bucket.download(["e1", "model2"], tmp_path / "one").read_text() == "2"
    with pytest.raises(StorageError, match="there is nothing at team/x/e1/mod in bucket bucket"):
        bucket.download(["e1", "mod"], tmp_path / "none")


@pytest.mark.parametrize("key", ["evil/../../x", "evil//etc/x", "evil/./x"])
def test_no_key_leads_out(s3: str, key: str, tmp_path: Path) -> None:
    url = f"{s3}/bucket/{key.replace('..', '%2E%2E').replace('/./', '/%2E/')}"
    session = requests.Session()
    request = session.prepare_request(requests.Request("PUT", url, data=b"x"))
    request.url = url
    session.send(request, timeout=10).raise_for_status()
    session.close()
    if key not in keys(s3):
        pytest.skip("this S3 service does not keep such a key")
    with pytest.raises(StorageError, match="leads outside of its folder"):
        Bucket("default", fields(s3), DATA).download(["evil"], tmp_path / "down")
    requests.delete(url, timeout=10)


def refusal(action: Any) -> str:
    with pytest.raises(StorageError) as caught:
        action()
    text = str(caught.value)
    assert not any(value in text for value in DATA.values()), text
    assert "\n" not in text
    return text


def test_what_is_wrong_is_said_without_secrets(s3: str, tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_text("x")

    def upload(fields: dict[str, Any], data: dict[str, str] = DATA) -> str:
        return refusal(lambda: Bucket("default", fields, data).upload(["x"], source))

    missing = upload(fields(s3, bucket="none"))
    assert missing == "object store secret default: bucket none does not exist"
    assert "names no bucket" in upload({**fields(s3), "bucket": None})
    assert "lacks AWS_SECRET_ACCESS_KEY" in upload(fields(s3), {"AWS_ACCESS_KEY_ID": "a"})
    assert "is not valid" in upload(fields("http://a b"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert f"{closed} cannot be reached" in upload(fields(closed))
    # from now on the service looks at keys, until there were many requests
    requests.post(f"{s3}/moto-api/reset-auth", data=b"0", timeout=10)
    try:
        text = upload(fields(s3))
        assert "its login is refused for bucket bucket (InvalidAccessKeyId)" in text
        bucket = Bucket("default", fields(s3), DATA)
        assert "login is refused" in refusal(lambda: bucket.download(["x"], tmp_path / "down"))
    finally:
        requests.post(f"{s3}/moto-api/reset-auth", data=b"1000000", timeout=10)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ""),
        ({"endpoint": "s3.example.com"}, "https://s3.example.com"),
        ({"endpoint": "127.0.0.1:9000", "usehttps": "0"}, "http://127.0.0.1:9000"),
        ({"endpoint": "http://127.0.0.1:9000", "usehttps": "1"}, "http://127.0.0.1:9000"),
    ],
)
def test_endpoints(given: dict[str, str], expected: str) -> None:
    assert endpoint(given) == expected


def test_outputs_and_inputs_of_runs(ready: Client, s3: str, tmp_path: Path) -> None:
    objectstore.choose(tmp_path / "data", "secrets")
    dead = ready.wait(f"/v2/lm/executions/{ready.execute()}", "DEAD")
    assert "resource group default has none of this name" in dead["statusMessage"]
    secret = {**fields(s3, pathPrefix="runs"), "name": "default", "data": DATA}
    requests.put(f"{s3}/bucket/runs/d/part.csv", data=b"a,b", timeout=10).raise_for_status()
    ready.send("POST", "/v2/admin/objectStoreSecrets", secret, status=202)
    execution = ready.execute()
    done = ready.wait(f"/v2/lm/executions/{execution}", "COMPLETED")
    assert done["outputArtifacts"][0]["url"] == f"ai://default/{execution}/model"
    assert f"runs/{execution}/model" in keys(s3)
    found = ready.runner.jobs[execution].inputs["data"]
    assert (found / "part.csv").read_text() == "a,b"
    path = "/v2/lm/dataset/files/default/team/rows.csv"
    ready.send("GET", path, status=404)
    ready.send("PUT", path, data=b"c,d", status=201)
    ready.send("PUT", path, data=b"c,d", status=409)
    assert "runs/team/rows.csv" in keys(s3)
    assert ready.send("GET", path, status=200).content == b"c,d"
    ready.send("DELETE", path, status=204)
    assert "runs/team/rows.csv" not in keys(s3)
    other = {**secret, "type": "azure", "data": {"CONTAINER_URI": "https://x"}}
    ready.send("PATCH", "/v2/admin/objectStoreSecrets/default", other, status=202)
    dead = ready.wait(f"/v2/lm/executions/{ready.execute()}", "DEAD")
    assert "type S3 only, not azure" in dead["statusMessage"]
    assert "type S3 only" in ready.send("PUT", path, data=b"c,d", status=400).text
    objectstore.choose(tmp_path / "data", "folder")
    ready.wait(f"/v2/lm/executions/{ready.execute()}", "COMPLETED")
    wait_for(lambda: list((tmp_path / "data" / "objectstore").rglob("model")), bool)
