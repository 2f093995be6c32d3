"""What Apprise and our own webhook really send, and what comes back, with servers on loopback."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import requests

from cicd.model import Happening, Notice, Secret
from cicd.notify.channels import Channel
from cicd.notify.happenings import Told
from cicd.notify.message import Message
from cicd.notify.sending import send_all
from tests.notify.receivers import Receiver, mailbox, receiver, text_of

with warnings.catch_warnings():  # of what it looks for, and of what that is made with
    warnings.simplefilter("ignore")
    from apprise import Apprise
    from apprise.plugins.slack import NotifySlack

    Apprise.instantiate("json://localhost")

ROOT = Path(__file__).parents[2]
TOLD = Told("failed", "*gate* <!channel> @here", "job/train", ("one", "ValueError: <@U1> no"))
MESSAGE = Message(
    TOLD, "prd", "aicore", "group", "0123456789abcdef", "Álice", "https://ci/1", "now", "id"
)
SECRET = "tokABCDEF123"


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    with receiver() as here:
        yield here


def sent(server: Receiver, *addresses: str, patience: float = 15.0) -> list[str]:
    """Why each address was not told, after what the server had before is forgotten."""
    server.got.clear()
    notices = [Notice(frozenset(), Secret(address)) for address in addresses]
    channels = [Channel(number, notice) for number, notice in enumerate(notices, 1)]
    return [one.problem for one in send_all(MESSAGE, channels, patience=patience)]


def test_slack_gets_text_without_markup_or_mentions(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotifySlack, "webhook_url", f"{server.url}/services")
    assert sent(server, "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ") == [""]
    [got] = server.got
    assert got.path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    [part] = got.json["attachments"]
    assert got.json["mrkdwn"] is False and part["title"] == "prd failed: job/train"
    assert "<" not in part["text"] and "@here" not in part["text"]
    assert "commit: 0123456789ab by Álice" in part["text"]
    assert "github.com/caronc" not in got.body.decode()


def test_teams_gets_one_line_for_each_and_no_markup(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = requests.post  # the plugin knows no address without TLS

    def plainly(url: str, **more: Any) -> requests.Response:
        return post(url.replace("https://", "http://"), **more)

    monkeypatch.setattr("apprise.plugins.workflows.requests.post", plainly)
    assert sent(server, f"workflows://{server.address}/0a1b2c3d4e5f/{SECRET}") == [""]
    card = server.got[0].json["attachments"][0]["content"]
    texts = [block["text"] for block in card["body"] if block["type"] == "TextBlock"]
    assert texts[0] == "prd failed: job/train"
    assert "\n\nlast log line: ValueError" in texts[1]
    assert "*gate*" not in texts[1] and "@here" not in texts[1]


def test_mail_gets_the_end_of_the_log(server: Receiver) -> None:
    with mailbox() as (host, letters):
        address = f"mailto://{host}?from=cicd@example.com&to=ops@example.com"
        assert sent(server, address) == [""]
    [letter] = letters
    text = text_of(letter)
    assert b"Subject: prd failed: job/train" in letter
    assert "The end of its log:" in text and "one" in text and "https://ci/1" in text
    assert "<!channel>" not in text


@pytest.mark.parametrize(
    ("address", "status", "why"),
    [
        ("json://HOST/hook/SECRET", 500, "error=500"),
        ("json://HOST/moved/SECRET?redirect=yes", 200, "error=302"),
        ("json://user:SECRET@HOST/hook", 401, "error=401"),
        ("webhook+http://HOST/hook?key=SECRET", 404, "HTTP 404"),
        ("webhook+http://HOST/moved/SECRET", 200, "HTTP 302"),
        ("webhook+http://127.0.0.1:9/SECRET", 200, "refused"),
        ("webhook+http://HOST:bad/SECRET", 200, ""),
        ("json://127.0.0.1:9/SECRET", 200, "FAILURE"),
        ("nonsense://SECRET", 200, "not an address that Apprise takes"),
        ("https://example.com/SECRET", 200, "not an address that Apprise takes"),
    ],
)
def test_what_is_not_taken_says_why_and_nothing_of_the_address(
    server: Receiver,
    address: str,
    status: int,
    why: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server.status = status
    with caplog.at_level(logging.DEBUG):
        [problem] = sent(server, address.replace("HOST", server.address).replace("SECRET", SECRET))
    server.status = 200
    assert why in problem and problem
    said = [problem, *capfd.readouterr(), *(r.getMessage() for r in caplog.records if ours(r))]
    assert not [text for text in said if SECRET in text]
    assert "GET" not in [got.method for got in server.got]


def ours(record: logging.LogRecord) -> bool:
    """urllib3 tells paths to whoever turns its own debugging on, which cicd never does."""
    return not record.name.startswith("urllib3")


def test_one_that_hangs_keeps_nobody_waiting_and_the_others_are_told(server: Receiver) -> None:
    addresses = [f"webhook+{server.url}/slow/{SECRET}", f"webhook+{server.url}/hook/{SECRET}"]
    slow, other = sent(server, *addresses, patience=0.3)
    server.go.set()
    assert (slow, other) == ("no answer within 0.3 s", "")


def test_without_apprise_only_our_own_webhook_is_told(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    problems = sent(server, f"json://{server.address}/hook", f"webhook+{server.url}/hook")
    assert "extra notify" in problems[0] and problems[1] == ""


def test_what_a_webhook_gets_is_what_the_published_schema_says(server: Receiver) -> None:
    schema = json.loads((ROOT / "docs/notify.schema.json").read_text("utf-8"))
    assert sent(server, f"webhook+{server.url}/hook") == [""]
    document = server.got[0].json
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    assert document.keys() == schema["properties"].keys() == set(schema["required"])
    assert schema["properties"]["on"]["enum"] == list(get_args(Happening))
    for wrong in ({"on": "exploded"}, {"schema_version": 2}, {"log": "text"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, **wrong}, schema)


@pytest.mark.parametrize("words", [["--help"], ["notify", "--help"], ["validate", "--all"]])
def test_apprise_is_imported_by_nothing_that_sends_nothing(
    words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "stages").mkdir()
    notify = 'notify: [{on: [failed], to: "${env.HOOK}"}]'
    (tmp_path / "stages/dev.yaml").write_text(f"aicore: {{resource_group: dev}}\n{notify}\n")
    code = "import sys; from cicd.cli.root import execute; execute(sys.argv[1:]); "
    code += "print(sorted({'apprise', 'requests_oauthlib', 'cicd.notify'} & sys.modules.keys()))"
    command = [sys.executable, "-P", "-c", code, *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
