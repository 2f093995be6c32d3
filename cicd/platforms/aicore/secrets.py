"""Secrets: generic ones, object stores, docker registries. Their values never come back.

What was sent is remembered as a fingerprint in a label: generic secrets have labels of their own,
for the other two the resource group's serve.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cicd.errors import CicdError, Denied, LostAnswer, NotFound
from cicd.model import LiveResource, Resource, Secret, Spec
from cicd.platforms.aicore import convert, fingerprint, lease
from cicd.platforms.aicore.api import Api, changed, made
from cicd.platforms.aicore.convert import OUR_LABELS, Document
from cicd.platforms.aicore.fingerprint import Fingerprint
from cicd.platforms.aicore.statuses import THERE
from cicd.platforms.aicore.tenant import ResourceGroups

FINGERPRINT_LABEL = OUR_LABELS + "fingerprint"
NOT_OURS = "made by someone else, its values are not known; --refresh-secrets sends them"
NOT_SEEN = (
    "its values cannot be compared: no right to look at the labels of the resource group; "
    "--refresh-secrets sends them"
)
ALL_GROUPS = "all_resource_groups"
SCOPES: dict[str, dict[str, str | None]] = {
    "resource_group": {},  # the session's own header names it
    "tenant": {"AI-Tenant-Scope": "true", "AI-Resource-Group": None},
    ALL_GROUPS: {"AI-Tenant-Scope": "true", "AI-Resource-Group": "*"},
}
"""Scope of a generic secret -> the headers that say it."""
REPLICATION = ("resourceGroupSecretsSyncStatus", "resourceGroupSecretReplicationStatus")


class GenericSecrets:
    """``generic_secret/<name>`` of a resource group, of the tenant, or of all resource groups."""

    def __init__(self, api: Api, stage: str) -> None:
        self._api = api
        self._stage = stage

    def peek(self, scope: str) -> list[dict[str, Any]]:
        """All of one scope, as documents."""
        secrets = self._api.http.pages("/admin/secrets", headers=SCOPES[scope])
        found = [item for item in secrets if not lease.is_lock(item)]
        # A list of the tenant's secrets has those for all groups too. Only they carry a map of
        # where they were copied to, which the API document and SAP's documentation call by
        # different names.
        if scope == "tenant":
            return [item for item in found if not any(item.get(name) for name in REPLICATION)]
        return found

    def mountable(self) -> list[dict[str, Any]]:
        """All that a run of the group can use: its own, and those for all groups."""
        return [*self.peek("resource_group"), *self.visible(ALL_GROUPS)]

    def visible(self, scope: str) -> list[dict[str, Any]]:
        """The same, empty for a login without the right to it and a platform without them."""
        try:
            return self.peek(scope)
        except NotFound:
            return []
        except Denied as error:
            if error.status != 403:
                raise
            return []

    def read(
        self,
        lists: Mapping[str, Iterable[Document]],
        desired: Iterable[Resource] = (),
        shared: Iterable[Document] = (),
    ) -> list[LiveResource]:
        """The secrets in documents by scope; ``desired`` ones compared with what was sent.

        ``shared``: those for all groups. The copies that the platform makes of them are not shown
        as the group's, but one that is desired there counts as the group's.
        """
        wishes = {
            (wish.spec["scope"], wish.spec["name"]): wish.spec
            for wish in desired
            if wish.key.kind == "generic_secret"
        }
        copied = {item["name"] for item in shared}
        return [
            self._read(
                self._labelled(item, scope) if (scope, str(item["name"])) in wishes else item,
                scope,
                wishes.get((scope, str(item["name"]))),
            )
            for scope, items in lists.items()
            for item in items
            if scope != "resource_group"
            or item["name"] not in copied
            or (scope, item["name"]) in wishes
        ]

    def _labelled(self, item: Document, scope: str) -> Document:
        """The secret with its labels: what was sent last is known by them."""
        if "labels" in item:
            return item
        try:
            path = f"/admin/secrets/{item['name']}"
            return {**item, **self._api.http.call("GET", path, headers=SCOPES[scope])}
        except NotFound:
            return item

    def browse(self) -> list[LiveResource]:
        """All that the login may see, of every scope."""
        own = {"resource_group": self.peek("resource_group")}
        others = {scope: self.visible(scope) for scope in ("tenant", ALL_GROUPS)}
        return self.read(own | others, shared=others[ALL_GROUPS])

    def get(self, live: LiveResource) -> LiveResource:
        spec = live.spec
        path = f"/admin/secrets/{spec['name']}"
        document = self._api.http.call("GET", path, headers=SCOPES[spec["scope"]])
        return self._read({"name": spec["name"], **document}, spec["scope"], spec)

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        try:
            return self.get(LiveResource(desired.key, "", desired.spec, THERE))
        except NotFound:
            return None

    def create(self, desired: Resource) -> LiveResource:
        spec = desired.spec
        body = {"name": spec["name"], **self._body(spec, spec.get("labels") or {})}
        self._api.http.call("POST", "/admin/secrets", body=body, headers=SCOPES[spec["scope"]])
        return made(desired, _generic_id(spec["scope"], spec["name"]), spec["name"], THERE)

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        """All data is sent anew. A label that is not declared any more goes: its value is empty."""
        spec = desired.spec
        labels = dict(spec.get("labels") or {})
        if "labels" in spec:
            # A PATCH keeps labels that it does not name.
            labels = dict.fromkeys(live.spec.get("labels") or {}, "") | labels
        path, headers = f"/admin/secrets/{spec['name']}", SCOPES[spec["scope"]]
        self._api.http.call("PATCH", path, body=self._body(spec, labels), headers=headers)
        return changed(live, desired, THERE)

    def delete(self, live: LiveResource) -> None:
        path = f"/admin/secrets/{live.spec['name']}"
        self._api.http.call("DELETE", path, headers=SCOPES[live.spec["scope"]])

    def _body(self, spec: Spec, labels: Mapping[str, str]) -> dict[str, Any]:
        told = fingerprint.make(spec["data"], os.urandom(16), self._stage)
        return {
            "data": {key: _base64(value) for key, value in spec["data"].items()},
            "labels": convert.as_pairs({**labels, FINGERPRINT_LABEL: told}),
        }

    def _read(self, document: Document, scope: str, wish: Spec | None = None) -> LiveResource:
        labels = convert.pairs(document.get("labels"))
        sent = fingerprint.read(labels.get(FINGERPRINT_LABEL, ""))
        data = (wish or {}).get("data") or {}
        name = str(document["name"])
        spec = {
            "name": name,
            "scope": scope,
            "labels": convert.users_labels(labels),
            "data": sent.live(data) if sent else dict(data),
        }
        return convert.live_resource(
            "generic_secret",
            name,
            _generic_id(scope, name),
            spec,
            THERE,
            document,
            notes=() if sent or not data else (NOT_OURS,),
            owner=sent.stage if sent else "",
        )


class GroupSecrets:
    """What object store and docker registry secrets have in common: they are known by name, have
    no labels, and a POST may do nothing where there is one already."""

    kind = ""
    path = ""
    patch_type = "application/json"

    def __init__(self, api: Api, groups: ResourceGroups, stage: str) -> None:
        self._api = api
        self._groups = groups
        self._stage = stage

    def peek(self) -> list[dict[str, Any]]:
        """All of them, as documents."""
        return self._api.http.pages(self.path)

    def read(
        self, documents: Sequence[Document], desired: Iterable[Resource] = ()
    ) -> list[LiveResource]:
        """The secrets in documents, those desired compared with what was sent last."""
        wishes = {wish.spec["name"]: wish.spec for wish in desired if wish.key.kind == self.kind}
        labels = self._groups.labels(self._api.group) if documents else {}
        return [self._read(item, wishes.get(_plain_name(item)), labels) for item in documents]

    def get(self, live: LiveResource) -> LiveResource:
        document = {"name": live.id, **self._api.get(f"{self.path}/{live.id}")}
        return self._read(document, live.spec, self._groups.labels(self._api.group, fresh=True))

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        name = desired.spec["name"]
        try:
            return self.get(LiveResource(desired.key, name, desired.spec, THERE))
        except NotFound:
            return None

    def create(self, desired: Resource) -> LiveResource:
        name = desired.spec["name"]
        live = made(desired, name, name, THERE)
        # A POST for a name that is there may answer "Secret exists" with 200 and change nothing.
        if self._is_there(name):
            return self.update(live, desired)
        self._remember(desired)  # first: killed in between, no secret is left that nobody knows
        try:
            answer = self._api.http.call("POST", self.path, body=self._body(desired.spec))
        except CicdError as error:
            if isinstance(error, LostAnswer) and self._is_there(name):
                return self.update(live, desired)
            # Nothing was made, so what is remembered of it would be taken for another's later.
            self._relabel(name, None)
            raise
        if "exists" in str(answer.get("message", "")).lower():
            return self.update(live, desired)
        return live

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        """All of it is sent anew."""
        headers = {"Content-Type": self.patch_type}
        path, body = f"{self.path}/{live.id}", self._body(desired.spec)
        self._api.http.call("PATCH", path, body=body, headers=headers)
        self._remember(desired)
        return changed(live, desired, THERE)

    def delete(self, live: LiveResource) -> None:
        # Gone or not, what is remembered of it has to go: the next of this name is another.
        with suppress(NotFound):
            self._api.http.call("DELETE", f"{self.path}/{live.id}")
        self._relabel(live.id, None)

    def _body(self, spec: Spec) -> dict[str, Any]:
        return {"name": spec["name"], "data": dict(spec["data"])}

    def _sent(self, spec: Spec) -> dict[str, Secret]:
        """All that the fingerprint is of."""
        return dict(spec.get("data") or {})

    def _seen(self, document: Document, wish: Spec, sent: Fingerprint | None) -> dict[str, Any]:
        """The spec without its name, as far as metadata and fingerprint tell it."""
        return {"data": sent.live(self._sent(wish)) if sent else dict(wish.get("data") or {})}

    def _read(
        self, document: Document, wish: Spec | None, labels: Mapping[str, str] | None
    ) -> LiveResource:
        name = _plain_name(document)
        sent = fingerprint.read((labels or {}).get(self._label(name), ""))
        notes = () if sent or not wish else (NOT_SEEN if labels is None else NOT_OURS,)
        spec = {"name": name, **self._seen(document, wish or {}, sent)}
        owner = sent.stage if sent else ""
        return convert.live_resource(
            self.kind, name, name, spec, THERE, document, notes=notes, owner=owner
        )

    def _is_there(self, name: str) -> bool:
        return self._api.get_or_none(f"{self.path}/{name}") is not None

    def _remember(self, desired: Resource) -> None:
        told = fingerprint.make(self._sent(desired.spec), os.urandom(16), self._stage)
        self._relabel(desired.spec["name"], told)

    def _relabel(self, name: str, text: str | None) -> None:
        """Without the right to it nothing is remembered, and plans say that they cannot compare."""
        try:
            self._groups.relabel(self._api.group, {self._label(name): text})
        except NotFound:
            return
        except Denied as error:
            if error.status != 403:
                raise

    def _label(self, name: str) -> str:
        return OUR_LABELS + hashlib.sha256(f"{self.kind}/{name}".encode()).hexdigest()[:16]


class DockerRegistrySecrets(GroupSecrets):
    """``docker_registry_secret/<name>``, of the whole tenant."""

    kind = "docker_registry_secret"
    path = "/admin/dockerRegistrySecrets"
    patch_type = "application/merge-patch+json"


OPEN = "/open"
"""Key in a fingerprint for the fields that are no secret; no key of a secret has a slash."""
SUFFIX = "-object-store-secret"
FIELDS = {
    "type": "type",
    "bucket": "bucket",
    "endpoint": "endpoint",
    "region": "region",
    "path_prefix": "pathPrefix",
    "use_https": "usehttps",
    "verify_ssl": "verifyssl",
}
"""Our field -> the API's."""
FLAGS = frozenset({"use_https", "verify_ssl"})


class ObjectStoreSecrets(GroupSecrets):
    """``object_store_secret/<name>``, of the resource group."""

    kind = "object_store_secret"
    path = "/admin/objectStoreSecrets"

    def _body(self, spec: Spec) -> dict[str, Any]:
        fields = {
            theirs: ("1" if spec[ours] else "0") if ours in FLAGS else spec[ours]
            for ours, theirs in FIELDS.items()
            if spec.get(ours) is not None
        }
        return {**super()._body(spec), **fields}

    def _sent(self, spec: Spec) -> dict[str, Secret]:
        fields = {name: spec[name] for name in FIELDS if name in spec}
        return {**super()._sent(spec), OPEN: Secret(json.dumps(fields, sort_keys=True))}

    def _seen(self, document: Document, wish: Spec, sent: Fingerprint | None) -> dict[str, Any]:
        """What metadata does not report is as it was sent; where nobody knows that, as wished."""
        known = self._sent(wish)
        data = sent.live(known) if sent else dict(known)
        is_as_sent = data.pop(OPEN, None) == known[OPEN]
        unreported = {name: wish[name] for name in FIELDS if name in wish and is_as_sent}
        return {**unreported, **reported(document.get("metadata") or {}, wish), "data": data}


def reported(metadata: Mapping[str, Any], wish: Spec) -> dict[str, Any]:
    """The fields that metadata tells, in our names, spelt as wished where it means the same."""
    words = {}
    for key in sorted(metadata):  # storage.ai.sap.com/… after serving.kubeflow.org/s3-…
        word = key.rpartition("/")[2].lower().removeprefix("s3-")
        words[re.sub(r"[^a-z]", "", word)] = metadata[key]
    told = {ours: words.get(theirs.lower()) for ours, theirs in FIELDS.items()}
    return {
        name: _as_wished(name, str(value), wish)
        for name, value in told.items()
        if value is not None
    }


def _as_wished(name: str, value: str, wish: Spec) -> Any:
    if name in FLAGS:
        return value.lower() in {"1", "true"}
    rules = {"path_prefix": convert.same_path, "type": _same_word, "endpoint": _same_host}
    wishes = [str(wish[name])] if wish.get(name) is not None else []
    return convert.respell(value, wishes, rules.get(name, str.__eq__))


def _same_word(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _same_host(one: str, other: str) -> bool:
    """Whether two endpoints are the same: with or without a scheme and a slash at the end."""
    plain = [text.lower().rpartition("://")[2].rstrip("/") for text in (one, other)]
    return plain[0] == plain[1]


def _plain_name(document: Document) -> str:
    """Object store secrets are shown under a longer name than they are made with."""
    return str(document.get("name", "")).removesuffix(SUFFIX)


def _generic_id(scope: str, name: str) -> str:
    """Names are unique within a scope only; no name has a slash."""
    return name if scope == "resource_group" else f"{scope}/{name}"


def _base64(value: Secret) -> Secret:
    return Secret(base64.b64encode(value.reveal().encode()).decode())
