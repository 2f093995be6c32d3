"""Where the login comes from, and what is said when it is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cicd.errors import Denied
from cicd.model import Secret
from cicd.platforms.aicore.certificate import Certificate
from cicd.platforms.aicore.credentials import aicore_credentials, destination_credentials
from cicd.platforms.aicore.provenance import explain

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


def test_the_path_of_a_service_key_will_do(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(json.dumps(KEY))
    assert found_with(tmp_path, AICORE_SERVICE_KEY=str(tmp_path / "key.json")) == "key-client"


def test_a_certificate_in_a_key_logs_in_at_its_own_url() -> None:
    key = {k: v for k, v in KEY.items() if k != "clientsecret"}
    key |= {"certurl": "https://cert.key", "certificate": "A\\nB", "key": "K"}
    found = aicore_credentials({"AICORE_SERVICE_KEY": json.dumps(key)})
    assert found.auth_url == "https://cert.key/oauth/token"
    assert found.certificate == Certificate("A\nB", Secret("K"), source="AICORE_SERVICE_KEY")
    assert found.client_secret is None


def test_certificate_files_are_paths() -> None:
    names = {k: v for k, v in FULL.items() if k != "AICORE_CLIENT_SECRET"}
    names |= {"AICORE_CERT_FILE_PATH": "/c.pem", "AICORE_KEY_FILE_PATH": "/k.pem"}
    found = aicore_credentials(names).certificate
    assert found == Certificate("/c.pem", Secret("/k.pem"), True, "AICORE_* variables")
    assert aicore_credentials({**names, **FULL}).certificate is None


def found_with(home: Path, **environ: str) -> str:
    """The client that is found with these variables, ``home`` being the SDK's folder."""
    return aicore_credentials({"AICORE_HOME": str(home), **environ}).client_id


def test_a_profile_of_the_sdk_is_found(tmp_path: Path) -> None:
    for name, client in (("config", "me"), ("config_prd", "prd"), ("mine", "direct")):
        text = json.dumps({**FULL, "AICORE_CLIENT_ID": client, "AICORE_RESOURCE_GROUP": "rg"})
        (tmp_path / f"{name}.json").write_text(text)
    assert aicore_credentials({"AICORE_HOME": str(tmp_path)}).resource_group == "rg"
    assert found_with(tmp_path) == found_with(tmp_path, AICORE_PROFILE="default") == "me"
    assert found_with(tmp_path, AICORE_PROFILE="prd") == "prd"
    direct = str(tmp_path / "mine.json")
    assert found_with(tmp_path, AICORE_PROFILE="prd", AICORE_CONFIG=direct) == "direct"


def test_vcap_services_is_found_by_its_label() -> None:
    services = {
        "other": [{"label": "other", "credentials": {"clientid": "wrong"}}],
        "aicore": [{"label": "aicore", "name": "ai", "credentials": KEY}],
        "destination": [{"label": "destination", "credentials": {**KEY, "uri": "https://dest.x"}}],
    }
    environ = {"VCAP_SERVICES": json.dumps(services)}
    assert aicore_credentials(environ).client_id == "key-client"
    destination = destination_credentials({"VCAP_SERVICES": json.dumps(services)})
    assert destination.auth_url == "https://auth.key/oauth/token"


def test_each_place_fills_the_gaps_of_those_before_it(tmp_path: Path) -> None:
    rest = {k: v for k, v in FULL.items() if k != "AICORE_CLIENT_SECRET"}
    (tmp_path / "config.json").write_text(json.dumps(rest))
    environ = {"AICORE_HOME": str(tmp_path), "AICORE_CLIENT_SECRET": "from-ci"}
    found = aicore_credentials(environ)
    assert (found.client_id, found.client_secret) == ("me", Secret("from-ci"))
    assert found.source == "AICORE_* variables"
    states = [(finding.state, finding.text) for finding in explain(environ)]
    file = str(tmp_path / "config.json")
    assert states == [
        ("ok", "client secret: AICORE_* variables"),
        ("ok", f"base URL, auth URL, client id: {file}"),
        ("warning", f"the login is put together from AICORE_* variables and {file}"),
    ]


def test_a_certificate_set_on_purpose_beats_a_secret_that_lies_around() -> None:
    names = {k: v for k, v in FULL.items() if k != "AICORE_CLIENT_SECRET"}
    names |= {"AICORE_CERT_STR": "C", "AICORE_KEY_STR": "K", "AICORE_SERVICE_KEY": json.dumps(KEY)}
    found = aicore_credentials(names)
    assert found.certificate and found.client_secret is None
    # half of it is a mistake to tell, and no reason to take the other login
    del names["AICORE_KEY_STR"]
    with pytest.raises(Denied, match="AICORE_KEY_STR not set"):
        aicore_credentials(names)


def test_provenance_names_places_and_never_a_value() -> None:
    other = {**KEY, "clientsecret": "hidden-secret"}
    found = explain({**FULL, "AICORE_CERT_STR": "C", "AICORE_SERVICE_KEY": json.dumps(other)})
    texts = "\n".join(f"{finding.state} {finding.text} {finding.cure}" for finding in found)
    assert "warning a client secret and a certificate are both set" in texts
    assert "warning AICORE_SERVICE_KEY: not used, AICORE_* variables come first" in texts
    assert "hidden-secret" not in texts and "s3cret" not in texts
    # --local sets both, and they are one login
    same = {**FULL, "AICORE_SERVICE_KEY": json.dumps({**KEY, "clientid": "me"})}
    assert [finding.state for finding in explain(same)] == ["ok", "skipped"]


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({}, r"login is missing: AICORE_AUTH_URL, AICORE_BASE_URL, AICORE_CLIENT_ID.*--local"),
        ({**FULL, "AICORE_CLIENT_SECRET": ""}, "incomplete: AICORE_CLIENT_SECRET not set"),
        ({**FULL, "AICORE_AUTH_URL": " "}, "incomplete: AICORE_AUTH_URL not set"),
        ({**FULL, "AICORE_BASE_URL": "api.x"}, 'AICORE_BASE_URL is no URL: "api.x"'),
        ({"AICORE_SERVICE_KEY": "{"}, "AICORE_SERVICE_KEY is not the JSON"),
        ({"AICORE_SERVICE_KEY": "[]"}, "AICORE_SERVICE_KEY is not the JSON"),
        ({"AICORE_SERVICE_KEY": "/no/such/key"}, "neither the JSON .* nor a file"),
        (
            {"AICORE_PROFILE": "nope", "AICORE_HOME": "/no"},
            'config_nope.json.*AICORE_PROFILE "nope"',
        ),
        ({"AICORE_CONFIG": "/no/such/file"}, "no file /no/such/file, which AICORE_CONFIG names"),
        ({"VCAP_SERVICES": "[1]"}, "VCAP_SERVICES is not the JSON"),
        (
            {"AICORE_SERVICE_KEY": json.dumps({**KEY, "url": ""})},
            "AUTH_URL not set; the rest is from",
        ),
        (
            {"AICORE_SERVICE_KEY": json.dumps({**KEY, "url": "x"})},
            "no URL: .*in AICORE_SERVICE_KEY",
        ),
    ],
)
def test_a_login_that_will_not_do_is_denied_by_name(environ: dict[str, str], text: str) -> None:
    with pytest.raises(Denied, match=text) as caught:
        aicore_credentials({"AICORE_HOME": "/nowhere", **environ})
    assert caught.value.exit_code == 4 and "s3cret" not in str(caught.value)


def test_destinations_have_a_login_of_their_own() -> None:
    environ = {name.replace("AICORE", "DESTINATION"): value for name, value in FULL.items()}
    found = destination_credentials(environ)
    assert found.base_url == "https://api.x/destination-configuration/v1"
    key = json.dumps({**KEY, "uri": "https://dest.x"})
    found = destination_credentials({"DESTINATION_SERVICE_KEY": key})
    assert found.base_url == "https://dest.x/destination-configuration/v1"
    with pytest.raises(Denied, match=r"DESTINATION_CLIENT_SECRET not set.*destination_name"):
        destination_credentials({**environ, "DESTINATION_CLIENT_SECRET": ""})


@pytest.mark.parametrize("front", ["", "/gateway/ai", "/v2/gateway"])
@pytest.mark.parametrize(
    "end",
    [
        *("", "/", "//", "/v2", "/v2/", "/v2/lm", "/v2/lm/", "/lm", "/v2//lm/"),
        *("/v2/lm/deployments", "/v2/admin", "/admin/x", "/v2/inference/deployments/d1"),
    ],
)
def test_a_base_url_is_understood_however_much_of_a_path_was_copied(front: str, end: str) -> None:
    found = aicore_credentials({**FULL, "AICORE_BASE_URL": f"https://api.x:8443{front}{end}"})
    assert found.base_url == f"https://api.x:8443{front}/v2"


@pytest.mark.parametrize("end", ["", "/", "/oauth", "/oauth/", "/oauth/token", "/oauth/token/"])
def test_an_auth_url_is_understood_however_much_of_a_path_was_copied(end: str) -> None:
    found = aicore_credentials({**FULL, "AICORE_AUTH_URL": f"https://auth.x/admin{end}"})
    assert found.auth_url == "https://auth.x/admin/oauth/token"


@pytest.mark.parametrize(
    "end",
    [
        *("", "/destination-configuration", "/destination-configuration/v1/"),
        "/destination-configuration/v1/subaccountDestinations",
    ],
)
def test_the_url_of_destinations_is_understood_however_much_of_a_path_was_copied(end: str) -> None:
    given = {name.replace("AICORE", "DESTINATION"): value for name, value in FULL.items()}
    found = destination_credentials({**given, "DESTINATION_BASE_URL": f"https://dest.x{end}"})
    assert found.base_url == "https://dest.x/destination-configuration/v1"


@pytest.mark.parametrize("scheme", ["HTTP", "Https", "https"])
@pytest.mark.parametrize("name", ["AICORE_BASE_URL", "AICORE_AUTH_URL"])
def test_the_scheme_of_an_address_may_be_in_any_case(scheme: str, name: str) -> None:
    found = aicore_credentials({**FULL, name: f"{scheme}://API.x:8443"})
    url = found.base_url if name == "AICORE_BASE_URL" else found.auth_url
    assert url.startswith(f"{scheme.lower()}://API.x:8443/")


@pytest.mark.parametrize("name", ["BASE_URL", "AUTH_URL", "CERT_URL"])
@pytest.mark.parametrize(
    ("end", "text"),
    [
        ("?token=hidden", r"has a query \(leave out everything from the \? on\)"),
        ("/v2?", "has a query"),
        ("/v2/lm#hidden", r"has a fragment \(leave out everything from the # on\)"),
        ("/?a=hidden#b", "has a query"),
    ],
)
def test_an_address_with_more_than_a_path_is_refused_in_words(
    name: str, end: str, text: str
) -> None:
    with pytest.raises(Denied, match=f"AICORE_{name} {text}") as caught:
        aicore_credentials({**FULL, f"AICORE_{name}": f"https://api.x{end}"})
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("front", ["\ufeff", " \ufeff\n", "\ufeff  "])
def test_a_byte_order_mark_before_a_value_is_none_of_it(front: str) -> None:
    key, bound = json.dumps(KEY), json.dumps({"aicore": [{"label": "aicore", "credentials": KEY}]})
    for environ in ({"AICORE_SERVICE_KEY": front + key}, {"VCAP_SERVICES": front + bound}):
        found = aicore_credentials({"AICORE_HOME": "/nowhere", **environ})
        assert (found.client_id, found.base_url) == ("key-client", "https://api.key/v2")
    given = {name: front + value for name, value in FULL.items()}
    assert aicore_credentials(given) == aicore_credentials(FULL)


def test_a_host_that_is_called_like_a_path_stays_a_host() -> None:
    found = aicore_credentials({**FULL, "AICORE_BASE_URL": "http://lm/v2/lm"})
    assert found.base_url == "http://lm/v2"
