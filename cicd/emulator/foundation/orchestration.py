"""The orchestration service in both its versions: a template with placeholders, then a model. Pure.

Filtering, masking and translation are accepted and change nothing. What would need something that
is stored on the platform (template references, grounding) is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cicd.emulator.foundation import echo, openai
from cicd.emulator.foundation.answers import Answer, ModelRequest, not_emulated
from cicd.emulator.foundation.catalogue import LATEST, NotOffered, Offer
from cicd.emulator.foundation.deployed import ModelFilter
from cicd.emulator.foundation.echo import BadRequest, Message

FindOffer = Callable[[str, str], Offer]
"""Model name, version -> the model; NotOffered if there is none."""
PLACEHOLDER = re.compile(r"\{\{\s*\?\s*([\w-]+)\s*\}\}")
TEMPLATING, LLM, EMBEDDING = "Templating Module", "LLM Module", "Embedding Module"


@dataclass(frozen=True)
class Version:
    """How the two versions of the service name the parts of an answer."""

    steps: str
    result: str


FIRST = Version("module_results", "orchestration_result")
SECOND = Version("intermediate_results", "final_result")


class NotEmulated(Exception):
    """A part of the service that the emulator does not have."""


@dataclass(frozen=True)
class OrchestrationRequest:
    """What is asked for, in whichever version."""

    template: Any
    values: Mapping[str, Any]
    history: Any
    model: str
    model_version: str
    streams: bool


def answer(find: FindOffer, admitted: ModelFilter, asked: ModelRequest) -> Answer:
    """What an orchestration deployment answers."""
    paths: dict[str, Callable[[], Answer]] = {
        "/v2/completion": lambda: completed(SECOND, second(asked.json()), find, admitted, asked),
        "/v2/embeddings": lambda: embedded(asked.json(), find, admitted, asked),
        "/completion": lambda: completed(FIRST, first(asked.json()), find, admitted, asked),
    }
    if asked.path not in paths:
        return not_emulated(asked.path, paths)
    version = FIRST if asked.path == "/completion" else SECOND
    try:
        return paths[asked.path]()
    except NotEmulated as error:
        return Answer(501, f"the emulator has no {error} in orchestration")
    except BadRequest as error:
        return refusal(version, error, asked)


def refusal(version: Version, error: BadRequest, asked: ModelRequest) -> Answer:
    """The 400 of the service; where it went wrong is what a BadRequest calls its field."""
    module = error.field if error.field in (TEMPLATING, LLM, EMBEDDING) else ""
    body = {
        "request_id": echo.identity(asked.raw),
        "code": 400,
        "message": f"400 - {module}: {error.message}" if module else error.message,
        "location": module or "Request Body",
        version.steps: {},
    }
    return Answer(400, body if version is FIRST else {"error": body})


def first(body: Mapping[str, Any]) -> OrchestrationRequest:
    """A request of ``/completion``."""
    config = part(body, "orchestration_config")
    modules = part(config, "module_configurations", "orchestration_config")
    templating = part(modules, "templating_module_config", "module_configurations")
    llm = part(modules, "llm_module_config", "module_configurations")
    if "grounding_module_config" in modules:
        raise NotEmulated("grounding")
    return OrchestrationRequest(
        template=template_of(templating),
        values={
            **part(templating, "defaults", default={}),
            **part(body, "input_params", default={}),
        },
        history=body.get("messages_history") or [],
        model=text(llm, "model_name"),
        model_version=text(llm, "model_version", LATEST),
        streams=openai.flag(config, "stream"),
    )


def second(body: Mapping[str, Any]) -> OrchestrationRequest:
    """A request of ``/v2/completion``."""
    if "config_ref" in body:
        raise NotEmulated("config_ref")
    config = part(body, "config")
    modules = modules_of(config)
    if "grounding" in modules:
        raise NotEmulated("grounding")
    prompting = part(modules, "prompt_templating", "modules")
    prompt, model = part(prompting, "prompt", "prompt_templating"), part(prompting, "model")
    values = {
        **part(prompt, "defaults", default={}),
        **part(body, "placeholder_values", default={}),
    }
    return OrchestrationRequest(
        template=template_of(prompt),
        values=values,
        history=body.get("messages_history") or [],
        model=text(model, "name"),
        model_version=text(model, "version", LATEST),
        streams=openai.flag(part(config, "stream", default={}), "enabled"),
    )


def modules_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The modules; of several alternatives the first, since here none ever fails over."""
    modules = config.get("modules")
    if isinstance(modules, list) and modules:
        return part({"modules": modules[0]}, "modules", "config")
    return part(config, "modules", "config")


def template_of(prompt: Mapping[str, Any]) -> Any:
    """The messages with placeholders."""
    if "template_ref" in prompt:
        raise NotEmulated("template_ref")
    return prompt.get("template")


def part(
    body: Mapping[str, Any], name: str, where: str = "", default: dict[str, Any] | None = None
) -> Mapping[str, Any]:
    """An object within the request."""
    found = body.get(name)
    if found is None and default is not None:
        return default
    if found is None:
        inside = f" of '{where}'" if where else ""
        raise BadRequest(f"'{name}' is a required property{inside}")
    if not isinstance(found, dict):
        raise BadRequest(f"'{name}' must be an object")
    return found


def text(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A text within the request."""
    found = body.get(name, default)
    if not isinstance(found, str):
        raise BadRequest(f"'{name}' is missing or no text")
    return found


def completed(
    version: Version,
    wish: OrchestrationRequest,
    find: FindOffer,
    admitted: ModelFilter,
    asked: ModelRequest,
) -> Answer:
    """Template, then model."""
    messages = filled(wish)
    try:
        said = openai.conversation(messages, "template")
    except BadRequest as error:
        raise BadRequest(error.message, TEMPLATING) from None
    offer = model_of(wish.model, wish.model_version, find, admitted, LLM)
    if offer.embeds:
        raise BadRequest(f"Model {offer.name} makes no texts.", LLM)
    request_id = echo.identity(asked.raw)
    answer_id = f"chatcmpl-{request_id}"
    if wish.streams:
        steps = streamed(offer, messages, said, answer_id)
        return Answer(
            events=tuple(
                {"request_id": request_id, version.steps: step, version.result: result}
                for step, result in steps
            )
        )
    result = openai.completion(offer, said, answer_id)
    body = {
        "request_id": request_id,
        version.steps: {"templating": messages, "llm": result},
        version.result: result,
    }
    return Answer(body=body)


def streamed(
    offer: Offer, messages: list[Any], said: list[Message], answer_id: str
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The steps of a streamed answer, each with its result: the filled template comes first."""
    begin = {**openai.chunk(offer, "", {"content": ""}), "model": ""}
    chunks = openai.stream(offer, said, answer_id, wants_usage=False)
    chunks[-1]["usage"] = openai.usage(said, echo.reply(said))
    return [({"templating": messages}, begin), *(({"llm": chunk}, chunk) for chunk in chunks)]


def filled(wish: OrchestrationRequest) -> list[Any]:
    """History and template with every placeholder replaced; BadRequest names what is missing."""
    if not isinstance(wish.template, list) or not wish.template:
        raise BadRequest("'template' must be a list of messages, at least one", TEMPLATING)
    if not isinstance(wish.history, list):
        raise BadRequest("'messages_history' must be a list of messages", TEMPLATING)
    missing: set[str] = set()

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in wish.values:
            missing.add(name)
            return ""
        return str(wish.values[name])

    def fill(node: Any) -> Any:
        if isinstance(node, str):
            return PLACEHOLDER.sub(value, node)
        if isinstance(node, list):
            return [fill(item) for item in node]
        if isinstance(node, dict):
            return {key: fill(item) for key, item in node.items()}
        return node

    messages = [*wish.history, *fill(wish.template)]
    if missing:
        raise BadRequest(f"Missing required parameters: {sorted(missing)}", TEMPLATING)
    return messages


def model_of(name: str, version: str, find: FindOffer, admitted: ModelFilter, module: str) -> Offer:
    """The model, if there is one and this deployment may use it."""
    try:
        offer = find(name, version)
    except NotOffered as error:
        raise BadRequest(str(error), module) from None
    if not admitted.admits(offer.name, offer.version):
        raise BadRequest(
            f"Model {name} in version {version} is not allowed by the modelFilterList of this "
            "deployment.",
            module,
        )
    return offer


def embedded(
    body: Mapping[str, Any], find: FindOffer, admitted: ModelFilter, asked: ModelRequest
) -> Answer:
    """``/v2/embeddings``"""
    modules = modules_of(part(body, "config"))
    model = part(part(modules, "embeddings", "modules"), "model", "embeddings")
    texts = openai.inputs(part(body, "input").get("text"), "input.text")
    name, version = text(model, "name"), text(model, "version", LATEST)
    offer = model_of(name, version, find, admitted, EMBEDDING)
    if not offer.embeds:
        raise BadRequest(f"Model {offer.name} makes no embeddings.", EMBEDDING)
    result = openai.embedded(offer, texts, part(model, "params", default={}))
    return Answer(body={"request_id": echo.identity(asked.raw), SECOND.result: result})
