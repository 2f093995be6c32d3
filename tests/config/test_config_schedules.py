"""Schedules and secrets: their content is checked although they cannot be applied yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.config_sample import STAGE, findings, write_repository

SCHEDULE = """\
schedules:
  - key: weekly
    name: Weekly
    execution: train
    cron: 0 0 * * 0
    start: 2026-01-31T06:00:00Z
    end: 2026-12-31T06:00:00Z
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


def test_a_good_schedule_is_one_finding(tmp_path: Path) -> None:
    [only] = check(tmp_path, SCHEDULE)
    assert only.startswith("1:1: schedules are not supported yet")


def test_good_secrets_are_one_finding(tmp_path: Path) -> None:
    [only] = check(tmp_path, SECRETS)
    assert only.startswith("1:1: secrets are not supported yet")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("execution: train", "execution: trian", '4:16: schedule/weekly starts the execution "tr'),
        ("execution: train", "execution: serve", '"serve", which is not defined'),
        ("0 0 * * 0", "0 0 * *", '5:11: the cron expression "0 0 * *" needs 5 fields'),
        ("0 0 * * 0", '"*/5 0 * * 0"', "give one minute"),
        ("0 0 * * 0", "*/5 0 * * 0", "5:11: not valid YAML: found undefined alias"),
        ("2026-01-31T06:00:00Z", "2026-01-31", '6:12: start is "2026-01-31": write it in UTC'),
        ("2026-01-31T06:00:00Z", "2026-01-31T06:00:00+01:00", "write it in UTC, like"),
        ("2026-01-31T06:00:00Z", "2026-02-30T06:00:00Z", "write it in UTC, like"),
        ("2026-12-31T06:00:00Z", "2026-12-31T06:00:00.5Z", "7:10: end is"),
        ("2026-12-31T06:00:00Z", "2026-01-31T06:00:00Z", "7:10: end is not after start"),
        ("name: Weekly", f"name: {'n' * 257}", "3:11: schedules[0].name is longer than 256"),
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
        ("type: S3", "type: azure", "5:7: bucket counts for type S3 only: for azure write it into"),
        ("AWS_ACCESS_KEY_ID", "AWS_ACESS_KEY_ID", '7:9: data has an unknown entry "AWS_ACESS_KEY_'),
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
