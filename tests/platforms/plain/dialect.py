"""Jobs, models that are made of what these leave, and endpoints that answer with models."""

from typing import Annotated, Literal

from msgspec import Meta, field

from cicd.config.dialect import Carried, StandIn
from cicd.config.fields import Key, Part, Plain
from cicd.config.references import Reference
from cicd.config.schema import RunItem, ServiceItem, StageBase
from cicd.config.tree import Paths
from cicd.values import Ref


class Place(Part, frozen=True, kw_only=True):
    api_url: Plain | None = None
    region: Plain | None = None


class Size(Part, frozen=True, kw_only=True):
    cpus: int = 1
    class_: str = field(default="small", name="class")


class Job(RunItem, frozen=True, kw_only=True):
    script: Plain | None = None
    data: dict[str, str] = {}
    args: list[str] = []
    settings: dict[str, str | Ref] = {}
    size: Size = field(default_factory=Size)


class Variant(Part, frozen=True, kw_only=True):
    model: str
    weight: float = 1.0


class Endpoint(ServiceItem, frozen=True, kw_only=True):
    name: str | None = None
    variants: Annotated[list[Variant], Meta(description="Who answers.")] = []
    fallback: str | None = None


class Model(Part, frozen=True, kw_only=True):
    key: Key
    data: str | Ref


class File(StageBase, frozen=True, kw_only=True):
    platform: Literal["plain"] = "plain"
    plain: Place = field(default_factory=Place)
    jobs: list[Job] = []
    models: list[Model] = []
    endpoints: list[Endpoint] = []


NAME = "plain"
_PLACES = {"settings": Paths("jobs.*.settings.*"), "data": Paths("models.*.data")}
CARRIED = {
    "jobs": Carried("job", (("script",),), files=(("script",), ("data",))),
    "models": Carried("model", (("data",),)),
    "endpoints": Carried(
        "endpoint", (), needs={("variants", "model"): "models", ("fallback",): "endpoints"}
    ),
    "plain": Carried("plain", (), is_map=True),
}
REFERENCES = {"jobs.KEY.url": Reference("job", "url", _PLACES)}
ENVIRONMENT = {
    "PLAIN_API_URL": StandIn("unknown", "local", field="api_url"),
    "PLAIN_TOKEN": StandIn("unknown", "local"),
}
