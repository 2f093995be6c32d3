"""Logins of every kind are canaries: no command lets anything of one out, into whatever."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cicd.emulator.sagemaker.identity import Login, Logins
from tests.emulator.sagemaker.aws import IMAGE, Aws
from tests.faults.secrets_canaries import PROCESSES, Watch, logging_watched
from tests.faults.test_faults_secrets import KNOWN, command_of
from tests.platforms.sagemaker.seeded import Project, in_project

ROLE = "arn:aws:iam::123456789012:role/workload"
TOKEN = "kanary-token-of-a-workload"
WRONG = "kanary/wrong+secret/kanary"
BUCKET = "secrets-{}"
STAGE = f"""\
platform: sagemaker
sagemaker:
  region: eu-central-1
  role: arn:aws:iam::123456789012:role/trainer
  prefix: KIND
  bucket: secrets-KIND
  credentials: CREDENTIALS
models:
  - {{key: double, image: {IMAGE}, source_dir: src, entry_point: double.py}}
endpoint_configs:
  - {{key: both, variants: [{{name: main, model: double, instance: {{type: ml.m5.large}}}}]}}
"""
SERVED = f"""\
training_jobs:
  - {{key: train, image: {IMAGE}, source_dir: src, entry_point: train.py,
     instance: {{type: ml.m5.large}}}}
endpoints:
  - {{key: both, config: both, smoke_test: {{json: 2, expect: {{contains: "4"}}}}}}
"""
SOURCES = {
    "src/double.py": "def model_fn(folder):\n  return 2\ndef predict_fn(d, m):\n  return d * m\n",
    "src/train.py": "print('trained')\n",
}
SCRIPT = """\
validate dev --output OUTPUT
plan dev --verbose --offline
plan dev --verbose --output OUTPUT
plan dev --out plan.json
apply dev --yes --summary summary.json --log-format json --verbose
status dev --output OUTPUT
doctor dev --output OUTPUT
models dev --output OUTPUT
endpoints dev --output OUTPUT
training-jobs dev --output OUTPUT
processing-jobs dev
transform-jobs dev
list endpoint_configs dev --output OUTPUT
explain model/double dev
explain both dev --output OUTPUT
logs dev both
metrics dev both
compare dev train
stop dev train
rollback dev both --list
history dev --output OUTPUT
approve dev --yes
notify test dev
unlock dev --force
import copy --platform sagemaker --target region=eu-central-1 --verbose
promote dev copy --dry-run
schema
comment plan.json
destroy dev --yes --stage-name dev --over-limits --force --verbose
"""
"""One command a line. Each may end as it likes: what it says counts."""
EACH = frozenset({"plan", "apply", "doctor"})
"""What is run with every kind of login: the others are run with keys and with a token, whose
secrets are all that there are."""
WHOLE = {"basic": "text", "web-identity": "json"}
NOT_RUN = {
    "of another platform": ["deployments", "executions", "artifacts", "jobs", "datasets"],
    "about no account": ["emulator", "template", "init"],
    "goes on until it is stopped": ["controller", "page"],
}


def test_every_command_that_knows_an_account_is_in_the_script() -> None:
    called = {command_of(line)[0] for line in SCRIPT.splitlines()}
    assert called >= EACH
    left_out = {name for names in NOT_RUN.values() for name in names}
    assert called | left_out == {path[0] for path in KNOWN} and not called & left_out


class Canaries(Watch):
    """Looks for these words, and for what base64 makes of them."""

    def __init__(self, *words: str) -> None:
        self._found: dict[str, None] = {}
        self.words = words

    def add(self, *secrets: str) -> None:
        encoded = (base64.b64encode(secret.encode()).decode().rstrip("=") for secret in secrets)
        self.words = tuple(dict.fromkeys((*self.words, *secrets, *encoded)))


@dataclass(frozen=True)
class Kind:
    """A kind of login: what the stage file says of it, the environment, and the files."""

    name: str
    asked: str
    environ: Mapping[str, str]
    files: Mapping[str, str]


def kinds(aws: Aws) -> dict[str, Kind]:
    key, secret = aws.environ["AWS_ACCESS_KEY_ID"], aws.environ["AWS_SECRET_ACCESS_KEY"]
    keys = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
    profile = f"[ours]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    stored = {
        "storedCredentials": [{"group": "ours", "accessKeyId": key, "secretAccessKey": secret}],
        "eksServiceAccountCredentials": [
            {"path": "pods", "roleArn": ROLE, "webIdentityTokenFile": "logins/token"}
        ],
    }
    file = {"logins/stored": json.dumps({"sagemaker-credentials": stored})}
    token = {"logins/token": TOKEN}
    workload = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "logins/token"}
    chosen = {"CICD_SAGEMAKER_CREDENTIALS": "logins/stored"}
    named = {"AWS_SHARED_CREDENTIALS_FILE": "logins/profiles"}
    found = [
        Kind("default", "{type: default}", keys, {}),
        Kind("basic", "{type: basic}", keys, {}),
        Kind("profile", "{type: profile, profile: ours}", named, {"logins/profiles": profile}),
        Kind("web-identity", "{type: web_identity}", workload, token),
        Kind("group", "{group: ours}", chosen, file),
        Kind("path", "{path: pods}", chosen, {**file, **token}),
        Kind("wrong", "{type: basic}", {**keys, "AWS_SECRET_ACCESS_KEY": WRONG}, {}),
    ]
    return {kind.name: kind for kind in found}


NAMES = ("default", "basic", "profile", "web-identity", "group", "path", "wrong")


@pytest.fixture
def watch(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Canaries:
    """What the emulator's STS gives away is a canary too."""
    key, secret = aws.environ["AWS_ACCESS_KEY_ID"], aws.environ["AWS_SECRET_ACCESS_KEY"]
    found = Canaries("kanary", "ASIA")
    found.add(key, secret, TOKEN, WRONG)
    give = Logins.temporary

    def temporary(logins: Logins, arn: str, seconds: int) -> tuple[Login, str, float]:
        login, token, until = give(logins, arn, seconds)
        found.add(login.secret, token)
        return login, token, until

    monkeypatch.setattr(Logins, "temporary", temporary)
    return found


@pytest.fixture
def project(
    request: pytest.FixtureRequest, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    kind = kinds(aws)[request.param]
    text = STAGE.replace("KIND", kind.name).replace("CREDENTIALS", kind.asked)
    text += SERVED if kind.name == "web-identity" else ""
    folders = {name: tmp_path / name for name in ("home", "tmp", "project")}
    for folder in folders.values():
        folder.mkdir()
    environ = {
        "AWS_ENDPOINT_URL": aws.environ["AWS_ENDPOINT_URL"],
        **kind.environ,
        "HOME": str(folders["home"]),
        "TMPDIR": str(folders["tmp"]),
        "CICD_DEBUG": "1",
    }
    monkeypatch.setattr(tempfile, "tempdir", str(folders["tmp"]))
    files = {"stages/dev.yaml": text, **SOURCES, **kind.files}
    with in_project(folders["project"], aws, environ, files) as found:
        yield found


@pytest.mark.parametrize("project", NAMES, indirect=True)
def test_no_command_lets_anything_of_a_login_out(
    project: Project, watch: Canaries, request: pytest.FixtureRequest
) -> None:
    kind = request.node.callspec.params["project"]
    with processes_watched(watch), logging_watched(watch):
        for line in SCRIPT.splitlines():
            if kind in WHOLE or line.split()[0] in EACH:
                words = line.replace("OUTPUT", WHOLE.get(kind, "text")).split()
                told = project.run(*words, code=None)
                watch.look(line, told.out + told.err)
                if words[0] == "apply":
                    assert (told.code == 0) is (kind != "wrong"), told
    for file in project.root.parent.rglob("*"):
        if file.is_file() and "logins" not in file.parts:
            watch.look(str(file), file.read_text(encoding="utf-8", errors="replace"))
    look_into_the_account(project.aws, watch)
    watch.check()


@contextmanager
def processes_watched(watch: Canaries) -> Iterator[None]:
    """The command lines of all processes that are started here, the emulator's as well."""
    PROCESSES.watch = watch
    try:
        yield
    finally:
        PROCESSES.watch = None


def look_into_the_account(aws: Aws, watch: Canaries) -> None:
    """What is kept of a stage in its bucket, and what AWS was told."""
    s3 = aws.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        for item in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ()):
            body: bytes = s3.get_object(Bucket=bucket["Name"], Key=item["Key"])["Body"].read()
            watch.look(f"s3://{bucket['Name']}/{item['Key']}", body.decode(errors="replace"))
    for row in aws.world.store.rows("SELECT * FROM things"):
        watch.look("AWS", repr({name: row[name] for name in row.keys()}))  # noqa: SIM118 - no dict


def test_a_canary_that_got_out_would_be_seen(watch: Canaries, tmp_path: Path) -> None:
    for secret in watch.words:
        seen = Canaries(*watch.words)
        seen.look("a test", f"so it is {secret}.")
        with pytest.raises(AssertionError):
            seen.check()
