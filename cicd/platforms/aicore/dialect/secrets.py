"""Checks of the ``secrets`` section: which entries each sort of secret needs on AI Core."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from cicd.config.tree import Place, did_you_mean
from cicd.errors import Problem
from cicd.masking import is_secret_name
from cicd.platforms.aicore.dialect import formats
from cicd.platforms.aicore.dialect.draft import DOCKER_CONFIG, SECRETS, Draft, generic_names
from cicd.platforms.aicore.dialect.secret_schema import ObjectStore
from cicd.platforms.aicore.dialect.template_secrets import WORDS, bound_secrets
from cicd.values import Key, Secret

if TYPE_CHECKING:
    from cicd.model import Resource

_VARIABLE = re.compile(r"\$\{(?:env|var)\.([^{}]+)\}")


class _Entries(msgspec.Struct, frozen=True):
    """What ``data`` of one sort of secret must and may have."""

    needed: tuple[str, ...]
    possible: tuple[str, ...] = ()


OBJECT_STORES = {
    "S3": _Entries(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    "oss": _Entries(("BUCKET", "ENDPOINT", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")),
    "webhdfs": _Entries(("HDFS_NAMENODE",), ("TLS_CERT", "TLS_KEY", "HEADERS")),
    "azure": _Entries(
        ("CONTAINER_URI", "STORAGE_ACCESS_KEY"),
        ("REGION", "CLIENT_ID", "CLIENT_SECRET", "TENANT_ID", "SUBSCRIPTION_ID"),
    ),
    "gcs": _Entries(("BUCKET", "PRIVATE_KEY")),
}
_DOCKER = _Entries((DOCKER_CONFIG,))
_ONLY_S3 = ("bucket", "endpoint", "region", "use_https", "verify_ssl")
_DEFAULT_STORE = "default"
"""Every resource group has one, made by whoever set it up."""
_LOGINS = {"auth", "username", "identitytoken", "registrytoken"}

_Path = tuple[str | int, ...]


def check_secrets(draft: Draft) -> Iterator[Problem]:
    """All problems of the ``secrets`` section."""
    secrets = draft.file.secrets
    for index, store in enumerate(secrets.object_store):
        path: _Path = ("secrets", "object_store", index)
        yield from _check_entries(draft, path, store.data, OBJECT_STORES[store.type])
        yield from _check_store(draft, path, store)
    for index, docker in enumerate(secrets.docker_registry):
        path = ("secrets", "docker_registry", index)
        yield from _check_entries(draft, path, docker.data, _DOCKER)
        yield from _check_docker(draft, path, docker.data.get(DOCKER_CONFIG))
    for index, generic in enumerate(secrets.generic):
        yield from _check_generic(draft, ("secrets", "generic", index), generic.data)
    for section, names in (
        ("object_store", [item.name for item in secrets.object_store]),
        ("docker_registry", [item.name for item in secrets.docker_registry]),
        ("generic", [f"{item.name} ({item.scope})" for item in secrets.generic]),
    ):
        yield from _check_unique(draft, section, names)
    yield from _check_keys(draft)


def check_parameters(draft: Draft) -> Iterator[Problem]:
    """One warning for all parameters that get a secret: AI Core keeps what they are bound to."""
    found: dict[str, Place] = {}
    for run in draft.runs:
        for name in run.configuration.parameter_bindings:
            node = draft.tree.get(*run.path, "configuration", "parameter_bindings", name)
            names = [name, *_VARIABLE.findall(node.text)] if node and node.is_hidden else []
            if node and any(map(is_secret_name, names)):
                found.setdefault(name, node.place)
    if found:
        hold = f"{', '.join(found)} {'holds' if len(found) == 1 else 'hold'}"
        message = f"{hold} a secret, and whoever may read configurations on AI Core sees it: "
        message += "let the template take it from a secret of secrets.generic"
        yield next(iter(found.values())).problem(message, "secret-parameter", "warning")


def check_used_secrets(draft: Draft) -> Iterator[Problem]:
    """Secrets that the stage uses and does not declare: they are made elsewhere, or nowhere."""
    said: set[Key] = set()
    for user, key, source in _undeclared(draft):
        if key in said:
            continue
        said.add(key)
        message = f'{user} needs the {WORDS[key.kind]} "{key.name}", which this stage does not '
        message += f"declare: add it to secrets.{SECRETS[key.kind]}, or see that AI Core has it"
        names = [other.name for other in draft.named if other.kind == key.kind]
        hint = did_you_mean(key.name, names)
        yield _place(source).problem(f"{message}{hint}", "undeclared-secret", "warning")


def _place(source: str) -> Place:
    file, line, column = source.rsplit(":", 2)
    return Place(file, int(line), int(column))


def _undeclared(draft: Draft) -> Iterator[tuple[Key, Key, str]]:
    """Every use of such a secret: who, which, and where it is named."""
    for user, key, source in _uses(draft):
        if key.kind == "generic_secret":  # of any scope
            is_declared = any(item.name == key.name for item in draft.file.secrets.generic)
        else:
            is_declared = draft.is_named(key)
        if not is_declared:
            yield user, key, source


def _uses(draft: Draft) -> Iterator[tuple[Key, Key, str]]:
    for run in draft.runs:
        if template := draft.template_of(run):
            for key, source in bound_secrets(template, run.configuration.parameter_bindings):
                yield run.key, key, source
    for index, artifact in enumerate(draft.file.artifacts):
        name = _store_of(str(artifact.url))
        if name and name != _DEFAULT_STORE:
            source = str(draft.place("artifacts", index, "url"))
            yield Key("artifact", artifact.key), Key("object_store_secret", name), source


def with_uses(draft: Draft, resources: Iterable[Resource]) -> Iterator[Resource]:
    """The same resources, each with the secrets that must be there and are made elsewhere."""
    uses: dict[Key, list[tuple[Key, str]]] = {}
    for user, key, source in _undeclared(draft):
        uses.setdefault(user, []).append((key, source))
    for resource in resources:
        found = tuple(uses.get(resource.key, ()))
        options = replace(resource.options, uses=found) if found else resource.options
        yield replace(resource, options=options)


def _store_of(url: str) -> str:
    """The object store secret that an ``ai://`` url goes through; empty for any other url."""
    scheme, _, rest = url.partition("://")
    return rest.partition("/")[0] if scheme == "ai" else ""


def _check_keys(draft: Draft) -> Iterator[Problem]:
    """A name with dots may be just what another one with its scope is called."""
    pairs = [(item.name, item.scope) for item in draft.file.secrets.generic]
    seen: dict[str, tuple[str, str]] = {}
    for index, (key, pair) in enumerate(zip(generic_names(pairs), pairs, strict=True)):
        if seen.setdefault(key, pair) != pair:
            message = f"generic_secret/{key} is also what {seen[key][0]} ({seen[key][1]}) goes by"
            place = draft.place("secrets", "generic", index, "name")
            yield place.problem(f"{message}: choose another name", "duplicate-name")


def _check_entries(
    draft: Draft, path: _Path, given: Iterable[str], entries: _Entries
) -> Iterator[Problem]:
    known = (*entries.needed, *entries.possible)
    unknown = [name for name in given if name not in known]
    missing = [
        name
        for name in entries.needed
        if name not in given and not draft.has_lost(*path, "data", name)
    ]
    for name in unknown:
        hint = did_you_mean(name, known) or f" (there are: {', '.join(known)})"
        place = draft.place(*path, "data", name, key=True)
        message = f'data has an entry that AI Core does not document, "{name}"{hint}'
        yield place.problem(message, "secret-entries", "warning")
    if missing:
        message = f"data needs {' and '.join(missing)}: add what is missing"
        yield draft.place(*path, "data", key=True).problem(message, "secret-entries")


def _check_docker(draft: Draft, path: _Path, secret: Secret | None) -> Iterator[Problem]:
    """What is wrong with a docker config whose value is there; never quotes it."""
    if secret is None or not secret.reveal():
        return
    place = draft.place(*path, "data", DOCKER_CONFIG)
    wanted = 'must be the JSON of a docker config, {"auths": {"REGISTRY": {"auth": …}}}'
    try:
        config = json.loads(secret.reveal())
    except (ValueError, RecursionError):
        yield place.problem(f"{DOCKER_CONFIG} is no JSON: it {wanted}", "secret-entries")
        return
    auths = config.get("auths") if isinstance(config, dict) else None
    if not isinstance(auths, dict) or not auths:
        message = f"{DOCKER_CONFIG} names no registry: it {wanted}"
        yield place.problem(message, "secret-entries")
    elif not all(isinstance(login, dict) and _LOGINS & login.keys() for login in auths.values()):
        message = f"{DOCKER_CONFIG} has a registry without a login, which may be in a credential "
        message += 'store of this machine: give "auth", base64 of user:password'
        yield place.problem(message, "secret-entries", "warning")


def _check_store(draft: Draft, path: _Path, store: ObjectStore) -> Iterator[Problem]:
    if store.type == "S3":
        if not store.bucket and not draft.has_lost(*path, "bucket"):
            message = "an object store of type S3 needs a bucket: add it"
            yield draft.place(*path).problem(message, "secret-fields")
        return
    for field in _ONLY_S3:
        is_switch = isinstance(getattr(store, field), bool)
        cure = "leave it out" if is_switch else "write it into data"
        if getattr(store, field) not in (None, ""):
            message = f"{field} counts for type S3 only: for {store.type} {cure}"
            place = draft.place(*path, field, key=True)
            yield place.problem(message, "secret-fields", "warning")


def _check_generic(draft: Draft, path: _Path, data: Iterable[str]) -> Iterator[Problem]:
    names = list(data)
    if not names and draft.is_whole(*path, "data"):
        message = "data is empty: give it at least one entry"
        yield draft.place(*path, "data", key=True).problem(message, "secret-entries")
    for name in names:
        if not formats.SECRET_ENTRY.fullmatch(name):
            message = f'"{name}" must be letters, digits, dots, hyphens, underscores, 253 at most'
            place = draft.place(*path, "data", name, key=True)
            yield place.problem(message, "secret-entries")


def _check_unique(draft: Draft, section: str, names: list[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        first = names.index(name)
        if first != index:
            place = draft.place("secrets", section, first)
            message = f"the secret {name} is already defined at {place}: keep one"
            yield draft.place("secrets", section, index, "name").problem(message, "duplicate-name")
