"""Smoke tests of endpoints: answers at once and later, and errors of the model's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.apply import verify
from cicd.errors import NotFound, PlatformError
from cicd.model import Key, LiveResource, Stage, State, Status
from cicd.platforms import registry
from cicd.platforms.base import Answer, Platform, Request
from cicd.platforms.sagemaker.console import log_link
from tests.emulator.sagemaker.aws import IMAGE, Aws
from tests.platforms.sagemaker import stand_in
from tests.platforms.sagemaker.samples import TEXT, findings
from tests.platforms.sagemaker.seeded import Project, in_project
from tests.platforms.sagemaker.stand_in import standing_in
from tests.platforms.stub_server import Reply

BUCKET = "later-data"
STAGE = f"""\
platform: sagemaker
sagemaker:
  region: eu-central-1
  role: arn:aws:iam::123456789012:role/trainer
  prefix: asked
  bucket: {BUCKET}
models:
  - {{key: echo, image: {IMAGE}, source_dir: src, entry_point: echo.py}}
endpoint_configs:
  - {{key: now, variants: [{{name: main, model: echo, instance: {{type: ml.m5.large}}}}]}}
  - key: later
    variants: [{{name: main, model: echo, instance: {{type: ml.m5.large}}}}]
    async: {{url: "s3://{BUCKET}/answers", failure_url: "s3://{BUCKET}/failures"}}
  - key: silent
    variants: [{{name: main, model: echo, instance: {{type: ml.m5.large}}}}]
    async: {{url: "s3://{BUCKET}/answers"}}
endpoints:
  - {{key: now, config: now, smoke_test: {{body: "5.1,3.5", content_type: text/csv,
      headers: {{Accept: text/plain}}, expect: {{contains: "text/csv 5.1,3.5 text/plain"}}}}}}
  - {{key: later, config: later, smoke_test: {{json: 1, expect: {{contains: "tion/json 1"}}}}}}
  - {{key: silent, config: silent}}
"""
ECHO = """\
def model_fn(folder):
    return 1
def input_fn(body, content_type):
    text = body if isinstance(body, str) else body.decode()
    if "break" in text:
        raise ValueError("this number does not exist: grüße")
    return f"{content_type} {text}"
def predict_fn(data, model):
    return data
def output_fn(prediction, accept):
    return f"{prediction} {accept}", "text/plain"
"""
FILES = {"stages/dev.yaml": STAGE, "src/echo.py": ECHO}


@pytest.fixture(scope="module")
def project(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with in_project(tmp_path_factory.mktemp("asked"), aws, aws.environ, FILES) as found:
        yield found


@pytest.fixture(scope="module")
def applied(project: Project) -> Project:
    told = project.run("apply", "dev", "--yes")
    assert "Done: 7 applied" in told.out
    return project


@pytest.fixture
def platform(applied: Project) -> Iterator[Platform]:
    settings = {"bucket": BUCKET, "prefix": "asked"}
    place = {"region": "eu-central-1"}
    stage = Stage("dev", "", str(applied.root), "sagemaker", place, None, (), settings=settings)
    found = registry.connect(stage, dict(applied.aws.environ))
    yield found
    found.close()


def endpoint(name: str) -> LiveResource:
    config = {"config": f"{name}-config"}
    return LiveResource(Key("endpoint", name), name, config, Status(State.RUNNING, "InService"))


NOW, LATER, SILENT = (endpoint(f"asked--{name}") for name in ("now", "later", "silent"))


def left(project: Project) -> list[str]:
    """Requests that lie in the bucket."""
    found = project.aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="cicd/asked/requests")
    return [one["Key"] for one in found.get("Contents", ())]


@pytest.mark.parametrize("live", [NOW, LATER], ids=["at once", "later"])
@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request(body={"x": 1}), 'application/json {"x": 1}'),
        (Request(body="5.1,3.5", content_type="text/csv"), "text/csv 5.1,3.5"),
        (Request(body=b"\xc3\xbc", content_type="text/plain"), "text/plain ü"),
        (
            Request(body="a", content_type="text/plain", headers={"accept": "text/csv"}),
            "text/plain a text/csv",
        ),
    ],
)
def test_an_endpoint_is_asked_with_body_and_content_type(
    live: LiveResource, request_: Request, said: str, platform: Platform, applied: Project
) -> None:
    answer = platform.invoke(live, request_)
    assert answer.status == 200 and answer.text.startswith(said), answer
    assert answer.log == ""
    assert left(applied) == []


@pytest.mark.parametrize("live", [NOW, LATER], ids=["at once", "later"])
def test_an_error_of_the_model_is_its_answer_and_says_where_its_log_is(
    live: LiveResource, platform: Platform, applied: Project
) -> None:
    answer = platform.invoke(live, Request(body="break", content_type="text/plain"))
    assert answer.status == 500
    assert "this number does not exist: grüße" in answer.text
    assert answer.log == f"log group /aws/sagemaker/Endpoints/{live.id}"
    assert left(applied) == []


def test_an_answer_that_takes_long_is_awaited_and_not_asked_for_twice(
    platform: Platform, applied: Project
) -> None:
    """A failure that nobody keeps never comes: the request is not sent again each time."""
    request = Request(body="break", content_type="text/plain")
    for _ in range(3):
        with pytest.raises(PlatformError, match="there is no answer yet at s3://") as caught:
            platform.invoke(SILENT, request, timeout=0.3)
        assert "failure_url" in caught.value.hint
        assert len(left(applied)) == 1
    other = Request(body="fine", content_type="text/plain")
    assert "fine" in platform.invoke(SILENT, other).text
    platform.close()
    assert left(applied) == []


def test_what_is_no_answer_of_the_model_is_an_error(platform: Platform) -> None:
    with pytest.raises(NotFound):
        platform.invoke(endpoint("nobodys"), Request(body="a"))


@pytest.mark.parametrize(
    ("status", "text", "shown"),
    [
        (415, "no such type", "415 no such type (the model's own error; https://"),
        (500, "", "500 (the model's own error; https://"),
        (503, "worker died\nagain", "503 worker died"),
        (500, "Traceback (most recent call last):\n  x\nKeyError: 1\n", "500 KeyError: 1 (the"),
    ],
)
def test_the_models_own_error_is_shown_with_status_text_and_log(
    status: int, text: str, shown: str
) -> None:
    link = log_link("/aws/sagemaker/Endpoints/churn-dev", "eu-central-1")
    assert link == (
        "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1"
        "#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FEndpoints$252Fchurn-dev"
    )
    told = verify.shown(Answer(status, text, log=link))
    assert told.startswith(shown) and told.endswith(f"{link})")
    assert verify.shown(Answer(status, "plain")) == f"{status} plain"


BREAKING = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "arn:aws:iam::123456789012:role/trainer", prefix: bad}}
models:
  - {{key: echo, image: {IMAGE}, source_dir: src, entry_point: echo.py}}
endpoint_configs:
  - {{key: echo, variants: [{{name: main, model: echo, instance: {{type: ml.m5.large}}}}]}}
endpoints:
  - key: echo
    config: echo
    smoke_test: {{body: break, content_type: text/plain, timeout: 1s}}
"""


def test_a_smoke_test_that_the_model_fails_ends_with_the_models_words(project: Project) -> None:
    project.write("stages/bad.yaml", BREAKING)
    told = project.run("apply", "bad", "--yes", code=1)
    words = (
        "smoke test invoke got 500 ValueError: this number does not exist: grüße (the model's own"
    )
    assert words in told.out
    assert "the model's own error; log group /aws/sagemaker/Endpoints/bad--echo" in told.out


VARIANTS = "smoke_test: {json: 1, variant: NAME}}"


@pytest.mark.parametrize(
    ("name", "edit", "said"),
    [
        ("trail", ("", ""), 'has no variant trail (did you mean "trial"?)'),
        ("nothing", ("", ""), "has no variant nothing"),
        (
            "trial",
            ("count: 1}}", "count: 1}, shadow: true}"),
            "trial is a shadow: it never answers",
        ),
        (
            "main",
            ("    variants:", "    async: {url: 's3://bucket/o'}\n    variants:"),
            "asynchronously cannot be asked for one variant",
        ),
    ],
)
def test_a_variant_that_cannot_be_asked_is_told_at_its_line(
    name: str, edit: tuple[str, str], said: str, tmp_path: Path
) -> None:
    jobs, served = TEXT.split("models:\n")
    served = served.replace(*edit, 1) if edit[0] else served
    served, count = re.subn(r"deployment: .*", VARIANTS.replace("NAME", name), served)
    assert count == 1
    found = findings(tmp_path, f"{jobs}models:\n{served}")
    assert [one for one in found if said in one and "[bad-variant]" in one], found


def test_a_request_is_not_sent_again_behind_the_callers_back(tmp_path: Path) -> None:
    """A model may have changed something; whoever asks knows whether that does harm."""
    calls: list[str] = []

    def fail(asked: Any) -> Reply:
        calls.append("POST")
        return Reply(500, {"Message": "internal"}, {"x-amzn-ErrorType": "InternalFailure"})

    told = {
        "EndpointName": "e",
        "EndpointArn": "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/e",
        "EndpointStatus": "InService",
        "CreationTime": 1,
        "LastModifiedTime": 1,
    }
    with (
        standing_in(DescribeEndpoint=lambda asked: told, POST=fail) as server,
        stand_in.platform_of(server, tmp_path) as platform,
    ):
        with pytest.raises(PlatformError, match="internal"):
            platform.invoke(endpoint("e"), Request(body="{}"))
        assert calls == ["POST"]
