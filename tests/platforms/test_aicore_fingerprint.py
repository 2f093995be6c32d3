"""Fingerprints of secrets: they tell a change, and nothing else."""

from __future__ import annotations

import pytest

from cicd.model import Secret
from cicd.platforms.aicore import fingerprint

SALT = bytes(range(16))
DATA = {"api-key": Secret("s3cret"), "hf_token": Secret("s3cret"), "a;b=c %": Secret("")}


def test_each_key_is_told_apart_and_no_value_is_in_the_text() -> None:
    text = fingerprint.make(DATA, SALT, "dev;1")
    found = fingerprint.read(text)
    assert found and found.stage == "dev;1" and "s3cret" not in text
    assert found.live(DATA) == DATA
    other = {**DATA, "api-key": Secret("s3cret!")}
    live = found.live({key: other[key] for key in ("api-key", "hf_token")})
    assert live.keys() == DATA.keys() and live["hf_token"] == DATA["hf_token"]
    assert live["api-key"] not in (DATA["api-key"], other["api-key"])


def test_a_key_that_was_never_sent_is_absent() -> None:
    found = fingerprint.read(fingerprint.make({"a": Secret("1")}, SALT))
    assert found and found.live({"b": Secret("1")}).keys() == {"a"}


def test_equal_values_do_not_look_equal_and_salts_differ() -> None:
    digests = [
        entry.partition("=")[2]
        for salt in (SALT, SALT[::-1])
        for entry in fingerprint.make({"a": Secret("x"), "b": Secret("x")}, salt).split(";")[3:]
    ]
    assert len(set(digests)) == 4


def test_too_many_keys_make_one_fingerprint_of_the_whole() -> None:
    data = {f"key-{'x' * 80}-{n}": Secret("1") for n in range(60)}
    text = fingerprint.make(data, SALT, "dev")
    found = fingerprint.read(text)
    assert len(text) < fingerprint.MAX_LENGTH and found
    assert found.live(data) == data
    first = next(iter(data))
    changed = {**data, first: Secret("2")}
    live = found.live(changed)
    assert all(live[key] != changed[key] for key in changed)


@pytest.mark.parametrize(
    "text", ["", "scrypt1", "scrypt1;dev", "scrypt1;dev;xyz;a=1", "scrypt2;dev;00;a=1", "by hand"]
)
def test_what_is_not_known_is_no_fingerprint(text: str) -> None:
    assert fingerprint.read(text) is None
