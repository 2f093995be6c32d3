"""/v2/admin/applications: what to sync, how it went, sync again."""

from __future__ import annotations

import json
import uuid

from cicd.emulator import timestamps
from cicd.emulator.api import limits
from cicd.emulator.api.web import UNBOUNDED, ApiCall, Operation, Reply, listing
from cicd.emulator.errors import ApiError, invalid, not_found
from cicd.emulator.git.fetching import check_path
from cicd.emulator.git.syncing import NOT_SYNCED
from cicd.emulator.state import quotas
from cicd.emulator.state.store import Row

PATH = "/v2/admin/applications"
REVISION = limits.Text(r"^[^\x00-\x20~^:?*\[\\-][^\x00-\x20~^:?*\[\\]*$", 255, 1)
FOLDER = limits.Text(maximum=1024)
SHOWN_NAME = limits.Text(limits.APPLICATION.pattern, 63, 3)


def create(call: ApiCall) -> Reply:
    """A new application of a repository, given by url or by name."""
    name = limits.optional(call.body, "applicationName", limits.APPLICATION)
    name = name or f"app-{uuid.uuid4().hex[:12]}"
    if ("repositoryUrl" in call.body) == ("repositoryName" in call.body):
        raise invalid("exactly one of repositoryUrl and repositoryName is needed")
    if "repositoryName" in call.body:
        url = url_of(call, limits.required(call.body, "repositoryName", limits.REPOSITORY))
    else:
        url = limits.required(call.body, "repositoryUrl", limits.Text(maximum=2000, minimum=1))
    path, revision = place(call)
    with call.world.store.transaction() as db:
        for row in db.execute("SELECT * FROM applications"):
            place_taken = (row["repository_url"], row["path"], row["revision"])
            if row["name"] == name or place_taken == (url, path, revision):
                text = f"Application {row['name']} already exists"
                raise ApiError(400, text, code="01010409")
        quotas.admit(call.world.store, "applications")
        db.execute(
            "INSERT INTO applications VALUES (?, ?, ?, ?, ?, ?)",
            # unlike any number before, so that a sync of a deleted namesake is not taken for ours
            (name, url, path, revision, timestamps.now_ns(), json.dumps(NOT_SYNCED)),
        )
    call.world.syncer.request(name)
    return Reply({"id": name, "message": "Application has been successfully created."})


def url_of(call: ApiCall, repository: str) -> str:
    row = call.world.store.row("SELECT url FROM repositories WHERE name = ?", (repository,))
    if row is None:
        raise invalid(f"Repository {repository} not found for tenant")
    return str(row["url"])


def place(call: ApiCall) -> tuple[str, str]:
    """Folder and revision of a body."""
    path = limits.required(call.body, "path", FOLDER)
    if problem := check_path(path):
        raise invalid(problem)
    return path, limits.required(call.body, "revision", REVISION)


def query(call: ApiCall) -> Reply:
    rows = call.world.store.rows("SELECT * FROM applications ORDER BY rowid")
    return listing(call, rows, show, most=UNBOUNDED)


def get(call: ApiCall) -> Reply:
    return Reply(show(find(call)))


def status(call: ApiCall) -> Reply:
    """Argo CD's view; right after a refresh it is still the one of the sync before."""
    row = find(call)
    sync = json.loads(row["sync"])
    times = ("syncStartedAt", "syncFinishedAt", "reconciledAt")
    return Reply(
        {
            "healthStatus": sync["healthStatus"],
            "syncStatus": sync["syncStatus"],
            "message": sync["message"],
            "source": {
                "repoURL": row["repository_url"],
                "path": row["path"],
                "revision": sync["revision"] or row["revision"],
            },
            **{name: sync[name] for name in times},
            "syncResourcesStatus": sync["resources"],
            "syncRessourcesStatus": sync["resources"],
        }
    )


def patch(call: ApiCall) -> Reply:
    """Another repository, folder or revision; only the name stays."""
    row = find(call)
    url = limits.required(call.body, "repositoryUrl", limits.Text(maximum=2000, minimum=1))
    path, revision = place(call)
    call.world.store.write(
        "UPDATE applications SET repository_url = ?, path = ?, revision = ?, "
        "generation = generation + 1 WHERE name = ?",
        (url, path, revision, row["name"]),
    )
    call.world.syncer.request(row["name"])
    return Reply({"id": row["name"], "message": "ArgoCD application has been updated"})


def refresh(call: ApiCall) -> Reply:
    name = find(call)["name"]
    call.world.syncer.request(name)
    text = "Refresh of ArgoCD application has been scheduled"
    return Reply({"id": name, "message": text}, 202)


def delete(call: ApiCall) -> Reply:
    """The application and the executables that came from it."""
    name = find(call)["name"]
    with call.world.store.transaction() as db:
        db.execute("DELETE FROM executables WHERE application = ?", (name,))
        db.execute("DELETE FROM applications WHERE name = ?", (name,))
    # what another application declares as well comes back at once
    for row in call.world.store.rows("SELECT name FROM applications"):
        call.world.syncer.request(row["name"])
    return Reply({"id": name, "message": "ArgoCD application has been deleted"})


def find(call: ApiCall) -> Row:
    name = call.path["name"]
    row = call.world.store.row("SELECT * FROM applications WHERE name = ?", (name,))
    if row is None:
        raise not_found("Application", name)
    return row


def show(row: Row) -> dict[str, str]:
    return {
        "applicationName": row["name"],
        "repositoryUrl": row["repository_url"],
        "path": row["path"],
        "revision": row["revision"],
    }


OPERATIONS = (
    Operation("application.create", "POST", PATH, create, "aicore"),
    Operation("application.list", "GET", PATH, query, "aicore"),
    Operation("application.get", "GET", f"{PATH}/{{name}}", get, "aicore", names=SHOWN_NAME),
    Operation(
        "application.status", "GET", f"{PATH}/{{name}}/status", status, "aicore", names=SHOWN_NAME
    ),
    Operation("application.update", "PATCH", f"{PATH}/{{name}}", patch, "aicore", names=SHOWN_NAME),
    Operation(
        "application.refresh",
        "POST",
        f"{PATH}/{{name}}/refresh",
        refresh,
        "aicore",
        names=SHOWN_NAME,
    ),
    Operation(
        "application.delete", "DELETE", f"{PATH}/{{name}}", delete, "aicore", names=SHOWN_NAME
    ),
)
