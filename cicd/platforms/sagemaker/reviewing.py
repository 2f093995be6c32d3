"""What AWS has against a stage before anything of it is made: models that are not there, and ways
that lead nowhere back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from cicd.errors import Problem
from cicd.model import LiveResource, Ref, Resource
from cicd.platforms.sagemaker.dialect.wording import ONE_WAY
from cicd.platforms.sagemaker.nouns import NOUNS
from cicd.platforms.sagemaker.things import Things

GUARDRAIL = "bad-guardrail"
MISSING = "unknown-reference"


def review(
    desired: Sequence[Resource], live: Sequence[LiveResource], things: Things
) -> list[Problem]:
    """Every finding, at its line of the stage file."""
    return [*_missing(desired, things), *_one_way(desired, live), *_all_at_once(desired, live)]


def _missing(desired: Sequence[Resource], things: Things) -> Iterator[Problem]:
    """What the stage takes for granted and is not there."""
    keys = dict.fromkeys(key for user in desired for key, _ in user.options.uses)
    looked = {key: things.find(NOUNS[key.kind], key.name) for key in keys}
    for user in desired:
        for key, source in user.options.uses:
            if looked[key] is None:
                message = f"{user.key}: {key.name} is no {key.kind} of this stage, nor is there any"
                yield _problem(source, f"{message} of that name in {things.region}", MISSING)


def _one_way(desired: Sequence[Resource], live: Sequence[LiveResource]) -> Iterator[Problem]:
    """Endpoints that give up being serverless: AWS lets none be so again."""
    serverless = {item.id for item in live if item.spec.get("serverless") is True}
    for wish in desired:
        if wish.key.kind != "endpoint" or wish.spec.get("serverless"):
            continue
        if wish.spec["name"] in serverless:
            message = f"{wish.key}: from serverless to instances there is no way back: AWS makes "
            message += "no serverless endpoint of one with instances"
            yield _problem(wish.source, message, ONE_WAY, "warning")


def _all_at_once(desired: Sequence[Resource], live: Sequence[LiveResource]) -> Iterator[Problem]:
    """Ways to move traffic that AWS does not take, without a word, where variants change names."""
    configs = {wish.key: wish for wish in desired if wish.key.kind == "endpoint_config"}
    serving = {
        item.id: item.spec.get("weights") or {} for item in live if item.key.kind == "endpoint"
    }
    for wish in desired:
        if wish.key.kind != "endpoint" or not wish.spec.get("deployment"):
            continue
        config = wish.spec["config"]
        now = serving.get(str(wish.spec["name"]))
        then = configs[config.key].spec["weights"] if isinstance(config, Ref) else now
        if now and then and now.keys() != then.keys():
            message = f"{wish.key}: {', '.join(now)} answer now, and {', '.join(then)} then: where "
            message += "variants change their names AWS takes no notice of deployment, and updates "
            yield _problem(wish.source, f"{message}all at once", GUARDRAIL, "warning")


def _problem(
    source: str, message: str, rule: str, severity: Literal["error", "warning"] = "error"
) -> Problem:
    file, line, column = source.rsplit(":", 2)
    return Problem(file, int(line), int(column), message, rule, severity)
