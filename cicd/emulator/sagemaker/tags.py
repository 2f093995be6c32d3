"""Tags of everything that has an ARN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.emulator.sagemaker.account import NOTHING, Call, check_tags
from cicd.emulator.sagemaker.errors import Refused, invalid
from cicd.emulator.sagemaker.listing import page
from cicd.emulator.sagemaker.nouns import NOUNS
from cicd.emulator.sagemaker.things import Thing

MOST = 50


def change_tags(call: Call, tags: Mapping[str, str], removed: set[str]) -> list[dict[str, str]]:
    """Set some and take some away; all that are there then. Refused for what is not there."""
    kind, name = place_of(call)

    def change(thing: Thing) -> None:
        kept = {one["Key"]: one["Value"] for one in thing.get("Tags", [])}
        merged = {key: value for key, value in {**kept, **tags}.items() if key not in removed}
        if len(merged) > MOST:
            raise invalid(f"A resource can have at most {MOST} tags.")
        thing["Tags"] = [{"Key": key, "Value": value} for key, value in merged.items()]

    thing = call.account.things.change(kind, name, change)
    if thing is None:
        raise _unknown(call)
    return list(thing["Tags"])


def place_of(call: Call) -> tuple[str, str]:
    """Kind and name in an ARN. Refused for a kind that there is none of."""
    kind, _, name = str(call.body["ResourceArn"]).rpartition(":")[2].partition("/")
    if kind not in {noun.kind for noun in NOUNS}:
        raise _unknown(call)
    return kind, name


def _unknown(call: Call) -> Refused:
    return invalid(f"{call.body['ResourceArn']} does not exist")


def add(call: Call) -> Mapping[str, Any]:
    """Set tags; others stay."""
    check_tags(call.body["Tags"])
    wanted = {one["Key"]: one["Value"] for one in call.body["Tags"]}
    return {"Tags": change_tags(call, wanted, set())}


def delete(call: Call) -> Mapping[str, Any]:
    """Take tags away."""
    change_tags(call, {}, set(call.body["TagKeys"]))
    return NOTHING


def list_tags(call: Call) -> Mapping[str, Any]:
    """The tags of a thing, page by page."""
    thing = call.account.things.get(*place_of(call))
    if thing is None:
        raise _unknown(call)
    body = {"MaxResults": MOST, **call.body}
    ordered = sorted(thing.get("Tags", []), key=lambda one: str(one["Key"]))
    shown, more = page(ordered, lambda one: (one["Key"], ""), body)
    return {"Tags": list(shown), **more}


OPERATIONS = {"AddTags": add, "ListTags": list_tags, "DeleteTags": delete}
