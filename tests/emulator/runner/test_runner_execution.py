"""Executions for real, in both sandboxes: programs run, files pass, failures tell."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from cicd.emulator.jobs import Image
from cicd.emulator.runner.local import LocalRunner, create
from cicd.emulator.runner.settings import Settings
from tests.emulator.runner.runner_journal import (
    ENVIRON,
    HAS_BWRAP,
    MemoryJournal,
    execution,
    script,
    shell,
    workflow,
)

MODES = [
    pytest.param(
        "bubblewrap", marks=pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not installed")
    ),
    "process",
]
NONE: dict[str, Any] = {"archive": {"none": {}}}


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(params=MODES)
def runner(
    request: pytest.FixtureRequest, journal: MemoryJournal, tmp_path: Path
) -> Iterator[LocalRunner]:
    mode: Literal["bubblewrap", "process"] = request.param
    found = create(
        journal,
        environ=ENVIRON,
        private=[tmp_path / "data"],
        settings=Settings(sandbox=mode, grace=1.0),
    )
    yield found
    found.close()


def run(runner: LocalRunner, journal: MemoryJournal, folder: Path, *args: Any, **more: Any) -> str:
    runner.start_execution(execution(folder, *args, **more))
    return journal.end("e1")


def test_labels_of_a_run_may_be_calculated_and_times_that_argo_lacks_stay_as_they_are(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    text = "'{{workflow.labels.owner}}' '{{workflow.creationTimestamp.%Y}}'"
    template = workflow(
        shell("main", f"echo {text} '{{{{workflow.creationTimestamp.j}}}}'"),
        arguments={"parameters": [{"name": "who", "default": "world"}]},
        workflowMetadata={
            "labelsFrom": {"owner": {"expression": "workflow.parameters.who + '-x'"}}
        },
    )
    assert run(runner, journal, tmp_path, template, parameters={"who": "me"}) == "COMPLETED"
    left = "{{workflow.creationTimestamp.%Y}} {{workflow.creationTimestamp.j}}"
    assert f"me-x {left}" in journal.texts


def test_output_and_exit_code_of_one_container(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    template = workflow(
        shell("main", "echo hello {{workflow.parameters.who}}; echo bad >&2; printf last; exit 7"),
        arguments={"parameters": [{"name": "who", "default": "world"}]},
    )
    assert run(runner, journal, tmp_path, template, parameters={"who": "Zoë"}) == "DEAD"
    assert {"hello Zoë", "bad", "last"} <= set(journal.texts)
    assert "exit code 7" in journal.message
    (detail,) = journal.details["details"]
    assert detail["exit_code"] == 7
    assert detail["pod_name"] == "e1"
    assert "last" in detail["last_log_messages"]
    assert {line.stream for line in journal.lines if line.text in {"hello Zoë", "bad"}} == {
        "stdout",
        "stderr",
    }


def test_files_and_folders_pass_from_step_to_step(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    data = tmp_path / "dataset"
    data.mkdir()
    (data / "x.csv").write_text("1,2\n", encoding="utf-8")
    prepare = shell(
        "prepare",
        "mkdir -p /app/out/deep && cp /app/data/x.csv /app/out/deep/ && echo 42 > /tmp/rows.txt"
        " && echo note > /app/note.txt",
        inputs={"artifacts": [{"name": "data", "path": "/app/data"}]},
        outputs={
            "parameters": [{"name": "rows", "valueFrom": {"path": "/tmp/rows.txt"}}],
            "artifacts": [
                {"name": "out", "path": "/app/out"},
                {"name": "note", "path": "/app/note.txt"},
            ],
        },
    )
    train = shell(
        "train",
        "cat /in/deep/x.csv /app/n.txt > /app/model/m.txt && echo rows {{inputs.parameters.rows}}",
        inputs={
            "parameters": [{"name": "rows"}],
            "artifacts": [{"name": "out", "path": "/in"}, {"name": "note", "path": "/app/n.txt"}],
        },
        outputs={
            "artifacts": [
                {"name": "m", "path": "/app/model", "globalName": "plain", **NONE},
                {"name": "z", "path": "/app/model/m.txt", "globalName": "packed"},
            ]
        },
    )
    calls = [
        [{"name": "p", "template": "prepare"}],
        [
            {
                "name": "t",
                "template": "train",
                "arguments": {
                    "parameters": [
                        {"name": "rows", "value": "{{steps.p.outputs.parameters.rows}}"}
                    ],
                    "artifacts": [
                        {"name": "out", "from": "{{steps.p.outputs.artifacts.out}}"},
                        {"name": "note", "from": "{{steps.p.outputs.artifacts.note}}"},
                    ],
                },
            }
        ],
    ]
    template = workflow({"name": "main", "steps": calls}, prepare, train)
    assert run(runner, journal, tmp_path, template, inputs={"data": data}) == "COMPLETED", (
        journal.message + journal.text
    )
    assert "rows 42" in journal.texts
    published = dict(journal.published)
    assert (published["plain"] / "m.txt").read_text() == "1,2\nnote\n"
    with tarfile.open(published["packed"]) as archive:
        assert archive.getnames() == ["m.txt"]
    assert (data / "x.csv").read_text() == "1,2\n"
    assert [path.name for path in data.iterdir()] == ["x.csv"]


def test_secrets_mounts_and_environment(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    source = tmp_path / "code bäse"
    source.mkdir()
    (source / "train.py").write_text("import os\nprint('cwd', os.listdir('.'))\n", encoding="utf-8")
    env = [
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "api-key"}}},
        {
            "name": "MAYBE",
            "valueFrom": {"secretKeyRef": {"name": "no", "key": "k", "optional": True}},
        },
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "URL", "value": "http://$(POD)/$$x/$(NOPE)"},
    ]
    line = (
        "python /app/src/train.py; echo $KEY ${MAYBE-unset} $POD $URL $FROM_IMAGE $P_user;"
        " echo $AICORE_EXECUTION_ID; env | cut -d= -f1 | sort | tr '\\n' ' '"
    )
    container = {"env": env, "envFrom": [{"prefix": "P_", "secretRef": {"name": "s"}}]}
    status = run(
        runner,
        journal,
        tmp_path,
        workflow(shell("main", line, container=container)),
        images={
            "img": Image(
                mounts={"/app/src": str(source)}, env={"FROM_IMAGE": "i"}, workdir="/app/src"
            )
        },
        secrets={"s": {"api-key": "k3y", "user": "ann"}},
    )
    assert status == "COMPLETED", journal.message + journal.text
    assert "cwd ['train.py']" in journal.texts
    assert "k3y unset e1 http://e1/$x/$(NOPE) i ann" in journal.texts
    assert "e1" in journal.texts
    assert "VIRTUAL_ENV" not in journal.text


def test_bytecode_is_kept_where_it_is_the_containers_own_and_never_among_the_users_sources(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source = tmp_path / "code"
    source.mkdir()
    (source / "users.py").write_text("x = 1\n", encoding="utf-8")
    line = (
        "python -c 'import sys; sys.path.append(\"/app/src\"); import users'; cd $(mktemp -d);"
        " echo x = 1 > own.py; python -c 'import own'; ls __pycache__"
    )
    status = run(
        runner,
        journal,
        tmp_path,
        workflow(shell("main", line)),
        images={"img": Image(mounts={"/app/src": str(source)})},
    )
    assert [path.name for path in source.iterdir()] == ["users.py"]
    is_private = "bubblewrap" in request.node.name
    assert status == ("COMPLETED" if is_private else "DEAD"), journal.text
    assert ("own.cpython" in journal.text) is is_private


def test_an_empty_volume_is_a_writable_folder(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    mounts = [{"name": "v", "mountPath": "/mnt/out"}, {"name": "shm", "mountPath": "/dev/shm"}]
    volumes = [{"name": "v", "emptyDir": {}}, {"name": "shm", "emptyDir": {"medium": "Memory"}}]
    line = "test -d /dev/shm && ls /mnt/out && echo x > /mnt/out/y && cat /mnt/out/y"
    template = shell("main", line, container={"volumeMounts": mounts}, volumes=volumes)
    assert run(runner, journal, tmp_path, workflow(template)) == "COMPLETED", journal.text
    assert journal.texts[-1] == "x"


def test_scripts_results_and_conditions(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    when = "'{{steps.flip.outputs.result}}' == 'heads up'"
    template = workflow(
        {
            "name": "main",
            "steps": [
                [{"name": "flip", "template": "flip"}],
                [
                    {"name": "yes", "template": "say", "when": when},
                    {"name": "no", "template": "never", "when": f"!({when})"},
                ],
            ],
        },
        script("flip", "import sys\nprint('heads up')\nprint('noise', file=sys.stderr)"),
        shell("say", "echo said"),
        shell("never", "echo not this"),
    )
    assert run(runner, journal, tmp_path, template) == "COMPLETED", journal.text
    assert "said" in journal.texts
    assert "not this" not in journal.texts
    assert journal.phases()["never"] == "Skipped"


def test_tasks_that_meet_run_side_by_side(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    def task(name: str, *before: str) -> dict[str, Any]:
        return {"name": name, "template": name, "dependencies": list(before)}

    tasks = [task("last", "a", "b"), task("a", "first"), task("b", "first"), task("first")]
    template = workflow(
        {"name": "main", "dag": {"tasks": tasks}},
        *(shell(name, f"echo {name}") for name in ("first", "a", "b", "last")),
    )
    assert run(runner, journal, tmp_path, template) == "COMPLETED", journal.text
    events = [(node.template, node.phase) for node in journal.history if node.type == "Pod"]
    assert events[:2] == [("first", "Running"), ("first", "Succeeded")]
    assert set(events[2:4]) == {("a", "Running"), ("b", "Running")}
    assert events[-2:] == [("last", "Running"), ("last", "Succeeded")]


def test_stop_ends_a_stubborn_program(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    template = workflow(
        shell("main", "trap 'echo asked' TERM; echo up; while true; do sleep 0.05; done")
    )
    runner.start_execution(execution(tmp_path, template))
    journal.wait(lambda: "up" in journal.texts)
    runner.stop_execution("e1")
    assert journal.end("e1") == "STOPPED"
    assert "asked" in journal.texts


def test_a_failed_step_is_repeated(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    template = workflow(
        shell("main", "echo try {{retries}}; test {{retries}} = 2", retryStrategy={"limit": "3"})
    )
    assert run(runner, journal, tmp_path, template) == "COMPLETED"
    assert [text for text in journal.texts if text.startswith("try")] == ["try 0", "try 1", "try 2"]


@pytest.mark.parametrize(
    ("template", "more", "expected"),
    [
        (shell("main", "true", container={"image": "unknown"}), {}, "local.images"),
        (shell("main", "sleep 30", activeDeadlineSeconds=0.2), {}, "activeDeadlineSeconds"),
        (
            shell("main", "true", outputs={"artifacts": [{"name": "m", "path": "/app/model"}]}),
            {},
            "nothing at /app/model",
        ),
        (
            shell(
                "main",
                "true",
                container={
                    "env": [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
                },
            ),
            {},
            "secret s does not exist",
        ),
        (
            shell("main", "true", inputs={"artifacts": [{"name": "d", "path": "/d"}]}),
            {},
            "input artifact d",
        ),
        (
            shell("main", "true", inputs={"artifacts": [{"name": "d", "path": "/d"}]}),
            {"inputs": {"d": Path("/no/such/file")}},
            "/no/such/file",
        ),
        (shell("main", "true", daemon=True), {}, "daemon: not supported"),
        (shell("main", "true", container={"command": ["no-such-program"]}), {}, "exit code 64"),
    ],
)
def test_what_is_wrong_is_said(
    journal: MemoryJournal,
    tmp_path: Path,
    template: dict[str, Any],
    more: dict[str, Any],
    expected: str,
) -> None:
    runner = create(journal, environ=ENVIRON, settings=Settings(grace=0.5))
    try:
        assert run(runner, journal, tmp_path, workflow(template), **more) == "DEAD"
    finally:
        runner.close()
    assert expected in journal.message


def test_many_lines_come_complete_and_in_order(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    source = "for i in range(20000): print(i)\nprint('é' * 50000, end='')"
    assert run(runner, journal, tmp_path, workflow(script("main", source))) == "COMPLETED"
    lines = [line for line in journal.lines if line.stream == "stdout"]
    assert [line.text for line in lines[:20000]] == [str(i) for i in range(20000)]
    assert "".join(line.text for line in lines[20000:]) == "é" * 50000
    times = [line.time for line in journal.lines]
    assert times == sorted(set(times))


@pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not installed")
def test_the_emulators_own_data_cannot_be_read(journal: MemoryJournal, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    data = repository / ".cicd"
    data.mkdir(parents=True)
    (data / "credentials").write_text("s3cret", encoding="utf-8")
    (repository / "train.txt").write_text("fine", encoding="utf-8")
    runner = create(
        journal, environ=ENVIRON, private=[data], settings=Settings(sandbox="bubblewrap")
    )
    template = workflow(
        shell("main", f"cat /app/src/train.txt; cat {data}/credentials /app/src/.cicd/credentials")
    )
    image = Image(mounts={"/app/src": str(repository)})
    try:
        status = run(runner, journal, data / "runs", template, images={"img": image})
    finally:
        runner.close()
    assert status == "DEAD"
    assert "fine" in journal.text
    assert "s3cret" not in journal.text


@pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not installed")
@pytest.mark.parametrize(
    "path", ["/opt/ml/model", "/mnt/out", "/data", "/app/src/model", "/tmp/m.d"]
)
def test_an_output_may_be_anywhere(journal: MemoryJournal, tmp_path: Path, path: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("a", encoding="utf-8")
    runner = create(journal, environ=ENVIRON, settings=Settings(sandbox="bubblewrap"))
    template = workflow(
        shell(
            "main",
            f"mkdir -p {path} && cp /app/src/a.txt {path}/ && ls /opt /mnt /usr/bin > /dev/null",
            outputs={"artifacts": [{"name": "m", "path": path, "globalName": "m", **NONE}]},
        )
    )
    try:
        status = run(
            runner,
            journal,
            tmp_path,
            template,
            images={"img": Image(mounts={"/app/src": str(source)})},
        )
    finally:
        runner.close()
    assert status == "COMPLETED", journal.message + journal.text
    assert (journal.published[0][1] / "a.txt").read_text() == "a"
    assert [entry.name for entry in source.iterdir()] == ["a.txt"]


def test_of_a_step_that_has_run_only_its_outputs_stay(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    kept = {"artifacts": [{"name": "kept", "path": "/tmp/kept.txt", **NONE}]}
    template = workflow(shell("main", "echo 1 > /tmp/kept.txt; echo 2 > /tmp/x", outputs=kept))
    assert run(runner, journal, tmp_path, template) == "COMPLETED"
    runner.close()
    nodes = tmp_path / "run" / "nodes"
    assert [path.name for path in nodes.rglob("*") if path.is_file()] == ["kept.txt"]
    assert not [*nodes.rglob("root")]
