"""The pure parts: ids, commands, words for a status, lines of a log, metrics, objects."""

from __future__ import annotations

import hashlib
import shlex
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd.errors import ConnectionFailed
from cicd.model import Hidden, State, opened
from cicd.platforms import log_metrics as metrics
from cicd.platforms.base import LogPage
from cicd.platforms.brought import is_inside
from cicd.platforms.sealing import sealed, unsealed
from cicd.platforms.training_job import statuses, submission
from cicd.platforms.training_job.logs import LONGEST, next_page
from cicd.platforms.training_job.objects import Object
from cicd.platforms.training_job.storage import Place

SPEC: dict[str, Any] = {
    "name": "wide-deep",
    "script": "src/model.py",
    "image": "tensorflow/tensorflow:1.4.0",
    "completion_time": "1h",
    "resources": {"cpus": 1, "gpus": 0, "memory": 2048},
}


def test_an_id_is_told_by_stage_key_inputs_and_attempt_alone() -> None:
    first = submission.job_id("dev", "train", "abc", 0)
    assert first == str(uuid.uuid5(uuid.NAMESPACE_URL, "cicd:dev/train/abc/0"))
    others = {
        submission.job_id(*told)
        for told in (
            ("tst", "train", "abc", 0),
            ("churn/dev", "train", "abc", 0),
            ("dev", "use", "abc", 0),
            ("dev", "train", "abd", 0),
            ("dev", "train", "abc", 1),
        )
    }
    assert len(others | {first}) == 6


@pytest.mark.parametrize(
    ("more", "command"),
    [
        ({}, "python3 model.py"),
        ({"requirements": ["numpy"]}, "pip3 install -r requirements.txt && python3 model.py"),
        (
            {"requirements": ["numpy"], "python_major_version": 2},
            "pip install -r requirements.txt && python model.py",
        ),
        (
            {"python_major_version": 3, "env": {"TEST_DATA": "t.csv"}},
            "python3 model.py --test_data=t.csv",
        ),
        ({"env": {"A": "b c", "D": ""}}, "python3 model.py '--a=b c' --d="),
        ({"script": "my model.py"}, "python3 'my model.py'"),
    ],
)
def test_c12_c16_c17_the_command_installs_and_runs(more: dict[str, Any], command: str) -> None:
    assert submission.command({**SPEC, **more}) == command


NASTY = [
    "; rm -rf /",
    "$(id)",
    "`id`",
    "a'b",
    'a"b',
    "a\nb",
    "--x=y z",
    "*",
    "~",
    "ü 🎉",
    "\\",
    "a && b",
    "#",
]


@pytest.mark.parametrize("value", NASTY)
def test_c12_a_value_is_one_argument_and_one_text_whatever_it_holds(value: str) -> None:
    spec = {**SPEC, "env": {"VALUE": value}}
    assert shlex.split(submission.command(spec)) == ["python3", "model.py", f"--value={value}"]
    body = yaml.safe_load(submission.body(spec))
    assert body["job"]["env"] == [{"name": "VALUE", "value": value}]
    assert body["job"]["execution"]["command"] == submission.command(spec)


@pytest.mark.parametrize("text", ["yes", "no", "1.10", "0x1", "null", "1:20", "2026-01-01", "~"])
def test_texts_stay_texts_in_the_body(text: str) -> None:
    spec = {**SPEC, "completion_time": text, "image": text, "name": text, "env": {"A": text}}
    job = yaml.safe_load(submission.body(spec))["job"]
    assert (job["name"], job["env"][0]["value"]) == (text, text)
    assert (job["execution"]["image"], job["execution"]["completionTime"]) == (text, text)


def test_c15_a_plan_is_named_in_place_of_resources() -> None:
    spec = {name: value for name, value in SPEC.items() if name != "resources"}
    execution = yaml.safe_load(submission.body({**spec, "resource_plan_id": "basic"}))["job"][
        "execution"
    ]
    assert execution["resourcePlanId"] == "basic" and "resources" not in execution


WORDS = {
    "SUCCESSFUL": State.SUCCEEDED,
    "Running": State.RUNNING,
    "running ": State.RUNNING,
    "pending": State.PENDING,
    "Succeeded": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "Error": State.FAILED,
    "killed": State.STOPPED,
    "STOPPING": State.STOPPING,
    "Enqueued": State.PENDING,
    "Levitating": State.UNKNOWN,
    "": State.UNKNOWN,
    "SUCCESSFULLY STARTED": State.UNKNOWN,
}


@pytest.mark.parametrize(("word", "state"), WORDS.items())
def test_words_mean_what_they_say_in_any_case_and_unknown_ones_no_success(
    word: str, state: State
) -> None:
    found = statuses.status_of({"status": word}, {"enqueued": "PENDING"})
    assert found.state is state
    assert bool(found.message) == (state is State.UNKNOWN)


@pytest.mark.parametrize(
    "told",
    [
        {"containerID": None, "finishTime": "", "job_id": "7", "name": "n", "status": "RUNNING"},
        {"CONTAINERID": "", "JobId": "7", "Name": "n", "Status": "RUNNING", "extra": [1]},
        {"job_id": 7, "name": "n", "status": "RUNNING", "startTime": None, "submissionTime": None},
        {"job": {"job_id": "7", "name": "n", "status": "RUNNING"}},
        [{"name": "n", "status": "RUNNING"}],
        [{"job_id": "8", "status": "FAILED"}, {"jobId": "7", "name": "n", "status": "RUNNING"}],
    ],
)
def test_a_status_has_its_seven_fields_however_it_is_told(told: Any) -> None:
    assert statuses.normal(told, "7") == {
        "containerID": "",
        "finishTime": None,
        "job_id": "7",
        "name": "n",
        "startTime": "",
        "status": "RUNNING",
        "submissionTime": "",
    }


@pytest.mark.parametrize("told", [None, [], "RUNNING", 7, {}, [{"name": "a"}, {"name": "b"}]])
def test_what_is_no_status_is_unknown(told: Any) -> None:
    assert statuses.status_of(statuses.normal(told, "7"), {}).state is State.UNKNOWN
    assert statuses.normal(told, "7")["job_id"] == "7"


@pytest.mark.parametrize(
    ("told", "stamp"),
    [
        ("0001-01-01T00:00:00Z", ""),
        ("0001-01-01T00:00:00+05:00", ""),
        ("9999-12-31T23:59:59-05:00", ""),
        ("", ""),
        (None, ""),
        ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456+00:00"),
        ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05.000000+00:00"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000000+00:00"),
    ],
)
def test_a_time_is_told_as_everybody_writes_it_and_a_zero_is_none(told: Any, stamp: str) -> None:
    assert statuses.stamp(told) == stamp


# -- logs ----------------------------------------------------------------------------------------


def source(text: bytes) -> Callable[[int], bytes]:
    return lambda offset: text[offset:]


def read_all(*states: bytes, ended: bool = True) -> list[str]:
    """The lines that are told while a log goes through these states."""
    cursor, told = "", []
    for number, state in enumerate(states):
        is_last = number == len(states) - 1
        page = LogPage((), cursor, is_last=False)
        while page.entries or not page.is_last:
            page = next_page(source(state), page.cursor, 0, lambda: ended and is_last)  # noqa: B023
            told += [entry.text for entry in page.entries]
        cursor = page.cursor
    return told


@pytest.mark.parametrize(
    "states",
    [
        (b"", b"one\n", b"one\ntwo\nthree\n"),
        (b"on", b"one\ntw", b"one\ntwo\nthr", b"one\ntwo\nthree"),
        (b"one\r\ntwo\r\n", b"one\r\ntwo\r\nthree\r\n"),
        (b"one\ntwo\n", b"one\n", b"one\ntwo\nthree\n"),
        (b"one\ntwo\n", b"", b"one\ntwo\nthree\n"),
        (b"one\ntwo\nthree", b"one\ntwo\nthree", b"one\ntwo\nthree"),
    ],
)
def test_every_line_is_told_once_also_of_a_log_that_shrinks(states: tuple[bytes, ...]) -> None:
    assert read_all(*states) == ["one", "two", "three"]


def test_of_a_log_that_has_ended_all_is_told_however_little_is_given_at_once() -> None:
    text = b"".join(b"line %d of some length\n" % number for number in range(30)) + b"the last"
    told, page = [], LogPage((), "", is_last=False)
    while page.entries or not page.is_last:
        page = next_page(lambda at: text[at : at + 10], page.cursor, 0, lambda: True)
        told += [entry.text for entry in page.entries]
    assert told == text.decode().split("\n")


@pytest.mark.parametrize("half", [b"one\n", b"on", b"one\ntwo", b""])
def test_a_log_of_which_half_is_missing_for_a_moment_is_told_once(half: bytes) -> None:
    """Also by who takes no notice of offsets."""
    whole = b"one\ntwo\nthree\n"
    cursor, told = "", []
    for state in (whole, half, whole, half, whole + b"four\n"):
        page = next_page(lambda _: state, cursor, 0, lambda: False)  # noqa: B023
        cursor = page.cursor
        told += [entry.text for entry in page.entries]
    assert told == ["one", "two", "three", "four"]


def test_a_log_that_is_begun_anew_is_told_anew() -> None:
    assert read_all(b"one\ntwo\n", b"eins\nzwei\ndrei\n") == ["one", "two", "eins", "zwei", "drei"]


def test_a_log_that_lost_its_beginning_goes_on_after_the_last_line() -> None:
    told = read_all(b"one\ntwo\nthree\n", b"three\n", b"three\nfour\n", b"four\nfive\n")
    assert told == ["one", "two", "three", "four", "five"]


def test_who_takes_no_notice_of_offsets_tells_each_line_once() -> None:
    cursor, told = "", []
    for state in (b"one\n", b"one\ntwo", b"one\ntwo", b"one\ntwo"):
        page = next_page(lambda _: state, cursor, 0, lambda: True)  # noqa: B023
        cursor = page.cursor
        told += [entry.text for entry in page.entries]
    assert told == ["one", "two"]


def test_a_line_without_an_end_is_told_at_last() -> None:
    long = b"x" * LONGEST
    page = next_page(source(long), "", 0, lambda: False)
    assert [len(entry.text) for entry in page.entries] == [LONGEST]
    again = next_page(source(long + b"yz\n"), page.cursor, 0, lambda: False)
    assert [entry.text for entry in again.entries] == ["yz"]


def test_one_look_at_what_has_ended_tells_also_a_line_without_an_end() -> None:
    page = next_page(source(b"one\ntwo"), "", 0, lambda: True)
    assert [entry.text for entry in page.entries] == ["one", "two"] and page.is_last
    assert next_page(source(b"one\ntwo"), page.cursor, 0, lambda: True).entries == ()


def test_a_character_is_never_cut() -> None:
    whole = "grüße\n".encode()
    states = [whole[:end] for end in range(len(whole) + 1)]
    assert read_all(*states) == ["grüße"]
    text = "".join(f"{number}ü" for number in range(LONGEST))
    long = text.encode()
    end = long.index("ü".encode(), LONGEST) + 1
    page = next_page(source(long[:end]), "", 0, lambda: False)
    rest = next_page(source(long), page.cursor, 0, lambda: True)
    assert "".join(entry.text for entry in (*page.entries, *rest.entries)) == text


@pytest.mark.parametrize("text", [b"one\r\n\r\ntwo\r\n", b"one\r\rtwo\r", b"one\n\ntwo"])
def test_an_end_of_a_line_is_one_wherever_an_answer_ends(text: bytes) -> None:
    states = [text[:end] for end in range(len(text) + 1)]
    assert read_all(*states) == ["one", "", "two"]


def test_a_line_has_the_same_time_whenever_it_is_read() -> None:
    text = b"one\ntwo\nthree\n"
    at_once = next_page(source(text), "", 1000, lambda: True).entries
    page = next_page(source(text[:4]), "", 1000, lambda: False)
    later = next_page(source(text), page.cursor, 1000, lambda: True)
    assert at_once == (*page.entries, *later.entries)
    assert [entry.time for entry in at_once] == [1000, 1004, 1008]


# -- metrics -------------------------------------------------------------------------------------


def test_the_last_value_of_a_pattern_counts_and_all_are_kept() -> None:
    lines = [
        (n, text) for n, text in enumerate(["loss=3", "x loss=2.5e-1, loss=nan?", "loss=high"])
    ]
    found = metrics.points(lines, {"loss": r"loss=(\S+?)(?:,|$)", "none": "none=([0-9]+)"})
    assert [(point.name, point.value, point.step) for point in found] == [
        ("loss", 3.0, 0),
        ("loss", 0.25, 1),
    ]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"a": 1, "b": {"c": 2.5, "d": "x"}, "e": True, "f": None}, {"a": 1.0, "b.c": 2.5}),
        ([1, 2], {}),
        ("x", {}),
        (None, {}),
    ],
)
def test_the_numbers_of_a_file_have_dotted_names(document: Any, found: dict[str, float]) -> None:
    assert metrics.in_file(document) == found


# -- storage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ({"endpoint": "127.0.0.1:9000", "secure": False}, "http://127.0.0.1:9000"),
        ({"endpoint": "127.0.0.1:9000"}, "http://127.0.0.1:9000"),
        ({"endpoint": "localhost:9000", "secure": None}, "http://localhost:9000"),
        ({"endpoint": "store.example.com:9000"}, "https://store.example.com:9000"),
        ({"Endpoint": "store.example.com", "secure": "false"}, "http://store.example.com"),
        ({"endpoint": "https://store.example.com/"}, "https://store.example.com"),
    ],
)
def test_where_the_storage_is_told_in_many_ways(told: dict[str, Any], url: str) -> None:
    place = Place({"accessKey": "a", "secretKey": "a-secret-key", **told, "more": 1})
    assert place.url == url
    assert "a-secret-key" not in f"{place.__dict__} {place.secret}"


def test_a_storage_without_a_login_is_refused() -> None:
    with pytest.raises(ConnectionFailed, match="secret is missing"):
        Place({"endpoint": "x", "accessKey": "a"})


@pytest.mark.parametrize(
    ("name", "is_in"),
    [
        ("model.pb", True),
        ("saved_model/variables/x", True),
        ("../x", False),
        ("a/../../x", False),
        ("/etc/passwd", False),
        ("a//b", False),
        ("a\\..\\b", False),
        ("c:/x", False),
        (".", False),
    ],
)
def test_names_that_leave_their_folder_are_known(name: str, is_in: bool) -> None:
    assert is_inside(name) is is_in


def test_a_file_is_compared_by_its_tag_also_one_of_parts(tmp_path: Path) -> None:
    file = tmp_path / "model"
    content = b"0123456789abcdef" * (1 << 16) * 12  # 12 MB: two parts of 8
    file.write_bytes(content)
    whole = hashlib.md5(content).hexdigest()
    halves = [hashlib.md5(content[at : at + (8 << 20)]).digest() for at in (0, 8 << 20)]
    parts = f"{hashlib.md5(b''.join(halves)).hexdigest()}-2"

    def is_copy(size: int, etag: str) -> bool:
        return Object("k", size, etag, "").is_copy(file)

    assert is_copy(len(content), whole) and is_copy(len(content), parts)
    assert not is_copy(len(content) + 1, whole)
    assert not is_copy(len(content), "0" * 32)
    assert not is_copy(len(content), f"{'0' * 32}-2")
    assert not is_copy(len(content), "some-other-tag")
    assert not Object("k", 0, "", "").is_copy(tmp_path / "none")


@pytest.mark.parametrize("value", ["secret", "grüße aus Köln", "\udce4", "line\nline"])
def test_a_hidden_text_is_kept_as_a_digest_and_known_again(value: str) -> None:
    """Wherever it stands: in a map, in a list, in place of a field."""
    wish: dict[str, Any] = {"env": {"A": Hidden(value), "B": "open"}, "source": Hidden(value)}
    wish["requirements"] = [Hidden(value), "numpy"]
    kept = sealed(opened(wish), wish, "dev")
    assert value not in repr(kept)
    assert kept["env"]["B"] == "open" and kept["requirements"][1] == "numpy"
    assert kept["env"]["A"] != kept["source"]  # nobody sees that they are the same
    assert unsealed(kept, wish, "dev") == opened(wish)


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ({"env": {"A": Hidden("other")}}, "dev"),
        ({"env": {"A": "secret"}}, "dev"),
        ({"env": {"A": Hidden("secret")}}, "prd"),
        ({"env": [Hidden("secret")]}, "dev"),
        ({}, "dev"),
    ],
)
def test_a_digest_of_another_text_stays_one(wish: dict[str, Any], place: str) -> None:
    kept = sealed({"env": {"A": "secret"}}, {"env": {"A": Hidden("secret")}}, "dev")
    assert unsealed(kept, wish, place) == kept
