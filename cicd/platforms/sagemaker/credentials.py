"""Logins: what a stage file says of them, and the environment. Only places are kept here, and what
has to be sent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from cicd.errors import Denied
from cicd.platforms.sagemaker.dialect import stored_logins

NOTHING = (None, None, os.devnull, None)
ALONE = {
    "profile": (None, None, None, None),
    "config_file": NOTHING,
    "credentials_file": NOTHING,
}
"""Where keys are handed in, no settings of this machine count."""


def session(settings: Mapping[str, Any], environ: Mapping[str, str], region: str) -> Any:
    """A session of boto3 with the login that the stage file asks for, else with what AWS's own
    tools would take. Raises Denied where it is incomplete."""
    asked = settings.get("credentials") or {}
    if stored_logins.is_chosen(asked):
        stored = stored_logins.chosen(asked, environ)
        environ, asked = {**environ, **stored.variables}, {"type": stored.type}
    kind = asked.get("type") or "default"
    if kind == "basic":
        return _keyed(environ, region, is_needed=True)
    if kind == "profile":
        return _profile(str(asked.get("profile") or environ.get("AWS_PROFILE", "")), region)
    if kind == "web_identity":
        return _web_identity(asked, environ, region)
    return _keyed(environ, region, is_needed=False)


def _keyed(environ: Mapping[str, str], region: str, *, is_needed: bool) -> Any:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    missing = [name for name in names if not environ.get(name)]
    if not missing:
        token = environ.get("AWS_SESSION_TOKEN") or None
        keys = (environ[name] for name in names)
        return _session(_core(session_vars=ALONE), region, *keys, token)
    if is_needed:
        raise Denied(
            f"the AWS login is incomplete: {', '.join(missing)} not set",
            hint="set them, or use --local, which needs no account",
        )
    return _profile(environ.get("AWS_PROFILE", ""), region)


def _profile(name: str, region: str) -> Any:
    """What AWS's own tools would take: a profile, a role of this machine or container."""
    missing = import_module("botocore.exceptions").ProfileNotFound
    try:
        return _session(_core(profile=name or None), region)
    except missing:
        raise Denied(
            f'there is no AWS profile "{name}"', hint="write it into ~/.aws/config"
        ) from None


def _web_identity(asked: Mapping[str, Any], environ: Mapping[str, str], region: str) -> Any:
    """The role of a workload: the token is read from its file at each refresh."""
    role = str(asked.get("role_arn") or environ.get("AWS_ROLE_ARN", ""))
    file = str(asked.get("token_file") or environ.get("AWS_WEB_IDENTITY_TOKEN_FILE", ""))
    told = {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": file}
    if missing := [name for name, text in told.items() if not text]:
        raise Denied(
            f"the AWS login is incomplete: {', '.join(missing)} not set",
            hint="set them, or role_arn and token_file under sagemaker.credentials",
        )
    core = _core(session_vars=ALONE)
    provider = import_module("botocore.credentials").AssumeRoleWithWebIdentityProvider(
        load_config=lambda: {
            "profiles": {
                "default": {"role_arn": role, "web_identity_token_file": file},
            }
        },
        client_creator=_client_creator(core, environ, region),
        profile_name="default",
        disable_env_vars=True,
    )
    core.get_component("credential_provider").providers.insert(0, provider)
    return _session(core, region)


def _core(**more: Any) -> Any:
    """A session of botocore that knows the services as those before it do."""
    core = import_module("botocore.session").Session(**more)
    core.register_component("data_loader", _services(core.get_config_variable("data_path") or ""))
    return core


@cache
def _services(path: str) -> Any:
    """What botocore has on disk of the services: to read it takes longer than all else here."""
    return import_module("botocore.loaders").create_loader(path or None)


def _session(core: Any, region: str, *keys: str | None) -> Any:
    found = import_module("boto3.session").Session(*keys, region_name=region, botocore_session=core)
    # each session of boto3 adds its own folder to those of the loader
    paths = core.get_component("data_loader").search_paths
    paths[:] = dict.fromkeys(paths)
    return found


def _client_creator(core: Any, environ: Mapping[str, str], region: str) -> Any:
    def create(service: str, **more: Any) -> Any:
        more.setdefault("region_name", region)
        url = environ.get("AWS_ENDPOINT_URL")
        return core.create_client(service, endpoint_url=url, **more)

    return create
