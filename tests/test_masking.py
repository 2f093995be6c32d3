"""What is hidden in texts of others, and what is left readable."""

from __future__ import annotations

import base64
import json
import re
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.masking import LONG, Mask, hide, is_secret_name, parts

LINE = (
    "2026-11-30T12:34:56Z execution e1234abc5 of train-dev ended in 1.25 s (exit 1): "
    "the deployment d0001234 answers 200 at https://h.example:8080/v1/predict, 12 of 1234 rows, a=1"
)


@pytest.mark.parametrize("secret", ["", "1", "12", "a", "e", "on", "dev", "the", ".", "://", "200"])
def test_a_short_secret_garbles_no_text(secret: str) -> None:
    assert hide(LINE, [secret]) == LINE


@pytest.mark.parametrize(
    ("secret", "hidden"),
    [
        ("1234", "12 of *** rows"),
        ("train", ""),
        ("2026", ""),
        ("0001234", ""),
        ("deployment", "the *** d0001234"),
        ("execution", "Z *** e1234abc5"),
        ("predict", "/v1/***,"),
    ],
)
def test_a_word_or_a_number_counts_only_where_it_stands_by_itself(secret: str, hidden: str) -> None:
    said = hide(LINE, [secret])
    assert said == LINE if not hidden else hidden in said and said.count("***") == 1


@pytest.mark.parametrize(
    "around", ['"{}"', "pin={}", "pin: {}", "({})", "/{}/", "\\n{}", "%20{}", "a\t{}", "{}.", "{},"]
)
@pytest.mark.parametrize("secret", ["4711", "~q7Z", "pass12"])
def test_a_short_secret_is_found_between_signs(secret: str, around: str) -> None:
    assert hide(around.format(secret), [secret]) == around.format("***")


SPELLINGS = {
    "json": lambda text: json.dumps(text)[1:-1],
    "url": lambda text: quote(text, safe=""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "python": lambda text: repr(text)[1:-1],
    "json of Go": lambda text: (
        json.dumps(text, ensure_ascii=False)[1:-1].replace("&", "\\u0026").replace("<", "\\u003c")
    ),
    "json of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json in capitals": lambda text: json.dumps(text)[1:-1].replace("\\u00fc", "\\u00FC"),
    "url in small letters": lambda text: re.sub(
        "%..", lambda code: code[0].lower(), quote(text, safe="")
    ),
    "html of Go": lambda text: (
        escape(text, quote=False).replace("'", "&#39;").replace('"', "&#34;")
    ),
    "json twice": lambda text: json.dumps(json.dumps(text))[3:-3],
    "url twice": lambda text: quote(quote(text, safe="")),
    "a form": lambda text: quote_plus(text),
    "html by numbers": lambda text: "".join(
        char if char.isalnum() else f"&#{ord(char)};" for char in text
    ),
    "utf-8 taken for latin-1": lambda text: text.encode().decode("latin-1"),
    "bytes of Python": lambda text: repr(text.encode())[2:-1],
    "hexadecimal": lambda text: text.encode().hex().upper(),
    "url, then json": lambda text: json.dumps(quote(text))[1:-1],
    "base64 without its end": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_a_long_secret_is_found_within_others_in_any_spelling(spell: object) -> None:
    secret = 'tops3cret "value"/+=&<ü!'
    assert callable(spell)
    assert hide(f"before{spell(secret)}after", [secret]) == "before***after"


@pytest.mark.parametrize("before", ["", "u", "me", "user:", "robot:"])
@pytest.mark.parametrize("after", ["", "@", "@h", "@host"])
def test_a_secret_is_found_in_the_base64_of_a_longer_text(before: str, after: str) -> None:
    secret = "tops3cret/value+1"
    said = hide("Basic " + base64.b64encode(f"{before}{secret}{after}".encode()).decode(), [secret])
    assert "***" in said and len(said) < len("Basic ***") + 1.5 * len(before + after) + 8


@pytest.mark.parametrize("text", ["a tops3cret…", "…cret/value-1 b", "x tops3cret/…lue-1 y", "…"])
def test_what_is_left_of_a_secret_where_it_is_cut_is_hidden(text: str) -> None:
    mask = Mask()
    mask.add(["tops3cret/value-1\n"])
    shown = mask.hide(text)
    assert "tops3cret" not in shown and "value-1" not in shown and "…" in shown


def test_where_nothing_of_a_secret_is_cut_nothing_is_hidden() -> None:
    mask = Mask()
    mask.add(["tops3cret/value-1"])
    for text in ("and so on…", "tops3…", "a tops3cret b…", "…alue-1", "…a value-2", "……"):
        assert mask.hide(text) == text


@given(st.text(min_size=LONG).filter(lambda text: len(text.strip()) >= LONG), st.text(), st.text())
def test_nothing_of_length_gets_through_a_mask(secret: str, before: str, after: str) -> None:
    mask = Mask()
    mask.add([secret])
    is_word = secret.strip().isalpha() or secret.strip().isdecimal()
    if not is_word:
        assert secret not in mask.hide(f"{before}{secret}{after}").replace("***", "")
    assert secret not in mask.hide(f" {secret} ")


def test_a_mask_spares_what_everybody_knows_and_what_is_short() -> None:
    mask = Mask()
    mask.add(["production", "hunter2", "tops3cret-1"])
    mask.spare(["production"])
    assert mask.hide("production hunter2 tops3cret-1") == "production hunter2 ***"
    mask.clear()
    assert mask.hide("tops3cret-1") == "tops3cret-1"


def test_a_mask_goes_through_plain_data() -> None:
    mask = Mask()
    mask.add(["tops3cret-1"])
    value = {"a tops3cret-1": [1, None, "x tops3cret-1"], "n": 1.5, "b": True}
    assert mask.hide_in(value) == {"a ***": [1, None, "x ***"], "n": 1.5, "b": True}


@pytest.mark.parametrize("name", ["eos_token", "pad_token", "maskToken"])
def test_words_of_language_models_are_no_secrets(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("front", ["", "\ufeff"])
def test_the_parts_of_a_key_are_found_behind_a_byte_order_mark(front: str) -> None:
    assert {"hidden-1", "hidden-2"} <= {*parts(f'{front}{{"a": "hidden-1", "b": ["hidden-2"]}}')}


@pytest.mark.parametrize(
    "secret",
    [
        "q7Z/" * 1000,
        "-----BEGIN KEY-----\n" + "MIIEvQ+/IBADANBg==\n" * 60 + "-----END KEY-----",
        json.dumps({f"key-{number}": f"a+b/{number}" for number in range(60)}),
        "https://user:pa$$@host/?" + "&".join(f"a{number}=%2F{number}" for number in range(80)),
        "größe·" * 200,
    ],
    ids=["path", "PEM", "JSON", "URL", "no ASCII"],
)
def test_a_text_in_which_the_end_of_a_long_secret_is_another_is_read_to_its_end(
    secret: str,
) -> None:
    """With two ways to read each sign it would take longer than anybody waits."""
    mask = Mask()
    mask.add([secret])
    nearly = f"before {secret[:-1]}\x01 is not there, {'and so on, ' * 20}"
    assert mask.hide(nearly) == nearly
    assert mask.hide(f"before {secret} after") == "before *** after"
