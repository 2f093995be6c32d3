"""What must be right of volumes, the claims behind them, and where containers have them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from cicd.emulator.workflow.check.calls import NAME
from cicd.emulator.workflow.check.tables import Item, Rule, broken, each, leads_out


def claim_name(volume: Item) -> Any:
    """The claim that a volume is of."""
    return (volume.get("persistentVolumeClaim") or {}).get("claimName")


def is_no_folder(mount: Item, volumes: object) -> bool:
    """Whether something cannot be mounted where it says."""
    place = str(mount.get("mountPath") or "")
    return not place.startswith("/") or not place.strip("/") or ".." in place.split("/")


def is_no_name(item: Item, _: object) -> bool:
    """Whether a map has no name, or something else instead."""
    return not NAME.fullmatch(str(item.get("name") or ""))


UNNAMED = "is missing or not a name"
CLAIM = (Rule("metadata.name", lambda x, _: is_no_name(x.get("metadata") or {}, _), UNNAMED),)
VOLUME = (
    Rule("name", is_no_name, UNNAMED),
    Rule(
        "",
        lambda x, _: sum(key != "name" for key in x) != 1,
        "needs one of emptyDir, secret, persistentVolumeClaim",
    ),
    Rule(
        "persistentVolumeClaim",
        lambda x, claims: "persistentVolumeClaim" in x and claim_name(x) not in claims,
        lambda x, _: f"{claim_name(x)!r} is no volumeClaimTemplate",
    ),
    Rule(
        "secret.secretName",
        lambda x, _: "secret" in x and not (x["secret"] or {}).get("secretName"),
        "is missing",
    ),
)
SECRET_ITEM = (
    Rule(
        "",
        lambda x, _: not x.get("key") or leads_out(x.get("path") or "/"),
        "need a key and a path inside of the volume",
    ),
)
MOUNT = (
    Rule("name", lambda x, names: x.get("name") not in names, "no volume {name!r} is declared"),
    Rule("mountPath", is_no_folder, "must be an absolute path of a folder"),
    Rule("subPath", lambda x, _: leads_out(x.get("subPath")), "leads out of the volume"),
)


def volume_problems(holder: Item, claims: Sequence[Item], path: str) -> Iterator[str]:
    """What is wrong with the ``volumes`` of a holder, and with its claims."""
    for where, claim in each(holder, "volumeClaimTemplates", path):
        yield from broken(CLAIM, claim, where)
    claims = claims or holder.get("volumeClaimTemplates") or []
    names = {(claim.get("metadata") or {}).get("name") for claim in claims}
    for where, volume in each(holder, "volumes", path):
        yield from broken(VOLUME, volume, where, names)
        for _, entry in each(volume.get("secret"), "items", where):
            yield from broken(SECRET_ITEM, entry, f"{where}.secret.items")


def mount_problems(
    container: Mapping[str, Any], volumes: Collection[Any], path: str
) -> Iterator[str]:
    """What is wrong with the ``volumeMounts`` of a container; ``volumes``: names of those there."""
    for where, mount in each(container, "volumeMounts", path):
        yield from broken(MOUNT, mount, where, volumes)
