"""The pure parts of the adapter at their bounds: types in answers, names, labels, tags, links."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from http.client import BadStatusLine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from cicd.errors import ConnectionFailed, Denied
from cicd.model import Key, Ref, Resource, Secret, Status
from cicd.model import State as S
from cicd.platforms.aicore import (
    adapter,
    answers,
    convert,
    credentials,
    launchpad,
    lease,
    listing,
    models,
    provenance,
    reading,
    rest,
    shapes,
    sources,
    statuses,
    times,
    tracking,
    transport,
)
from cicd.platforms.aicore.certificate import Certificate
from cicd.platforms.aicore.certificate import check as check_certificate
from cicd.platforms.aicore.logs import last_lines, last_words, read_cursor
from cicd.platforms.aicore.owners import Entry, entries
from cicd.platforms.aicore.unlisted import Unlisted
from tests.platforms.aicore_world import live

HALF = "\ud83d"
KINDS: list[tuple[Any, str]] = [
    (None, "null"),
    (True, "true or false"),
    (7, "a number"),
    (7.5, "a number"),
    ("x", "a text"),
    ([], "a list"),
    ({}, "an object"),
]


@pytest.mark.parametrize(
    ("shape", "wanted", "fits"),
    [
        (shapes.text, "a text", (str,)),
        (shapes.name, "a text", (str,)),
        (shapes.prose, "a text", (str, int, float, bool)),
        (shapes.word, "a text", (str, int, float, bool)),
        (shapes.number, "a number", (int, float)),
        (shapes.each(shapes.anything), "a list", (list,)),
        (shapes.mapping(shapes.anything), "an object", (dict,)),
        (shapes.record(), "an object", (dict,)),
    ],
)
@pytest.mark.parametrize(("value", "kind"), KINDS)
def test_a_value_of_another_kind_is_named(
    shape: shapes.Shape, wanted: str, fits: tuple[type, ...], value: Any, kind: str
) -> None:
    if type(value) in fits:
        assert shape(value) == (str(value).lower() if wanted == "a text" else value)
        return
    with pytest.raises(shapes.Unfit) as error:
        shape(value)
    assert str(error.value) == f"the answer is {kind}, not {wanted}"


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        (shapes.number, "12", 12),
        (shapes.number, " 12 ", 12),
        (shapes.number, -1.5, -1.5),
        (shapes.prose, f"a{HALF}é", "a\N{REPLACEMENT CHARACTER}é"),
        (shapes.prose, False, "false"),
        (shapes.word, "running", "RUNNING"),
        (shapes.word, "Novel", "Novel"),
        (shapes.text, "Größe", "Größe"),
        (shapes.text, "", ""),
        (shapes.name, "a.b-c_d:é", "a.b-c_d:é"),
        (shapes.record(a=shapes.text), {"a": None, "b": [1]}, {"b": [1]}),
        (shapes.record(("b",)), {"a": None, "b": 0}, {"b": 0}),
        (shapes.mapping(shapes.number), {"a": "1"}, {"a": 1}),
        (
            shapes.listing(shapes.number),
            {"count": 1, "resources": ["1"]},
            {"count": 1, "resources": [1]},
        ),
        (shapes.listing(shapes.number), {"resources": "x"}, {"resources": "x"}),
        (shapes.listing(shapes.number), None, None),
        (shapes.plans, [{"name": "p", "requested": "1"}], [{"name": "p", "requested": 1}]),
        (shapes.plans, {"p": {"provisioned": 2}}, {"p": {"provisioned": 2}}),
        (shapes.entry, [], []),
        (shapes.entry, {"Name": "D", "x": 1}, {"Name": "D", "x": 1}),
    ],
)
def test_a_value_is_read_as_it_is_used(shape: shapes.Shape, value: Any, expected: Any) -> None:
    assert shape(value) == expected


@pytest.mark.parametrize(
    ("shape", "value", "said"),
    [
        (shapes.text, f"é{HALF}", "the answer holds half a character"),
        (shapes.name, "", "the answer is empty"),
        *((shapes.name, bad, "the answer is no name") for bad in (".", "..", "a/b", "a b", "a%b")),
        *((shapes.name, bad, "the answer is no name") for bad in ("a\\b", "a?b", "a#b", "a\x7f")),
        (shapes.number, "-1", "the answer is a text, not a number"),
        (shapes.number, "1.5", "the answer is a text, not a number"),
        (shapes.number, float("inf"), "the answer is no finite number"),
        (shapes.number, float("nan"), "the answer is no finite number"),
        (shapes.each(shapes.number), [1, "x"], "[1] is a text, not a number"),
        (shapes.mapping(shapes.each(shapes.text)), {"a": ["b", 1]}, "a[1] is a number, not a text"),
        (shapes.mapping(shapes.text), {HALF: "x"}, "the answer holds half a character"),
        (
            shapes.record(a=shapes.record(b=shapes.text)),
            {"a": {"b": 1}},
            "a.b is a number, not a text",
        ),
        (shapes.record(("a", "b")), {"a": 1, "b": None}, "the answer has no b"),
        (shapes.record(a=shapes.record(("b",))), {"a": {}}, "a has no b"),
        (
            shapes.listing(shapes.text),
            {"resources": ["x", 1]},
            "resources[1] is a number, not a text",
        ),
        (shapes.plans, [None], "[0] is null, not an object"),
        (shapes.entry, [1], "the answer is a list, not an object"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(
    shape: shapes.Shape, value: Any, said: str
) -> None:
    with pytest.raises(shapes.Unfit) as error:
        shape(value)
    assert str(error.value) == said


@pytest.mark.parametrize("path", shapes.ANSWERS)
def test_every_path_with_a_shape_is_looked_at(path: str) -> None:
    shape = shapes.ANSWERS[path]
    real = path.replace("*", "x")
    values: list[Any] = [None, 7, "x", [1], {}, {"resources": [None]}, [{}], []]
    for value in values:
        try:
            expected = shape(value)
        except shapes.Unfit as unfit:
            with pytest.raises(shapes.Unfit, match=str(unfit).replace("[", r"\[")):
                shapes.checked(real, value)
        else:
            assert shapes.checked(real, value) == expected
    assert shapes.checked(f"{real}/$count", "x") == shapes.checked("", "x") == "x"


@pytest.mark.parametrize(
    ("document", "going"),
    [
        ({"status": "DELETING"}, True),
        ({"status": "deleting"}, True),
        ({"status": "RUNNING", "targetStatus": "Deleted"}, True),
        ({"status": "DELETED", "targetStatus": "DELETING"}, False),
        ({"status": "RUNNING", "targetStatus": "STOPPED"}, False),
        ({}, False),
    ],
)
def test_what_is_to_be_deleted_is_going(document: dict[str, Any], *, going: bool) -> None:
    assert statuses.is_going(document) is going
    assert (statuses.run_status({"status": "X", **document}).raw == "DELETING") is going


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, Status(S.UNKNOWN, "")),
        ({"status": "dead"}, Status(S.FAILED, "DEAD")),
        ({"status": "DEAD", "statusMessage": "m"}, Status(S.FAILED, "DEAD", "m")),
        (
            {"status": "DEAD", "statusDetails": [{"a": {"exitCode": 3}}, {"exit_code": 3}]},
            Status(S.FAILED, "DEAD", "exit code 3"),
        ),
        (
            {
                "status": "DEAD",
                "statusMessage": "m",
                "statusDetails": {"exitCode": 3, "exit_code": 4},
            },
            Status(S.FAILED, "DEAD", "m (exit code 3, 4)"),
        ),
        (
            {"status": "DEAD", "statusMessage": "m 3", "statusDetails": {"exitCode": 3}},
            Status(S.FAILED, "DEAD", "m 3"),
        ),
        (
            {"status": "DEAD", "statusDetails": {"exitCode": 0, "b": {"exitCode": True}}},
            Status(S.FAILED, "DEAD"),
        ),
        ({"status": "RUNNING", "statusDetails": {"exitCode": 3}}, Status(S.RUNNING, "RUNNING")),
        (
            {
                "status": "X",
                "statusDetails": {"message": " a ", "b": [{"message": "c"}, {"message": "a"}]},
            },
            Status(S.UNKNOWN, "X", "a; c"),
        ),
        ({"status": "X", "statusDetails": {"message": " "}}, Status(S.UNKNOWN, "X")),
        ({"status": "X", "statusDetails": [{"message": "a"}]}, Status(S.UNKNOWN, "X")),
        (
            {"status": "X", "statusDetails": {"message": "a" * 1001}},
            Status(S.UNKNOWN, "X", "a" * 1000),
        ),
    ],
)
def test_a_status_says_what_its_details_add(document: dict[str, Any], expected: Status) -> None:
    assert statuses.run_status(document) == expected


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (None, {"exit_code": "", "last_log": ""}),
        (
            {"a": [{"last_log_messages": " x \n"}, {"last_log_messages": "y"}], "exitCode": 1},
            {"exit_code": "1", "last_log": "x\ny"},
        ),
        (
            {"last_log_messages": "x", "b": {"last_log_messages": "x"}, "c": {"exit_code": "1"}},
            {"exit_code": "", "last_log": "x"},
        ),
        (
            {"last_log_messages": [" "], "b": {"last_log_messages": " "}},
            {"exit_code": "", "last_log": ""},
        ),
    ],
)
def test_an_end_says_its_exit_codes_and_last_words(details: Any, expected: dict[str, str]) -> None:
    assert statuses.end_facts({"statusDetails": details}) == expected


ENTRY = Entry("dev", "deployment/serve", "d1", "na;me ä", 1_700_000_000)


def test_what_a_label_remembers_is_read_again() -> None:
    assert ENTRY.text == "owns1;dev;deployment/serve;d1;na%3Bme%20%C3%A4;1700000000"
    [read] = entries({ENTRY.label: ENTRY.text})
    assert (read, read.made_at) == (ENTRY, 1_700_000_000)
    assert ENTRY.label.startswith("ext.ai.sap.com/cicd.")
    assert len(ENTRY.label.removeprefix("ext.ai.sap.com/cicd.")) == 16
    others = [Entry("dev2", ENTRY.key, "d1", ""), Entry("dev", "deployment/other", "d1", "")]
    assert len({ENTRY.label, *(other.label for other in others)}) == 3
    assert Entry("dev", ENTRY.key, "d2", "x", 5).label == ENTRY.label


@pytest.mark.parametrize(
    ("text", "made_at"),
    [
        ("owns1;dev;deployment/serve;d1;name", 0),
        ("owns1;dev;deployment/serve;d1;name;", 0),
        ("owns1;dev;deployment/serve;d1;name;x", 0),
        ("owns1;dev;deployment/serve;d1;name;-5", 0),
        ("owns1;dev;deployment/serve;d1;name;5", 5),
    ],
)
def test_a_label_may_leave_its_time_out(text: str, made_at: int) -> None:
    [read] = entries({"x": text})
    assert (read.stage, read.key, read.id, read.name) == ("dev", "deployment/serve", "d1", "name")
    assert read.made_at == made_at


@pytest.mark.parametrize("text", ["", "x", "owns2;a;b;c;d", "owns1;a;b;c", "owns1;a;b;c;d;5;e"])
def test_what_somebody_has_written_into_a_label_is_left_out(text: str) -> None:
    assert entries({"x": text}) == []


@pytest.mark.parametrize(
    ("theirs", "sent"),
    [
        ({"top": 5, "skip": 0, "order": "asc"}, {"$top": 5, "$skip": 0, "$order": "asc"}),
        ({"scenario_id": "s", "a_b_c": 1, "plain": 2}, {"scenarioId": "s", "aBC": 1, "plain": 2}),
    ],
)
def test_the_sdks_arguments_have_the_apis_names(
    theirs: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert rest.query_names(theirs) == sent


def test_names_in_a_body_are_the_apis_but_those_of_the_user_stay() -> None:
    body = {"resource_group": "g", "labels": [{"a_key": 1}, "x"], "data": {"my_key": {"a_b": 1}}}
    expected = {"resourceGroup": "g", "labels": [{"aKey": 1}, "x"], "data": {"my_key": {"a_b": 1}}}
    assert rest.body_names(body) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"id": "a", "status": "Running"}, {"id": "a", "status": "RUNNING"}),
        ({"id": 7, "status": "Novel", "other": "x"}, {}),
        (
            {"deploymentUrl": "u", "url": "v", "message": "m"},
            {"deployment_url": "u", "url": "v", "message": "m"},
        ),
        ({}, {}),
    ],
)
def test_an_answer_to_a_write_lacks_nothing_that_the_sdk_reads(
    answer: dict[str, Any], expected: dict[str, str]
) -> None:
    empty = {"id": "", "message": "", "url": "", "deployment_url": "", "status": "UNKNOWN"}
    assert rest.sdk_names(answer) == {**empty, **expected}


def test_a_list_keeps_what_is_in_it() -> None:
    answer = {"resources": [{"aB": 1}], "someCount": 1}
    assert rest.sdk_names(answer) == {"resources": [{"aB": 1}], "some_count": 1}
    assert rest.sdk_names([{"aB": 1}]) == [{"aB": 1}]


def test_labels_of_users_are_told_from_those_of_cicd() -> None:
    labels = {"ext.ai.sap.com/a": "1", "ext.ai.sap.com/cicd.stage": "dev", "other": "2"}
    assert convert.users_labels(labels) == {"ext.ai.sap.com/a": "1"}


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, ["b"]), (2, ["a", "b"]), (9, ["a", "b"])],
)
def test_the_last_lines_of_a_log_come_oldest_first(count: int, expected: list[str]) -> None:
    items = [
        {"timestamp": "2026-01-01T00:00:02Z", "msg": "b"},
        {"timestamp": "2026-01-01T00:00:03Z", "msg": 'time="2026" level=info'},
        {"timestamp": "2026-01-01T00:00:01Z", "msg": "a"},
    ]
    assert [entry.text for entry in last_lines({"data": {"result": items}}, count)] == expected
    assert last_lines({}, count) == last_lines({"data": {}}, count) == []


def test_a_status_says_the_last_words_of_a_run() -> None:
    run = live("execution")
    assert last_words(run, 2) == []
    told = replace(run, facts={"last_log": "a\nb\nc"})
    assert [(entry.time, entry.text) for entry in last_words(told, 2)] == [(0, "b"), (0, "c")]


def test_a_cursor_begins_where_it_is_told_or_where_it_was() -> None:
    assert read_cursor("", 5).start == 5
    first = read_cursor("", 5)
    first.seen.update(["x", "x"])
    again = read_cursor(first.dumps(), 9)
    assert (again.start, again.seen) == (5, {"x": 2})


@pytest.mark.parametrize(
    ("length", "parts"),
    [(0, 0), (1, 1), (256, 1), (257, 2), (256 * 30, 30), (256 * 30 + 1, 0)],
)
def test_a_long_tag_is_sent_in_parts_as_far_as_there_is_room(length: int, parts: int) -> None:
    found = tracking.in_parts({"t": "x" * length})
    assert list(found) == ["t", *(f"t.{n}" for n in range(2, parts + 1))][: len(found)]
    assert len(found) == parts
    assert all(len(text) <= 256 for text in found.values())


@pytest.mark.parametrize(
    "metrics",
    [
        [{"name": "a", "value": 1, "step": 1}, {"name": "a", "value": 2, "step": 0}],
        [
            {"name": "a", "value": 1, "timestamp": "2026-01-01T00:00:02Z"},
            {"name": "a", "value": 2, "timestamp": "2026-01-01T00:00:01Z", "step": 9},
        ],
        [{"name": "a", "value": 2}, {"name": "a", "value": "1"}],
        [{"name": "a", "value": 1}, {"value": 2}, {"name": "a"}, {"name": "a", "value": "x"}],
    ],
)
def test_the_last_value_of_a_metric_is_by_time_then_step_then_place(
    metrics: list[dict[str, Any]],
) -> None:
    assert tracking.last_metrics({"metrics": metrics}) == {"a": 1.0}


def test_tags_of_files_are_no_tags_of_users() -> None:
    tags = [{"name": name, "value": "v"} for name in ("a", "cicd.files", "cicd.files.2", "a.2")]
    assert tracking.track({"tags": tags}).tags == {"a": "v", "a.2": "v"}
    info = tracking.track({"customInfo": [{"name": "i", "value": 5}, {"name": "j"}]}).info
    assert info == {"i": "5", "j": ""}


TODAY = date(2026, 6, 15)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ({}, ""),
        ({"retirementDate": ""}, ""),
        ({"deprecated": False, "suggestedReplacements": ["x"]}, ""),
        ({"deprecated": True}, "is deprecated"),
        ({"deprecated": True, "suggestedReplacements": ["x", "y"]}, "is deprecated: use x or y"),
        ({"retirementDate": "2026-06-16T00:00:00Z"}, "retires on 2026-06-16"),
        ({"retirementDate": "2026-06-15"}, "was retired on 2026-06-15"),
        ({"retirementDate": "soon"}, "retires on soon"),
        ({"retirementDate": "sometime in 2026"}, "retires on sometime i"),
        ({"retirementDate": "2026-06-14", "deprecated": True}, "was retired on 2026-06-14"),
        (
            {"retirementDate": "2026-07-01", "suggestedReplacements": ["x"]},
            "retires on 2026-07-01: use x",
        ),
    ],
)
def test_the_end_of_a_model_is_told_with_what_to_use_then(
    version: dict[str, Any], expected: str
) -> None:
    assert models.ending(version, TODAY) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a/b.pem", True),
        ("", True),
        ("a" * 499, True),
        ("a" * 500, False),
        ('{"a": 1}', False),
        ("a\nb", False),
        ('a"b', False),
        ("-----BEGIN", False),
        ("a\\nb", False),
        ("C:\\new\\file", True),
        ("\\\\host\\share\\new", True),
    ],
)
def test_what_may_be_a_path_is_no_key(text: str, *, expected: bool) -> None:
    assert sources.is_path(text) is expected


KEY = {
    "url": " https://auth ",
    "clientid": "me",
    "clientsecret": "",
    "serviceurls": {"AI_API_URL": "https://api"},
}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (KEY, {"auth_url": "https://auth", "client_id": "me", "base_url": "https://api"}),
        (
            {"credentials": {"clientid": 5, "uri": "https://u"}},
            {"client_id": "5", "base_url": "https://u"},
        ),
        (
            {**KEY, "uri": "https://u"},
            {"auth_url": "https://auth", "client_id": "me", "base_url": "https://u"},
        ),
        ({"serviceurls": None}, {}),
    ],
)
def test_a_service_key_is_read_wherever_its_fields_stand(
    document: dict[str, Any], expected: dict[str, str]
) -> None:
    assert sources.from_key(document) == expected


@pytest.mark.parametrize("answer", [None, [], {}, {"resources": None}, {"resources": {}}, "x"])
def test_an_answer_without_a_list_is_never_an_empty_one(answer: Any) -> None:
    with pytest.raises(
        ConnectionFailed, match=r"^u does not .* a list of resources \(check the base URL\)$"
    ):
        listing.resources(answer, "u")


def test_a_list_of_no_objects_names_the_first_that_is_none() -> None:
    assert listing.resources({"resources": []}, "u") == []
    assert listing.resources({"resources": [{"a": 1}]}, "u") == [{"a": 1}]
    with pytest.raises(
        ConnectionFailed, match=r"resources: \[1\] is no object \(check the base URL\)$"
    ):
        listing.resources({"resources": [{}, None, 7]}, "u")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("https://p/{id}", None),
        ("https://p/{kind}", None),
        ("https://p/{resource_group}", "https://p/my%2Frg"),
        ("https://p", "https://p"),
    ],
)
def test_what_has_no_page_has_the_address_that_needs_none(
    template: str, expected: str | None
) -> None:
    assert launchpad.link(template, live("destination"), "my/rg") == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A b/c", "cicd-lock-a-b-c-"),
        ("x" * 50, f"cicd-lock-{'x' * 40}-"),
        ("x" * 39 + "/y", f"cicd-lock-{'x' * 39}-"),
        ("ä", "cicd-lock--"),
    ],
)
def test_a_lock_has_a_name_of_its_own_that_a_secret_may_have(text: str, name: str) -> None:
    made = lease.secret_name(text)
    assert made.startswith(name)
    assert len(made) == len(name) + 8
    assert made != lease.secret_name(text + "x")


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "expired"),
    [
        ("2026-01-01T00:00:01Z", False),
        ("2026-01-01T00:00:00Z", True),
        ("2025-12-31T23:59:59Z", True),
        ("", True),
        ("soon", True),
    ],
)
def test_a_lock_ends_when_it_says(until: str, *, expired: bool) -> None:
    labels = [
        {"key": "ext.ai.sap.com/cicd.holder", "value": "me"},
        {"key": "ext.ai.sap.com/cicd.until", "value": until},
        {"key": "ext.ai.sap.com/cicd.run", "value": "r1"},
    ]
    holder = lease.read_holder({"labels": labels}, NOW)
    assert (holder.name, holder.run, holder.until) == ("me", "r1", until)
    assert (holder.machine, holder.has_expired) == ("", expired)
    assert lease.is_lock({"name": "cicd-lock-x"})
    assert not lease.is_lock({"name": "my-cicd-lock-x"})
    assert not lease.is_lock({})


NOWHERE = {"HOME": "/nowhere"}
LOGIN = {
    "AICORE_BASE_URL": "https://a",
    "AICORE_AUTH_URL": "https://b",
    "AICORE_CLIENT_ID": "me",
    "AICORE_CLIENT_SECRET": "s3cret",
}
SERVICE_KEY = json.dumps({**KEY, "clientid": "other", "clientsecret": "t"})
ALL = ("ok", "base URL, auth URL, client id, client secret: AICORE_* variables", "")
SKIPPED = "AICORE_SERVICE_KEY: not used, AICORE_* variables come first"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (LOGIN, [ALL]),
        (
            {**LOGIN, "AICORE_RESOURCE_GROUP": "rg"},
            [ALL, ("ok", "resource group: AICORE_* variables", "")],
        ),
        (
            {},
            [
                (
                    "error",
                    "the AI Core login is missing: AICORE_AUTH_URL, AICORE_BASE_URL, "
                    "AICORE_CLIENT_ID, AICORE_CLIENT_SECRET not set",
                    "set them, or use --local, which needs no account",
                )
            ],
        ),
        (
            {"AICORE_CLIENT_ID": "me"},
            [
                ("ok", "client id: AICORE_* variables", ""),
                (
                    "error",
                    "the AI Core login is incomplete: AICORE_AUTH_URL, AICORE_BASE_URL, "
                    "AICORE_CLIENT_SECRET not set",
                    "set them, or use --local, which needs no account",
                ),
            ],
        ),
        (
            {**LOGIN, "AICORE_SERVICE_KEY": SERVICE_KEY},
            [
                ALL,
                (
                    "warning",
                    f"{SKIPPED}, and it is of another client",
                    "unset the one that is not meant: the SAP SDK would take the service key",
                ),
            ],
        ),
        (
            {**LOGIN, "AICORE_SERVICE_KEY": SERVICE_KEY.replace("other", "me")},
            [ALL, ("skipped", SKIPPED, "")],
        ),
        (
            {"AICORE_SERVICE_KEY": SERVICE_KEY},
            [("ok", "base URL, auth URL, client id, client secret: AICORE_SERVICE_KEY", "")],
        ),
        (
            {"AICORE_BASE_URL": "https://a", "AICORE_SERVICE_KEY": SERVICE_KEY},
            [
                ("ok", "base URL: AICORE_* variables", ""),
                ("ok", "auth URL, client id, client secret: AICORE_SERVICE_KEY", ""),
                (
                    "warning",
                    "the login is put together from AICORE_* variables and AICORE_SERVICE_KEY",
                    "keep all of it in one place",
                ),
            ],
        ),
        (
            {**LOGIN, "AICORE_SERVICE_KEY": "{"},
            [
                ALL,
                (
                    "warning",
                    "AICORE_SERVICE_KEY is not the JSON of a service key",
                    "paste the whole key, from { to }",
                ),
            ],
        ),
        (
            {**LOGIN, "AICORE_CERT_STR": "x", "AICORE_KEY_STR": "y"},
            [
                (
                    "ok",
                    "base URL, auth URL, client id, client secret, certificate, key: "
                    "AICORE_* variables",
                    "",
                ),
                (
                    "warning",
                    "a client secret and a certificate are both set: the secret is used",
                    "unset the one that is not meant",
                ),
            ],
        ),
        (
            {**LOGIN, "VCAP_SERVICES": json.dumps({"a": [{"label": "aicore", "clientid": "x"}]})},
            [
                ALL,
                (
                    "skipped",
                    SKIPPED.replace("AICORE_SERVICE_KEY", 'VCAP_SERVICES, label "aicore"'),
                    "",
                ),
            ],
        ),
        ({**LOGIN, "VCAP_SERVICES": json.dumps({"a": [{"label": "other"}]})}, [ALL]),
        (
            {**LOGIN, "VCAP_SERVICES": "[1]"},
            [
                ALL,
                (
                    "warning",
                    "VCAP_SERVICES is not the JSON of bound services",
                    "unset it, or bind the service again",
                ),
            ],
        ),
        (
            {**LOGIN, "AICORE_CONFIG": "/nowhere/x.json"},
            [
                ALL,
                (
                    "warning",
                    "there is no file /nowhere/x.json, which AICORE_CONFIG names",
                    "see AICORE_PROFILE",
                ),
            ],
        ),
        (
            {**LOGIN, "AICORE_CONFIG": '{"a": 1}'},
            [ALL, ("warning", "AICORE_CONFIG is no path of a file", "see AICORE_PROFILE")],
        ),
        (
            {**LOGIN, "AICORE_PROFILE": "p"},
            [
                ALL,
                (
                    "warning",
                    "there is no file /nowhere/.aicore/config_p.json, which AICORE_PROFILE "
                    '"p" names',
                    "see AICORE_PROFILE",
                ),
            ],
        ),
    ],
)
def test_where_a_login_comes_from_is_told_place_by_place(
    environ: dict[str, str], expected: list[tuple[str, str, str]]
) -> None:
    found = provenance.explain({**NOWHERE, **environ})
    assert [(one.state, one.text, one.cure) for one in found] == expected
    assert {one.check for one in found} == {"credentials"}
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", [("warning", "{} is not the JSON of a login")]),
        ("[1]", [("warning", "{} is not the JSON of a login")]),
        ('"x"', [("warning", "{} is not the JSON of a login")]),
        ('{"clientid": "x", "credentials": 5}', [("warning", "{} is not the JSON of a login")]),
        ("{}", []),
        ('{"AICORE_RESOURCE_GROUP": "rg"}', [("ok", "resource group: {}")]),
        ('{"AICORE_CLIENT_ID": "x"}', [("skipped", "{}: not used, AICORE_* variables come first")]),
        ('{"clientid": "x"}', [("skipped", "{}: not used, AICORE_* variables come first")]),
        ("\ufeff{}", []),
        (None, [("warning", "cannot read {}: Is a directory")]),
    ],
)
def test_a_file_with_a_login_is_read_or_said_to_be_none(
    tmp_path: Path, text: str | None, expected: list[tuple[str, str]]
) -> None:
    file = tmp_path / "login.json"
    file.mkdir() if text is None else file.write_text(text, encoding="utf-8")
    found = provenance.explain({**NOWHERE, **LOGIN, "AICORE_CONFIG": str(file)})
    told = [(one.state, one.text) for one in found if (one.state, one.text, one.cure) != ALL]
    assert told == [(state, line.format(file)) for state, line in expected]


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        (
            {"AICORE_BASE_URL": "a.example"},
            'AICORE_BASE_URL is no URL: "a.example"',
            "it begins with",
        ),
        ({"AICORE_BASE_URL": "ftp://a"}, 'AICORE_BASE_URL is no URL: "ftp://a"', "it begins with"),
        ({"AICORE_AUTH_URL": "https://b?x=s3cret"}, "AICORE_AUTH_URL has a query", "leave out"),
        ({"AICORE_AUTH_URL": "https://b#x"}, "AICORE_AUTH_URL has a fragment", "leave out"),
        ({"AICORE_AUTH_URL": "https:b"}, 'AICORE_AUTH_URL is no URL: "https:b"', "it begins with"),
    ],
)
def test_an_address_that_is_none_is_named(changes: dict[str, str], said: str, hint: str) -> None:
    with pytest.raises(Denied) as error:
        credentials.aicore_credentials({**NOWHERE, **LOGIN, **changes})
    assert error.value.message == said
    assert error.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("base", "auth", "expected"),
    [
        ("https://a", "https://b", ("https://a/v2", "https://b/oauth/token")),
        ("https://a/v2/", "https://b/oauth", ("https://a/v2", "https://b/oauth/token")),
        ("https://a/v2/lm", "https://b/oauth/token/", ("https://a/v2", "https://b/oauth/token")),
        ("HTTPS://a/x", "http://b/x", ("https://a/x/v2", "http://b/x/oauth/token")),
        ("https://a/lm", "https://b/token", ("https://a/v2", "https://b/token/oauth/token")),
    ],
)
def test_an_address_has_its_end_however_much_of_it_was_given(
    base: str, auth: str, expected: tuple[str, str]
) -> None:
    given = {"AICORE_BASE_URL": base, "AICORE_AUTH_URL": auth}
    known = credentials.aicore_credentials({**NOWHERE, **LOGIN, **given})
    assert (known.base_url, known.auth_url) == expected
    assert (known.client_id, known.resource_group, known.certificate) == ("me", "", None)
    assert known.source == "AICORE_* variables"


def test_a_login_goes_to_its_group_by_itself() -> None:
    assert provenance.target({"AICORE_RESOURCE_GROUP": "rg", "X": "y"}) == {"resource_group": "rg"}


@pytest.mark.parametrize("leaf", [{1, 2}, object(), b"x"])
def test_what_is_no_json_is_never_sent(leaf: Any) -> None:
    secrets: dict[str, None] = {}
    with pytest.raises(TypeError, match=f"{type(leaf).__name__} cannot be sent"):
        rest._reveal(leaf, secrets)
    assert rest._reveal(Secret("s"), secrets) == "s"
    assert secrets == {"s": None}


def test_a_place_of_credentials_shows_none_of_them() -> None:
    shown = repr(sources.Source("AICORE_*", {"client_secret": "s3cret"}))
    assert "AICORE_*" in shown and "s3cret" not in shown


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (requests.exceptions.ConnectTimeout("x"), "connecting took too long"),
        (requests.exceptions.ReadTimeout("x"), "no answer in time"),
        (
            requests.exceptions.ConnectionError("s3cret", BadStatusLine("s3cret")),
            "the answer is no HTTP",
        ),
        (
            requests.exceptions.ConnectionError(ConnectionResetError(104, "reset by peer")),
            "reset by peer",
        ),
        (requests.exceptions.InvalidURL("bad: no host"), "no host"),
    ],
)
def test_why_there_was_no_answer_is_told_in_a_few_words(
    error: requests.RequestException, told: str
) -> None:
    assert answers._cause(error) == told


def test_an_answer_without_an_id_is_of_something_else() -> None:
    assert [convert.id_of({"id": id}) for id in ("a", 5)] == ["a", "5"]
    for document in ({}, {"id": ""}, {"id": None}):
        with pytest.raises(ConnectionFailed, match="something that has no id"):
            convert.id_of(document)


@pytest.mark.parametrize("which", [0, 1])
def test_a_text_where_a_file_of_a_certificate_is_named_is_told_without_it(which: int) -> None:
    files = [__file__, __file__]
    files[which] = "-----BEGIN s3cret"
    for source, who in (("AICORE_*", "AICORE_*"), ("", "the login")):
        known = Certificate("", Secret(""), source=source)
        with pytest.raises(Denied, match="has a text for a file of the certificate") as error:
            check_certificate(known, (files[0], files[1]), datetime(2026, 1, 1, tzinfo=UTC))
        assert error.value.message.startswith(who) and "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("sizes", "chased"),
    [
        ([100, *[49] * 9], False),
        ([100, *[49] * 10], True),
        ([100, *[50] * 20], False),
        ([100, *[49] * 9, 50], False),
        ([100, *[49] * 9, 50, *[49] * 10], True),
        ([1] * 20, False),
        ([0] * 20, False),
    ],
)
def test_a_list_that_grows_as_it_is_read_ends_with_ten_short_pages(
    sizes: list[int], *, chased: bool
) -> None:
    one = listing.Pass(Any, 100)  # type: ignore[arg-type]
    found = [one._is_chased(size) for size in sizes]
    assert found == [*[False] * (len(sizes) - 1), chased]


@pytest.mark.parametrize(
    ("secret", "text", "told"),
    [
        ("s3cret", "x s3cret y", "x *** y"),
        ("first\nabcdef", "an abcdef", "an ***"),
        ("first\nabcde", "an abcde", "an abcde"),
        ('{"a": ["sesame"]}', "open sesame", "open ***"),
        ("s3cret", "a  b\n c", "a b c"),
    ],
)
def test_an_echo_of_a_secret_is_hidden_but_no_short_word_of_it(
    secret: str, text: str, told: str
) -> None:
    assert answers.masked(text, [secret]) == told


def test_a_tenant_is_asked_by_ten_connections_at_once() -> None:
    assert (transport.CONNECTIONS, reading.WORKERS) == (10, 10)


@pytest.mark.parametrize(
    ("created", "start"),
    [
        ("", "1990-01-01T00:00:00Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:03:05Z"),
    ],
)
def test_a_log_is_asked_for_from_a_minute_before_its_run(created: str, start: str) -> None:
    moment = times.moment(created)
    begin = adapter.EARLIEST if moment is None else moment - adapter.CLOCK_SKEW
    assert times.rfc3339(begin).replace(".000000000", "") == start


def unlisted_things() -> Any:
    """One whose tenant has nothing but what its lists show."""
    http = SimpleNamespace(base_url="https://x/v2")
    return Unlisted(SimpleNamespace(http=http), SimpleNamespace())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x/v2/inference/deployments/d7/v1/chat", ["d7"]),
        ("https://x/v2/inference/deployments/d7", ["d7"]),
        ("https://x/v2/inference/deployments/", []),
        ("https://y/v2/inference/deployments/d7", []),
        ("", []),
        (None, []),
    ],
)
def test_a_destination_names_the_deployment_that_it_points_at(
    url: str | None, expected: list[str]
) -> None:
    def wish(name: str, target: Any) -> Resource:
        return Resource(Key("destination", name), {"name": name, "url": target})

    desired = [wish("D", Ref(Key("deployment", "serve"), "url")), wish("E", "https://elsewhere")]
    found = [live("destination", name, name=name, url=url) for name in ("D", "E", "F")]
    lists = {"live destinations D": found, "executions": [], "live artifacts": []}
    told = list(unlisted_things()._served(lists, desired))
    assert told == [("deployment", id) for id in expected]
