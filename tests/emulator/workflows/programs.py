"""Workflows that are run for real: template in, phases, outputs and log lines out. Each case names
Argo's function, test, example or page that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.emulator.runner_journal import shell, workflow
from tests.emulator.workflows.cases import call, dag

OK, FAILED, ERROR = "Succeeded", "Failed", "Error"
NONE: dict[str, Any] = {"archive": {"none": {}}}


@dataclass(frozen=True)
class Program:
    """``phases`` by node name, ``outputs``: node name -> its parameters, ``lines`` of the log, some
    that are there and some that are not. None is not looked at."""

    name: str
    document: Mapping[str, Any]
    status: str = "COMPLETED"
    phases: Mapping[str, str] | None = None
    lines: tuple[str, ...] = ()
    no_lines: tuple[str, ...] = ()
    message: str = ""
    messages: Mapping[str, str] | None = None
    outputs: Mapping[str, Mapping[str, str]] | None = None


def member(name: str, text: str, *dependencies: str, **more: Any) -> dict[str, Any]:
    """A container of a set that runs a line of shell."""
    found = {"name": name, "image": "img", "command": ["sh", "-c"], "args": [text], **more}
    return found | ({"dependencies": list(dependencies)} if dependencies else {})


def container_set(*members: Any, name: str = "main", **more: Any) -> dict[str, Any]:
    """A template of one; all share /workspace. ``retry`` is the set's own strategy."""
    own: dict[str, Any] = {
        "containers": list(members),
        "volumeMounts": [{"name": "work", "mountPath": "/workspace"}],
    }
    if "retry" in more:
        own["retryStrategy"] = more.pop("retry")
    volumes = [{"name": "work", "emptyDir": {}}]
    return {"name": name, "containerSet": own, "volumes": volumes, **more}


def ended(**phases: str) -> dict[str, str]:
    """The phases of the containers of a set that is the whole workflow."""
    whole = FAILED if set(phases.values()) - {OK} else OK
    return {"e1": whole} | {f"e1.{name}": phase for name, phase in phases.items()}


OUT = {"parameters": [{"name": "out", "valueFrom": {"path": "/workspace/out"}}]}
COUNT = (
    "n=$(cat /workspace/n 2>/dev/null || echo 0); n=$((n+1)); echo $n > /workspace/n; echo try $n"
)

SETS = [
    Program(
        "examples/container-set-template/sequence-workflow",
        workflow(
            container_set(
                member("a", "echo a >> /workspace/log"),
                member("b", "echo b >> /workspace/log", "a"),
                member("main", "echo c >> /workspace/log; tr '\\n' - < /workspace/log; echo", "b"),
            )
        ),
        phases=ended(a=OK, b=OK, main=OK),
        lines=("a-b-c-",),
    ),
    Program(
        "examples/container-set-template/graph-workflow",
        workflow(
            container_set(
                member("a", "echo > /workspace/a"),
                member("b", "test -e /workspace/a && echo > /workspace/b", "a"),
                member("c", "test -e /workspace/a && echo > /workspace/c", "a"),
                member("d", "test -e /workspace/b && test -e /workspace/c", "b", "c"),
            )
        ),
        phases=ended(a=OK, b=OK, c=OK, d=OK),
    ),
    Program(
        "examples/container-set-template/parallel-workflow: each waits for a file of the other",
        workflow(
            container_set(
                member("a", "echo > /workspace/a; until test -e /workspace/b; do sleep 0.05; done"),
                member("b", "echo > /workspace/b; until test -e /workspace/a; do sleep 0.05; done"),
            )
        ),
        phases=ended(a=OK, b=OK),
    ),
    Program(
        "examples/container-set-template/workspace-workflow: outputs of a volume",
        workflow(
            container_set(
                member("a", "echo hi > /workspace/out"),
                member("main", "true"),
                outputs={**OUT, "artifacts": [{"name": "out", "path": "/workspace/out", **NONE}]},
            )
        ),
        outputs={"e1": {"out": "hi"}},
    ),
    Program(
        "examples/container-set-template/outputs-result-workflow: of main alone",
        workflow(
            dag(
                call("a", "group"),
                call("b", given={"x": "{{tasks.a.outputs.result}}"}, dependencies=["a"]),
            ),
            container_set(
                member("main", "echo hi", "other"), member("other", "echo no"), name="group"
            ),
            shell(
                "b",
                "echo got {{inputs.parameters.x}}",
                inputs={"parameters": [{"name": "x"}]},
            ),
        ),
        phases={"e1.a": OK, "e1.a.main": OK, "e1.a.other": OK, "e1.b": OK},
        lines=("got hi",),
    ),
    Program(
        "docs/container-set-template: main after two others",
        workflow(
            container_set(
                member("a", "echo 'a: hello' >> /workspace/out"),
                member("b", "echo 'b: hello' >> /workspace/out", "a"),
                member("main", "echo 'main: hello' >> /workspace/out", "a", "b"),
                outputs=OUT,
            )
        ),
        outputs={"e1": {"out": "a: hello\nb: hello\nmain: hello"}},
    ),
    Program(
        "emissary.go: what waits for a failed container does not run",
        workflow(
            container_set(
                member("a", "exit 3"),
                member("b", "echo ran > /workspace/b", "a"),
                member("main", "echo main ran", "b"),
            )
        ),
        "DEAD",
        ended(a=FAILED, b=ERROR, main=ERROR),
        no_lines=("main ran",),
        message="container a: Error (exit code 3)",
        messages={
            "e1.b": 'Error (exit code 64): dependency "a" exited with non-zero code: 3',
            "e1.main": 'Error (exit code 64): dependency "b" exited with non-zero code: 64',
        },
    ),
    Program(
        "inferFailedReason: one of many fails the pod, the others run to their ends",
        workflow(
            container_set(
                member("a", "exit 2"), member("main", "sleep 0.2; echo main ran"), outputs={}
            )
        ),
        "DEAD",
        ended(a=FAILED, main=OK),
        lines=("main ran",),
        message="container a: Error (exit code 2)",
    ),
    Program(
        "operator.go: a container that ends with 64 is an error",
        workflow(container_set(member("main", "exit 64"))),
        "DEAD",
        ended(main=ERROR),
    ),
    Program(
        "TestContainerSetRetrySuccess: a container is tried again in its place",
        workflow(
            container_set(
                member("main", f"{COUNT}; test $n = 2"), retry={"retries": "3", "duration": "10ms"}
            )
        ),
        phases=ended(main=OK),
        lines=("try 1", "try 2"),
        no_lines=("try 3",),
    ),
    Program(
        "GetRetryStrategy: retries are all tries, as client-go counts its steps",
        workflow(container_set(member("main", f"{COUNT}; exit 1"), retry={"retries": 2})),
        "DEAD",
        ended(main=FAILED),
        lines=("try 1", "try 2"),
        no_lines=("try 3",),
    ),
    Program(
        "TestContainerSetRetryFail: one without retries is tried once",
        workflow(container_set(member("main", f"{COUNT}; exit 1"))),
        "DEAD",
        ended(main=FAILED),
        lines=("try 1",),
        no_lines=("try 2",),
    ),
    Program(
        "emissary.go: what waits, waits for the last try",
        workflow(
            container_set(
                member("a", f"{COUNT}; test $n = 3"),
                member("main", "echo after $(cat /workspace/n)", "a"),
                retry={"retries": 5},
            )
        ),
        phases=ended(a=OK, main=OK),
        lines=("after 3",),
    ),
    Program(
        "TestWorkflowTemplateWithRetryStrategyInContainerSet: beside that of the template",
        workflow(
            container_set(
                member("main", "exit 1"), retry={"retries": 1}, retryStrategy={"limit": 1}
            )
        ),
        "DEAD",
        {
            "e1": FAILED,
            "e1(0)": FAILED,
            "e1(1)": FAILED,
            "e1(0).main": FAILED,
            "e1(1).main": FAILED,
        },
    ),
    Program(
        "TestContainerSetTemplateWithInputArtifacts: beside the program and in the volume",
        workflow(
            container_set(
                member("a", "cat /workspace/two"),
                member(
                    "main", "cat /in/one /workspace/two > /workspace/out; cat /workspace/out", "a"
                ),
                inputs={
                    "artifacts": [
                        {"name": "one", "path": "/in/one", "raw": {"data": "first\n"}},
                        {"name": "two", "path": "/workspace/two", "raw": {"data": "second\n"}},
                    ]
                },
                outputs=OUT,
            )
        ),
        lines=("first", "second"),
        outputs={"e1": {"out": "first\nsecond"}},
    ),
    Program(
        "TestContainerSetTemplateWithOutputArtifacts: of main's own files",
        workflow(
            container_set(
                member("main", "mkdir -p /out; echo own > /out/f"),
                outputs={"parameters": [{"name": "f", "valueFrom": {"path": "/out/f"}}]},
            )
        ),
        outputs={"e1": {"f": "own"}},
    ),
    Program(
        "docs/container-set-template: files outside of volumes are each container's own",
        workflow(
            container_set(
                member("a", "echo > /tmp/private"),
                member("main", "test -e /tmp/private || echo not here", "a"),
            )
        ),
        lines=("not here",),
    ),
    Program(
        "TestDagTwoChildrenContainerSet: two of them in a dag, parameters in their arguments",
        workflow(
            dag(
                call("a", "group", given={"x": "one"}),
                call("b", "group", given={"x": "two"}, dependencies=["a"]),
            ),
            container_set(
                member("main", "echo {{inputs.parameters.x}}"),
                name="group",
                inputs={"parameters": [{"name": "x"}]},
            ),
        ),
        phases={"e1.a.main": OK, "e1.b.main": OK},
        lines=("one", "two"),
    ),
    Program(
        "activeDeadlineSeconds holds for all containers of a set",
        workflow(
            container_set(member("main", "sleep 60"), member("b", "sleep 60"))
            | {"activeDeadlineSeconds": 1}
        ),
        "DEAD",
        ended(main=FAILED, b=FAILED),
        message="longer than the specified deadline",
    ),
    Program(
        "env, mounts and working directory of a container of a set",
        workflow(
            container_set(
                member("a", "echo $WORD > /workspace/w", env=[{"name": "WORD", "value": "said"}]),
                member("main", "echo $(pwd) $(cat w)", "a", workingDir="/workspace"),
            )
        ),
        lines=("/workspace said",),
    ),
]
REFUSED = [
    (
        container_set(member("a", "true"), outputs=OUT),
        'containerSet.containers: must have a container named "main" for input or output',
    ),
    (container_set(member("a", "true", "b")), "containers.a: dependency 'b' not defined"),
    (container_set(member("a", "true", "b"), member("b", "true", "a")), "wait for each other"),
    (container_set(member("a", "true"), member("a", "true")), "containers[1].name: 'a' is no name"),
    (container_set(member("wait", "true")), "containers[0].name: 'wait' is no name"),
    (container_set(), "containerSet.containers: must have at least one container"),
    (container_set(member("a", "true"), retry={"retries": "x"}), "retries: must be a whole number"),
    (container_set(member("a", "true"), retry={"duration": "x"}), "retryStrategy.duration: 'x' is"),
    (container_set({"name": "a", "image": "img"}), "containers[0].command: is missing"),
    (
        container_set(member("a", "true", volumeMounts=[{"name": "x", "mountPath": "/x"}])),
        "containers[0].volumeMounts[0].name: no volume 'x' is declared",
    ),
    (container_set(member("a", "true")) | {"parallelism": 2}, "parallelism: only in steps and dag"),
]
CASES = [*SETS]
