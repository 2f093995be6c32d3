"""What is told, to whom and in which words, as tables."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cicd.model import (
    Action,
    Approval,
    ApprovalState,
    Change,
    Happening,
    Key,
    Kind,
    LifecycleStatus,
    Notice,
    Outcome,
    Plan,
    Result,
    Secret,
    Step,
)
from cicd.notify.channels import Channel
from cicd.notify.happenings import Told, of_difference, of_outcomes, recovered
from cicd.notify.marks import Marks, read, write
from cicd.notify.message import Message, body_for, document_of, plain_title

KINDS = {
    "job": Kind("job", role="run"),
    "service": Kind("service", role="service"),
    "thing": Kind("thing", role="content"),
}


def plan_of(**actions: Action) -> Plan:
    changes = [Change(key_of(name), action, "it differs") for name, action in actions.items()]
    return Plan("dev", "toy", {}, "c0ffee", "2026-01-01T00:00:00Z", tuple(changes), "f")


def key_of(name: str) -> Key:
    kind, _, rest = name.partition("_")
    return Key(kind, rest)


def outcome(name: str, result: Result, **more: Any) -> Outcome:
    code = 1 if result in {Result.FAILED, Result.SKIPPED, Result.TIMED_OUT} else 0
    return Outcome(key_of(name), Action.CREATE, result, **{"exit_code": code, **more})


def channel(address: str, **more: Any) -> Channel:
    return Channel(1, Notice(frozenset({"failed"}), Secret(address), **more))


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ([outcome("job_a", Result.FAILED, error="boom")], ("failed", "job/a", "boom")),
        (
            [outcome("job_a", Result.FAILED, error="boom"), outcome("service_s", Result.SKIPPED)],
            ("failed", "job/a", "boom"),
        ),
        (
            [outcome(f"job_{n}", Result.FAILED, error="boom") for n in "abcdefg"],
            ("failed", "job/a", "boom; job/b, job/c, job/d, job/e and 2 more failed too"),
        ),
        (
            [outcome("service_s", Result.TIMED_OUT, error="still PENDING")],
            ("failed", "service/s", "timed out: still PENDING"),
        ),
        ([outcome("service_s", Result.APPLIED)], ("deployed", "service/s", "service/s is new")),
        ([outcome("service_s", Result.UNCHANGED)], None),
        ([outcome("service_s", Result.DEFERRED)], None),
        ([outcome("thing_t", Result.APPLIED), outcome("service_s", Result.UNCHANGED)], None),
        ([outcome("job_a", Result.APPLIED)], ("deployed", "job/a", "job/a is new")),
        ([], None),
    ],
)
def test_what_an_apply_has_come_to(outcomes: list[Outcome], told: tuple[str, ...] | None) -> None:
    plan = plan_of(**{f"{o.key.kind}_{o.key.name}": Action.CREATE for o in outcomes})
    found = [(one.on, one.key, one.reason) for one in of_outcomes(plan, outcomes, KINDS, "dev")]
    assert found == ([told] if told else [])


@pytest.mark.parametrize(
    ("step", "state", "on"),
    [
        (Step.APPROVAL, ApprovalState.PENDING, "approval_needed"),
        (Step.APPROVAL, ApprovalState.NONE, "approval_needed"),
        (Step.APPROVAL, ApprovalState.STALE, "approval_needed"),
        (Step.APPROVAL, ApprovalState.REJECTED, "failed"),
        (Step.ASSETS, None, "failed"),
        (Step.TEST, None, "failed"),
    ],
)
def test_who_can_still_decide_is_asked_and_the_rest_is_a_failure(
    step: Step, state: ApprovalState | None, on: Happening
) -> None:
    approval = Approval(state, link="https://x/1") if state else None
    status = LifecycleStatus(step, approval=approval)
    held = outcome("service_s", Result.HELD, error="it waits")
    plan = plan_of(service_s=Action.CREATE)
    [told] = of_outcomes(plan, [held], KINDS, "prd", status)
    assert (told.on, told.key, told.reason) == (on, "service/s", "it waits")
    is_asked = on == "approval_needed"
    assert (told.link, told.command) == (
        ("https://x/1", "cicd approve prd") if is_asked else ("", "cicd plan prd")
    )


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        ({"service_s": Action.NO_OP}, None),
        ({"service_s": Action.UPDATE}, "service/s would be updated: it differs"),
        ({"job_j": Action.RUN}, "job/j would run: it differs"),
        ({"service_s": Action.DELETE}, "service/s would be deleted: it differs"),
        (
            {"service_s": Action.CREATE, "job_j": Action.RUN},
            "service/s, job/j differ; service/s would be made: it differs",
        ),
    ],
)
def test_what_differs_is_told_by_its_first_change(
    actions: dict[str, Action], reason: str | None
) -> None:
    found = [one.reason for one in of_difference(plan_of(**actions), "dev")]
    assert found == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("address", "sort", "host", "hidden", "kept"),
    [
        (
            "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrI",
            ("slack", "hooks.slack.com"),
            "hooks.slack.com",
            ["T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrI"],
            ["services", "hooks.slack.com"],
        ),
        (
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrI/#general",
            ("slack", ""),
            "",
            ["T1JJ3T3L2", "A1BRTD4JD"],
            ["general"],
        ),
        (
            "https://prod-12.westeurope.logic.azure.com:443/workflows/0a1b2c3d4e5f/triggers/manual"
            "/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sig=abc%2BDEF_-z",
            ("teams", ""),
            "prod-12.westeurope.logic.azure.com",
            ["0a1b2c3d4e5f", "abc+DEF_-z", "abc%2BDEF_-z"],
            ["workflows", "triggers", "manual"],
        ),
        (
            "mailtos://robot:pa55word@smtp.example.com:587?to=ops@example.com",
            ("mail", ""),
            "smtp.example.com",
            ["pa55word", "ops@example.com"],
            ["smtp.example.com"],
        ),
        (
            "webhook+https://[::1]:8443/hook/tok%2Fabcdef?x=secret-value#frag",
            ("webhook", ""),
            "::1",
            ["tok%2Fabcdef", "tok/abcdef", "abcdef", "secret-value"],
            ["hook"],
        ),
        (
            "webhook+https://h.example.com/webhook/notify/Tok3nTok3n",
            ("webhook", ""),
            "h.example.com",
            ["Tok3nTok3n"],
            ["webhook", "notify"],
        ),
        (
            "tgram://123456789:abcdefg_hij/-1001/",
            ("tgram", ""),
            "",
            ["123456789", "abcdefg_hij"],
            [],
        ),
        ("json://user:pass99@10.0.0.1/p", ("json", ""), "10.0.0.1", ["pass99"], ["10.0.0.1"]),
    ],
)
def test_of_an_address_its_scheme_and_host_are_seen_and_the_rest_is_hidden(
    address: str, sort: tuple[str, str], host: str, hidden: list[str], kept: list[str]
) -> None:
    found = channel(address)
    assert (found.name, found.host) == (f"{sort[0]} #1", host)
    assert set(hidden) | {address} <= set(found.secrets)
    assert not set(kept) & set(found.secrets)


@pytest.mark.parametrize("address", ["", "nonsense", "https://[::1", "://", "x://", "a b c"])
def test_what_is_no_address_has_a_name_all_the_same(address: str) -> None:
    found = channel(address, missing=() if address else ("HOOK",))
    assert found.name and found.host == "" and repr(found.notice.to) == "***"


EVIL = (
    "*b* _i_ `c` <!channel> <@U1> <#C1> @here @everyone [a](https://evil.example) "
    "http://evil.example www.evil.example :rotating_light: \x1b[31m ::error::x ##vso[x]y\r\n/close"
)


def message(**more: Any) -> Message:
    told = Told("failed", EVIL, f"job/{EVIL}", (EVIL, ""), f"https://x/{EVIL}", "cicd explain x")
    values = {"stage": EVIL, "platform": "toy", "place": EVIL, "commit": "c0ffee", "author": EVIL}
    return Message(
        **{"told": told, **values, "run": "https://ci/1", "at": "now", "id": "1", **more}
    )


@pytest.mark.parametrize("sort", ["slack", "teams", "mail", "discord", "json"])
def test_texts_of_others_add_no_line_mention_or_link(sort: str) -> None:
    body = body_for(sort, message())
    lines = [line for line in body.splitlines() if line]
    assert not re.search(r"@\w|<[!#@]\w|https?://evil|www\.evil|:\w+:", body)
    assert all(line.replace("\u200b", "").isprintable() for line in lines)
    assert not [line for line in lines if line.lstrip().startswith("/")]
    assert [line for line in lines if line.startswith("http")] == ["https://ci/1"]
    assert "cicd explain x" in body


def test_a_title_is_plain_text_for_every_service() -> None:
    title = message().title
    assert not re.search(r"[*_\[\]<>`~|#\n\r\x1b]|@\w|https?://evil", title)
    assert len(plain_title("x" * 999)) <= 120


def test_teams_gets_each_line_as_one_and_mail_the_end_of_the_log() -> None:
    log = tuple(f"line {n}" for n in range(9))
    one = message(told=Told("failed", "boom", "job/j", log))
    assert "\n\n" in body_for("teams", one) and "\n\n" not in body_for("slack", one)
    assert "line 0" in body_for("mail", one) and "line 0" not in body_for("slack", one)
    assert "last log line: line 8" in body_for("slack", one)


def test_a_webhook_gets_texts_as_they_are() -> None:
    document = document_of(message())
    assert (document["reason"], document["author"]) == (EVIL, EVIL)


NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("since", "is_due"),
    [(None, True), (0, False), (3599, False), (3600, True), (99_999, True), (-9_999, True)],
)
def test_the_same_is_due_again_after_an_hour(since: int | None, is_due: bool) -> None:
    marks = Marks() if since is None else Marks().claimed("failed", 1, NOW - since, "r1")
    kept = read(write(marks, NOW))
    assert kept.is_due("failed", 1, NOW) is is_due
    others: list[tuple[Happening, int]] = [("failed", 2), ("deployed", 1)]
    assert all(kept.is_due(on, number, NOW) for on, number in others)


def test_of_two_that_tell_at_once_the_last_to_claim_does() -> None:
    """Both have read that nobody was told; each writes, and reads what stands there."""
    first = Marks().claimed("failed", 1, NOW, "first")
    second = Marks().claimed("failed", 1, NOW, "second")
    stands = read(write(second, NOW))  # over what the first has written
    assert not stands.is_claimed_by("failed", 1, "first") and first != stands
    assert stands.is_claimed_by("failed", 1, "second")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"told": 1}',
        '{"told": {"a": 1}, "open": {}}',
        "[" * 9999,
        '{"told":{}}',
    ],
)
def test_what_nobody_can_read_says_that_nobody_was_told(text: str) -> None:
    assert read(text) == Marks()


def test_what_is_kept_fits_where_platforms_keep_little() -> None:
    marks = Marks()
    for number in range(1, 9):
        for on in ("failed", "drifted", "deployed", "recovered"):
            marks = marks.claimed(on, number, NOW, "0123abcd")
    marks = marks.opened("failed", "execution/" + "x" * 500).opened("drifted", "y" * 500)
    assert len(write(marks, NOW)) < 2000
    assert read(write(marks, NOW)).open["failed"].startswith("execution/x")
    for number in range(1, 99):
        marks = marks.claimed("suspended", number, NOW + number, "0123abcd")
    kept = read(write(marks, NOW + 99))
    assert not kept.is_due("suspended", 98, NOW + 99)
    assert len(write(marks, NOW + 99)) <= 1900 and kept.open == marks.open
    assert write(marks.closed(), NOW + 9999) == '{"told":{},"open":{}}'


def test_recovered_says_from_what() -> None:
    told = recovered(["failed", "drifted"], "job/j", "dev")
    assert told.reason.endswith("it had failed and it had drifted")
    assert (told.on, told.key, told.command) == ("recovered", "job/j", "cicd status dev")
