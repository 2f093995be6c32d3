"""Which forge, and which repository there, the address of a repository or of a change leads to."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from cicd.forges.run import AZURE, GITHUB, GITHUB_API, GITLAB

_SCP = re.compile(r"(?:[^/@]+@)?([^/:@]+):(?!//)(.+)")
_REMOTE = re.compile(
    r"(?:https?://(?:[^/@]*@)?|ssh://(?:[^/@]*@)?|[^/@:]+@)([^/:]+)(?::\d+)?[/:](.+)"
)
_GITHUB = re.compile(r"(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?(?P<page>/pull/\d+(?:/.*)?)?")


@dataclass(frozen=True)
class Address:
    """Where a repository is; the names as in Run. Empty: it is none of the forges that we know."""

    forge: str = ""
    api_url: str = ""
    project: str = ""
    repository: str = ""


def address_of(url: str, forge: str = "") -> Address:
    """What a remote, or the page of a change, leads to: told by its shape, else by its host.

    ``forge``: which one it is, where somebody knows.
    """
    url = url.strip()
    if "://" not in url and (short := _SCP.fullmatch(url)):
        url = f"ssh://{short[1]}/{short[2]}"
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return Address()
    path = parts.path.strip("/")
    is_web = parts.scheme in {"http", "https"}
    if not host or not path or not (is_web or parts.scheme == "ssh"):
        return Address()
    # SSH has a port of its own, and nothing but TLS is to be guessed
    base = f"{parts.scheme if is_web else 'https'}://{host}{f':{port}' if is_web and port else ''}"
    is_azure = host == "ssh.dev.azure.com" or "_git" in path.split("/")
    if is_azure or forge == AZURE:
        return _azure(base, host, path) if is_azure and forge in {"", AZURE} else Address()
    project, dash, _ = path.partition("/-/")
    if forge == GITLAB or (not forge and (dash or _is_called(host, "gitlab"))):
        return Address(GITLAB, f"{base}/api/v4", "", unquote(project.removesuffix(".git")))
    match = _GITHUB.fullmatch(path)
    if match and (forge == GITHUB or match["page"] or _is_called(host, "github")):
        return Address(GITHUB, api_url_of(host), "", match["name"])
    return Address()


def moved_to(address: Address, api_url: str) -> Address:
    """The same repository at the API that somebody names; none: as it is."""
    if not api_url:
        return address
    ending = "/" if address.forge == AZURE else ""
    # below the address of a GitLab that does not lie at its host's top, projects begin later
    path = api_url.partition("://")[2].partition("/")[2]
    root = path.strip("/").removesuffix("api/v4").strip("/")
    repository = address.repository.removeprefix(f"{root}/" if root else "")
    return replace(address, api_url=api_url.rstrip("/") + ending, repository=repository)


def _is_called(host: str, name: str) -> bool:
    """Whether the host is called after a forge: ``github.com``, ``github.example.com``."""
    return any(label == name or label.startswith(f"{name}-") for label in host.split("."))


def _azure(base: str, host: str, path: str) -> Address:
    words = path.split("/")
    if host == "ssh.dev.azure.com":
        # v3/ORGANISATION/PROJECT/REPOSITORY
        base, words = "https://dev.azure.com", [*words[1:3], "_git", *words[3:]]
    place = words.index("_git")
    before, after = words[:place], words[place + 1 :]
    if not after:
        return Address()
    # where a project has one repository, that is called like it and left out
    least = 2 if host in {"dev.azure.com", "ssh.dev.azure.com"} else 1
    project = before.pop() if len(before) >= least else after[0]
    api = f"{'/'.join([base, *before])}/"
    return Address(AZURE, api, unquote(project), unquote(after[0]))


def repository_of(url: str) -> tuple[str, str]:
    """(host, OWNER/NAME) that a Git remote leads to; empty texts where it is none of a server."""
    match = _REMOTE.fullmatch(url.strip())
    if match is None:
        return "", ""
    name = match[2].strip("/").removesuffix(".git")
    return (match[1], name) if re.fullmatch(r"[\w.-]+/[\w.-]+", name) else ("", "")


def api_url_of(host: str) -> str:
    """GitHub's API on a server: github.com has its own host for it."""
    return GITHUB_API if host == "github.com" else f"https://{host}/api/v3"


def build_page(collection: str, project: str, build: str) -> str:
    """The page of a build of Azure Pipelines."""
    return f"{collection}{quote(project, errors='replace')}/_build/results?buildId={build}"
