"""Each forge as the contract that they share sees it: its stand-in, and our adapter for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cicd.forges import azure, github, gitlab
from cicd.forges.base import Forge
from cicd.model import Secret
from tests.forges import azure_server, github_server, gitlab_server
from tests.forges.forge_server import ForgeServer, Reply

PAGE = "<html><title>a proxy</title></html>"
HTML = {"Content-Type": "text/html"}


@dataclass
class World:
    """``reads`` … ``removes``: patterns of requests. ``add``: a note with this text, of ours or of
    somebody else. ``bodies``: the notes that are there. ``forget``: all of them go. ``refusal``: an
    answer of that status in the forge's own words. ``reopened``: a second adapter."""

    server: ForgeServer
    forge: Forge
    token: str
    naps: list[float]
    me: str
    reads: str
    creates: str
    edits: str
    removes: str
    add: Callable[[str, bool], object]
    bodies: Callable[[], list[str]]
    forget: Callable[[], None]
    refusal: Callable[[int, str], Reply]
    default_page: int = field(default=100)


def _github(server: github_server.GitHub, naps: list[float]) -> World:
    url = f"{server.url}/api/v3"
    comments = server.comments[7]
    return World(
        server,
        github.Client(url, Secret(github_server.TOKEN), "org/repo", sleep=naps.append),
        github_server.TOKEN,
        naps,
        github_server.BOT,
        "GET .*/issues/7/comments",
        "POST .*/issues/7/comments",
        r"PATCH .*/issues/comments/\d+",
        r"DELETE .*/issues/comments/\d+",
        lambda body, mine: server.add_comment(body, github_server.BOT if mine else "mallory"),
        server.bodies,
        comments.clear,
        lambda status, words: Reply(status, {"message": words, "status": str(status)}),
    )


def _gitlab(server: gitlab_server.GitLab, naps: list[float]) -> World:
    url = f"{server.url}/api/v4"
    token = gitlab_server.TOKEN
    notes = server.notes[7]
    return World(
        server,
        gitlab.Client(url, Secret(token), gitlab_server.PROJECT, sleep=naps.append),
        token,
        naps,
        str(gitlab_server.ME),
        "GET .*/merge_requests/7/notes",
        "POST .*/merge_requests/7/notes",
        r"PUT .*/notes/\d+",
        r"DELETE .*/notes/\d+",
        lambda body, mine: server.add_note(body, gitlab_server.ME if mine else 1),
        lambda: [note["body"] for note in notes],
        notes.clear,
        lambda status, words: Reply(status, {"message": words}),
    )


def _azure(server: azure_server.Azure, naps: list[float]) -> World:
    token, threads = azure_server.TOKEN, server.threads[7]
    project, repository = azure_server.PROJECT, azure_server.REPOSITORY
    return World(
        server,
        azure.Client(f"{server.url}/org/", Secret(token), project, repository, sleep=naps.append),
        token,
        naps,
        azure_server.ME,
        "GET .*/pullRequests/7/threads",
        "POST .*/pullRequests/7/threads",
        r"PATCH .*/threads/\d+/comments/1",
        r"DELETE .*/threads/\d+/comments/1",
        lambda body, mine: server.add_thread(body, azure_server.ME if mine else "mallory-id"),
        lambda: [t["comments"][0]["content"] for t in threads if not t["isDeleted"]],
        threads.clear,
        lambda status, words: Reply(status, azure_server.error(words)),
    )


@contextmanager
def world_of(name: str) -> Iterator[World]:
    """The world of one forge; at the end no request was wrong."""
    naps: list[float] = []
    if name == "github":
        with github_server.running() as on_github:
            yield from _closing(_github(on_github, naps))
    elif name == "gitlab":
        with gitlab_server.running() as on_gitlab:
            yield from _closing(_gitlab(on_gitlab, naps))
    else:
        with azure_server.running() as on_azure:
            yield from _closing(_azure(on_azure, naps))


def _closing(world: World) -> Iterator[World]:
    try:
        yield world
    finally:
        world.forge.close()
