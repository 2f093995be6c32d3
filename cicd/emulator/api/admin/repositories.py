"""/v2/admin/repositories"""

from __future__ import annotations

import re

from cicd.emulator.api import limits
from cicd.emulator.api.web import UNBOUNDED, ApiCall, Operation, Reply, listing
from cicd.emulator.errors import ApiError, invalid, not_found
from cicd.emulator.git.fetching import check_url
from cicd.emulator.state import quotas
from cicd.emulator.state.store import Row

PATH = "/v2/admin/repositories"
LOGIN = limits.Text(r"^[^\x00\r\n]*$", 5000)


def create(call: ApiCall) -> Reply:
    """On-board a repository; the same name, or url but for case and trailing slash, is a 409."""
    url = limits.required(call.body, "url", limits.Text(maximum=2000, minimum=1))
    if problem := check_url(url):
        raise invalid(problem)
    username, password = login(call)
    name = limits.optional(call.body, "name", limits.REPOSITORY) or default_name(url)
    with call.world.store.transaction() as db:
        # In Python, not in SQL: two urls are the same by a rule that SQL cannot say.
        for row in db.execute("SELECT name, url FROM repositories"):
            if row["name"] == name or same(row["url"], url):
                raise ApiError(
                    409, f"Repository {row['name']} ({row['url']}) already exists", code="01010409"
                )
        quotas.admit(call.world.store, "repositories")
        db.execute("INSERT INTO repositories VALUES (?, ?, ?, ?)", (name, url, username, password))
    refresh_all(call, url)
    return Reply({"id": name, "message": "Repository has been on-boarded"})


def login(call: ApiCall) -> tuple[str, str]:
    """Username and password, both mandatory, both possibly empty."""
    return (
        limits.required(call.body, "username", LOGIN),
        limits.required(call.body, "password", LOGIN),
    )


def default_name(url: str) -> str:
    """A name made of the url's last part."""
    last = re.split(r"[/\\]", url.rstrip("/\\"))[-1].removesuffix(".git").lower()
    return re.sub(r"[^a-z0-9-]+", "-", last).strip("-")[:51] or "repository"


def same(left: str, right: str) -> bool:
    return left.rstrip("/").lower() == right.rstrip("/").lower()


def query(call: ApiCall) -> Reply:
    rows = call.world.store.rows("SELECT * FROM repositories ORDER BY rowid")
    return listing(call, rows, show, most=UNBOUNDED)


def get(call: ApiCall) -> Reply:
    return Reply(show(find(call)))


def patch(call: ApiCall) -> Reply:
    """New credentials; applications of the repository are synced with them."""
    row = find(call)
    username, password = login(call)
    call.world.store.write(
        "UPDATE repositories SET username = ?, password = ? WHERE name = ?",
        (username, password, row["name"]),
    )
    refresh_all(call, row["url"])
    return Reply({"id": row["name"], "message": "The repository credentials have been updated"})


def refresh_all(call: ApiCall, url: str) -> None:
    """Sync the applications of a repository again."""
    sql = "SELECT name FROM applications WHERE repository_url = ?"
    for application in call.world.store.rows(sql, (url,)):
        call.world.syncer.request(application["name"])


def delete(call: ApiCall) -> Reply:
    name = find(call)["name"]
    call.world.store.write("DELETE FROM repositories WHERE name = ?", (name,))
    return Reply({"id": name, "message": "The repository has been off-boarded."})


def find(call: ApiCall) -> Row:
    name = call.path["name"]
    row = call.world.store.row("SELECT * FROM repositories WHERE name = ?", (name,))
    if row is None:
        raise not_found("Repository", name)
    return row


def show(row: Row) -> dict[str, str]:
    # COMPLETED only says that the credentials are stored, here as there
    return {"name": row["name"], "url": row["url"], "status": "COMPLETED"}


OPERATIONS = (
    Operation("repository.create", "POST", PATH, create, "aicore"),
    Operation("repository.list", "GET", PATH, query, "aicore"),
    Operation("repository.get", "GET", f"{PATH}/{{name}}", get, "aicore", names=limits.REPOSITORY),
    Operation(
        "repository.update", "PATCH", f"{PATH}/{{name}}", patch, "aicore", names=limits.REPOSITORY
    ),
    Operation(
        "repository.delete", "DELETE", f"{PATH}/{{name}}", delete, "aicore", names=limits.REPOSITORY
    ),
)
