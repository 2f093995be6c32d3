"""Logins of stage files: what is wrong with one, and what the adapter is told of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from cicd.config.fields import values_of
from cicd.errors import Problem
from cicd.platforms.spark.dialect.draft import (
    SPARK_SUBMIT,
    Draft,
    api_url,
    deploy_mode_of,
    is_kubernetes,
    is_livy,
    is_loopback,
)

WAYS = ("token", "signing_key", "token_url")
"""Fields of a login of which there is one."""
CLIENT = ("client_id", "client_secret")
"""What belongs to ``token_url``."""
_VARIABLE = re.compile(r"\$\{env\.(\w+)")


def check_login(draft: Draft) -> Iterator[Problem]:
    """Whether it is one way, whole, and of use to who submits the jobs."""
    login = draft.file.spark.login
    if login is None or draft.is_local:
        return

    def problem(message: str) -> Problem:
        return draft.place("spark", "login").problem(message, "bad-login")

    def has(field: str) -> bool:
        return bool(getattr(login, field)) or draft.has_lost("spark", "login", field)

    if draft.submit == SPARK_SUBMIT and deploy_mode_of(draft.master) == "client":
        yield problem("spark-submit takes no login: take spark.login out")
    if is_kubernetes(draft.master) and has("signing_key"):
        yield problem("Kubernetes takes no token that is signed here: give spark.login.token")
    ways = [field for field in WAYS if has(field)]
    if len(ways) != 1:
        said = f"has {' and '.join(ways)}" if ways else "says nothing of how"
        yield problem(f"spark.login {said}: give one of {', '.join(WAYS)}")
    elif ways == ["token_url"]:
        if missing := [field for field in CLIENT if not has(field)]:
            yield problem(f"spark.login has a token_url and no {' and no '.join(missing)}")
    elif more := [field for field in (*CLIENT, "scope") if has(field)]:
        yield problem(f"spark.login has {ways[0]}, to which {' and '.join(more)} does nothing")
    yield from _check_plain(draft)


def _check_plain(draft: Draft) -> Iterator[Problem]:
    """Tokens that go over a network for everybody to read."""
    login = draft.file.spark.login
    master = api_url(draft.master) if is_kubernetes(draft.master) else draft.master
    spark = draft.file.spark
    urls = [master, draft.rest_url, *draft.yarn_urls]
    urls += [spark.yarn_logs_url or "", spark.history_url or ""]
    for url in (str(login.token_url or "") if login else "", *urls):
        parts = urlsplit(url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            message = f"spark.login goes to http://{parts.netloc} for everybody on the way to read"
            yield draft.place("spark", "login").problem(message, "bad-login", "warning")


def check_kerberos(draft: Draft) -> Iterator[Problem]:
    """Whether a ticket, and who jobs run as, reach a driver."""
    spark = draft.file.spark
    if spark.kerberos and is_kubernetes(draft.master):
        message = (
            "the driver is a pod, which has no ticket of this machine: take spark.kerberos out"
        )
        yield draft.place("spark", "kerberos").problem(message, "bad-login")
    if draft.is_local or draft.submit == SPARK_SUBMIT:
        if spark.kerberos and spark.proxy_user and not draft.is_local:
            message = "spark.proxy_user excludes spark.kerberos: take one of them out"
            yield draft.place("spark", "proxy_user").problem(message, "bad-login")
        return
    if spark.kerberos:
        message = "spark.kerberos needs submit: spark-submit: elsewhere the driver runs on another "
        message += "machine, which has no ticket of this one"
        yield draft.place("spark", "kerberos").problem(message, "bad-login")
    if spark.proxy_user and not is_livy(draft.master):
        message = "a REST server takes no spark.proxy_user: take it out"
        yield draft.place("spark", "proxy_user").problem(message, "bad-login")


def kerberos_settings(draft: Draft) -> dict[str, Any]:
    """What the adapter is told of it."""
    kerberos = draft.file.spark.kerberos
    return {} if kerberos is None or draft.is_local else {"kerberos": values_of(kerberos)}


def login_settings(draft: Draft) -> dict[str, Any]:
    """What the adapter is told; ``source``: the variables that a wrong secret may come from."""
    login = draft.file.spark.login
    if login is None or draft.is_local:
        return {}
    said = values_of(login, are_defaults_left_out=True)
    texts = [node.text for field in said if (node := draft.tree.get("spark", "login", field))]
    variables = dict.fromkeys(name for text in texts for name in _VARIABLE.findall(text))
    source = " and ".join(variables) or "spark.login"
    return {"login": {**said, "source": source}}
