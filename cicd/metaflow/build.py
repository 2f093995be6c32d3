"""From a flow to the text of its template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cicd.config.files import yaml_trees
from cicd.config.tree import plain
from cicd.config.yaml_text import block_lines
from cicd.errors import InvalidStage
from cicd.metaflow.bucket import Bucket, bucket_in_memory
from cicd.metaflow.convert import convert
from cicd.metaflow.generator import KEYS, Generator, find_generator, generate
from cicd.model import Secret
from cicd.platforms.aicore.dialect.flows.declared import Flow, Store
from cicd.platforms.aicore.dialect.flows.record import header, parts_of
from cicd.platforms.aicore.dialect.templates import read_template

_ANY_LOGIN = {key: Secret("in-memory") for key in KEYS}
ROOT = "METAFLOW_DATASTORE_SYSROOT_S3"
ENDPOINT = "METAFLOW_S3_ENDPOINT_URL"
REGION = "AWS_DEFAULT_REGION"


@dataclass(frozen=True)
class Built:
    """A template as it is to be written."""

    text: str
    document: Mapping[str, Any]
    generator: Generator


def build(flow: Flow, environ: Mapping[str, str], here: Store | None = None) -> Built:
    """The template of a flow; its code goes into the bucket, unless it is in the image.

    ``here``: endpoint and login of a service that gets the code in place of the flow's own.

    Raises InvalidStage for a flow or template that is wrong, CicdError for all that fails.
    """
    store = store_of(flow, environ)
    generator = find_generator(flow)
    if flow.settings.embedded:
        with in_memory(store) as (memory, _):
            raw = generate(flow, generator, memory, environ)
    else:
        raw = generate(flow, generator, replace(here, root=store.root) if here else store, environ)
    return finish(flow, store, generator, raw)


def finish(flow: Flow, store: Store, generator: Generator, raw: Mapping[str, Any]) -> Built:
    """What the generator wrote as a template of AI Core. Raises as build() does."""
    document = convert(raw, flow, store)
    body = "".join(f"{line}\n" for line in block_lines(document))
    tree = yaml_trees(body, flow.settings.template)[0]
    _, problems = read_template(tree)
    errors = [replace(p, line=0, column=0) for p in problems if p.severity == "error"]
    if errors:
        raise InvalidStage(errors)
    record = {**flow.record, **parts_of(plain(tree))}
    text = header(flow.settings.file, str(generator), record) + body
    return Built(text, document, generator)


@contextmanager
def in_memory(store: Store) -> Iterator[tuple[Store, Bucket]]:
    """The same store as far as a template shows it, kept in memory while the ``with`` lasts."""
    with bucket_in_memory() as bucket:
        memory = replace(store, endpoint=bucket.url, credentials=_ANY_LOGIN, region="us-east-1")
        yield memory, bucket


def store_of(flow: Flow, environ: Mapping[str, str]) -> Store:
    """The bucket of a flow: what the stage says, else Metaflow's own settings. Raises InvalidStage
    where nothing names one."""
    if flow.store and flow.store.credentials:
        return flow.store
    known = {**_metaflow_settings(environ), **environ}
    root = flow.store.root if flow.store else known.get(ROOT, "").rstrip("/")
    if not root.startswith("s3://"):
        message = "no bucket for the code and data of the flow: set secrets.object_store, datastore"
        message += f" of the flow, or {ROOT}"
        raise InvalidStage([flow.place.problem(message, "bad-flow")])
    return Store(root, known.get(ENDPOINT, ""), known.get(REGION, ""))


def _metaflow_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """``~/.metaflowconfig/config.json``, or whatever METAFLOW_HOME and METAFLOW_PROFILE name."""
    home = environ.get("METAFLOW_HOME") or f"{environ.get('HOME', '~')}/.metaflowconfig"
    profile = environ.get("METAFLOW_PROFILE")
    path = Path(home) / (f"config_{profile}.json" if profile else "config.json")
    try:
        found = json.loads(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
