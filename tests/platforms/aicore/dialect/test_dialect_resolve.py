"""Cross-checks between the parts of a stage file, and with its templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.config.formats import seconds, slug
from cicd.config.remotes import repository_name
from cicd.platforms.aicore.dialect import formats
from tests.config.config_sample import STAGE, TRAIN, changed, findings, load, write_repository

SECOND = """\
  - key: second
    configuration:
      name: Second
      scenario_id: churn
      executable_id: server
      input_artifact_bindings: {model: customers}
"""
WRONG_SCENARIO = "scenario_id: chrun\n      executable_id: trainer"
SERVR = "  executable_id: servr"
CASES = [
    (
        "{model: ",
        "{modle: ",
        '25:33: deployment/serve binds input "modle", which executable server does not declare'
        ' (did you mean "model"?)',
    ),
    (
        "{model: ",
        "{modle: ",
        '25:7: deployment/serve does not bind input "model", which executable',
    ),
    ("{epochs: 3}", "{epoch: 3}", 'execution/train binds parameter "epoch", which executable'),
    ("{epochs: 3}", "{}", '16:7: execution/train does not bind parameter "epochs", which'),
    ("dataset: customers", "dataset: custmers", 'mean "customers"?'),
    ("dataset: customers", "dataset: custmers", "neither an artifact of this stage nor an id"),
    (
        "executable_id: trainer",
        "executable_id: trainr",
        'no template declares the executable "train',
    ),
    ("executable_id: trainer", "executable_id: server", "executable server is made for a deploy"),
    (
        "executions.train.",
        "executions.tran.",
        "refers to execution/tran, which is not defined (did",
    ),
    (
        "artifacts.model}",
        "artifacts.modl}",
        'the artifact "modl", which executable trainer does not',
    ),
    ("ttl: 24h", "ttl: 9m", 'deployment/serve: ttl "9m" is too short, at least 10m'),
    ("ttl: 24h", "wait_for_status: null", "has a smoke_test, so wait_for_status must be RUNNING"),
    ("ttl: 24h", "wait_for_status: null", "has a destination_name, so wait_for_status must be"),
    ("code/*.py", "code/*.txt", 'watches "templates/code/*.txt", which matches no file'),
    ("templates/code/*.py", "../x", 'watches "../x", which leads out of the project'),
    ("templates/code/*.py", "**x", 'watches "**x", which matches no file'),
    ("    watch:", "    wait_for_status: null\n    watch:", "execution/train, which is not waited"),
    (
        "    watch:",
        "    wait_for_status: RUNNING\n    require: [{metric: a, min: 1}]\n    watch:",
        "execution/train requires metrics, so wait_for_status must be COMPLETED",
    ),
    ("    watch:", "    require: [{metric: a}]\n    watch:", "give min or max"),
    ("    watch:", "    require: [{metric: a, min: 2, max: 1}]\n    watch:", "to be over its max"),
    (
        "deployments:\n",
        f"deployments:\n{SECOND}{SECOND}",
        "deployment/second is already defined at",
    ),
    (
        "deployments:\n",
        f"deployments:\n{SECOND.replace('name: Second', 'name: Serving')}",
        "deployment/serve cannot be told apart from deployment/second: give its configuration",
    ),
    (
        "deployments:\n",
        f"deployments:\n{SECOND}    destination_name: CHURN\n",
        'deployment/serve: the destination "CHURN" already belongs to deployment/second',
    ),
    (
        "executions:\n",
        '  - {key: b, name: Customers, kind: dataset, url: "ai://default/c", scenario_id: churn}\n'
        "executions:\n",
        "artifact/b cannot be told apart from artifact/customers: remove one",
    ),
    ("kind: dataset", "labels: {x: y}, kind: dataset", 'the label "x" must be ext.ai.sap.com/'),
    ("branch: main", "platform: bakery", 'platform is "bakery", must be '),
    (
        "branch: main",
        "schedules: [{name: w, execution: train, cron: 0 0 * *}]",
        'the cron expression "0 0 * *" needs 5 fields',
    ),
    (
        "branch: main",
        "secrets: {generic: [{name: s, data: {k: plain}}]}",
        "a credential is written as ${env.NAME}, never into the file",
    ),
    ("  username: ${env.GIT_USER}\n", "", "git has a password but no username"),
    ("https://", "https://me:pw@", "a credential in the URL"),
    (
        "templates/code/*.py",
        "x" * 300,
        'xxx", which matches no file',
    ),
    (
        "branch: main",
        f'local: {{artifacts: {{"ai://default/c": {"x" * 300}}}}}',
        'xxx" does not exist',
    ),
    ("path: /v1/", "path: /", "warning: deployment/serve: AI Core routes only paths that start"),
    ("branch: main", "protect: [deployment/x]", "warning: protect names deployment/x, which"),
    (
        "branch: main",
        'local: {artifacts: {"ai://default/c": x}}',
        'warning: the local path "x" doe',
    ),
    (
        "branch: main",
        "local: {images: {a: {mounts: {/app: y}}}}",
        'warning: the local path "y" doe',
    ),
]


EDGES = [
    (("  username: ${env.GIT_USER}\n", ""),),
    (("  password: ${env.GIT_TOKEN}\n", ""),),
    (("  repository: https://example.com/org/churn\n", ""),),
    (("https://example.com/org/churn", "https://me@example.com/org/churn"),),
    (("ai://default/c", "ai://default/c/"),),
    (("{epochs: 3}", "{epochs: 3, '': x}"),),
    (("{epochs: 3}", f"{{epochs: 3, {'x' * 256}: x}}"),),
    (("{epochs: 3}", f"{{epochs: 3, {'x' * 257}: x}}"),),
    (("ttl: 24h", "ttl: 10m"),),
    (("ttl: 24h", "ttl: 9m"),),
    (("ttl: 24h", "ttl: 599s"),),
    (("path: /v1/", "path: /v2/"),),
    (("smoke_test: {path: /v1/health}", "timeout: 1s"),),
    (("branch: main", "protect: [execution/train, deployment/*]"),),
    (("branch: main", "protect: [execution/tain]"),),
    (("branch: main", "prune: stage"),),
    (("branch: main", "limits: {max_delete: 0}"),),
    (("branch: main", "limits: {max_delete: -1}"),),
    (("branch: main", "limits: {max_delete_percent: 100}"),),
    (("branch: main", "limits: {max_delete_percent: 101}"),),
    *(
        ((("branch: main", f'schedules: [{{name: w, execution: train, cron: "{cron}"{more}}}]')),)
        for cron, more in (
            ("0 0 * * *", ""),
            ("* * * * *", ""),
            ("0 0 31 2 *", ""),
            ("60 0 * * *", ""),
            ("0 24 * * *", ""),
            ("0 0 0 * *", ""),
            ("0 0 * 13 *", ""),
            ("0 0 * * 7", ""),
            ("0 0 * * 8", ""),
            ("*/0 * * * *", ""),
            ("@daily", ""),
            ("0 0 * * *", ', start: "2026-01-02T00:00:00Z", end: "2026-01-01T00:00:00Z"'),
            ("0 0 * * *", ', start: "2026-01-01T00:00:00Z", end: "2026-01-01T00:00:00Z"'),
            ("0 0 * * *", ', start: "tomorrow"'),
            ("0 0 * * *", ", active: no"),
        )
    ),
    (
        (
            "scenario_id: churn\n      executable_id: server",
            "scenario_id: chu\n      executable_id: s",
        ),
    ),
    (("key: train\n", "key: Train\n"),),
    (("name: Training", f"name: {'x' * 256}"),),
    (("name: Training", f"name: {'x' * 257}"),),
    (("destination_name: CHURN", f"destination_name: {'x' * 200}"),),
    (("destination_name: CHURN", f"destination_name: {'x' * 201}"),),
    (("aicore: {resource_group: churn-dev}", "aicore: {resource_group: ab}"),),
    (("aicore: {resource_group: churn-dev}", f"aicore: {{resource_group: {'a' * 253}}}"),),
    (("aicore: {resource_group: churn-dev}", f"aicore: {{resource_group: {'a' * 254}}}"),),
    (("    watch: [", "    rerun: sometimes\n    watch: ["),),
    (("    watch: [", "    rerun: always\n    watch: ["),),
    (("    watch: [", "    require: [{metric: r2}]\n    watch: ["),),
    (("    watch: [", "    require: [{metric: r2, min: 2, max: 1}]\n    watch: ["),),
    (("    watch: [", "    require: [{metric: r2, min: 1, max: 1}]\n    watch: ["),),
    (("    watch: [", "    wait_for_status: RUNNING\n    watch: ["),),
    (("    watch: [", "    wait_for_status: WAITING\n    watch: ["),),
    (("    watch: [", "    timeout: 0s\n    watch: ["),),
    (("    watch: [", "    timeout: 1x\n    watch: ["),),
    (("    watch: [", "    existing_id: ../x\n    watch: ["),),
]


@pytest.mark.parametrize("edits", EDGES, ids=lambda edits: edits[0][1].strip()[:60])
def test_what_is_told_at_an_edge_is_what_was_told(
    tmp_path: Path, edits: tuple[tuple[str, str], ...]
) -> None:
    """Word for word: the golden file of ``findings`` has it."""
    found = findings(write_repository(tmp_path, changed(*edits)))
    assert all(line.startswith(("stages/dev.yaml:", "templates/")) for line in found)


CUSTOMERS = "name: Customers, kind: dataset, url: 'ai://default/c', scenario_id: churn"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["b"], ["artifact/b cannot be told apart from artifact/customers: remove one"]),
        (
            ["b", "c"],
            [
                f"artifact/{key} cannot be told apart from artifact/customers: remove one"
                for key in "bc"
            ],
        ),
        (["b", "b"], ["artifact/b cannot be told apart from artifact/customers: remove one"] * 2),
        (["customers"], []),
    ],
)
def test_only_things_of_different_keys_cannot_be_told_apart(
    tmp_path: Path, more: list[str], expected: list[str]
) -> None:
    text = "".join(f"  - {{key: {key}, {CUSTOMERS}}}\n" for key in more)
    found = findings(write_repository(tmp_path, changed(("executions:\n", f"{text}executions:\n"))))
    told = [line.partition(": ")[2] for line in found if "cannot be told apart" in line]
    assert told == expected


@pytest.mark.parametrize(("before", "after", "message"), CASES)
def test_contradictions(tmp_path: Path, before: str, after: str, message: str) -> None:
    found = findings(write_repository(tmp_path, changed((before, after))))
    assert any(message in line for line in found), found


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    edits = (("{model: ", "{modle: "), ("{epochs: 3}", "{epoch: 3}"), ("ttl: 24h", "ttl: 9m"))
    repo = write_repository(tmp_path, changed(*edits))
    (repo / "templates" / "broken.yaml").write_text("a: [", encoding="utf-8")
    assert len(findings(repo)) == 6


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    scenarios.ai.sap.com/id: churn\n", "    scenario.ai.sap.com/id: churn\n"),
        ("    scenarios.ai.sap.com/id: churn\n", ""),
        ("    scenarios.ai.sap.com/id: churn\n", "    scenarios.ai.sap.com/id: [churn]\n"),
        ("    scenarios.ai.sap.com/id: churn\n", "    scenarios.ai.sap.com/id: 1234\n"),
        ('    ai.sap.com/version: "1.0"\n', "    ai.sap.com/versoin: 1\n"),
        ("  labels:\n", "  label:\n"),
        ("  name: trainer\n", ""),
        ("kind: WorkflowTemplate", "kind: WorkflowTemplat"),
        ("argoproj.io/v1alpha1", "argoproj.io/v1"),
    ],
)
def test_what_is_wrong_with_a_template_hides_nothing_of_the_stage_file(
    tmp_path: Path, before: str, after: str
) -> None:
    edits = (("{epochs: 3}", "{epochs: 3, epoch: 1}"), ("artifacts.model}", "artifacts.modl}"))
    repo = write_repository(tmp_path, changed(*edits, ("  executable_id: server", SERVR)))
    labelled = "  labels:\n    executables.ai.sap.com/id: trainer\n"
    template = TRAIN.replace("  labels:\n", labelled).replace(before, after)
    (repo / "templates/train.yaml").write_text(template, encoding="utf-8")
    told = findings(repo)
    wrong = [line for line in told if line.startswith("templates/") and "warning" not in line]
    assert wrong, told
    assert any('binds parameter "epoch", which executable trainer' in line for line in told), told
    assert any('"modl", which executable trainer does not put out' in line for line in told), told
    if "name:" not in before and "kind:" not in before:  # else it may be the one that is meant
        assert any('executable "servr" (did you mean "server"?)' in line for line in told), told


def test_a_mistyped_scenario_hides_no_binding(tmp_path: Path) -> None:
    edit = ("scenario_id: churn\n      executable_id: trainer", WRONG_SCENARIO)
    repo = write_repository(tmp_path, changed(edit, ("{epochs: 3}", "{epoch: 3}")))
    told = findings(repo)
    assert any('belongs to scenario "churn", not to "chrun"' in line for line in told), told
    assert any('binds parameter "epoch"' in line for line in told), told
    assert any('does not bind parameter "epochs"' in line for line in told), told


def test_what_does_not_fit_hides_nothing_else(tmp_path: Path) -> None:
    """Shape, cross-checks, files, variables and templates: all in one go."""
    watch = '    watch: ["templates/code/*.py"]\n'
    more = (
        '    timeout: 0s\n    watch: ["../../etc/passwd", "nosuch"]\n'
        "    require: [{metric: x}, {metric: y, min: 2, max: 1}]\n"
    )
    edits = ((watch, more), ("{epochs: 3}", "{epochs: 3, epoch: 1}"), ("ttl: 24h", "ttl: 5m"))
    repo = write_repository(
        tmp_path, changed(*edits, ("branch: main", "branch: main\nvariables: {a: '${var.b}'}"))
    )
    (repo / "templates" / "broken.yaml").write_text("a: [", encoding="utf-8")
    found = "\n".join(findings(repo))
    for says in (
        "2:16: ${var.b} is not among the variables",
        '17:39: execution/train binds parameter "epoch", which executable trainer does not',
        '19:14: executions[0].timeout is "0s", must be a time like',
        '20:13: execution/train watches "../../etc/passwd", which leads out',
        '20:33: execution/train watches "nosuch", which matches no file',
        '21:15: execution/train requires nothing of "x"',
        '21:28: execution/train requires "y" to be over its max',
        '29:10: deployment/serve: ttl "5m" is too short',
        "templates/broken.yaml:1:4: not valid YAML",
    ):
        assert says in found, found
    assert found.count("\n") == 8


def test_an_item_that_does_not_fit_hides_no_other(tmp_path: Path) -> None:
    edits = (("name: Training", "name: a`b"), ("{model: ", "{modle: "))
    found = findings(write_repository(tmp_path, changed(*edits)))
    assert [line.split(": ", 1)[1].split(",")[0] for line in found] == [
        'executions[0].configuration.name is "a`b"',
        'deployment/serve does not bind input "model"',
        'deployment/serve binds input "modle"',
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind: dataset", "kind: x"),
        ("key: customers", "key: a/b"),
        ("key: train", "key: a/b"),
        ("key: train", "key: 5"),
        ("key: train", "kee: train"),
        ("kind: dataset", "kind: 5"),
        ("name: Training", "name: ''"),
        ("      executable_id: trainer\n", ""),
        ("application: churn", "application: Churn"),
        ("resource_group: churn-dev", "resource_group: a"),
        ("aicore:", "aicor:"),
        ("{epochs: 3}", "{epochs: [3]}"),
        ("{epochs: 3}", "{epchs: [3]}"),
        ("parameter_bindings: {epochs: 3}", "parameter_bindings: 3"),
        ("parameter_bindings: {epochs: 3}", "parametr_bindings: {epochs: 3}"),
        ("executions:", "executons:"),
        ("artifacts:\n", "artefacts:\n"),
        ("  application: churn\n", "  path: 5\n  application: churn\n"),
        ("  repository: https", "  repository: ftp"),
        ("username: ${env.GIT_USER}", "username: [a]"),
        ("    watch:", "    require: [{metric: a, min: x}]\n    watch:"),
        ("destination_name: CHURN", "destination_name: a b\nprotect: [destination/CHURN]"),
        (
            "branch: main",
            "branch: 1\nlocal: {}\nprotect: [execution/train, deployment/serve]",
        ),
    ],
)
def test_one_misfit_is_one_finding(tmp_path: Path, before: str, after: str) -> None:
    """What refers to a thing that does not fit, or would need it, is not called wrong too."""
    found = findings(write_repository(tmp_path, changed((before, after))))
    assert len(found) == 1, found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", '"name" is missing in executions[0].configuration'),
        ("      name: 12\n", "executions[0].configuration.name must be text"),
        ("      name: [a]\n", "executions[0].configuration.name must be text"),
        ("      name:\n", "executions[0].configuration.name"),
        ("      name: ''\n", "executions[0].configuration.name"),
    ],
)
def test_a_run_that_neither_a_key_nor_a_name_tells_is_one_finding(
    tmp_path: Path, name: str, said: str
) -> None:
    before = "  - key: train\n    configuration:\n      name: Training\n"
    text = changed(
        (before, f"  - configuration:\n{name}"),
        ('      input_artifact_bindings: {model: "${executions.train.artifacts.model}"}\n', ""),
        ("deployments:", "protect: [deployment/serve]\ndeployments:"),
    )
    found = [
        line for line in findings(write_repository(tmp_path, text)) if "bind input" not in line
    ]
    assert len(found) == 1, found
    assert said in found[0]


def test_a_misfit_excuses_only_itself(tmp_path: Path) -> None:
    edits = (
        ("parameter_bindings: {epochs: 3}", "parameter_bindings: 3"),
        ("      input_artifact_bindings: {dataset: customers}\n", ""),
        ("resource_group: churn-dev", "group: churn-dev"),
    )
    found = "\n".join(findings(write_repository(tmp_path, changed(*edits))))
    assert "parameter_bindings must be a map or a list, not 3" in found
    assert 'execution/train does not bind input "dataset"' in found
    assert "no resource group: set aicore.resource_group" in found


def test_schedules_and_secrets_of_what_does_not_fit_are_not_called_wrong(tmp_path: Path) -> None:
    text = changed(
        ("name: Training", "name: ''"),
        (
            "branch: main",
            "schedules: [{name: w, execution: train, cron: 0 0 * * 0}]\nsecrets: {object_store:"
            " [{name: default, type: S3, bucket: [b], data: {AWS_ACCESS_KEY_ID: [],"
            " AWS_SECRET_ACCESS_KEY: '${env.B}'}}]}",
        ),
    )
    found = findings(write_repository(tmp_path, text))
    assert len(found) == 3, found


def test_two_things_that_differ_only_in_what_does_not_fit(tmp_path: Path) -> None:
    other = '{key: b, name: Customers, kind: dataset, url: "ai://default/c", scenario_id: churn'
    edit = ("executions:\n", f"  - {other}, description: 5}}\nexecutions:\n")
    [found] = findings(write_repository(tmp_path, changed(edit)))
    assert "artifacts[1].description must be text or null, not 5" in found


def test_what_a_broken_template_file_may_hold_is_not_called_missing(tmp_path: Path) -> None:
    repo = write_repository(tmp_path)
    (repo / "templates" / "train.yaml").write_text("a: [", encoding="utf-8")
    [found] = findings(repo)
    assert found.startswith("templates/train.yaml:1:4: not valid YAML")


def test_a_circle_is_named_with_its_edges(tmp_path: Path) -> None:
    edits = (("{dataset: customers}", "{dataset: '${executions.again.artifacts.model}'}"),)
    again = (
        "deployments:\n",
        "  - key: again\n    configuration: {name: A, scenario_id: churn, executable_id: trainer,"
        " parameter_bindings: {epochs: 1}, input_artifact_bindings:"
        " {dataset: '${executions.train.artifacts.model}'}}\ndeployments:\n",
    )
    [found] = findings(write_repository(tmp_path, changed(*edits, again)))
    assert "these need each other: execution/" in found
    assert found.count(" -> ") == 2


def test_a_run_may_not_need_itself(tmp_path: Path) -> None:
    edit = ("{dataset: customers}", "{dataset: '${executions.train.artifacts.model}'}")
    [found] = findings(write_repository(tmp_path, changed(edit)))
    assert "execution/train -> execution/train" in found


@pytest.mark.parametrize("scenario", ["foundation-models", "orchestration"])
def test_what_the_platform_brings_along_needs_no_template(tmp_path: Path, scenario: str) -> None:
    edits = (
        (
            "      scenario_id: churn\n      executable_id: server\n",
            f"      scenario_id: {scenario}\n      executable_id: azure-openai\n",
        ),
        (
            '      input_artifact_bindings: {model: "${executions.train.artifacts.model}"}\n',
            "      parameter_bindings: {modelName: gpt, modelVersion: latest}\n",
        ),
    )
    repository = write_repository(tmp_path, changed(*edits))
    assert findings(repository) == []
    server = next(r for r in load(repository).resources if r.key.kind == "deployment")
    assert "application" not in {key.kind for key in server.depends_on}  # nor does it wait for one


def test_a_scenario_that_does_not_fit_its_executable(tmp_path: Path) -> None:
    text = changed(("churn\n      executable_id: server", "churm\n      executable_id: server"))
    [found] = findings(write_repository(tmp_path, text))
    assert 'executable server belongs to scenario "churn", not to "churm" (did you mean' in found


def test_without_a_git_section_templates_only_warn(tmp_path: Path) -> None:
    text = STAGE[: STAGE.index("git:")] + STAGE[STAGE.index("artifacts:") :]
    text = text.replace("{epochs: 3}", "{epoch: 3}").replace(
        "executable_id: server", "executable_id: away"
    )
    repo = write_repository(tmp_path, text)
    broken = changed(("name: trainer", "name: Trainer"), text=TRAIN)
    (repo / "templates" / "broken.yaml").write_text(broken, encoding="utf-8")
    found = findings(repo)
    assert len(found) == 3
    assert all(": warning: " in line for line in found)
    assert load(repo).name == "dev"


def test_without_a_git_section_an_unknown_executable_warns(tmp_path: Path) -> None:
    text = STAGE[: STAGE.index("git:")] + STAGE[STAGE.index("artifacts:") :]
    text = changed(("executable_id: trainer", "executable_id: trianer"), text=text)
    repo = write_repository(tmp_path, text)
    says = 'execution/train: no template declares the executable "trianer"'
    assert findings(repo) == [f'stages/dev.yaml:10:22: warning: {says} (did you mean "trainer"?)']
    assert load(repo).name == "dev"


def test_a_git_section_with_no_template_at_all(tmp_path: Path) -> None:
    repo = write_repository(tmp_path)
    for file in (repo / "templates").glob("*.yaml"):
        file.unlink()
    found = findings(repo)
    says = 'there is no template in "templates": add one, or correct git.path'
    assert found == [f"stages/dev.yaml:4:3: {says}"]


def test_a_template_folder_that_is_not_there_is_one_finding(tmp_path: Path) -> None:
    repo = write_repository(tmp_path, changed(("git:\n", "git:\n  path: template\n")))
    says = 'the template folder "template" does not exist'
    assert findings(repo) == [f"stages/dev.yaml:4:9: {says}"]


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("0 0 * * 0", ""),
        ("5 1-5,8 1 JAN-mar sun", ""),
        ("0 0 * * 7", ""),
        ("0 0 0 1 *", '"0" is not a day of month (1 to 31)'),
        ("60 0 * * *", '"60" is not a minute (0 to 59)'),
        ("* * * * * *", "needs 5 fields (minute hour day month weekday), has 6"),
        ("5-1 * * * *", '"5-1" is not a minute'),
        ("*/0 * * * *", '"*/0" is not a minute'),
        ("1-2-3 * * * *", '"1-2-3" is not a minute'),
        ("* * * x *", '"x" is not a month'),
        ("", "needs 5 fields"),
        ("0 0 0 * * *", "has 6: leave the seconds out"),
        ("* * * * *", "runs more than once an hour"),
        ("*/15 * * * *", "runs more than once an hour"),
        ("0,30 0 * * *", "runs more than once an hour"),
        ("10-11 0 * * *", "runs more than once an hour"),
        ("5/30 0 * * *", "runs more than once an hour"),
        ("5/60 */2 * * *", ""),
        ("0 * * * * *", ""),
        ("0 0 1 * * 2026", "has 6"),
    ],
)
def test_cron(cron: str, problem: str) -> None:
    found = formats.cron_problem(cron)
    assert problem in found
    assert bool(found) is bool(problem)


@pytest.mark.parametrize(
    ("cron", "doubt"),
    [
        ("0 * * * * *", "has 6 fields, of which AI Core documents only 5"),
        ("0 0 29 2 *", ""),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6 *", "never comes"),
        ("0 0 31 4,5 *", ""),
        ("0 0 31 4 1", ""),
        ("0 0 31 4 0-7", "never comes"),
    ],
)
def test_a_cron_that_ai_core_may_take_is_only_odd(cron: str, doubt: str) -> None:
    assert formats.cron_problem(cron) == ""
    found = formats.cron_doubt(cron)
    assert doubt in found
    assert bool(found) is bool(doubt)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Training CI/CD", "training-ci-cd"),
        ("  Ünïcode  ", "unicode"),
        ("日本", ""),
        ("--a__b--", "a-b"),
    ],
)
def test_slug(text: str, expected: str) -> None:
    assert slug(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/Org/My.Repo.git", "org-my-repo"),
        ("https://git.example.com/a/b/c/", "b-c"),
        ("file:///home/me/churn", "churn"),
        ("/home/me/churn", "churn"),
        ("https://example.com", "repository"),
        ("https://example.com/" + "x" * 80, "x" * 51),
    ],
)
def test_repository_names(url: str, expected: str) -> None:
    assert repository_name(url) == expected


@pytest.mark.parametrize(
    ("text", "length"), [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400), ("2H", 7200)]
)
def test_times(text: str, length: int) -> None:
    assert seconds(text) == length
