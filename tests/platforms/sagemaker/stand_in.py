"""Services of AWS that say what a test tells them: for what no emulator can be brought to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from cicd.model import Resource, Stage
from cicd.platforms import registry
from cicd.platforms.base import Platform
from tests.platforms.stub_server import Reply, Request, running

Operation = Callable[[Mapping[str, Any]], Any]
"""What is asked -> a Reply, or the JSON that is answered."""
LOGIN = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7STANDIN", "AWS_SECRET_ACCESS_KEY": "stand-in-secret"}


@dataclass
class StandIn:
    """``operations``: by AWS's names for them; ``asked``: what came, in its order;
    ``otherwise``: what is answered for others."""

    url: str
    operations: dict[str, Operation]
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    otherwise: Reply | None = None

    @property
    def environ(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.url, **LOGIN}

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.asked)

    def answer(self, request: Request) -> Reply:
        target = {name.lower(): text for name, text in request.headers.items()}.get("x-amz-target")
        is_json = target and request.body.startswith("{")
        body = request.json if is_json else dict(parse_qsl(request.body))
        name = (target or "").rpartition(".")[2] or body.get("Action", request.method)
        self.asked.append((name, body))
        if name not in self.operations:
            return self.otherwise or refused("UnknownOperationException", f"{name} is unknown")
        found = self.operations[name](body)
        return found if isinstance(found, Reply) else Reply(200, found)


@contextmanager
def standing_in(**operations: Operation) -> Iterator[StandIn]:
    with running() as (server, url):
        found = StandIn(url, operations)
        server.otherwise = found.answer
        yield found


@contextmanager
def platform_of(
    stand_in: StandIn, root: Path, *wishes: Resource, **settings: Any
) -> Iterator[Platform]:
    """SageMaker as that stand-in is."""
    told = {"bucket": "some-bucket", "prefix": "dev", **settings}
    place = {"region": "eu-central-1"}
    stage = Stage("dev", "", str(root), "sagemaker", place, None, wishes, settings=told)
    found = registry.connect(stage, stand_in.environ)
    try:
        yield found
    finally:
        found.close()


def refused(code: str, text: str, status: int = 400) -> Reply:
    """An error of a service that speaks JSON."""
    return Reply(status, {"__type": code, "message": text})


def xml(action: str, text: str, **headers: str) -> Reply:
    """An answer of STS or IAM."""
    body = f"<{action}Response><{action}Result>{text}</{action}Result></{action}Response>"
    return Reply(200, body, {"Content-Type": "text/xml", **headers})


def xml_refused(code: str, text: str, status: int = 400) -> Reply:
    """An error of STS or IAM."""
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{text}</Message></Error>"
    return Reply(status, f"{body}</ErrorResponse>", {"Content-Type": "text/xml"})


def identity(arn: str = "arn:aws:iam::123456789012:user/ann") -> Operation:
    """STS's answer to who one is."""
    told = f"<Arn>{arn}</Arn><UserId>A</UserId><Account>123456789012</Account>"
    return lambda asked: xml("GetCallerIdentity", told)
