"""What is submitted: the program, its arguments, properties, files and environment. Pure.

What a job reads and writes reaches it as lists in three ways: as arguments, in the environment, and
as a module that it can import.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cicd.model import Spec

ASSETS_FILE = "cicd_assets.py"
INPUTS, OUTPUTS = "CICD_INPUT_ASSETS", "CICD_OUTPUT_ASSETS"
METRICS = "CICD_METRICS_FILE"
"""The variable that tells where the file of metrics is to be."""
VARIABLES = {INPUTS: "reads", OUTPUTS: "writes"}
"""What the environment calls what a job reads, and what it writes."""
FIELDS = ("py_files", "jars", "beside")
"""Fields of a job that list files, the program left out."""


@dataclass(frozen=True)
class Manifest:
    """One job as it is handed over; every file is where the driver finds it.

    ``name``: of the application, which no other has.
    """

    name: str
    program: str
    main_class: str = ""
    arguments: tuple[str, ...] = ()
    conf: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    py_files: tuple[str, ...] = ()
    jars: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def options(self, master: str, deploy_mode: str) -> list[str]:
        """The arguments of spark-submit."""
        lists = {
            "--py-files": self.py_files,
            "--jars": self.jars,
            "--files": self.files,
            "--packages": self.packages,
        }
        return [
            *("--master", master, "--deploy-mode", deploy_mode, "--name", self.name),
            *(("--class", self.main_class) if self.main_class else ()),
            *(part for name in self.conf for part in ("--conf", f"{name}={self.conf[name]}")),
            *(part for name in lists if lists[name] for part in (name, ",".join(lists[name]))),
            self.program,
            *self.arguments,
        ]


def named_files(spec: Spec) -> list[str]:
    """The files of the project that a job takes along."""
    found = [str(spec["source"]), *(str(name) for field in FIELDS for name in spec.get(field, ()))]
    found += [str(asset["url"]) for asset in spec.get("reads", {}).values()]
    return [name for name in found if "://" not in name]


def manifest(spec: Spec, name: str, places: Mapping[str, str]) -> Manifest:
    """A job as an application of that ``name``. ``places``: file of the project -> where the driver
    finds it; those of other places are as they are. ``ASSETS_FILE`` is one of them where there is
    something to read or write."""
    assets = {variable: assets_of(spec, field, places) for variable, field in VARIABLES.items()}
    told = {variable: _json(found) for variable, found in assets.items()} if any_of(spec) else {}

    def placed(field: str) -> tuple[str, ...]:
        return tuple(places.get(str(name), str(name)) for name in spec.get(field, ()))

    said = str(spec.get("metrics_file", ""))
    of_metrics = {METRICS: places.get(said, said)} if said else {}
    module = (places[ASSETS_FILE],) if told else ()
    added = ("--inputs", told[INPUTS], "--outputs", told[OUTPUTS]) if told else ()
    return Manifest(
        name=name,
        program=places.get(str(spec["source"]), str(spec["source"])),
        main_class=str(spec.get("main_class", "")),
        arguments=(*map(str, spec.get("args", ())), *added),
        conf={**_resources(spec), **{key: str(text) for key, text in spec.get("conf", {}).items()}},
        environment={
            **of_metrics,
            **{key: str(text) for key, text in spec.get("env", {}).items()},
            **told,
        },
        py_files=(*module, *placed("py_files")),
        jars=placed("jars"),
        files=placed("beside"),
        packages=tuple(map(str, spec.get("packages", ()))),
    )


def command(spec: Spec, name: str, master: str, deploy_mode: str = "client") -> dict[str, str]:
    """What a plan shows of it: each option of spark-submit, program and arguments, with files as
    the project names them."""
    found = manifest(spec, name, {ASSETS_FILE: ASSETS_FILE})
    told = found.options(master, deploy_mode)
    end = len(told) - len(found.arguments) - 1
    shown = {}
    for option, text in zip(told[:end:2], told[1:end:2], strict=True):
        name, _, value = text.partition("=") if option == "--conf" else ("", "", text)
        shown[f"{option} {name}".strip()] = value
    arguments = {"arguments": shlex.join(found.arguments)} if found.arguments else {}
    return {**shown, "program": found.program, **arguments}


def path_of(url: str) -> str:
    """The path of a file's address; empty for what lies elsewhere. Pure."""
    return url.removeprefix("file://") if url.startswith("file:///") else ""


def any_of(spec: Spec) -> bool:
    """Whether a job says what it reads or writes."""
    return bool(spec.get("reads") or spec.get("writes"))


def assets_of(spec: Spec, field: str, places: Mapping[str, str]) -> list[dict[str, Any]]:
    """What a job reads, or writes, as it is told that."""
    return [
        {"name": name, **asset, "url": places.get(str(asset["url"]), str(asset["url"]))}
        for name, asset in spec.get(field, {}).items()
    ]


def assets_module(spec: Spec, places: Mapping[str, str]) -> str:
    """The text of the module that a job may import."""
    told = {field: assets_of(spec, field, places) for field in VARIABLES.values()}
    return (
        '"""What this job reads and writes."""\n\n'
        f"INPUTS = {told['reads']!r}\nOUTPUTS = {told['writes']!r}\n"
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def driver_of(spec: Spec) -> str:
    """What the driver of a job takes of a worker, for people."""
    asked = {**_resources(spec), **spec.get("conf", {})}
    cores, memory = asked.get("spark.driver.cores", 1), asked.get("spark.driver.memory", "1g")
    return f"{cores} core{'' if str(cores) == '1' else 's'} and {memory}"


def _resources(spec: Spec) -> dict[str, str]:
    return dict(_properties(spec.get("resources", {})))


def _properties(asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the resources of a job are as properties. A standalone master counts cores, the others
    executors."""
    executors, cores = asked.get("executors"), asked.get("executor_cores")
    if executors:
        yield "spark.executor.instances", str(executors)
        yield "spark.cores.max", str(executors * (cores or 1))
        yield "spark.executor.cores", str(cores or 1)
    elif cores:
        yield "spark.executor.cores", str(cores)
    for name in ("executor_memory", "driver_cores", "driver_memory"):
        if name in asked:
            yield f"spark.{name.replace('_', '.')}", str(asked[name])
