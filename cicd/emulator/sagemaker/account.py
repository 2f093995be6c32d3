"""Everything of the one account that operations work with, and one request for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd.emulator.sagemaker.containers import Runner
from cicd.emulator.sagemaker.errors import Refused, invalid
from cicd.emulator.sagemaker.metrics import Metrics
from cicd.emulator.sagemaker.names import PREFIX
from cicd.emulator.sagemaker.nouns import JOBS, TRAINING_JOB, Noun, arn_of
from cicd.emulator.sagemaker.shapes import ServiceModel
from cicd.emulator.sagemaker.storage import Storage
from cicd.emulator.sagemaker.streams import Streams
from cicd.emulator.sagemaker.things import Thing, Things
from cicd.emulator.sagemaker.traffic import Traffic
from cicd.emulator.sagemaker.workers import Workers
from cicd.emulator.world import World


@dataclass(frozen=True)
class Account:
    """``folder`` is for what runs need on disk."""

    world: World
    things: Things
    storage: Storage
    shapes: ServiceModel
    workers: Workers
    runner: Runner
    streams: Streams
    traffic: Traffic
    metrics: Metrics
    folder: Path

    def now(self) -> float:
        """The present moment, in seconds since 1970."""
        return round(self.world.clock.now().timestamp(), 3)

    def aws_variables(self, arn: str) -> dict[str, str]:
        """With what a program that AWS runs finds AWS, in the region of a thing."""
        region = arn.split(":")[3]
        url = f"{self.world.base_url}{PREFIX}"
        place = {"AWS_ENDPOINT_URL": url, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        return {**place, **self.world.credentials.s3_login}


@dataclass(frozen=True)
class Call:
    """One request whose body is as the operation wants it."""

    account: Account
    operation: str
    region: str
    body: Mapping[str, Any]
    effects: Mapping[str, Any]
    """What fault rules want, by name."""

    def arn(self, noun: Noun, name: str) -> str:
        """The ARN of a thing in the region that was asked."""
        return arn_of(self.region, noun.kind, name)

    def find(self, noun: Noun, name: str | None = None) -> Thing:
        """The thing of that name, or of the name in the body. Refused where there is none."""
        wanted = str(self.body[noun.name]) if name is None else name
        found = self.account.things.get(noun.kind, wanted)
        if found is None or not self.sees(noun, found):
            raise self.missing(noun, wanted)
        return found

    def sees(self, noun: Noun, thing: Thing) -> bool:
        """Whether this request knows of a thing: nothing of another region, and by a fault rule
        what is new may be unknown yet."""
        if str(thing[noun.arn]).split(":")[3] != self.region:
            return False
        stale = self.effects.get("stale")
        return stale is None or float(thing["CreationTime"]) < self.account.now() - float(stale)

    def missing(self, noun: Noun, name: str) -> Refused:
        """AWS has no status for what is not there, only a text."""
        if noun is TRAINING_JOB:
            return invalid("Requested resource not found.")
        if noun in JOBS:
            return invalid(f"Could not find requested job with name: {name}")
        return invalid(f'Could not find {noun.said} "{self.arn(noun, name)}".')

    def add(self, noun: Noun, **more: Any) -> dict[str, Any]:
        """Keep what the body describes, with further fields; its ARN as the answer. Refused where
        the name is taken."""
        check_tags(self.body.get("Tags", ()))
        name, now = str(self.body[noun.name]), self.account.now()
        arn = self.arn(noun, name)
        fields = {noun.arn: arn, "CreationTime": now, "LastModifiedTime": now}
        if not self.account.things.add(noun.kind, name, {**self.body, **fields, **more}):
            raise self.taken(noun, arn)
        return {noun.arn: arn}

    def taken(self, noun: Noun, arn: str) -> Refused:
        """The name is another's already."""
        if noun in JOBS:
            text = f"{noun.said.capitalize()} names must be unique within an AWS account and region"
            text += f", and a {noun.said} with this name already exists ({arn})"
            return Refused("ResourceInUse", text)
        return invalid(f'Cannot create already existing {noun.said} "{arn}".')


def check_tags(tags: Sequence[Mapping[str, str]]) -> None:
    """Refuse tags that nobody may give, and two of one key."""
    keys = [one["Key"] for one in tags]
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("Tag keys that begin with aws: are reserved for system use.")
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise invalid(f"Duplicate tag keys found: {twice[0]}")


Handler = Callable[[Call], Mapping[str, Any]]
NOTHING: Mapping[str, Any] = {}


def describe(noun: Noun) -> Handler:
    """An operation that shows all there is of one thing."""
    return lambda call: call.find(noun)
