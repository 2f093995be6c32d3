"""Where AI Launchpad shows a thing. Its address is in no login, so it is told as a template. Pure.

``https://….launchpad…/…/{kind}/{id}?group={resource_group}``: what is in braces is filled in.
"""

from __future__ import annotations

from urllib.parse import quote

from cicd.model import LiveResource

VARIABLE = "AICORE_LAUNCHPAD_URL"
PAGES = {
    "artifact": "artifacts",
    "configuration": "configurations",
    "execution": "executions",
    "schedule": "executionSchedules",
    "deployment": "deployments",
}
"""Kind -> its name in the API and in the addresses of pages."""


def link(template: str, live: LiveResource, group: str) -> str | None:
    """The page of ``live``; None where no template is known, or the kind has no page of its own."""
    kind = PAGES.get(live.key.kind)
    if not template or (kind is None and ("{kind}" in template or "{id}" in template)):
        return None
    values = {"{kind}": kind or "", "{id}": live.id, "{resource_group}": group}
    for placeholder, value in values.items():
        template = template.replace(placeholder, quote(value, safe=""))
    return template
