"""The section ``lifecycle``: what is wrong with it, and what it becomes; no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.config import Surroundings, check_stage, load_stage
from cicd.model import (
    ApprovalSettings,
    AzureApproval,
    FileApproval,
    GitHubApproval,
    GitLabApproval,
    JiraApproval,
    Key,
    ModelPackageApproval,
    PullRequestApproval,
)
from cicd.platforms.registry import DIALECTS
from tests.config.config_sample import ENV, GIT, STAGE, write_repository

SAGEMAKER = """\
platform: sagemaker
sagemaker: {region: eu-central-1, account: "123456789012", role: "arn:aws:iam::123456789012:role/r"}
"""
SPARK = """\
platform: spark
spark: {master: "spark://h:7077"}
jobs: [{key: score, source: templates/code/train.py}]
"""


def told(root: Path, section: str, *, before: str = STAGE) -> list[str]:
    """Place in the section and message of every finding about it."""
    first = before.count("\n") + 1
    write_repository(root, f"{before}{section}")
    around = Surroundings(root=root, env=ENV, variables={}, dialects=DIALECTS, git=GIT)
    found = [item for item in check_stage("dev", around) if item.line >= first]
    return [f"{item.line - first}:{item.severity[0]}:{item.rule}: {item.message}" for item in found]


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        ("lifecycle: {}\n", []),
        ("lifecycle: {approval: {file: approvals/dev.yaml}}\n", []),
        (
            "lifecycle: {approvel: {file: a.yaml}}\n",
            ['0:e:unknown-key: unknown key "approvel" in lifecycle (did you mean "approval"?)'],
        ),
        (
            "lifecycle:\n  test: execution/trian\n",
            [
                "1:e:unknown-reference: test names execution/trian, which is not defined "
                '(did you mean "execution/train"?)'
            ],
        ),
        (
            "lifecycle:\n  test: deployment/serve\n",
            [
                "1:e:bad-lifecycle: test is deployment/serve, which is no run: "
                "there are execution/train"
            ],
        ),
        (
            "lifecycle:\n  deploy: [deployment/serv]\n",
            [
                "1:e:unknown-reference: deploy names deployment/serv, which is not defined "
                '(did you mean "deployment/serve"?)'
            ],
        ),
        (
            "lifecycle:\n  test: execution/train\n  deploy: [execution/train]\n",
            ["2:e:bad-lifecycle: deploy names execution/train, which is the test itself"],
        ),
        (
            "lifecycle:\n  approval: {}\n",
            [
                "1:e:bad-lifecycle: approval names no means: give one of github, gitlab, azure, "
                "pull_request, jira, file, model_package"
            ],
        ),
        (
            "lifecycle:\n  approval:\n    file: a.yaml\n    github: {environment: dev}\n",
            ["2:e:bad-lifecycle: approval has github already: keep one of the two"],
        ),
        (
            "lifecycle:\n  approval: {prevent_self_approval: true}\n",
            [
                "1:e:bad-lifecycle: approval names no means: give one of github, gitlab, azure, "
                "pull_request, jira, file, model_package"
            ],
        ),
        (
            "lifecycle:\n  approval: {file: a.yaml, prevent_self_approval: maybe}\n",
            [
                "1:e:wrong-type: lifecycle.approval.prevent_self_approval must be true or false, "
                'not the text "maybe"'
            ],
        ),
        *(
            (
                f"lifecycle:\n  approval:\n    {means}\n    prevent_self_approval: true\n",
                [f"3:e:bad-lifecycle: prevent_self_approval is for file: {why}"],
            )
            for means, why in {
                "github: {environment: dev}": (
                    "set prevent self-review at the environment itself, and leave it out here"
                ),
                "gitlab: {environment: dev}": (
                    "it is set at the environment itself, leave it out here"
                ),
                "pull_request: {}": "nobody approves their own there anyway, leave it out",
            }.items()
        ),
        (
            "lifecycle:\n  approval: {file: ../a.yaml}\n",
            [
                '1:e:missing-file: the file of an approval is "../a.yaml", which leads out of '
                "the project"
            ],
        ),
        (
            "lifecycle:\n  approval: {file: templates}\n",
            ['1:e:missing-file: the file of an approval is "templates", which is a folder'],
        ),
        (
            "lifecycle:\n  approval: {file: .git/prd.yaml}\n",
            [
                '1:e:missing-file: the file of an approval is ".git/prd.yaml", '
                "which is never committed"
            ],
        ),
        (
            "lifecycle:\n  approval: {file: stages/dev.yaml}\n",
            [
                '1:e:missing-file: the file of an approval is "stages/dev.yaml", '
                "which is the stage file"
            ],
        ),
        (
            "lifecycle:\n  test: execution/train\n"
            "  comparator: {command: [python, templates/code/trian.py, --rules, r.json]}\n",
            [
                "2:w:missing-file: the comparator names templates/code/trian.py, "
                'which is not there (did you mean "templates/code/train.py"?)'
            ],
        ),
        (
            'lifecycle:\n  require_assets:\n    schema: "https://[x/schema.json"\n',
            ["2:e:bad-lifecycle: schema is no URL: Invalid IPv6 URL"],
        ),
        (
            "lifecycle:\n  approval:\n    pull_request: {label: ok}\n",
            [
                "2:e:bad-lifecycle: whoever may triage sets a label: name the reviewers whose "
                "label counts"
            ],
        ),
        (
            "lifecycle:\n  approval:\n    model_package: churn\n",
            ["2:e:bad-lifecycle: aicore keeps no approvals with versions of models: take others"],
        ),
        (
            "lifecycle:\n  approval:\n    jira: {url: jira.acme.com, project: ML}\n",
            [
                '2:e:wrong-format: lifecycle.approval.jira.url is "jira.acme.com", must be a URL '
                "that begins with https://"
            ],
        ),
        (
            'lifecycle:\n  approval:\n    jira: {url: "http://jira.acme.com", project: ML}\n',
            [
                "2:w:bad-lifecycle: the token goes to http://jira.acme.com for everybody on the "
                "way to read"
            ],
        ),
        (
            'lifecycle:\n  approval:\n    jira: {url: "https://[x", project: ML}\n',
            ["2:e:bad-lifecycle: approval.jira.url is no URL: Invalid IPv6 URL"],
        ),
        (
            "lifecycle:\n  approval:\n    jira:\n      url: https://jira.acme.com\n"
            "      project: ML\n      approved: [Done]\n      rejected: [Declined, done]\n",
            ['6:e:bad-lifecycle: "done" is in approved and in rejected: keep one of the two'],
        ),
        (
            "lifecycle:\n  comparator: {command: [python, compare.py]}\n",
            [
                "1:e:bad-lifecycle: comparator judges the result of test, and there is no test: "
                "name the run"
            ],
        ),
        (
            "lifecycle:\n  require_assets:\n    documentation: templates/trian.yaml\n",
            [
                '2:w:missing-file: documentation is "templates/trian.yaml", which is not there '
                '(did you mean "templates/train.yaml"?)'
            ],
        ),
        (
            "lifecycle:\n  require_assets:\n    schema: https://example.com/schema.json\n"
            "    data: s3://bucket/data.csv\n",
            [],
        ),
        (
            "lifecycle:\n  test: execution/train\n  comparator: {command: [x], timeout: 10}\n",
            [
                "2:e:wrong-type: lifecycle.comparator.timeout must be a time like 90s, 15m "
                "or 2h, not 10"
            ],
        ),
        (
            "lifecycle:\n  test_data: data.csv\n",
            [
                '1:w:missing-file: test_data is "data.csv", which is not there',
                "1:w:bad-lifecycle: test_data is there and no test that takes it: name the run "
                "in test",
            ],
        ),
    ],
)
def test_all_that_is_wrong_with_a_life_cycle_is_told_at_its_line(
    tmp_path: Path, section: str, wanted: list[str]
) -> None:
    assert sorted(told(tmp_path, section)) == sorted(wanted)


def test_a_stage_file_does_not_approve_its_own_model_package(tmp_path: Path) -> None:
    whole = SAGEMAKER + "models: [{key: m, image: i, data: 's3://b/m'}]\n"
    section = "model_packages: [{key: churn, group: g, model: m, approval: approved}]\n"
    section += "lifecycle:\n  approval:\n    model_package: churn\n"
    assert told(tmp_path, section, before=whole) == [
        "0:e:bad-lifecycle: model_package/churn is approved by the stage file itself: "
        "leave that out"
    ]


def test_a_run_of_any_platform_can_be_the_test(tmp_path: Path) -> None:
    section = "lifecycle:\n  test: job/score\n"
    assert told(tmp_path, section, before=SPARK) == []


def test_the_model_package_of_an_approval_is_one_of_the_stage(tmp_path: Path) -> None:
    section = "lifecycle:\n  approval:\n    model_package: churn\n"
    assert told(tmp_path, section, before=SAGEMAKER) == [
        "2:e:unknown-reference: approval names model_package/churn, which is not defined"
    ]


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("github: {environment: prd}", GitHubApproval("prd")),
        ("gitlab: {environment: prd}", GitLabApproval("prd")),
        ("azure: {environment: prd}", AzureApproval("prd")),
        (
            "pull_request: {label: ok, reviewers: [alice, acme/ml]}",
            PullRequestApproval("ok", ("alice", "acme/ml")),
        ),
        (
            'jira: {url: "https://x.atlassian.net/", project: ML, approved: [Go]}',
            JiraApproval("https://x.atlassian.net", "ML", approved=("Go",)),
        ),
        ("file: approvals/dev.yaml", FileApproval("approvals/dev.yaml")),
        (
            "{file: a.yaml, prevent_self_approval: true}",
            FileApproval("a.yaml", prevent_self_approval=True),
        ),
    ],
)
def test_an_approval_is_given_by_one_means(
    tmp_path: Path, written: str, wanted: ApprovalSettings
) -> None:
    section = f"lifecycle:\n  test: execution/train\n  approval:\n    {written}\n"
    write_repository(tmp_path, STAGE + section)
    around = Surroundings(root=tmp_path, env=ENV, variables={}, dialects=DIALECTS, git=GIT)
    found = load_stage("dev", around).lifecycle
    assert found and found.approval == wanted and found.test == Key("execution", "train")


def test_a_stage_that_says_nothing_of_it_has_no_life_cycle(tmp_path: Path) -> None:
    write_repository(tmp_path)
    around = Surroundings(root=tmp_path, env=ENV, variables={}, dialects=DIALECTS, git=GIT)
    assert load_stage("dev", around).lifecycle is None


def test_the_package_is_named_by_its_key() -> None:
    assert str(ModelPackageApproval(Key("model_package", "churn")).key) == "model_package/churn"


ASKS = "lifecycle: {approval: {file: approvals/dev.yaml}}\n"


@pytest.mark.parametrize(
    ("stage", "pinned"),
    [
        (STAGE, None),
        (STAGE + "lifecycle: {test: execution/train}\n", None),
        (STAGE + ASKS, True),
        # of a branch that is not checked out nobody knows the commit
        (
            STAGE.replace("  application: churn\n", "  application: churn\n  revision: x\n") + ASKS,
            None,
        ),
    ],
)
def test_ai_core_syncs_the_commit_of_a_stage_that_asks_for_an_approval(
    tmp_path: Path, stage: str, pinned: bool | None
) -> None:
    write_repository(tmp_path, stage)
    around = Surroundings(root=tmp_path, env=ENV, variables={}, dialects=DIALECTS, git=GIT)
    found = load_stage("dev", around)
    [application] = [one for one in found.resources if one.key.kind == "application"]
    assert application.spec.get("pinned") is pinned
    assert application.spec["revision"] in {"main", "x"}


@pytest.mark.parametrize(
    ("revision", "told"),
    [
        ("main", "it is pinned to the commit that is applied: write ${git.commit}"),
        ("refs/heads/main", "it is pinned to the commit that is applied: write ${git.commit}"),
        ("v1.0", "it is pinned to the commit that is applied: write ${git.commit}"),
        ('"${git.commit}"', ""),
        ("0123456789abcdef0123456789abcdef01234567", ""),
    ],
)
def test_a_stage_that_asks_for_an_approval_and_names_a_branch_is_told(
    tmp_path: Path, revision: str, told: str
) -> None:
    named = f"  application: churn\n  revision: {revision}\n"
    write_repository(tmp_path, STAGE.replace("  application: churn\n", named) + ASKS)
    around = Surroundings(root=tmp_path, env=ENV, variables={}, dialects=DIALECTS, git=GIT)
    found = [one for one in check_stage("dev", around) if one.rule == "moving-revision"]
    assert [one.severity for one in found] == (["warning"] if told else [])
    assert all(told in one.message and one.line == 5 for one in found)
