"""A plan against nothing: no login, no network."""

from __future__ import annotations

from dataclasses import replace

from cicd.automation.choice import Choice
from cicd.automation.lifecycle import offline
from cicd.automation.loading import Loader
from cicd.automation.session import now
from cicd.model import Plan


def offline_plan(loader: Loader, argument: str | None, choice: Choice) -> Plan:
    """What applying a stage would do if nothing were there yet. No login, no network."""
    from cicd.plan import make_plan
    from cicd.platforms.registry import kinds_of

    _, stage = loader.load(argument, is_offline=True)
    # a pinned id names something live, and nothing is
    desired = [
        replace(resource, options=replace(resource.options, existing_id=None))
        for resource in stage.resources
    ]
    plan = make_plan(
        stage,
        desired,
        (),
        kinds_of(stage),
        created_at=now(),
        is_offline=True,
        remarks=stage.remarks,
        **choice.options(),
    )
    return offline(stage, plan)
