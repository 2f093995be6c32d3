"""Which words and exit codes point at which cause, and which of them count in a log."""

from __future__ import annotations

import pytest

from cicd.model import Secret
from cicd.platforms.aicore import fingerprint
from cicd.platforms.aicore.causes import CAUSES, MOST, likely

WORDS = [
    ("pull access denied", "the registry does not let it in", False),
    ("manifest unknown", "the registry has no such image", False),
    ("toomanyrequests", "gives out no more for now", False),
    ("InvalidImageName", "its name is none", False),
    ("ErrImagePull", "cannot be pulled", False),
    ("nothing stands in for image x", "nothing stands in for its image", False),
    ("fork: retry: Resource temporarily unavailable", "more processes or threads", True),
    ("OOMKilled", "more memory", True),
    ("0/3 nodes are available", "no room for it", False),
    ("exceeded quota", "a quota is used up", False),
    ("secret x not found", "a secret that its template names", False),
    ("SignatureDoesNotMatch", "refuses the login", True),
    ("NoSuchKey", "an input is not where", True),
    ("no artifact repository", "no object store", False),
    ("DeadlineExceeded", "took longer than it may", False),
    ("CrashLoopBackOff", "ends again and again", False),
    ("Readiness probe failed", "does not answer on its port", False),
    ("not ready after 3 starts: exit code 0", "though a server goes on", False),
    ("read-only file system", "may not do that", True),
    ("command not found", "the command of the container", True),
    ("exec format error", "for another processor", True),
    ("No module named 'x'", "a Python package is missing", True),
    ("FileNotFoundError", "looks for a file", True),
    ("Could not resolve host", "cannot reach another host", True),
    ("No space left on device", "the disk is full", True),
    ("unresolved placeholder", "does not fit its template", False),
    ("repository not found", "the repository cannot be read", False),
    ("app path does not exist", "the folder or the revision", False),
    ("Segmentation fault", "crashed in native code", True),
    ("SIGTERM", "it was asked to end", False),
]


def test_each_cause_has_a_row() -> None:
    assert len(WORDS) == len(CAUSES)


@pytest.mark.parametrize(("said", "text", "is_logged"), WORDS)
def test_words_point_at_a_cause_and_some_of_them_in_a_log_too(
    said: str, text: str, *, is_logged: bool
) -> None:
    [found] = likely(f"line\n{said.upper()}", "", [])
    assert text in found.text
    assert (found.check, found.state, bool(found.cure)) == ("likely", "error", True)
    assert bool([*likely("", f"a\n{said}\nb", [])]) is is_logged


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (137, "more memory"),
        (126, "may not do that"),
        (127, "the command of the container"),
        (139, "native code"),
        (134, "native code"),
        (143, "asked to end"),
    ],
)
def test_an_exit_code_points_at_a_cause_where_nothing_is_said(code: int, text: str) -> None:
    [found] = likely("", "", [0, code])
    assert text in found.text
    assert [one.text for one in likely("DeadlineExceeded", "", [code])] == [
        "it was ended as it took longer than it may"
    ]


@pytest.mark.parametrize("code", [0, 1, 2, 125, 128, 130, 133, 135, 136, 138, 140, 142, 144])
def test_any_other_exit_code_says_nothing(code: int) -> None:
    assert list(likely("", "", [code])) == []


def test_the_most_certain_causes_come_first_and_no_more_than_a_few() -> None:
    words = "SIGTERM No space left on device DeadlineExceeded OOMKilled exceeded quota"
    assert [one.text.split()[1] for one in likely(words, "", [])][:MOST] == [
        "needed",
        "quota",
        "was",
    ]
    assert len([*likely(words, "", [])]) == MOST == 3
    pulled = [
        one.text for one in likely("ErrImagePull: manifest unknown; pull access denied", "", [])
    ]
    assert len(pulled) == 1


SALT = bytes(range(16))
KNOWN = "scrypt1;d%3Bv;000102030405060708090a0b0c0d0e0f;a%20b=41adca28f43cc0e9;b=d0ae733c31d9844b"


def test_a_fingerprint_is_the_same_in_every_version_of_cicd() -> None:
    """Labels that were written before have to be read."""
    data = {"b": Secret("2"), "a b": Secret("1")}
    assert fingerprint.make(data, SALT, "d;v") == KNOWN
    assert fingerprint.make(dict(reversed(data.items())), SALT, "d;v") == KNOWN


def test_the_whole_is_told_whatever_the_order() -> None:
    data = {f"key-{'x' * 80}-{n}": Secret(str(n)) for n in range(60)}
    text = fingerprint.make(data, SALT)
    assert text.rpartition(";")[2].startswith("*=")
    assert fingerprint.make(dict(reversed(data.items())), SALT) == text
    found = fingerprint.read(text)
    assert found is not None
    assert found.live(dict(reversed(data.items()))) == data


@pytest.mark.parametrize("more", [0, 1])
def test_digests_of_single_keys_are_kept_as_long_as_a_label_holds_them(more: int) -> None:
    head = len(f"scrypt1;;{SALT.hex()}")
    length = fingerprint.MAX_LENGTH - head - 18 + more
    text = fingerprint.make({"k" * length: Secret("1")}, SALT)
    assert ("*=" in text) is bool(more)
    assert len(text) <= fingerprint.MAX_LENGTH
