"""Where the login comes from, and what is said when it is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cicd.errors import Denied
from cicd.model import Secret
from cicd.platforms.aicore.credentials import (
    Certificate,
    aicore_credentials,
    destination_credentials,
)

FULL = {
    "AICORE_BASE_URL": "https://api.x",
    "AICORE_AUTH_URL": "https://auth.x",
    "AICORE_CLIENT_ID": "me",
    "AICORE_CLIENT_SECRET": "s3cret",
}
KEY = {
    "clientid": "key-client",
    "clientsecret": "key-secret",
    "url": "https://auth.key",
    "serviceurls": {"AI_API_URL": "https://api.key"},
}


@pytest.fixture(autouse=True)
def no_login_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK looks into the home folder and the real environment: nothing must be there."""
    monkeypatch.setenv("AICORE_HOME", str(tmp_path))
    for name in (*FULL, "AICORE_SERVICE_KEY", "VCAP_SERVICES", "AICORE_PROFILE", "AICORE_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "base", ["https://api.x", "https://api.x/", "https://api.x/v2", "https://api.x/v2/"]
)
@pytest.mark.parametrize("auth", ["https://auth.x", "https://auth.x/oauth/token"])
def test_urls_may_be_given_with_and_without_their_ends(base: str, auth: str) -> None:
    found = aicore_credentials({**FULL, "AICORE_BASE_URL": base, "AICORE_AUTH_URL": auth})
    assert (found.base_url, found.auth_url) == ("https://api.x/v2", "https://auth.x/oauth/token")
    assert found.client_secret == Secret("s3cret")


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_service_key_is_enough(wrapped: bool) -> None:
    text = json.dumps({"credentials": KEY} if wrapped else KEY)
    found = aicore_credentials({"AICORE_SERVICE_KEY": text, "AICORE_RESOURCE_GROUP": "rg"})
    assert (found.base_url, found.client_id) == ("https://api.key/v2", "key-client")
    assert found.resource_group == "rg"


def test_variables_beat_a_service_key_so_that_local_stays_local() -> None:
    found = aicore_credentials({**FULL, "AICORE_SERVICE_KEY": json.dumps(KEY)})
    assert found.client_id == "me"


def test_a_certificate_in_a_key_logs_in_at_its_own_url() -> None:
    key = {k: v for k, v in KEY.items() if k != "clientsecret"}
    key |= {"certurl": "https://cert.key", "certificate": "A\\nB", "key": "K"}
    found = aicore_credentials({"AICORE_SERVICE_KEY": json.dumps(key)})
    assert found.auth_url == "https://cert.key/oauth/token"
    assert found.certificate == Certificate("A\nB", Secret("K")) and found.client_secret is None


def test_certificate_files_are_paths() -> None:
    names = {k: v for k, v in FULL.items() if k != "AICORE_CLIENT_SECRET"}
    names |= {"AICORE_CERT_FILE_PATH": "/c.pem", "AICORE_KEY_FILE_PATH": "/k.pem"}
    assert aicore_credentials(names).certificate == Certificate("/c.pem", Secret("/k.pem"), True)
    assert aicore_credentials({**names, **FULL}).certificate is None


def test_a_profile_of_the_sdk_is_found(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**FULL, "AICORE_RESOURCE_GROUP": "rg"}))
    found = aicore_credentials({})
    assert (found.base_url, found.resource_group) == ("https://api.x/v2", "rg")


def test_vcap_services_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    services = {"aicore": [{"label": "aicore", "name": "ai", "credentials": KEY}]}
    monkeypatch.setenv("VCAP_SERVICES", json.dumps(services))
    assert aicore_credentials({}).client_id == "key-client"


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({}, r"login is missing: AICORE_AUTH_URL, AICORE_BASE_URL, AICORE_CLIENT_ID.*--local"),
        ({**FULL, "AICORE_CLIENT_SECRET": ""}, "incomplete: AICORE_CLIENT_SECRET not set"),
        ({**FULL, "AICORE_AUTH_URL": " "}, "incomplete: AICORE_AUTH_URL not set"),
        ({**FULL, "AICORE_BASE_URL": "api.x"}, 'AICORE_BASE_URL is no URL: "api.x"'),
        ({"AICORE_SERVICE_KEY": "{"}, "AICORE_SERVICE_KEY is not the JSON"),
        ({"AICORE_SERVICE_KEY": "[]"}, "AICORE_SERVICE_KEY is not the JSON"),
        ({"AICORE_PROFILE": "nope"}, "nope"),
    ],
)
def test_a_login_that_will_not_do_is_denied_by_name(environ: dict[str, str], text: str) -> None:
    with pytest.raises(Denied, match=text) as caught:
        aicore_credentials(environ)
    assert caught.value.exit_code == 4 and "s3cret" not in str(caught.value)


def test_destinations_have_a_login_of_their_own() -> None:
    environ = {name.replace("AICORE", "DESTINATION"): value for name, value in FULL.items()}
    found = destination_credentials(environ)
    assert found.base_url == "https://api.x/destination-configuration/v1"
    with pytest.raises(Denied, match=r"DESTINATION_CLIENT_SECRET not set.*destination_name"):
        destination_credentials({**environ, "DESTINATION_CLIENT_SECRET": ""})
