"""Who belongs to a team, and who put a label on: what GitHub and GitLab tell of people."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from cicd.errors import Denied, NotFound
from cicd.forges.answers import Json, text_in
from cicd.forges.base import Review
from cicd.forges.http import Api


def in_team(api: Api, organisation: str, team: str, user: str) -> bool:
    """Whether somebody belongs to a team of GitHub. Raises Denied for a token that may not see
    teams, as a workflow's own."""
    names = [quote(name, safe="") for name in (organisation, team, user)]
    url = "{}/orgs/{}/teams/{}".format(api.url, *names[:2])
    try:
        return text_in(api.call("GET", f"{url}/memberships/{names[2]}"), "state") == "active"
    except NotFound:
        # the same answer is given to who may not see the team
        try:
            api.call("GET", url)
        except NotFound as error:
            raise Denied(
                f"the token cannot see the team {organisation}/{team}",
                hint="give it the organisation permission 'members: read'",
                status=error.status,
            ) from None
    return False


def in_group(api: Api, group: str, user: str) -> bool:
    """Whether somebody belongs to a group of GitLab, or to one above it. Raises Denied for a group
    that the token may not see."""
    url = f"{api.url}/groups/{quote(group, safe='')}/members/all"
    try:
        found = list(api.pages(url, {"query": user}))
    except NotFound as error:
        told = f"the token cannot see the group {group}"
        raise Denied(told, hint="read_api of the group", status=error.status) from None
    name = user.casefold()
    return any(text_in(one, "username").casefold() == name for one in found)


def last_label(
    events: Iterable[Json], label: str, *, user: tuple[str, str], action: tuple[str, str]
) -> Review | None:
    """Who put a label on last, by the events of it; None where it is not on now. ``user``: where an
    event names them; ``action``: what it says, and where, when a label is put on."""
    last = None
    for event in events:
        if text_in(event, "label", "name") == label:
            is_put = text_in(event, action[0]) == action[1]
            who, at = text_in(event, *user), text_in(event, "created_at")
            last = Review(who, "approved", at=at) if is_put else None
    return last
