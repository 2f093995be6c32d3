"""Workflows for real, as plain processes: what pods share, what they are given, what ends them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from cicd.emulator.runner.local import create
from cicd.emulator.runner.settings import Settings
from tests.emulator.runner.runner_journal import (
    ENVIRON,
    HAS_BWRAP,
    MemoryJournal,
    execution,
    script,
    shell,
)
from tests.emulator.workflows.cases import call, dag, flow, steps
from tests.serving import serving

SHARED = {"volumeMounts": [{"name": "v", "mountPath": "/shared"}]}
VOLUME = {"volumes": [{"name": "v", "emptyDir": {}}]}


MODES = [
    pytest.param(
        "bubblewrap", marks=pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not installed")
    ),
    "process",
]


def run(
    folder: Path, document: Mapping[str, Any], mode: Any = "process", **more: Any
) -> MemoryJournal:
    """Run it to its end."""
    journal = MemoryJournal()
    runner = create(journal, environ=ENVIRON, settings=Settings(sandbox=mode, grace=1.0))
    try:
        runner.start_execution(execution(folder, document, **more))
        journal.end("e1")
    finally:
        runner.close()
    return journal


def beside(name: str, line: str, **more: Any) -> dict[str, Any]:
    """An init container or sidecar that shares the volume."""
    return {"name": name, "image": "img", "command": ["sh", "-c"], "args": [line], **SHARED, **more}


def said(journal: MemoryJournal) -> list[str]:
    """What the programs wrote, without the emulator's own remarks."""
    return [line.text for line in journal.lines if line.stream == "stdout"]


def test_results_go_into_a_loop_and_out_of_it(tmp_path: Path) -> None:
    main = steps(
        call("make"),
        call("double", given={"n": "{{item}}"}, withParam="{{steps.make.outputs.result}}"),
        call("sum", given={"n": "{{steps.double.outputs.result}}"}),
    )
    number = {"parameters": [{"name": "n"}]}
    journal = run(
        tmp_path,
        flow(
            main,
            script("make", "print([1, 2, 3])"),
            script("double", "print({{inputs.parameters.n}} * 2)", inputs=number),
            script("sum", "print('sum', sum({{inputs.parameters.n}}))", inputs=number),
        ),
    )
    assert journal.last("e1") == "COMPLETED", journal.text
    assert said(journal)[-1] == "sum 12"
    kinds = [(node.type, node.phase) for node in journal.saved.values()]
    # as Argo has it: a loop of steps is no node of its own
    assert "TaskGroup" not in [kind for kind, _ in kinds]
    assert all(phase == "Succeeded" for _, phase in kinds)


def test_files_become_global_parameters(tmp_path: Path) -> None:
    out = {
        "parameters": [
            {"name": "o", "globalName": "g", "valueFrom": {"path": "/tmp/o"}},
            {"name": "none", "valueFrom": {"path": "/tmp/none", "default": "dflt"}},
        ]
    }
    main = steps(
        call("w"),
        call(
            "r",
            given={"x": "{{workflow.outputs.parameters.g}}/{{steps.w.outputs.parameters.none}}"},
        ),
    )
    reader = shell("r", "echo got {{inputs.parameters.x}}", inputs={"parameters": [{"name": "x"}]})
    journal = run(tmp_path, flow(main, shell("w", "echo deep > /tmp/o", outputs=out), reader))
    assert said(journal) == ["got deep/dflt"]


@pytest.mark.parametrize("mode", MODES)
def test_containers_of_a_pod_share_their_volume(tmp_path: Path, mode: str) -> None:
    wait = "for i in $(seq 100); do test -f /shared/up && break; sleep 0.02; done"
    template = shell(
        "main",
        f"{wait}; cat /shared/first /shared/up; echo done > /shared/out",
        container=SHARED,
        initContainers=[beside("prepare", "echo first > /shared/first; echo hidden")],
        sidecars=[beside("readable-side", "echo up > /shared/up; echo seen; exec sleep 30")],
        outputs={
            "artifacts": [
                {"name": "o", "path": "/shared/out", "globalName": "o", "archive": {"none": {}}}
            ]
        },
        **VOLUME,
    )
    journal = run(tmp_path, flow(template), mode)
    assert journal.last("e1") == "COMPLETED", journal.text
    assert sorted(said(journal)) == ["first", "seen", "up"]
    assert "the output of container prepare is not shown" in journal.text
    assert {line.container for line in journal.lines} >= {"main", "readable-side"}
    assert journal.published[0][1].read_text() == "done\n"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"initContainers": [beside("bad", "exit 4")]}, "init container bad: Error (exit code 4)"),
        ({"sidecars": [beside("bad", "exit 5")]}, "sidecar bad: Error (exit code 5)"),
        ({"timeout": "200ms", "container": {"args": ["sleep 30"]}}, "deadline (timeout: 0.2 s)"),
        (
            {"initContainers": [beside("slow", "sleep 30")], "activeDeadlineSeconds": "1"},
            "specified deadline (activeDeadlineSeconds: 1",
        ),
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "none"}}], "container": SHARED},
            "volume v: secret none does not exist",
        ),
    ],
)
def test_why_a_pod_fails(tmp_path: Path, more: dict[str, Any], expected: str) -> None:
    template = shell("main", "sleep 0.15", **{**VOLUME, **more})
    journal = run(tmp_path, flow(template))
    assert journal.last("e1") == "DEAD"
    assert expected in journal.message


@pytest.mark.parametrize("mode", MODES)
def test_secrets_come_as_files_and_leave_none_behind(tmp_path: Path, mode: str) -> None:
    volumes = [
        {"name": "all", "secret": {"secretName": "s"}},
        {"name": "one", "secret": {"secretName": "s", "items": [{"key": "k", "path": "in/x"}]}},
        {"name": "no", "secret": {"secretName": "no", "optional": True}},
    ]
    mounts = [{"name": name, "mountPath": f"/etc/{name}"} for name in ("all", "one", "no")]
    template = shell(
        "main",
        "cat /etc/all/k | wc -c; cat /etc/one/in/x | wc -c; ls /etc/all /etc/no | wc -l",
        container={"volumeMounts": mounts},
        volumes=volumes,
    )
    journal = run(tmp_path, flow(template), mode, secrets={"s": {"k": "s3cret"}})
    assert journal.last("e1") == "COMPLETED", journal.text
    assert [line.strip() for line in said(journal)][:2] == ["6", "6"]
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"s3cret" in path.read_bytes()]


@pytest.mark.parametrize("mode", MODES)
def test_a_claim_is_one_folder_for_all_steps(tmp_path: Path, mode: str) -> None:
    claims = [{"metadata": {"name": "work"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]
    mount = {"volumeMounts": [{"name": "work", "mountPath": "/claimed", "subPath": "deep"}]}
    raw = {"artifacts": [{"name": "r", "path": "/claimed/in/r.txt", "raw": {"data": "raw"}}]}
    document = flow(
        steps(call("w"), call("r")),
        shell("w", "cat /claimed/in/r.txt > /claimed/x", container=mount, inputs=raw),
        shell("r", "echo found $(cat /claimed/x)", container=mount),
        volumeClaimTemplates=claims,
    )
    assert said(run(tmp_path, document, mode)) == ["found raw"]


class Files(BaseHTTPRequestHandler):
    """Serves a tar archive, a text that needs a header, and nothing else."""

    def do_GET(self) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name in ("data/a.txt", "data/sub/b.txt"):
                info = tarfile.TarInfo(name)
                info.size = 4
                archive.addfile(info, io.BytesIO(b"text"))
        found = {"/x.tgz": buffer.getvalue(), "/t": self.headers.get("X-Key", "?").encode()}
        body = found.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    with serving(Files) as url:
        yield url


def test_inputs_from_http(tmp_path: Path, files: str) -> None:
    inputs = {
        "artifacts": [
            {"name": "all", "path": "/in/all", "http": {"url": f"{files}/x.tgz"}},
            {
                "name": "part",
                "path": "/in/part",
                "subPath": "sub",
                "http": {"url": f"{files}/x.tgz"},
            },
            {
                "name": "text",
                "path": "/in/text",
                "mode": 0o600,
                "http": {"url": f"{files}/t", "headers": [{"name": "X-Key", "value": "k"}]},
            },
            {"name": "none", "path": "/in/none", "optional": True, "http": {"url": f"{files}/no"}},
            {"name": "run", "path": "/in/run.sh", "mode": 0o755, "raw": {"data": "echo ran"}},
        ]
    }
    line = "cat /in/all/sub/b.txt /in/part/b.txt /in/text; echo; ls /in/none; sh /in/run.sh"
    journal = run(tmp_path, flow(shell("main", line, inputs=inputs)))
    assert journal.last("e1") == "COMPLETED", journal.text
    assert said(journal) == ["texttextk", "ran"]


def test_an_http_input_that_is_not_there(tmp_path: Path, files: str) -> None:
    inputs = {"artifacts": [{"name": "n", "path": "/n", "http": {"url": f"{files}/no"}}]}
    journal = run(tmp_path, flow(shell("main", "true", inputs=inputs)))
    assert f"input artifact n: cannot fetch {files}/no: it answered 404" in journal.message


def test_the_exit_handler_runs_after_the_deadline(tmp_path: Path) -> None:
    document = flow(
        steps(call("slow"), call("never")),
        shell("slow", "sleep 30"),
        shell("never", "echo never"),
        shell("bye", "echo bye {{workflow.status}}"),
        onExit="bye",
        activeDeadlineSeconds=1,
    )
    journal = run(tmp_path, document)
    assert (journal.last("e1"), said(journal)) == ("DEAD", ["bye Failed"])
    assert "activeDeadlineSeconds" in journal.message
    assert {node.phase for node in journal.saved.values()} == {"Failed", "Succeeded"}


def test_hooks_pauses_and_repetitions_take_their_time(tmp_path: Path) -> None:
    hook = {"up": {"template": "h", "expression": 'steps["a"].status == "Running"'}}
    document = flow(
        steps(call("wait"), call("a", hooks=hook)),
        {"name": "wait", "suspend": {"duration": "100ms"}},
        shell(
            "a",
            "echo try {{retries}} after {{lastRetry.exitCode}}; test {{retries}} = 1 || exit 9",
            retryStrategy={"limit": 2, "backoff": {"duration": "100ms"}},
        ),
        shell("h", "echo hooked"),
    )
    journal = run(tmp_path, document)
    assert journal.last("e1") == "COMPLETED", journal.text
    assert sorted(said(journal)) == ["hooked", "try 0 after 0", "try 1 after 9"]


def test_what_has_no_effect_is_said(tmp_path: Path) -> None:
    journal = run(tmp_path, flow(shell("main", "true", securityContext={"runAsUser": 1})))
    assert "note: without effect here: spec.templates[0].securityContext" in journal.texts


def test_every_sort_of_node_goes_on_after_a_restart(tmp_path: Path) -> None:
    """Closed in the middle of a loop in a dag with repetitions, then gone on with."""
    gate = tmp_path / "gate"
    document = flow(
        dag(
            call("first"),
            call("w", dependencies=["first"]),
            call("l", given={"x": "{{item}}"}, withItems=["a", "b"], dependencies=["first"]),
        ),
        shell("first", "echo first"),
        {"name": "w", "suspend": {"duration": "1s"}},
        shell(
            "l",
            f"echo {{{{inputs.parameters.x}}}}; test {{{{inputs.parameters.x}}}} = a"
            f" || test -f {gate} || sleep 30",
            inputs={"parameters": [{"name": "x"}]},
            retryStrategy={"limit": 1},
        ),
    )
    journal = MemoryJournal()

    def begin() -> Any:
        runner = create(journal, environ=ENVIRON, settings=Settings(sandbox="process", grace=0.5))
        runner.start_execution(execution(tmp_path, document))
        return runner

    runner = begin()
    journal.wait(
        lambda: (
            {"a", "b"} <= set(said(journal))
            and any(
                node.name == "e1.l(0:a)" and node.phase == "Succeeded"
                for node in journal.saved.values()
            )
        )
    )
    runner.close()
    assert journal.last("e1") == "RUNNING"
    begun = {node.name: node.started for node in journal.saved.values() if node.type == "Suspend"}
    gate.touch()
    runner = begin()
    try:
        assert journal.end("e1") == "COMPLETED"
    finally:
        runner.close()
    assert sorted(said(journal)) == ["a", "b", "b", "first"]
    assert {node.phase for node in journal.saved.values()} == {"Succeeded"}
    assert begun == {
        node.name: node.started for node in journal.saved.values() if node.type == "Suspend"
    }
