"""The platform's own scenarios: foundation-models and orchestration."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ai_api_client_sdk.models.parameter_binding import ParameterBinding
from ai_api_client_sdk.models.status import Status
from ai_api_client_sdk.models.target_status import TargetStatus
from ai_core_sdk.ai_core_v2_client import AICoreV2Client

from cicd.emulator.errors import EmulatorError
from cicd.emulator.foundation import catalogue, deployed, echo
from cicd.emulator.foundation.catalogue import BadModelList, Catalogue, ModelList, NotOffered
from cicd.emulator.host import control
from tests.emulator.emulator_client import (
    SERVING,
    Client,
    commit,
    onboard,
    running,
    synced,
    wait_for,
)

DAY = date(2026, 1, 1)
PATH = "/v2/lm/deployments"
CHAT = {"messages": [{"role": "system", "content": "Be kind"}, {"role": "user", "content": "Hi!"}]}


def configured(
    client: Client, executable: str, scenario: str = "foundation-models", **parameters: str
) -> str:
    body = {
        "name": executable,
        "scenarioId": scenario,
        "executableId": executable,
        "parameterBindings": [{"key": key, "value": text} for key, text in parameters.items()],
    }
    return str(client.send("POST", "/v2/lm/configurations", body, status=201).json()["id"])


def deploy(client: Client, configuration: str, *statuses: str, **more: str) -> str:
    """A deployment once it has one of ``statuses``; its id."""
    body = {"configurationId": configuration, **more}
    made = str(client.send("POST", PATH, body, status=202).json()["id"])
    client.wait(f"{PATH}/{made}", *(statuses or ("RUNNING",)))
    return made


def ask(client: Client, deployment: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = client.send(
        "POST", f"/v2/inference/deployments/{deployment}{path}", body, status=status
    )
    is_json = answer.headers["content-type"].startswith("application/json")
    return answer.json() if is_json else answer.text


def events(client: Client, deployment: str, path: str, body: Any) -> list[Any]:
    """The events of a stream but the one that ends it."""
    text = ask(client, deployment, path, body)
    *found, last, rest = text.split("\n\n")
    assert (last, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in found]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(tmp_path_factory.mktemp("foundation") / "data") as client:
        yield client


@pytest.fixture(scope="module")
def gpt(emulator: Client) -> str:
    """A deployment of gpt-4o."""
    return deploy(emulator, configured(emulator, "azure-openai", modelName="gpt-4o"))


@pytest.fixture(scope="module")
def orchestrator(emulator: Client) -> str:
    """A deployment of the orchestration service."""
    return deploy(emulator, configured(emulator, "orchestration", "orchestration"))


def test_both_scenarios_exist_without_git(emulator: Client) -> None:
    found = emulator.get("/v2/lm/scenarios")["resources"]
    assert [item["id"] for item in found] == ["foundation-models", "orchestration"]
    base = "/v2/lm/scenarios/foundation-models"
    assert emulator.get(base)["name"] == "foundation-models"
    executables = {item["id"]: item for item in emulator.get(f"{base}/executables")["resources"]}
    assert {"azure-openai", "aws-bedrock", "gcp-vertexai", "aicore-opensource"} <= set(executables)
    assert executables["azure-openai"]["deployable"] is True
    shown = executables["azure-openai"]["parameters"]
    assert [(item["name"], item["type"], item.get("default")) for item in shown] == [
        ("modelName", "string", None),
        ("modelVersion", "string", "latest"),
    ]
    assert emulator.get(f"{base}/executables/aws-bedrock") == executables["aws-bedrock"]
    assert [item["id"] for item in emulator.get(f"{base}/versions")["resources"]] == ["0.0.1"]
    shown = emulator.get("/v2/lm/scenarios/orchestration/executables/orchestration")["parameters"]
    assert [item["name"] for item in shown] == ["modelFilterList", "modelFilterListType"]
    emulator.send("GET", f"{base}/executables/nothing", status=404)


def test_models_are_listed_as_the_specification_says(emulator: Client) -> None:
    listed = emulator.get("/v2/lm/scenarios/foundation-models/models")
    assert listed["count"] == len(listed["resources"])
    models = {item["model"]: item for item in listed["resources"]}
    needed = {"model", "executableId", "description", "versions", "allowedScenarios"}
    assert all(needed <= set(item) for item in models.values())
    versions = [version for item in models.values() for version in item["versions"]]
    assert all({"name", "isLatest", "deprecated"} <= set(version) for version in versions)
    assert any(v["deprecated"] and v["suggestedReplacements"] for v in versions)
    old = models["gpt-4o"]["versions"][1]
    soon = catalogue.retirement(old)
    assert soon and 0 < (soon - catalogue.today()).days <= 30
    assert old["suggestedReplacements"] == ["gpt-4o"]
    usable = emulator.get("/v2/lm/scenarios/orchestration/models")["resources"]
    assert "gpt-4o" in [item["model"] for item in usable]
    assert emulator.get("/v2/lm/scenarios/churn/models") == {"count": 0, "resources": []}


def test_the_official_sdk_deploys_a_model(
    emulator: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = emulator.world.credentials
    sdk = AICoreV2Client(
        base_url=f"{emulator.url}/v2",
        auth_url=f"{emulator.url}/oauth/token",
        client_id=known.client_id,
        client_secret=known.client_secret,
        resource_group="default",
    )
    assert {"foundation-models", "orchestration"} <= {s.id for s in sdk.scenario.query().resources}
    [model] = [item for item in sdk.model.query().resources if item.model == "gpt-4o"]
    assert [version.name for version in model.versions if version.is_latest] == ["2024-11-20"]
    parameters = [ParameterBinding(key="modelName", value="gpt-4o")]
    made = sdk.configuration.create(
        name="gpt",
        scenario_id="foundation-models",
        executable_id="azure-openai",
        parameter_bindings=parameters,
    )
    deployment = sdk.deployment.create(made.id).id
    found = wait_for(
        lambda: sdk.deployment.get(deployment), lambda seen: seen.status is Status.RUNNING
    )
    assert found.details["resources"]["backend_details"]["model"] == {
        "name": "gpt-4o",
        "version": "latest",
    }
    answer = sdk.rest_client.post(f"/inference/deployments/{deployment}/chat/completions", CHAT)
    assert answer["choices"][0]["message"]["content"] == "echo: Hi!"
    lines = sdk.deployment.query_logs(deployment).data.result
    assert "model gpt-4o version 2024-11-20 (latest)" in lines[0].msg
    sdk.deployment.modify(deployment, TargetStatus.STOPPED)
    wait_for(lambda: sdk.deployment.get(deployment), lambda seen: seen.status is Status.STOPPED)
    path = f"/v2/inference/deployments/{deployment}/chat/completions"
    assert emulator.send("POST", path, CHAT, status=503).text == "no healthy upstream"
    sdk.deployment.delete(deployment)


def test_a_deployment_gets_another_model_under_the_same_url(emulator: Client) -> None:
    first = configured(emulator, "azure-openai", modelName="gpt-4o", modelVersion="2024-05-13")
    deployment = deploy(emulator, first, ttl="1d")
    path = f"{PATH}/{deployment}"
    before = emulator.get(path)
    both = {"model": {"name": "gpt-4o", "version": "2024-05-13"}}
    resources = before["details"]["resources"]
    assert resources == {"backendDetails": both, "backend_details": both}
    assert (before["ttl"], before["latestRunningConfigurationId"]) == ("1d", first)
    assert ask(emulator, deployment, "/chat/completions", CHAT)["model"] == "gpt-4o-2024-05-13"

    second = configured(emulator, "azure-openai", modelName="gpt-4o-mini")
    emulator.send("PATCH", path, {"configurationId": second}, status=202)
    after = emulator.wait(path, "RUNNING")
    assert after["deploymentUrl"] == before["deploymentUrl"]
    assert after["latestRunningConfigurationId"] == second
    listed = {item["id"]: item for item in emulator.get(PATH)["resources"]}
    assert listed[deployment]["details"]["resources"]["backendDetails"]["model"] == {
        "name": "gpt-4o-mini",
        "version": "latest",
    }

    # one that there is not leaves the one before serving
    third = configured(emulator, "azure-openai", modelName="gpt-9")
    emulator.send("PATCH", path, {"configurationId": third}, status=202)
    dead = emulator.wait(path, "DEAD")
    assert "offers no model 'gpt-9'" in dead["statusMessage"]
    assert dead["latestRunningConfigurationId"] == second
    assert ask(emulator, deployment, "/chat/completions", CHAT)["model"] == "gpt-4o-mini-2024-07-18"
    emulator.send("PATCH", path, {"configurationId": second}, status=202)
    emulator.wait(path, "RUNNING")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"modelName": "gpt-9"}, "offers no model 'gpt-9'; it has gpt-4o"),
        ({"modelName": "gpt-4o", "modelVersion": "1"}, "no version '1'; it has 2024-11-20"),
        ({"modelName": "gpt-35-turbo", "modelVersion": "0613"}, "suggested instead: gpt-4o-mini"),
        ({"modelName": "gemini-1.5-flash"}, "azure-openai offers no model"),
    ],
)
def test_a_model_that_is_not_offered_is_dead(
    emulator: Client, parameters: dict[str, str], reason: str
) -> None:
    made = deploy(emulator, configured(emulator, "azure-openai", **parameters), "DEAD")
    shown = emulator.get(f"{PATH}/{made}")
    assert reason in shown["statusMessage"]
    assert shown["deploymentUrl"] == ""
    ask(emulator, made, "/chat/completions", CHAT, status=503)
    emulator.send("DELETE", f"{PATH}/{made}", status=202)


def test_a_configuration_needs_a_model(emulator: Client) -> None:
    body = {"name": "c", "scenarioId": "foundation-models", "executableId": "azure-openai"}
    answer = emulator.send("POST", "/v2/lm/configurations", body, status=400)
    assert "missing input parameter modelName" in answer.json()["error"]["message"]


def test_chat(emulator: Client, gpt: str) -> None:
    answer = ask(emulator, gpt, "/chat/completions?api-version=2024-06-01", CHAT)
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "echo: Hi!"},
            "finish_reason": "stop",
        }
    ]
    assert (answer["object"], answer["model"]) == ("chat.completion", "gpt-4o-2024-11-20")
    assert answer["usage"] == {"prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8}
    assert ask(emulator, gpt, "/v1/chat/completions", CHAT) == answer
    seen = [{"type": "text", "text": "What is "}, {"type": "image_url", "image_url": {"url": "x"}}]
    body = {"messages": [{"role": "user", "content": seen}], "stream": False}
    message = ask(emulator, gpt, "/chat/completions", body)["choices"][0]["message"]
    assert message["content"] == "echo: What is [image_url]"
    half = b'{"messages": [{"role": "user", "content": "\\ud800 gr\\u00fc\\u00dfe"}]}'
    path = f"/v2/inference/deployments/{gpt}/chat/completions"
    answer = emulator.send("POST", path, data=half, status=200).json()
    assert answer["choices"][0]["message"]["content"] == "echo: ? grüße"


def test_chat_in_pieces(emulator: Client, gpt: str) -> None:
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, end, cost = events(emulator, gpt, "/chat/completions", body)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert [delta["content"] for delta in deltas] == ["", "echo: ", "Hi!"]
    assert end["choices"][0]["finish_reason"] == "stop"
    assert (cost["choices"], cost["usage"]["total_tokens"]) == ([], 8)
    assert len(events(emulator, gpt, "/chat/completions", {**CHAT, "stream": True})) == 4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ({**CHAT, "stream": "yes"}, "stream"),
        ([], None),
    ],
)
def test_what_is_no_chat(emulator: Client, gpt: str, body: Any, field: str | None) -> None:
    error = ask(emulator, gpt, "/chat/completions", body, status=400)["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", field)


def test_who_may_not_ask(emulator: Client, gpt: str) -> None:
    path = f"/v2/inference/deployments/{gpt}/chat/completions"
    cases: list[tuple[dict[str, str | None], int, str]] = [
        ({"Authorization": None}, 403, "RBAC: access denied"),
        ({"Authorization": f"Bearer {emulator.token()[:-4]}AAAA"}, 401, "Jwt verification fails"),
        ({"AI-Resource-Group": None}, 403, "RBAC: access denied"),
        ({"AI-Resource-Group": "other"}, 403, "RBAC: access denied"),
    ]
    for headers, status, text in cases:
        answer = emulator.send("POST", path, CHAT, headers=headers)
        assert (answer.status_code, answer.text) == (status, text)
    assert emulator.send("GET", path).status_code == 405
    text = ask(emulator, gpt, "/images/generations", {}, status=501)
    assert "does not answer /images/generations here" in text


def test_embeddings(emulator: Client) -> None:
    made = deploy(
        emulator, configured(emulator, "azure-openai", modelName="text-embedding-3-small")
    )
    answer = ask(emulator, made, "/embeddings", {"input": ["one", "two"]})
    one, two = (item["embedding"] for item in answer["data"])
    assert len(one) == len(two) == echo.DIMENSIONS
    assert one == echo.vector("one") != two
    assert sum(value * value for value in one) == pytest.approx(1)
    assert answer["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    body = {"input": "one", "encoding_format": "base64", "dimensions": 2}
    [short] = ask(emulator, made, "/v1/embeddings", body)["data"]
    decoded = struct.unpack("<2f", base64.b64decode(short["embedding"]))
    assert decoded == pytest.approx(echo.vector("one", 2))
    cases: list[dict[str, Any]] = [{}, {"input": []}, {"input": 1}, {"input": "a", "dimensions": 0}]
    for wrong in cases:
        assert ask(emulator, made, "/embeddings", wrong, status=400)["error"]["param"]
    error = ask(emulator, made, "/chat/completions", CHAT, status=400)["error"]
    assert "does not work with model" in error["message"]


def test_the_other_vendors(emulator: Client) -> None:
    claude = "anthropic--claude-3.5-sonnet"
    made = deploy(emulator, configured(emulator, "aws-bedrock", modelName=claude))
    answer = ask(emulator, made, "/invoke", {"max_tokens": 9, **CHAT})
    assert answer["content"] == [{"type": "text", "text": "echo: Hi!"}]
    said = {"messages": [{"role": "user", "content": [{"text": "Hi!"}]}]}
    answer = ask(emulator, made, "/converse", said)
    assert answer["output"]["message"]["content"] == [{"text": "echo: Hi!"}]
    assert answer["usage"] == {"inputTokens": 2, "outputTokens": 4, "totalTokens": 6}
    assert "messages" in ask(emulator, made, "/converse", {}, status=400)["message"]
    assert "/converse" in ask(emulator, made, "/converse-stream", said, status=501)

    titan = configured(emulator, "aws-bedrock", modelName="amazon--titan-embed-text")
    made = deploy(emulator, titan)
    assert ask(emulator, made, "/invoke", {"inputText": "a"})["embedding"] == echo.vector("a")

    made = deploy(emulator, configured(emulator, "gcp-vertexai", modelName="gemini-1.5-flash"))
    path = "/models/gemini-1.5-flash:generateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi!"}]}]}
    [candidate] = ask(emulator, made, path, body)["candidates"]
    assert candidate["content"] == {"role": "model", "parts": [{"text": "echo: Hi!"}]}
    assert ask(emulator, made, path, {}, status=400)["error"]["status"] == "INVALID_ARGUMENT"


def second(template: Any, model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    """A request of /v2/completion."""
    modules = {"prompt_templating": {"prompt": {"template": template}, "model": {"name": model}}}
    return {"config": {"modules": modules, **more}, "placeholder_values": {"who": "you"}}


GREETING = [{"role": "user", "content": "Hi {{?who}}!"}]
FILLED = [{"role": "user", "content": "Hi you!"}]


def test_orchestration(emulator: Client, orchestrator: str) -> None:
    shown = emulator.get(f"{PATH}/{orchestrator}")
    assert shown["details"]["resources"]["backendDetails"] == {}
    answer = ask(emulator, orchestrator, "/v2/completion", second(GREETING))
    assert answer["intermediate_results"]["templating"] == FILLED
    result = answer["final_result"]
    assert result == answer["intermediate_results"]["llm"]
    assert result["choices"][0]["message"]["content"] == "echo: Hi you!"
    assert result["model"] == "gpt-4o-2024-11-20"

    body = {**second(GREETING), "messages_history": [{"role": "assistant", "content": "Yes?"}]}
    answer = ask(emulator, orchestrator, "/v2/completion", body)
    assert len(answer["intermediate_results"]["templating"]) == 2

    streamed = second(GREETING, stream={"enabled": True})
    begin, *chunks = events(emulator, orchestrator, "/v2/completion", streamed)
    assert begin["intermediate_results"] == {"templating": FILLED}
    deltas = [chunk["final_result"]["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content", "") for delta in deltas) == "echo: Hi you!"
    assert chunks[-1]["final_result"]["usage"]["completion_tokens"] == 5

    embeddings = {
        "config": {"modules": {"embeddings": {"model": {"name": "text-embedding-3-small"}}}},
        "input": {"text": ["one"]},
    }
    answer = ask(emulator, orchestrator, "/v2/embeddings", embeddings)
    assert answer["final_result"]["data"][0]["embedding"] == echo.vector("one")


def test_the_first_version_of_orchestration(emulator: Client, orchestrator: str) -> None:
    modules = {
        "templating_module_config": {"template": GREETING, "defaults": {"who": "all"}},
        "llm_module_config": {"model_name": "gpt-4o-mini", "model_params": {}},
    }
    body = {"orchestration_config": {"module_configurations": modules}}
    answer = ask(emulator, orchestrator, "/completion", body)
    assert answer["module_results"]["templating"][0]["content"] == "Hi all!"
    message = answer["orchestration_result"]["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "echo: Hi all!"}
    error = ask(emulator, orchestrator, "/completion", {}, status=400)
    assert error["message"] == "'orchestration_config' is a required property"


def test_what_orchestration_refuses(emulator: Client, orchestrator: str) -> None:
    cases = [
        (second([]), "Templating Module"),
        (second([{"role": "user", "content": "{{?x}} {{?y}}"}]), "Templating Module"),
        (second([{"role": "robot", "content": "x"}]), "Templating Module"),
        (second(GREETING, model="gpt-9"), "LLM Module"),
        (second(GREETING, model="text-embedding-3-small"), "LLM Module"),
        ({"config": {}}, "Request Body"),
        ({"config": {"modules": {"prompt_templating": []}}}, "Request Body"),
    ]
    for body, location in cases:
        error = ask(emulator, orchestrator, "/v2/completion", body, status=400)["error"]
        assert (error["code"], error["location"]) == (400, location), error
    error = ask(emulator, orchestrator, "/v2/completion", cases[1][0], status=400)["error"]
    assert error["message"] == "400 - Templating Module: Missing required parameters: ['x', 'y']"
    deep = second([{"role": "user", "content": json.loads("[" * 480 + "]" * 480)}])
    ask(emulator, orchestrator, "/v2/completion", deep, status=400)
    grounded = second(GREETING)
    grounded["config"]["modules"]["grounding"] = {}
    for path, body in (("/v2/completion", grounded), ("/v2/completion", {"config_ref": {}})):
        assert "the emulator has no" in ask(emulator, orchestrator, path, body, status=501)
    assert "/v2/completion" in ask(emulator, orchestrator, "/v3/x", {}, status=501)


def test_orchestration_may_be_restricted(emulator: Client) -> None:
    listed = json.dumps([{"modelName": "gpt-4o", "modelVersions": ["2024-11-20"]}])
    for kind, status in (("allow", 200), ("deny", 400)):
        restricted = configured(
            emulator,
            "orchestration",
            "orchestration",
            modelFilterList=listed,
            modelFilterListType=kind,
        )
        made = deploy(emulator, restricted)
        ask(emulator, made, "/v2/completion", second(GREETING), status=status)
        other = second(GREETING, model="gpt-4o-mini")
        ask(emulator, made, "/v2/completion", other, status=600 - status)
    wrong = configured(emulator, "orchestration", "orchestration", modelFilterList="{")
    made = deploy(emulator, wrong, "DEAD")
    assert "modelFilterList must be" in emulator.get(f"{PATH}/{made}")["statusMessage"]


def a_model(**changes: Any) -> dict[str, Any]:
    version = {"name": "1", "isLatest": True, "deprecated": False}
    model = {"model": "m", "executableId": "own-models", "description": "d", "versions": [version]}
    return {"resources": [{**model, **changes}]}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "resources must be a list"),
        ({"resources": []}, "resources must be a list"),
        ({"resources": [1]}, "resources[0] must be an object"),
        (a_model(model=""), "resources[0].model must be a text"),
        (a_model(executableId="a b"), "resources[0].executableId 'a b' does not match"),
        (a_model(versions=[]), "resources[0].versions must be a list"),
        (a_model(versions=[{"name": "1"}]), "resources[0].versions[0].isLatest must be true"),
        (
            a_model(
                versions=[
                    {"name": "1", "isLatest": True, "deprecated": False, "retirementDate": "soon"}
                ]
            ),
            "resources[0].versions[0].retirementDate 'soon' is no ISO 8601 date",
        ),
        ({"resources": 2 * a_model()["resources"]}, "resources[1] is the same model as resources"),
    ],
)
def test_what_is_no_list_of_models(document: Any, problem: str) -> None:
    with pytest.raises(BadModelList) as caught:
        catalogue.parse(document)
    assert problem in str(caught.value)


def test_another_list_of_models(emulator: Client, gpt: str) -> None:
    path = "/emulator/models"
    default = emulator.get(path)
    refused = emulator.send("PUT", path, {"resources": [1]}, status=400).json()["error"]
    assert refused["message"] == "resources[0] must be an object"
    assert emulator.get(path) == default
    try:
        emulator.send("PUT", path, a_model(new="field"), status=200)
        [shown] = emulator.get("/v2/lm/scenarios/foundation-models/models")["resources"]
        assert (shown["model"], shown["new"]) == ("m", "field")
        deploy(emulator, configured(emulator, "own-models", modelName="m"))
        assert "offers no model 'gpt-4o'" in ask(emulator, gpt, "/chat/completions", CHAT, 404)
        assert emulator.get(f"{PATH}/{gpt}")["status"] == "RUNNING"
    finally:
        assert emulator.send("DELETE", path, status=200).json() == default
    ask(emulator, gpt, "/chat/completions", CHAT)


def test_a_file_with_models_is_kept(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "models.json"
    for text, problem in (
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("{}", "is no list of models: resources must be"),
    ):
        if text is not None:
            file.write_text(text)
        with pytest.raises(EmulatorError) as caught:
            control.offer_models(data, file)
        assert problem in caught.value.message
        assert "\n" not in str(caught.value)
    assert not data.exists()
    file.write_text(json.dumps(a_model()))
    control.offer_models(data, file)
    assert ModelList(data).read() == Catalogue(tuple(a_model()["resources"]))


def test_latest_is_what_the_list_calls_so() -> None:
    versions = [
        {"name": "2", "isLatest": False, "deprecated": False, "retirementDate": "2025-12-31"},
        {"name": "1", "isLatest": True, "deprecated": True, "retirementDate": "2026-01-01"},
    ]
    models = catalogue.parse(a_model(versions=versions))
    for version in ("", "latest", "1"):
        assert models.find("m", version, "own-models", DAY).version == "1"
    with pytest.raises(NotOffered, match="retired since 2025-12-31"):
        models.find("m", "2", "own-models", DAY)
    none_latest = [{**version, "isLatest": False} for version in versions]
    models = catalogue.parse(a_model(versions=none_latest))
    assert models.find("m", "latest", "own-models", DAY).version == "1"
    bound = {"modelFilterList": '[{"modelName": "m"}]', "modelFilterListType": "deny"}
    assert not deployed.filter_of(bound).admits("m", "1")


def test_git_cannot_add_to_the_platforms_scenarios(tmp_path: Path) -> None:
    template = SERVING.format(name="mine", version='"1"')
    files = {"templates/a.yaml": template.replace("id: churn", "id: orchestration")}
    commit(tmp_path / "repository", files)
    with running(tmp_path / "data") as client:
        made = deploy(client, configured(client, "orchestration", "orchestration"))
        onboard(client, tmp_path / "repository")
        assert "scenario orchestration is the platform's own" in synced(client)["message"]
    # a restart brings back what was deployed
    with running(tmp_path / "data") as client:
        client.wait(f"{PATH}/{made}", "RUNNING")
        ask(client, made, "/v2/completion", second(GREETING))
        # somebody damages the list by hand: said in one line, and again at the next start
        (tmp_path / "data" / catalogue.FILE_NAME).write_text("{")
        assert "is not JSON" in ask(client, made, "/v2/completion", second(GREETING), status=500)
    with pytest.raises(EmulatorError, match="is not JSON"), running(tmp_path / "data"):
        pass
