"""Jobs really run: what is stored for them lies beside them, and what they leave is stored."""

from __future__ import annotations

import io
import time
import uuid
import zipfile
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import pytest

from cicd.emulator.jobs import Line
from tests.emulator.emulator_client import wait_for
from tests.emulator.training_job.training_job_client import Service, document

TRAIN = b"""
import json, os, pathlib, sys
name, path = sys.argv[1].split("=")
rows = [float(line) for line in open(path)]
pathlib.Path("saved_model/variables").mkdir(parents=True)
pathlib.Path("saved_model/model.json").write_text(json.dumps({"mean": sum(rows) / len(rows)}))
pathlib.Path("saved_model/variables/data").write_bytes(bytes(range(256)))
print("mean of", len(rows), "rows in", name, os.environ["TEST_DATA"])
print("a warning", file=sys.stderr)
"""


def test_a_script_is_trained_on_its_data_and_leaves_its_model(service: Service) -> None:
    job_id = service.run(
        "python3 train.py --test_data=rows.csv && echo done",
        {"train.py": TRAIN, "rows.csv": b"1\n2\n6\n"},
        env=[{"name": "TEST_DATA", "value": "rows.csv"}],
    )
    assert service.status(job_id)["finishTime"]
    said = service.log(job_id)
    for line in ("mean of 3 rows in --test_data rows.csv\n", "a warning\n", "done\n"):
        assert line in said
    assert service.files(job_id) == {
        "train.py": TRAIN,
        "rows.csv": b"1\n2\n6\n",
        "saved_model/model.json": b'{"mean": 3.0}',
        "saved_model/variables/data": bytes(range(256)),
    }


@pytest.mark.parametrize("code", [1, 3, 255])
def test_a_script_that_fails_leaves_what_it_has_written(service: Service, code: int) -> None:
    job_id = service.submit(f"echo half > model; echo sorry >&2; exit {code}", {"x": b"1"})
    assert service.wait(job_id)["status"] == "FAILED"
    assert "sorry\n" in service.log(job_id)
    assert service.files(job_id) == {"x": b"1", "model": b"half\n"}


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("no-such-program", "FAILED"),
        ("kill -9 $$", "FAILED"),
        ("true", "SUCCESSFUL"),
        ("cat", "SUCCESSFUL"),
        ("rm -rf .", "FAILED"),
        ("rm -rf /job/* && mkdir -p a/b", "SUCCESSFUL"),
    ],
)
def test_the_exit_code_decides(service: Service, command: str, status: str) -> None:
    assert service.wait(service.submit(command))["status"] == status


ODD = "a 'b' \"c\" $HOME $$ $(id) `id` {{inputs}} {{=1+1}} ${x} \\n %s ü 日本 \U0001f600\ttab"


VALUES = [
    (ODD, ODD),
    ("", ""),
    (7, "7"),
    (True, "true"),
    (None, ""),
    ("a\nb", "a\nb"),
    (0.5, "0.5"),
]


def test_variables_and_the_command_come_as_they_were_written(service: Service) -> None:
    env: list[dict[str, Any]] = [
        {"name": f"V{number}", "value": value} for number, (value, _) in enumerate(VALUES)
    ]
    prints = "; ".join(f'printf %s "$V{number}" > {number}' for number in range(len(VALUES)))
    text = "{{workflow.name}} $(HOME) $$ {{=1+1}}"
    found = service.files(service.run(f"{prints}; printf '{text}' > text", env=env))
    assert found.pop("text").decode() == text
    assert [found[str(number)].decode() for number in range(len(VALUES))] == [
        seen for _, seen in VALUES
    ]


def test_the_last_of_two_variables_of_a_name_counts(service: Service) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "B", "value": "3"}]
    job_id = service.run("printf %s $A$B > seen", env=env)
    assert service.files(job_id)["seen"] == b"23"


def test_what_a_job_leaves_as_it_was_is_not_stored_again(service: Service) -> None:
    s3, job_id = service.s3(), str(uuid.uuid4())
    prefix = f"jobs/my job-{job_id}/"
    for name in ("kept", "changed", "removed", "deep/er"):
        s3.put_object(Bucket="data", Key=prefix + name, Body=b"1", Metadata={"by": "client"})
    command = "printf 2 > changed; rm removed; touch kept; cp kept new; ln -s new link"
    body = document(command, name="my job")
    assert service.send("POST", f"/jobs/{job_id}", json=body).status_code == 201
    assert service.wait(job_id)["status"] == "SUCCESSFUL"
    found = service.files(job_id, "my job")
    wanted = dict.fromkeys(["kept", "removed", "deep/er", "new", "link"], b"1")
    assert found == {**wanted, "changed": b"2"}
    by_client = [
        name
        for name in found
        if s3.head_object(Bucket="data", Key=prefix + name)["Metadata"] == {"by": "client"}
    ]
    assert by_client == ["deep/er", "kept", "removed"]


def test_nothing_from_outside_of_its_folder_is_stored(service: Service) -> None:
    command = (
        "ln -s /etc/passwd a; ln -s /etc b; ln -s ../etc/hostname c; ln -s . loop; ln -s a d; "
        "mkfifo pipe; mkdir -p x; ln -s ../../etc/passwd x/e; ln -s nowhere f; echo 1 > good; "
        "ln /etc/passwd hard 2>/dev/null; true"
    )
    job_id = service.run(command)
    assert service.files(job_id) == {"good": b"1\n"}


@pytest.mark.parametrize("command", ["cd / && rm -rf /job && ln -s /etc /job", "mv /job /tmp/x"])
def test_a_folder_that_is_another_is_not_stored(service: Service, command: str) -> None:
    job_id = service.submit(command)
    service.wait(job_id, "SUCCESSFUL", "FAILED")
    assert service.files(job_id) == {}


def test_names_of_any_bytes_are_stored(service: Service) -> None:
    job_id = service.run(
        "python3 -c \"open(b'\\xff-name','w'); open('new\\nline','w'); open('ü \\'','w')\" && "
        "mkdir empty && touch closed && chmod 0 closed"
    )
    assert set(service.files(job_id)) == {"\ufffd-name", "new\nline", "ü '", "closed"}


def test_keys_that_are_no_paths_stay_where_they_are(service: Service) -> None:
    s3, job_id = service.s3(), str(uuid.uuid4())
    odd = ["../out", "a//b", "./c", "x/../../y", "folder/", "file", "file/inner", "z" * 300, "good"]
    for name in odd:
        s3.put_object(Bucket="data", Key=f"jobs/test-{job_id}/{name}", Body=b"1")
    s3.put_object(Bucket="data", Key=f"jobs/test-{job_id}x/other", Body=b"1")
    command = "find . -type f | sort > /tmp/list && mv /tmp/list list"
    assert service.send("POST", f"/jobs/{job_id}", json=document(command)).status_code == 201
    assert service.wait(job_id)["status"] == "SUCCESSFUL"
    assert service.files(job_id)["list"] == b"./file\n./good\n"


def test_jobs_do_not_see_each_other(service: Service) -> None:
    first = service.run("echo secret > mine")
    second = service.run("ls / > seen; ls .. >> seen; cat /job/mine >> seen 2>&1 || true")
    assert set(service.files(second)) == {"seen"}
    assert b"secret" not in service.files(second)["seen"]
    assert service.files(first) == {"mine": b"secret\n"}


def test_a_job_is_tried_again_as_often_as_it_says(service: Service) -> None:
    command = "test -e before && exit 0; touch before; exit 1"
    assert service.wait(service.submit(command))["status"] == "FAILED"
    again = service.submit(command, execution={"retries": 2})
    assert service.wait(again)["status"] == "SUCCESSFUL"


def wheel(name: str, version: str) -> bytes:
    """A package of one module that knows its version."""
    made, about = io.BytesIO(), f"{name}-{version}.dist-info"
    content = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return made.getvalue()


def test_a_job_installs_what_it_requires_for_itself_alone(service: Service) -> None:
    """Another version than the image has, something new, and what is there already."""
    names = ("click-99.0-py3-none-any.whl", "own_thing-1.0-py3-none-any.whl")
    wanted = "".join(f"./{name}\n" for name in names) + "msgspec\n"
    files = {name: wheel(*name.split("-")[:2]) for name in names}
    said = "import click, own_thing, msgspec; print(click.__version__, own_thing.__version__)"
    job_id = service.run(
        f"pip3 install --no-index -r requirements.txt && python3 -c '{said}' > seen",
        {**files, "requirements.txt": wanted.encode()},
    )
    assert service.files(job_id)["seen"] == b"99.0 1.0\n"
    assert set(service.files(job_id)) == {*names, "requirements.txt", "seen"}
    assert version("click") != "99.0" and find_spec("own_thing") is None


def test_a_resource_plan_takes_the_place_of_resources(service: Service) -> None:
    service.run("true", execution={"resources": None, "resourcePlanId": "basic"})


def test_a_log_comes_from_any_byte_on(service: Service) -> None:
    job_id = service.run("printf 'grün\\n日本\\nlast'; echo ' err' >&2")
    whole = service.log(job_id).encode()
    assert b"gr\xc3\xbcn\n" in whole and whole.count("日本\n".encode()) == 1
    for offset in (*range(len(whole) + 1), len(whole) + 99, 10**15):
        answer = service.send("GET", f"/jobs/{job_id}/logs", params={"offset": offset})
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.content == whole[offset:], offset
    assert service.log(job_id).encode() == whole


def test_a_log_grows_while_the_job_runs(service: Service) -> None:
    job_id = service.submit("for i in 1 2 3 4; do echo line $i; sleep 0.1; done; exec sleep 600")
    seen = b""

    def follow() -> bytes:
        nonlocal seen
        answer = service.send("GET", f"/jobs/{job_id}/logs", params={"offset": len(seen)})
        seen += answer.content
        return seen

    wait_for(follow, lambda said: b"line 4\n" in said)
    assert seen.decode() == service.log(job_id)
    assert seen.count(b"line") == 4
    service.send("DELETE", f"/jobs/{job_id}")
    service.wait(job_id, "STOPPED")


def test_a_long_log_is_read_piece_by_piece(service: Service) -> None:
    job_id = service.run("seq 1 30000")
    whole = service.log(job_id)
    assert whole.endswith("29999\n30000\n") and whole.count("\n") > 30000
    assert service.log(job_id, len(whole) - 6) == "30000\n"
    assert service.log(job_id, 1000) == whole[1000:]


def test_a_stop_ends_the_program_and_all_that_it_started(service: Service) -> None:
    job_id = service.submit("(sleep 600; echo late) & echo up; wait")
    wait_for(lambda: service.log(job_id), lambda said: "up\n" in said)
    service.send("DELETE", f"/jobs/{job_id}")
    service.wait(job_id, "STOPPED")
    assert "late" not in service.log(job_id)


def test_an_image_runs_by_what_stands_in_for_it(service: Service) -> None:
    image = "tensorflow/tensorflow:1.4.0"
    body = document("sh -c 'echo $FROM'", execution={"image": image})
    path = f"/jobs/{uuid.uuid4()}"
    assert service.send("POST", path, json=body).status_code == 400
    token = service.world.credentials.issue("aicore", issuer="x")
    stand_ins = {"images": {"tensorflow/tensorflow": {"env": {"FROM": "stand-in"}}}}
    told = service.session.put(
        f"{service.world.base_url}/emulator/stand-ins",
        json=stand_ins,
        headers={"Authorization": f"Bearer {token}", "AI-Resource-Group": "training_job"},
        timeout=30,
    )
    assert told.status_code == 200, told.text
    assert service.send("POST", path, json=body).status_code == 201
    job_id = path.rpartition("/")[2]
    assert service.wait(job_id)["status"] == "SUCCESSFUL"
    assert "stand-in\n" in service.log(job_id)


def test_ai_core_sees_no_job_and_keeps_its_own_objects(service: Service) -> None:
    job_id = service.run("echo 1 > x")
    token = service.world.credentials.issue("aicore", issuer="x")
    for group, status in (("default", 200), ("training_job", 403)):
        headers = {"Authorization": f"Bearer {token}", "AI-Resource-Group": group}
        url = f"{service.world.base_url}/v2/lm/executions"
        answer = service.session.get(url, headers=headers, timeout=30)
        assert answer.status_code == status
        assert job_id not in answer.text
    assert not any(service.world.store.rows("SELECT * FROM artifacts"))


def test_who_follows_a_log_that_loses_its_beginning_misses_nothing(service: Service) -> None:
    """As when more was written than is kept."""
    job_id = service.run("seq 1 2500")
    seen = len(service.log(job_id))
    run_id = service.status(job_id)["containerID"]
    last = service.world.store.rows("SELECT time FROM logs WHERE run_id = ?", (run_id,))[2000][0]
    service.world.store.write("DELETE FROM logs WHERE run_id = ? AND time <= ?", (run_id, last))
    for _ in "twice":
        line = Line(time.time_ns(), "and on it goes")
        service.world.journal.log(run_id, [line])
        assert service.log(job_id, seen) == "and on it goes\n"
        seen += len("and on it goes\n")
        left = service.log(job_id)
        assert left.endswith("and on it goes\n") and len(left) < seen
