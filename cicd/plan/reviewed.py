"""What an approval is bound to: all that is to serve, as Git says it. Pure.

It says nothing of the commit, nor of what is live: so it is the same in the pull request, while
what is to serve is trained and tested, and when it is deployed. What a run makes is known by what
the run takes in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cicd.model import Hidden, Key, Kind, Ref, Resource, Secret, Stage, leaves
from cicd.plan import graph
from cicd.plan.document import plain

_ROUNDS = 20_000
_LEFT_OUT = frozenset({"inputs"})
"""One digest of what a run takes in, all of which has parts of its own."""
_TREATED = ("require", "smoke_test", "existing_id", "on_failure")
"""How apply treats a thing, as far as it decides whether that serves."""
COMMIT = "${git.commit}"
"""What stands for the commit that is applied."""


def reviewed_parts(
    stage: Stage, gated: Collection[Key], kinds: Mapping[str, Kind]
) -> dict[str, str]:
    """Part -> its digest (sha256, hex): each field of what is gated, of the test, and of all that
    these take in, with the programs that they start."""
    edges = {r.key: frozenset(ref.key for ref in graph.refs_in(r.spec)) for r in stage.resources}
    lifecycle = stage.lifecycle
    test = [lifecycle.test] if lifecycle and lifecycle.test in edges else []
    wanted = graph.reachable(edges, [*(key for key in edges if key in gated), *test])
    chosen = [resource for resource in stage.resources if resource.key in wanted]
    parts = {"stage": stage.identity, "platform": stage.platform, "prune": stage.prune}
    found: dict[str, Any] = {**parts, **{f"target {k}": v for k, v in _place(stage)}}
    for resource in chosen:
        found |= dict(_parts_of(resource, kinds[resource.key.kind]))
    for program in stage.programs:
        if any(program.is_called_by(resource.spec) for resource in chosen):
            found[f"program {program.file} {program.name}"] = program.digest
    if lifecycle:
        found |= {"lifecycle test": str(lifecycle.test), "lifecycle test_data": lifecycle.test_data}
        comparator = lifecycle.comparator
        found["lifecycle comparator"] = comparator and [*comparator.command]
        files = comparator.files if comparator else {}
        found |= {f"lifecycle comparator {name}": digest for name, digest in files.items()}
        found["lifecycle require_assets"] = dict(lifecycle.require_assets)
    return {name: _digest(value, stage) for name, value in found.items()}


def _place(stage: Stage) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, text in stage.target.items() if not name.endswith("_url"))


def _parts_of(resource: Resource, kind: Kind) -> Iterator[tuple[str, Any]]:
    for path, value in leaves(resource.spec):
        first = path.partition(".")[0]
        if first not in _LEFT_OUT or not kind.is_run:
            yield f"{resource.key} {path}", value
    for name in _TREATED:
        value = getattr(resource.options, name)
        if isinstance(value, tuple):
            value = [dict(vars(one)) for one in value]
        yield f"{resource.key} {name}", dict(vars(value)) if hasattr(value, "path") else value


def _digest(value: Any, stage: Stage) -> str:
    def marker(secret: Secret) -> str:
        # what a credential is says nothing of what serves; any other text of the environment does
        if not isinstance(secret, Hidden):
            return "secret"
        salt = stage.identity.encode()  # slow: it may be short, and digests get around
        text = secret.reveal().encode(errors="surrogatepass")
        return "hidden:" + hashlib.pbkdf2_hmac("sha256", text, salt, _ROUNDS).hex()

    def said(item: Any) -> Any:
        if isinstance(item, Ref):
            return {"ref": str(item)}
        if isinstance(item, str) and len(stage.commit) >= 40:
            return item.replace(stage.commit, COMMIT)
        if isinstance(item, Mapping):
            return {name: said(one) for name, one in item.items()}
        return [said(one) for one in item] if isinstance(item, list | tuple) else item

    text = json.dumps(plain(said(value), marker), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def reviewed_fingerprint(parts: Mapping[str, str]) -> str:
    """One digest (sha256, hex) of all parts; the order does not count."""
    text = json.dumps(sorted(parts.items()), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
