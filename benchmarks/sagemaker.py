"""A stage of many models, configurations and endpoints in an account that has many more of others:
what is asked of SageMaker, and what of this machine. The service is that of the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.table import Row
from cicd.emulator.host.opening import open_world
from cicd.emulator.host.server import default_runner, http_server, listen
from cicd.emulator.sagemaker import SAGEMAKER
from cicd.emulator.sagemaker.nouns import (
    ENDPOINT,
    ENDPOINT_CONFIG,
    MODEL,
    TRAINING_JOB,
    Noun,
    arn_of,
)
from cicd.emulator.sagemaker.things import Things
from cicd.emulator.world import World

COUNT, OTHERS = 500, 5000
REGION, ROLE, PREFIX = "eu-central-1", "arn:aws:iam::123456789012:role/bench", "bench"
ROOT = Path(__file__).parents[1]
STAGE = f"""\
platform: sagemaker
sagemaker: {{region: {REGION}, role: "{ROLE}", prefix: {PREFIX}, bucket: bench}}
"""


@dataclass
class Account:
    """What an emulator in this process has, and the variables with which it is found."""

    world: World
    environ: Mapping[str, str]

    @property
    def things(self) -> Things:
        """Everything that there is."""
        return Things(self.world.store)

    def fill(self, count: int, first: int = 0) -> None:
        """So many models, configurations, endpoints and training jobs of others, with numbers from
        the ``first`` on."""
        for number in range(first, first + count):
            name = f"other-{number}"
            self.add(MODEL, name, PrimaryContainer={"Image": "img:1"}, ExecutionRoleArn=ROLE)
            self.add(ENDPOINT_CONFIG, name, ProductionVariants=[])
            self.serve(name, name)
            self.add(TRAINING_JOB, name, TrainingJobStatus="Completed")

    def serve(self, name: str, config: str) -> None:
        """An endpoint that is up, as far as anybody is told: it takes no program."""
        self.add(ENDPOINT, name, EndpointConfigName=config, EndpointStatus="InService")

    def add(self, noun: Noun, name: str, **fields: Any) -> None:
        """One thing as it is kept."""
        now = time.time()
        known = {noun.name: name, noun.arn: arn_of(REGION, noun.kind, name)}
        told = {**known, "CreationTime": now, "LastModifiedTime": now, **fields}
        assert self.things.add(noun.kind, name, told)

    def serve_all(self) -> None:
        """Each configuration of the stage is that of an endpoint."""
        for config in self.things.all([ENDPOINT_CONFIG.kind], f"{PREFIX}--"):
            name = str(config[ENDPOINT_CONFIG.name])
            endpoint = f"{PREFIX}-{name.split('--')[1]}"
            if not self.things.get(ENDPOINT.kind, endpoint):
                self.serve(endpoint, name)

    def asked(self) -> Counter[str]:
        """The operations since this was last called."""
        faults = self.world.faults
        found = Counter(str(one["operation"]).rpartition(".")[2] for one in faults.requests())
        faults.forget_requests()
        return found


@contextmanager
def account(folder: Path) -> Iterator[Account]:
    """An account in which is nothing yet."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with listen(folder, 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        world = open_world(folder, url, environ, default_runner(environ, folder))
        server = http_server(world)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Account(world, SAGEMAKER.variables(url, world.credentials))
        finally:
            server.should_exit = True
            thread.join()
            world.close()


def stage(count: int, *, serves: bool) -> str:
    """A stage of so many models and configurations, and as many endpoints if it ``serves``."""
    numbers = range(count)
    models = [f'  - {{key: m{n}, image: img:1, data: "s3://bench/{n}.tar.gz"}}' for n in numbers]
    place = "instance: {type: ml.m5.large}"
    configs = [
        f"  - {{key: c{n}, variants: [{{name: main, model: m{n}, {place}}}]}}" for n in numbers
    ]
    endpoints = [f"  - {{key: e{n}, name: {PREFIX}-c{n}, config: c{n}}}" for n in numbers]
    parts = ["models:", *models, "endpoint_configs:", *configs]
    return STAGE + "\n".join([*parts, *(["endpoints:", *endpoints] if serves else []), ""])


@dataclass(frozen=True)
class Measured:
    """One command: seconds in all and of CPU, MB, what it asked for."""

    seconds: float
    processor: float
    memory: float
    asked: Counter[str]

    def __str__(self) -> str:
        calls = f"{self.asked.total():,} requests"
        return f"{calls}, {self.processor:.1f} s CPU, {self.memory:.0f} MB, {self.seconds:.1f} s"


def measured(at: Account, root: Path, *command: str) -> Measured:
    """A command of cicd in a process of its own. RuntimeError where it fails."""
    at.asked()
    environ = {**os.environ, **at.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "cicd", *command],
        cwd=root,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said)
    return Measured(
        time.monotonic() - begun,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss / 1024,
        at.asked(),
    )


def rows(count: int = COUNT, others: int = OTHERS) -> list[Row]:
    """The stage made, and planned without changes, in an empty account and in a full one."""
    with tempfile.TemporaryDirectory() as folder:
        root, data = Path(folder, "project"), Path(folder, "data")
        (root / "stages").mkdir(parents=True)
        data.mkdir()
        file = root / "stages/dev.yaml"
        with account(data) as at:
            file.write_text(stage(count, serves=False), encoding="utf-8")
            made = measured(at, root, "apply", "dev", "--yes")
            at.serve_all()
            file.write_text(stage(count, serves=True), encoding="utf-8")
            alone = measured(at, root, "plan", "dev", "--detailed-exitcode")
            at.fill(others)
            among = measured(at, root, "plan", "dev", "--detailed-exitcode")
    what = f"{count} models and configurations"
    return [
        Row(f"SageMaker: apply of {what}", str(made)),
        Row(f"SageMaker: plan without changes of {what}, {count} endpoints", str(alone)),
        Row(
            f"the same among {others:,} of each of others",
            str(among),
            f"{alone.asked.total():,} requests",
        ),
    ]
