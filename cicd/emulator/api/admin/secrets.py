"""/v2/admin/secrets, objectStoreSecrets and dockerRegistrySecrets. No values ever come back."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.api import limits
from cicd.emulator.api.limits import Text
from cicd.emulator.api.web import UNBOUNDED, ApiCall, Operation, Reply, listing
from cicd.emulator.errors import ApiError, denied, invalid, not_found
from cicd.emulator.state import quotas, realism
from cicd.emulator.state.store import Row

TENANT = "tenant"
ALL_GROUPS = "*"


def generic_scope(call: ApiCall) -> str:
    """Of one group, of the tenant, or of the tenant for all groups: the headers say."""
    group = call.headers.get("ai-resource-group", "")
    if call.headers.get("ai-tenant-scope", "").lower() == "true":
        return ALL_GROUPS if group == "*" else TENANT
    return group_scope(call)


def group_scope(call: ApiCall) -> str:
    """Of the group in the header, ``default`` without one."""
    group = call.headers.get("ai-resource-group", "") or "default"
    if not call.world.has_group(group):
        raise denied()
    return f"group:{group}"


def tenant_scope(call: ApiCall) -> str:
    return TENANT


def check_generic(body: Mapping[str, Any]) -> dict[str, Any]:
    """Data of a generic secret: base64 text by key."""
    data = body.get("data")
    if not isinstance(data, dict):
        raise invalid("data must be an object")
    for key, value in data.items():
        try:
            base64.b64decode(value, validate=True)
        except (TypeError, ValueError):
            # the value itself must not appear in an answer
            raise invalid(f"data: the value of {key!r} is not base64") from None
    return data


FIELDS = ("type", "bucket", "endpoint", "region", "pathPrefix", "verifyssl", "usehttps")


def check_object_store(body: Mapping[str, Any]) -> dict[str, Any]:
    """Data of an object store secret, with its open fields."""
    if not isinstance(body.get("data"), dict):
        raise invalid("data must be an object")
    limits.required(body, "type", Text(maximum=100, minimum=1))
    fields = {name: limits.optional(body, name, Text(maximum=1024)) for name in FIELDS}
    for name in ("verifyssl", "usehttps"):
        if fields[name] is not None:
            limits.one_of(fields[name], name, ("0", "1"))
    return {"data": body["data"], "fields": fields}


def check_docker(body: Mapping[str, Any]) -> dict[str, Any]:
    """Data of a docker registry secret: a docker config as JSON text."""
    data = body.get("data")
    if not isinstance(data, dict) or set(data) != {".dockerconfigjson"}:
        raise invalid("data must hold .dockerconfigjson and nothing else")
    try:
        is_object = isinstance(json.loads(data[".dockerconfigjson"]), dict)
    except (TypeError, ValueError):
        is_object = False
    if not is_object:
        raise invalid("data: .dockerconfigjson must be a JSON object as text")
    return data


def show_generic(call: ApiCall, row: Row) -> dict[str, Any]:
    """One for all groups also shows where it has arrived."""
    labels = limits.as_pairs(json.loads(row["labels"]))
    shown = {"name": row["name"], "createdAt": row["created_at"], "labels": labels}
    if row["scope"] == ALL_GROUPS:
        shown["resourceGroupSecretsSyncStatus"] = replicated(call, row)
    return shown


def replicated(call: ApiCall, row: Row) -> dict[str, bool]:
    """Resource group -> whether a secret for all groups is what runs there see.

    It is not where the group is not ready, or has written a secret of this name since, and
    nowhere while it is on its way.
    """
    way = realism.share(call.world.pace.timings.secret, row["name"]) * timestamps.SECOND
    has_arrived = timestamps.now_ns() - row["written"] >= way
    groups = call.world.store.rows(
        "SELECT g.id, g.status, s.written FROM resource_groups g LEFT JOIN secrets s "
        "ON s.kind = 'generic' AND s.scope = 'group:' || g.id AND s.name = ? ORDER BY g.rowid",
        (row["name"],),
    )
    return {
        group["id"]: has_arrived
        and group["status"] == "PROVISIONED"
        and (group["written"] is None or group["written"] < row["written"])
        for group in groups
    }


def show_object_store(call: ApiCall, row: Row) -> dict[str, Any]:
    fields = json.loads(row["data"])["fields"]
    shown = {
        f"storage.ai.sap.com/{name}": fields[name]
        for name in ("type", "bucket", "endpoint", "region", "pathPrefix")
    }
    for name in ("usehttps", "verifyssl", "endpoint", "region"):
        shown[f"serving.kubeflow.org/s3-{name}"] = fields[name]
    metadata = {key: value for key, value in shown.items() if value is not None}
    return {"name": f"{row['name']}-object-store-secret", "metadata": metadata}


def show_docker(call: ApiCall, row: Row) -> dict[str, Any]:
    return {"name": row["name"]}


def labels_after(before: Mapping[str, str], call: ApiCall) -> dict[str, str]:
    """Labels with those of the body; one with an empty value goes."""
    labels = {**before, **limits.labels(call.body, limits.GROUP_LABEL_KEY)}
    return {key: value for key, value in labels.items() if value}


@dataclass(frozen=True)
class Family:
    """One sort of secret: where it lives, its rules, its answers."""

    kind: str
    word: str
    """What operations call it."""
    path: str
    name: Text
    scope: Callable[[ApiCall], str]
    check: Callable[[Mapping[str, Any]], dict[str, Any]]
    show: Callable[[ApiCall, Row], dict[str, Any]]
    created: tuple[int, str]
    status: int
    shown_name: Text
    """What its name may look like in a path."""

    def create(self, call: ApiCall) -> Reply:
        """Store it; a name that is taken is a 400 (docker: nothing happens, as on AI Core)."""
        name = limits.required(call.body, "name", self.name)
        data, scope = self.check(call.body), self.scope(call)
        labels = json.dumps(labels_after({}, call))
        with call.world.store.transaction() as db:
            sql = "SELECT 1 FROM secrets WHERE kind = ? AND scope = ? AND name = ?"
            added = db.execute(sql, (self.kind, scope, name)).fetchone() is None
            if added:
                self.admit(call, scope)
                now = (timestamps.now(), timestamps.now_ns())
                db.execute(
                    "INSERT INTO secrets (kind, scope, name, data, labels, created_at, written) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (self.kind, scope, name, json.dumps(data), labels, *now),
                )
        status, message = self.created
        if not added and self.kind != "docker":
            raise ApiError(400, f"Secret {name} already exists", code="01010409")
        return Reply({"name": name, "message": message if added else "Secret exists"}, status)

    def admit(self, call: ApiCall, scope: str) -> None:
        """Raise the 400 when the tenant may have no more of them."""
        nouns = {
            ("docker", TENANT): "dockerRegistrySecrets",
            ("generic", TENANT): "tenantSecrets",
            ("generic", ALL_GROUPS): "tenantWideSecrets",
        }
        if noun := nouns.get((self.kind, scope)):
            quotas.admit(call.world.store, noun)

    def query(self, call: ApiCall) -> Reply:
        sql = "SELECT * FROM secrets WHERE kind = ? AND scope = ? ORDER BY created_at, name"
        rows = call.world.store.rows(sql, (self.kind, self.scope(call)))
        return listing(call, rows, partial(self.show, call), most=UNBOUNDED)

    def get(self, call: ApiCall) -> Reply:
        return Reply(self.show(call, self.find(call)))

    def patch(self, call: ApiCall) -> Reply:
        """New data in place of the old, and other labels; a generic secret takes one alone."""
        has_data = self.kind != "generic" or "data" in call.body or "labels" not in call.body
        with call.world.store.transaction() as db:
            row = self.find(call)
            data, written = row["data"], row["written"]
            if has_data:
                data, written = json.dumps(self.check(call.body)), timestamps.now_ns()
            labels = json.dumps(labels_after(json.loads(row["labels"]), call))
            db.execute(
                "UPDATE secrets SET data = ?, labels = ?, written = ? "
                "WHERE kind = ? AND scope = ? AND name = ?",
                (data, labels, written, self.kind, row["scope"], row["name"]),
            )
        answer = {"id": row["name"], "name": row["name"], "message": "Secret has been modified"}
        return Reply(answer, self.status)

    def delete(self, call: ApiCall) -> Reply:
        row = self.find(call)
        call.world.store.write(
            "DELETE FROM secrets WHERE kind = ? AND scope = ? AND name = ?",
            (self.kind, row["scope"], row["name"]),
        )
        if self.kind == "generic":
            return Reply(None, 200)
        return Reply({"id": row["name"], "message": "Secret has been deleted"}, self.status)

    def find(self, call: ApiCall) -> Row:
        name = call.path["name"]
        sql = "SELECT * FROM secrets WHERE kind = ? AND scope = ? AND name = ?"
        # an object store secret also answers to the name it is shown with
        for spelling in (name, re.sub(r"-object-store-secret$", "", name)):
            row = call.world.store.row(sql, (self.kind, self.scope(call), spelling))
            if row is not None:
                return row
        raise not_found("Secret", name)

    @property
    def operations(self) -> tuple[Operation, ...]:
        item = f"{self.path}/{{name}}"
        return (
            Operation(f"{self.word}.create", "POST", self.path, self.create, "aicore"),
            Operation(f"{self.word}.list", "GET", self.path, self.query, "aicore"),
            Operation(f"{self.word}.get", "GET", item, self.get, "aicore", names=self.shown_name),
            Operation(
                f"{self.word}.update", "PATCH", item, self.patch, "aicore", names=self.shown_name
            ),
            Operation(
                f"{self.word}.delete", "DELETE", item, self.delete, "aicore", names=self.shown_name
            ),
        )


GENERIC = Family(
    kind="generic",
    word="secret",
    path="/v2/admin/secrets",
    name=limits.GENERIC_SECRET,
    scope=generic_scope,
    check=check_generic,
    show=show_generic,
    created=(200, "secret has been created"),
    status=200,
    shown_name=limits.GENERIC_SECRET,
)
OBJECT_STORE = Family(
    kind="object_store",
    word="object_store_secret",
    path="/v2/admin/objectStoreSecrets",
    name=limits.OBJECT_STORE,
    scope=group_scope,
    check=check_object_store,
    show=show_object_store,
    created=(202, "Secret has been created"),
    status=202,
    shown_name=Text(r"^[a-zA-Z0-9\.\-_]+$"),
)
DOCKER = Family(
    kind="docker",
    word="docker_registry_secret",
    path="/v2/admin/dockerRegistrySecrets",
    name=limits.DOCKER_REGISTRY,
    scope=tenant_scope,
    check=check_docker,
    show=show_docker,
    created=(202, "Secret has been created"),
    status=202,
    shown_name=limits.DOCKER_REGISTRY,
)

OPERATIONS = (*GENERIC.operations, *OBJECT_STORE.operations, *DOCKER.operations)
