"""What must be right of what goes into a template and comes out of it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from cicd.emulator.workflow.check.calls import OUTPUT_SOURCES
from cicd.emulator.workflow.check.defaults import is_pod
from cicd.emulator.workflow.check.tables import Item, Rule, broken, each, leads_out
from cicd.emulator.workflow.scope import is_key_only

GLOBAL_NAME = re.compile(r"[A-Za-z0-9_-]+")
SOURCES = ("from", "fromExpression", "raw", "http", "s3")


class Around(NamedTuple):
    """Where an artifact or parameter stands: of which template, whether it comes out of it."""

    template: Item
    is_output: bool

    @property
    def is_pod(self) -> bool:
        """Whether a container runs there."""
        return is_pod(self.template)

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the value of an output parameter may come from."""
        if self.template.get("suspend") is not None:
            return ("supplied", *OUTPUT_SOURCES)
        return ("path",) if self.is_pod else ("parameter", "expression")


def place_of(artifact: Item) -> str:
    """The path of an artifact in its container."""
    return artifact.get("path") or ""


def is_relative(artifact: Item, around: Around) -> bool:
    """Whether a container cannot find it."""
    return around.is_pod and not place_of(artifact).startswith(("/", "{{"))


def is_no_place(artifact: Item, around: Around) -> bool:
    """Whether nothing can be there."""
    place = place_of(artifact)
    is_odd = bool(place) and (place.strip("/") == "" or climbs_out(place))
    return is_odd and not is_relative(artifact, around)


def climbs_out(place: str) -> bool:
    """Whether ``..`` leads out of the folder that stands before it."""
    before, dots, _ = f"{place}/".partition("/../")
    return bool(before and dots) and not posixpath.normpath(place).startswith(f"{before}/")


def is_stray(artifact: Item, around: Around) -> bool:
    """Whether it has a path where there are no files."""
    return bool(place_of(artifact)) and not around.is_pod and not is_no_place(artifact, around)


def is_from(artifact: Item) -> bool:
    """Whether it is another template's."""
    return bool(artifact.get("from") or artifact.get("fromExpression"))


def is_no_url(artifact: Item, _: object) -> bool:
    """Whether nothing can be fetched over HTTP."""
    url = str((artifact.get("http") or {}).get("url") or "")
    is_right = url.startswith(("http://", "https://", "{{"))
    return artifact.get("http") is not None and not is_right


def bucket_of(artifact: Item) -> Item:
    """What is said of a bucket of S3, if one is named at all."""
    found: Item = artifact.get("s3") or {}
    return {} if not found.get("key") or is_key_only(found) else found


def lacks_secret(artifact: Item, key: str) -> bool:
    """Whether half of the login of a bucket is not said."""
    bucket = bucket_of(artifact)
    reference = bucket.get(key) or {}
    return bool(bucket) and not (reference.get("name") and reference.get("key"))


def is_bad_global_name(output: Item, _: object) -> bool:
    """Whether the name under which all know an output is none."""
    name = str(output.get("globalName") or "")
    return bool(name) and "{{" not in name and not GLOBAL_NAME.fullmatch(name)


SECRET_NEEDED = "needs the name and key of a generic secret"  # noqa: S105 - is none
REMOTE = (
    Rule(
        "",
        lambda x, _: sum(x.get(key) is not None for key in SOURCES) > 1,
        f"has more than one of {', '.join(SOURCES)}",
    ),
    Rule("http.url", is_no_url, "must begin with http:// or https://"),
    Rule(
        "s3.key",
        lambda x, _: x.get("s3") is not None and not x["s3"].get("key"),
        "is missing",
    ),
    Rule(
        "s3.bucket",
        lambda x, _: bucket_of(x) and not bucket_of(x).get("bucket"),
        "is missing; only with a key alone it is the default store's",
    ),
    Rule("s3.accessKeySecret", lambda x, _: lacks_secret(x, "accessKeySecret"), SECRET_NEEDED),
    Rule("s3.secretKeySecret", lambda x, _: lacks_secret(x, "secretKeySecret"), SECRET_NEEDED),
    Rule("subPath", lambda x, _: leads_out(x.get("subPath")), "leads out of the artifact"),
)
"""Of artifacts in calls, too."""
GLOBAL = (
    Rule("globalName", is_bad_global_name, lambda x, _: f"{str(x['globalName'])!r} is not a name"),
)
ARTIFACT = (
    Rule("path", is_relative, "must be absolute"),
    Rule("path", is_no_place, "{path} cannot be an artifact"),
    Rule("path", is_stray, "only where a container runs"),
    *REMOTE,
    Rule(
        "s3",
        lambda x, around: around.is_output and not is_key_only(x.get("s3") or {"key": ""}),
        "say the key alone: outputs go to the store called default",
    ),
    *GLOBAL,
    Rule(
        "from",
        lambda x, around: around.is_output and not around.is_pod and not is_from(x),
        "is missing",
    ),
    Rule(
        "from",
        lambda x, around: around.is_output and around.is_pod and is_from(x),
        "only in steps and dag",
    ),
)
ARCHIVE = (
    Rule(
        "git.repo",
        lambda x, _: x.get("git") is not None and not x["git"].get("repo"),
        "is missing",
    ),
)


def has_source(parameter: Item) -> bool:
    """Whether it says where its value comes from."""
    return parameter.get("valueFrom") is not None


def lacks_supply(parameter: Item, around: Around) -> bool:
    """Whether nobody gives it the value that somebody should."""
    if around.template.get("suspend") is None or not has_source(parameter):
        return False
    return parameter["valueFrom"].get("default", parameter.get("default")) is None


def has_no_one_source(parameter: Item, around: Around) -> bool:
    """Whether its value comes from nowhere, from two places, or from one that is not there."""
    if not has_source(parameter):
        return False
    source = parameter["valueFrom"]
    given = [key for key in OUTPUT_SOURCES if source.get(key)]
    given += ["supplied"] if source.get("supplied") is not None else []
    return len(given) != 1 or given[0] not in around.sources


OUTPUT_PARAMETER = (
    *GLOBAL,
    Rule(
        "",
        lambda x, _: not has_source(x) and x.get("value") is None,
        "needs valueFrom or value",
    ),
    Rule(
        "",
        lambda x, _: has_source(x) and x.get("value") is not None,
        "has both valueFrom and value",
    ),
    Rule(
        "valueFrom.default",
        lacks_supply,
        "is missing; nobody can supply a value on SAP AI Core",
    ),
    Rule(
        "valueFrom",
        has_no_one_source,
        lambda _, around: f"needs one of {', '.join(around.sources)}",
    ),
)


def artifact_problems(item: Item, path: str) -> Iterator[str]:
    """What is wrong with the artifacts of a template, and with its output parameters."""
    for part in ("inputs", "outputs"):
        around = Around(item, is_output=part == "outputs")
        for where, artifact in each(item.get(part), "artifacts", f"{path}.{part}"):
            yield from broken(ARTIFACT, artifact, where, around)
    yield from broken(ARCHIVE, item.get("archiveLocation") or {}, f"{path}.archiveLocation")
    around = Around(item, is_output=True)
    for where, parameter in each(item.get("outputs"), "parameters", f"{path}.outputs"):
        yield from broken(OUTPUT_PARAMETER, parameter, where, around)


def remote_problems(artifact: Item, path: str) -> Iterator[str]:
    """What is wrong with where an artifact of a call comes from."""
    return broken(REMOTE, artifact, path)


def argument_artifacts(holder: Item) -> list[Any]:
    """The artifacts that are handed to a template."""
    return (holder.get("arguments") or {}).get("artifacts") or []
