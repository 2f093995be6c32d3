"""Links to AI Launchpad: from the stage file or the environment, filled in where asked."""

from __future__ import annotations

import pytest

from cicd.platforms import registry
from cicd.platforms.aicore.launchpad import link
from tests.platforms.aicore_world import environ, live, stage

FULL = "https://pad.x/{kind}/{id}?group={resource_group}"


@pytest.mark.parametrize(
    ("template", "kind", "expected"),
    [
        (FULL, "execution", "https://pad.x/executions/r1?group=my%20rg"),
        (FULL, "deployment", "https://pad.x/deployments/r1?group=my%20rg"),
        (FULL, "destination", None),
        ("https://pad.x/#/{other}", "destination", "https://pad.x/#/{other}"),
        ("", "execution", None),
    ],
)
def test_placeholders(template: str, kind: str, expected: str | None) -> None:
    assert link(template, live(kind), "my rg") == expected


def test_the_stage_comes_before_the_environment() -> None:
    variables = {**environ("http://127.0.0.1"), "AICORE_LAUNCHPAD_URL": "https://env"}
    named = stage(target={"resource_group": "rg", "launchpad_url": "https://stage"})
    for wanted, expected in ((named, "https://stage"), (stage(), "https://env")):
        platform = registry.connect(wanted, variables)
        assert platform.link(live("execution")) == expected
        platform.close()
