"""Schedules and secrets: what is wrong in them is found, each with its place and its cure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cicd.config import Surroundings, check_stage
from cicd.platforms.registry import DIALECTS
from tests.config.config_sample import GIT, STAGE, findings, write_repository

SCHEDULE = """\
schedules:
  - key: weekly
    name: Weekly
    execution: train
    cron: 0 0 * * 0
    start: 2026-01-31T06:00:00Z
    end: 2099-12-31T06:00:00Z
"""
SECRETS = """\
secrets:
  object_store:
    - name: default
      type: S3
      bucket: b
      data:
        AWS_ACCESS_KEY_ID: ${env.A}
        AWS_SECRET_ACCESS_KEY: ${env.B}
  docker_registry:
    - {name: docker-registry, data: {.dockerconfigjson: "${env.C}"}}
  generic:
    - {name: my-secret, data: {api-key: "${env.D}"}}
    - {name: my-secret, scope: tenant, data: {api-key: "${env.D}"}}
"""
LINES = STAGE.count("\n")


def check(tmp_path: Path, text: str) -> list[str]:
    """Findings with lines that count from the first one of the added text."""
    repo = write_repository(tmp_path, STAGE + text)
    found = [line.removeprefix("stages/dev.yaml:") for line in findings(repo)]
    return [f"{int(line.split(':')[0]) - LINES}:{line.split(':', 1)[1]}" for line in found]


def test_good_ones_are_no_finding(tmp_path: Path) -> None:
    assert check(tmp_path, SCHEDULE + SECRETS) == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("execution: train", "execution: trian", '4:16: schedule/weekly starts the execution "tr'),
        ("execution: train", "execution: serve", '"serve", which is not defined'),
        ("0 0 * * 0", "0 0 * *", '5:11: the cron expression "0 0 * *" needs 5 fields'),
        ("0 0 * * 0", '"*/5 0 * * 0"', "give one minute"),
        ("0 0 * * 0", "*/5 0 * * 0", "5:12: not valid YAML: did not find expected alphabetic"),
        ("2026-01-31T06:00:00Z", "2026-01-31", '6:12: start is "2026-01-31": write it in UTC'),
        ("2026-01-31T06:00:00Z", "2026-01-31T06:00:00+01:00", "write it in UTC, like"),
        ("2026-01-31T06:00:00Z", "2026-02-30T06:00:00Z", "write it in UTC, like"),
        ("2099-12-31T06:00:00Z", "2099-12-31T06:00:00.5Z", "7:10: end is"),
        ("2099-12-31T06:00:00Z", "2026-01-31T06:00:00Z", "7:10: end is not after start"),
        ("2099-12-31T06:00:00Z", "2026-02-01T06:00:00Z", "7:10: warning: end is past, so nothing"),
        ("name: Weekly", f"name: {'n' * 257}", "3:11: schedules[0].name is longer than 256"),
        ("name: Weekly", "name: ''", "3:11: schedules[0].name is empty"),
        (
            "schedules:\n",
            "schedules:\n  - {key: w, name: Weekly, execution: train, cron: 0 0 1 * *}\n",
            '4:11: schedule/weekly: the name "Weekly" is already taken at stages/dev.yaml:',
        ),
        (
            "schedules:\n",
            "schedules:\n  - {name: weekly, execution: train, cron: 0 0 1 * *}\n",
            "3:10: schedule/weekly is already defined at stages/dev.yaml:",
        ),
    ],
)
def test_what_is_wrong_with_a_schedule_is_said(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    assert before in SCHEDULE
    found = check(tmp_path, SCHEDULE.replace(before, after))
    assert any(message in line for line in found), found


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("      bucket: b\n", "", "3:7: an object store of type S3 needs a bucket"),
        (
            "type: S3",
            "type: s3",
            'must be one of S3, oss, webhdfs, azure, gcs (did you mean "S3"?)',
        ),
        ("type: S3", "type: gcs", "data needs BUCKET and PRIVATE_KEY: add what is missing"),
        (
            "type: S3",
            "type: azure",
            "5:7: warning: bucket counts for type S3 only: for azure write it into",
        ),
        (
            "AWS_ACCESS_KEY_ID",
            "AWS_ACESS_KEY_ID",
            '7:9: warning: data has an entry that AI Core does not document, "AWS_ACESS_KEY_',
        ),
        ("AWS_ACCESS_KEY_ID", "AWS_ACESS_KEY_ID", "6:7: data needs AWS_ACCESS_KEY_ID: add"),
        ("name: default", "name: De_fault", "3:13: secrets.object_store[0].name is"),
        ("name: default", "name: a..b", "secrets.object_store[0].name is"),
        (".dockerconfigjson", "dockerconfigjson", '(did you mean ".dockerconfigjson"?)'),
        ("name: docker-registry", "name: d", "secrets.docker_registry[0].name is"),
        ("scope: tenant, ", "", "is already defined at stages/dev.yaml:"),
        ("scope: tenant", "scope: tenants", '(did you mean "tenant"?)'),
        ("my-secret, data: {api-key", "my-secret, data: {api key", '"api key" must be letters'),
        ('my-secret, data: {api-key: "${env.D}"}', "my-secret, data: {}", "data is empty: give it"),
        ('my-secret, data: {api-key: "${env.D}"}', "Name, data: {}", "generic[0].name is"),
        (
            "type: S3",
            "type: gcs\n      use_https: true",
            "use_https counts for type S3 only: for gcs",
        ),
        ("type: S3", "type: gcs\n      verify_ssl: false", "for gcs leave it out"),
        ("bucket: b", "verify_ssl: 1", "verify_ssl must be true or false or null, not 1"),
        ("name: default", f"name: {'n' * 234}", "is longer than 233 characters"),
        ("name: docker-registry", f"name: {'n' * 64}", "is longer than 63 characters"),
        ("name: my-secret", f"name: {'n' * 253}", "is longer than 252 characters"),
        (
            "  generic:\n",
            '  generic:\n    - {name: my-secret.tenant, data: {a: "${env.D}"}}\n',
            "generic_secret/my-secret.tenant is also what my-secret.tenant (resource_gr",
        ),
    ],
)
def test_what_is_wrong_with_a_secret_is_said(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    assert before in SECRETS
    found = check(tmp_path, SECRETS.replace(before, after, 1))
    assert any(message in line for line in found), found


@pytest.mark.parametrize(
    "value", ["hunter2hunter2", "424242424242", "[hunter2hunter2]", "{a: hunter2hunter2}"]
)
def test_a_secret_in_plain_text_is_never_repeated(tmp_path: Path, value: str) -> None:
    for number, text in enumerate(
        (
            SECRETS.replace("${env.A}", value),
            f"secrets: {{generic: [{{name: s, data: {value}}}]}}\n",
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = check(folder, text)
        assert found
        assert not [line for line in found if "hunter2" in line or "4242" in line], found


def docker(auths: str) -> str:
    return json.dumps({"auths": json.loads(auths)})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", ""),
        (docker('{"r.example.com": {"auth": "canary"}}'), ""),
        (docker('{"r.example.com": {"username": "canary", "password": "canary"}}'), ""),
        ("canary", "is no JSON: it must be the JSON of a docker config"),
        ("[" * 100_000, "is no JSON"),
        ('"canary"', "names no registry"),
        ('{"canary": {}}', "names no registry"),
        (docker("{}"), "names no registry"),
        (docker('{"canary": {}}'), "warning: .dockerconfigjson has a registry without a login"),
        (docker('{"canary": "canary"}'), "warning: .dockerconfigjson has a registry without a log"),
    ],
)
def test_a_docker_config_is_looked_at_and_never_shown(
    tmp_path: Path, value: str, message: str
) -> None:
    repo = write_repository(tmp_path, STAGE + SECRETS)
    found = check_stage(
        "dev", Surroundings(root=repo, env={"C": value}, variables={}, dialects=DIALECTS, git=GIT)
    )
    says = "\n".join(map(str, found))
    assert len(found) == (1 if message else 0), says
    assert message in says
    assert "canary" not in says


@pytest.mark.parametrize(
    "text",
    [
        SCHEDULE.replace("2099-12-31", "2026-02-01") + "    active: false\n",
        SCHEDULE + "  - {name: Weekly too, execution: train, cron: 5 4 * * sun}\n",
    ],
)
def test_what_is_fine_in_schedules(tmp_path: Path, text: str) -> None:
    assert check(tmp_path, text) == []
