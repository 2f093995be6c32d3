"""Logins: of the environment, of a workload whose token changes, of the file that others have."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cicd.emulator.sagemaker.identity import Logins
from cicd.errors import Denied, NotFound
from cicd.model import Stage
from cicd.platforms import registry
from cicd.platforms.base import Finding
from cicd.platforms.sagemaker.dialect.stored_logins import VARIABLE, chosen
from tests.emulator.sagemaker.aws import Aws
from tests.platforms.sagemaker.samples import findings, stage_of
from tests.platforms.sagemaker.stand_in import platform_of, standing_in, xml, xml_refused
from tests.platforms.stub_server import Reply

ROLE = "arn:aws:iam::123456789012:role/workload"
HIDDEN = "a secret of mine"


def login(environ: Mapping[str, str], root: Path, **asked: str) -> Finding:
    """What the doctor says of the login that a stage file asks for."""
    settings: dict[str, Any] = {"credentials": asked, "bucket": "b-b"}
    stage = Stage(
        "dev", "", str(root), "sagemaker", {"region": "eu-central-1"}, None, (), settings=settings
    )
    platform = registry.connect(stage, dict(environ))
    try:
        return next(iter(platform.diagnose()))
    finally:
        platform.close()


def stored(root: Path, aws: Aws, token: Path) -> str:
    file = root / "stored.yaml"
    file.write_text(
        f"""
sagemaker-credentials:
  storedCredentials:
    - group: ours
      authenticationType: BASIC
      accessKeyId: {aws.environ["AWS_ACCESS_KEY_ID"]}
      secretAccessKey: {aws.environ["AWS_SECRET_ACCESS_KEY"]}
      region: us-east-2
    - group: half
      accessKeyId: {HIDDEN}
    - group: odd
      authenticationType: ASSUME_ROLE_WITH_WEB_IDENTITY
      accessKeyId: {HIDDEN}
      secretAccessKey: {HIDDEN}
    - {{group: 007, accessKeyId: 0123, secretAccessKey: 12e45678, sessionToken: null}}
    - {{group: twice, accessKeyId: {HIDDEN}, secretAccessKey: {HIDDEN}}}
    - {{group: twice, accessKeyId: {HIDDEN}, secretAccessKey: {HIDDEN}}}
    - group:
      accessKeyId: {aws.environ["AWS_ACCESS_KEY_ID"]}
      secretAccessKey: {aws.environ["AWS_SECRET_ACCESS_KEY"]}
  eksServiceAccountCredentials:
    - path: pods
      roleArn: {ROLE}
      webIdentityTokenFile: {token}
      region: ap-south-1
    - path: bare
""",
        encoding="utf-8",
    )
    return str(file)


def test_b10_logins_of_every_kind_are_taken(aws: Aws, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first", encoding="utf-8")
    bare = {"AWS_ENDPOINT_URL": aws.environ["AWS_ENDPOINT_URL"]}
    with_file = {**bare, "CICD_SAGEMAKER_CREDENTIALS": stored(tmp_path, aws, token)}
    workload = {**bare, "AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}
    assert "user/emulator" in login(aws.environ, tmp_path).text
    assert "user/emulator" in login(aws.environ, tmp_path, type="basic").text
    assert "user/emulator" in login(with_file, tmp_path, group="ours").text
    assert "user/emulator" in login(with_file, tmp_path, group="default").text
    for found in (
        login(workload, tmp_path, type="web_identity"),
        login(bare, tmp_path, type="web_identity", role_arn=ROLE, token_file=str(token)),
        login(with_file, tmp_path, path="pods"),
    ):
        assert found.state == "ok" and "assumed-role/workload" in found.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"type": "basic"}, "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY not set"),
        ({"type": "web_identity"}, "AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE not set"),
        ({"group": "theirs"}, "has no login with the group theirs"),
        ({"group": "half"}, "group half has no secretAccessKey"),
        ({"path": "nowhere"}, "has no login with the path nowhere"),
        ({"group": "twice"}, "2 logins with the group twice"),
        ({"group": "odd"}, "another authenticationType than BASIC"),
        ({"path": "bare"}, "path bare has no roleArn, webIdentityTokenFile"),
    ],
)
def test_what_a_login_lacks_is_named_and_nothing_of_it_is_told(
    aws: Aws, tmp_path: Path, asked: dict[str, str], said: str
) -> None:
    environ = {
        "AWS_ENDPOINT_URL": aws.environ["AWS_ENDPOINT_URL"],
        "CICD_SAGEMAKER_CREDENTIALS": stored(tmp_path, aws, tmp_path / "token"),
    }
    found = login(environ, tmp_path, **asked)
    assert found.state == "error" and said in found.text
    assert HIDDEN not in repr(found)


def test_keys_that_look_like_numbers_are_taken_as_they_are_written(
    aws: Aws, tmp_path: Path
) -> None:
    environ = {VARIABLE: stored(tmp_path, aws, tmp_path / "token")}
    found = chosen({"group": "007"}, environ)
    assert dict(found.variables) == {
        "AWS_ACCESS_KEY_ID": "0123",
        "AWS_SECRET_ACCESS_KEY": "12e45678",
        "AWS_SESSION_TOKEN": "",
    }


@pytest.mark.parametrize("text", ["{", "[" * 3000, "[1]", "other: 1\n", "a:\n\t- b: 1\n", "\x00"])
def test_a_file_that_is_none_is_refused_without_its_content(
    aws: Aws, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "stored.yaml"
    file.write_text(f"{text} # {HIDDEN}", encoding="utf-8")
    found = login({"CICD_SAGEMAKER_CREDENTIALS": str(file)}, tmp_path, group="ours")
    assert found.state == "error" and str(file) in found.text and HIDDEN not in repr(found)


def test_a_wrong_login_ends_as_refused(aws: Aws, tmp_path: Path) -> None:
    found = login({**aws.environ, "AWS_SECRET_ACCESS_KEY": "wrong"}, tmp_path)
    assert found.state == "error" and "signature" in found.text.lower()


@pytest.mark.parametrize(
    ("place", "environ", "region"),
    [
        ("credentials: {group: ours}", {}, "us-east-2"),
        ("credentials: {path: pods}", {}, "ap-south-1"),
        ("credentials: {group: ours}", {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ("region: eu-north-1, credentials: {group: ours}", {}, "eu-north-1"),
        ("credentials: {group: default}", {}, None),
        ("credentials: {group: nobodys}", {}, None),
        ("credentials: {type: basic}", {}, None),
    ],
)
def test_b11_the_region_of_a_stored_login_counts_where_nothing_else_says_one(
    aws: Aws, tmp_path: Path, place: str, environ: dict[str, str], region: str | None
) -> None:
    text = f"platform: sagemaker\nsagemaker: {{role: '{ROLE}', {place}}}\n"
    text += "models: [{key: a, image: img:1}]\n"
    environ |= {"CICD_SAGEMAKER_CREDENTIALS": stored(tmp_path, aws, tmp_path / "token")}
    found = findings(tmp_path, text, environ)
    if region is None:
        assert [one for one in found if "no region: set sagemaker.region or AWS_REGION" in one]
    else:
        assert found == []
        assert stage_of(tmp_path, text, environ).target["region"] == region


def test_an_import_takes_the_region_of_the_stored_login_too(aws: Aws, tmp_path: Path) -> None:
    file = stored(tmp_path, aws, tmp_path / "token")
    settings = {"credentials": {"group": "ours"}, "bucket": "b-b"}
    stage = Stage("dev", "", str(tmp_path), "sagemaker", {}, None, (), settings=settings)
    platform = registry.connect(stage, {"CICD_SAGEMAKER_CREDENTIALS": file})
    with pytest.raises(NotFound, match="this login is for us-east-2"):
        platform.survey({"region": "eu-central-1"})
    platform.close()


PROFILES = """\
[plain]
aws_access_key_id = {key}
aws_secret_access_key = {secret}
[of a process]
credential_process = {python} -c "print(open('{root}/told').read())"
"""
CONFIG = """\
[profile assuming]
role_arn = {role}
source_profile = plain
"""


@pytest.mark.parametrize(
    ("profile", "arn"),
    [
        ("plain", "user/emulator"),
        ("assuming", "assumed-role/workload"),
        ("of a process", "user/emulator"),
    ],
)
@pytest.mark.parametrize("is_asked", [True, False])
def test_a_profile_of_awss_own_tools_is_a_login(
    aws: Aws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    profile: str,
    arn: str,
    is_asked: bool,
) -> None:
    keys = aws.environ["AWS_ACCESS_KEY_ID"], aws.environ["AWS_SECRET_ACCESS_KEY"]
    told = {"Version": 1, "AccessKeyId": keys[0], "SecretAccessKey": keys[1]}
    (tmp_path / "told").write_text(json.dumps(told), encoding="utf-8")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    named = {"key": keys[0], "secret": keys[1], "python": sys.executable, "root": tmp_path}
    for variable, text in {
        "AWS_SHARED_CREDENTIALS_FILE": PROFILES.format(**named),
        "AWS_CONFIG_FILE": CONFIG.format(role=ROLE),
    }.items():
        (tmp_path / variable).write_text(text, encoding="utf-8")
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.environ["AWS_ENDPOINT_URL"])
    environ = {"AWS_ENDPOINT_URL": aws.environ["AWS_ENDPOINT_URL"]}
    if is_asked:
        # keys of the environment are another login: the stage file asks for this one
        environ |= {"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "other"}
        found = login(environ, tmp_path, type="profile", profile=profile)
    else:
        found = login({**environ, "AWS_PROFILE": profile}, tmp_path)
    assert found.state == "ok" and arn in found.text, found


def test_a_profile_that_is_not_there_is_named(aws: Aws, tmp_path: Path) -> None:
    found = login(aws.environ, tmp_path, type="profile", profile="nobodys")
    assert found.state == "error" and '"nobodys"' in found.text


def assumed(seconds: int) -> Reply:
    """A temporary login for so long."""
    end = datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = "<AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    told += f"<SessionToken>t</SessionToken><Expiration>{end}</Expiration>"
    return xml("AssumeRoleWithWebIdentity", f"<Credentials>{told}</Credentials>")


def test_b10_a_token_file_that_is_replaced_meanwhile_is_read_again_at_each_refresh(
    tmp_path: Path,
) -> None:
    """Kubernetes replaces it each hour; logins that end within ten minutes are renewed."""
    token = tmp_path / "token"
    asked = {"type": "web_identity", "role_arn": ROLE, "token_file": str(token)}
    sent: list[str] = []

    def assume(body: Mapping[str, Any]) -> Reply:
        sent.append(body["WebIdentityToken"])
        if body["WebIdentityToken"] == "stale":
            return xml_refused("ExpiredTokenException", "Token expired: current date is later")
        return assumed(120)

    with (
        standing_in(
            AssumeRoleWithWebIdentity=assume, ListModels=lambda asked: {"Models": []}
        ) as server,
        platform_of(server, tmp_path, credentials=asked) as platform,
    ):
        for text in ("first", "second", "third"):
            fresh = tmp_path / "fresh"
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(token)
            platform.browse("model")
            assert sent[-1] == text
        assert list(dict.fromkeys(sent)) == ["first", "second", "third"]
        token.write_text("stale", encoding="utf-8")
        with pytest.raises(Denied, match="Token expired") as caught:
            platform.browse("model")
        assert "cicd doctor" in caught.value.hint
        token.unlink()
        with pytest.raises(Denied, match=r"the token file .*token cannot be read: No such file"):
            platform.browse("model")
        token.write_text("fourth", encoding="utf-8")
        platform.browse("model")  # what has failed once is not given up


def test_a_login_that_lasts_is_asked_for_once(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("only", encoding="utf-8")
    asked = {"type": "web_identity", "role_arn": ROLE, "token_file": str(token)}
    with (
        standing_in(
            AssumeRoleWithWebIdentity=lambda asked: assumed(3600),
            ListModels=lambda asked: {"Models": []},
        ) as server,
        platform_of(server, tmp_path, credentials=asked) as platform,
    ):
        for _ in range(5):
            platform.browse("model")
        assert server.count("AssumeRoleWithWebIdentity") == 1


@pytest.mark.parametrize("type", ["basic", "default"])
def test_b10_a_login_that_has_ended_is_refused_and_says_so(
    aws: Aws, tmp_path: Path, type: str
) -> None:
    made, token, _ = Logins(aws.world.credentials).temporary(ROLE, -5)
    keys = {"AWS_ACCESS_KEY_ID": made.key, "AWS_SECRET_ACCESS_KEY": made.secret}
    found = login({**aws.environ, **keys, "AWS_SESSION_TOKEN": token}, tmp_path, type=type)
    assert found.state == "error" and "expired" in found.text
    assert "cicd doctor" in found.cure or "login" in found.cure
    assert token not in repr(found) and made.secret not in repr(found)
