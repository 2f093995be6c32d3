"""Processing jobs: a program between inputs and outputs of any places."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cicd.emulator.sagemaker import jobs
from cicd.emulator.sagemaker.account import Account, Call, describe
from cicd.emulator.sagemaker.channels import SHARDED, lay, named
from cicd.emulator.sagemaker.containers import Container, failure_of
from cicd.emulator.sagemaker.errors import invalid
from cicd.emulator.sagemaker.listing import listing
from cicd.emulator.sagemaker.nouns import PROCESSING_JOB
from cicd.emulator.sagemaker.storage import DataError
from cicd.emulator.sagemaker.streams import Stream
from cicd.emulator.sagemaker.things import Thing

LOGS = "/aws/sagemaker/ProcessingJobs"
RUNTIME = 86400
"""Seconds that a job may take whose maker wants no other time."""
CONFIGURATION = "/opt/ml/config"
OUTPUT = "/opt/ml/output"
LONGEST_MESSAGE = 1024


def create(call: Call) -> Mapping[str, Any]:
    """Begin a job; all that follows happens in a thread of its own."""
    body = call.body
    names = [one["InputName"] for one in body.get("ProcessingInputs", [])]
    if twice := {name for name in names if names.count(name) > 1}:
        raise invalid(f"Input name {sorted(twice)[0]} is given more than once.")
    for one in outputs_of(body):
        if "S3Output" not in one or "LocalPath" not in one["S3Output"]:
            text = "must have S3Output with a LocalPath: this emulator has no feature store."
            raise invalid(f"Output {one['OutputName']} {text}")
    answer = call.add(PROCESSING_JOB, **{PROCESSING_JOB.status: "InProgress", **body})
    jobs.start(call.account, PROCESSING_JOB, str(body[PROCESSING_JOB.name]), live)
    return answer


def outputs_of(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The outputs of a job."""
    found: list[Mapping[str, Any]] = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return found


def live(account: Account, job: Thing) -> None:
    """From where it stands to its end."""
    name = str(job[PROCESSING_JOB.name])
    runs: list[str] = job.get("_runs") or begin(account, job)

    def is_begun() -> None:
        account.things.put(PROCESSING_JOB.kind, name, ProcessingStartTime=account.now())

    jobs.wait_for_end(account, PROCESSING_JOB, name, "execution", runs, is_begun)
    conclude(account, job, runs)
    shutil.rmtree(folder_of(account, name), ignore_errors=True)


def begin(account: Account, job: Thing) -> list[str]:
    """Bring the inputs and start the program on each instance; the ids of the runs."""
    name = str(job[PROCESSING_JOB.name])
    folder = folder_of(account, name)
    cluster = job["ProcessingResources"]["ClusterConfig"]
    hosts = [f"algo-{number}" for number in range(1, int(cluster["InstanceCount"]) + 1)]
    names = jobs.names_of(PROCESSING_JOB, job, hosts)
    longest = int(job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", RUNTIME))
    runs = [*map(account.runner.started, names)]
    if not any(runs):
        # what another emulator was about to bring when it was killed
        shutil.rmtree(folder, ignore_errors=True)
    if not all(runs):
        containers = [
            prepared(account, job, host, hosts, own_name)
            for host, own_name, run_id in zip(hosts, names, runs, strict=True)
            if not run_id
        ]
        if jobs.is_stopping(account, PROCESSING_JOB, name):
            raise jobs.Stopped
        new = iter([account.runner.start_job(container, longest) for container in containers])
        runs = [run_id or next(new) for run_id in runs]
    for host, run_id in zip(hosts, runs, strict=True):
        stream = f"{name}/{host}-{int(job['CreationTime'])}"
        account.streams.add(Stream(LOGS, stream, run_id, account.now()))
    account.things.put(PROCESSING_JOB.kind, name, _runs=runs)
    return runs


def inputs_of(account: Account, job: Thing, host: str, hosts: list[str]) -> dict[str, Path]:
    """The inputs of one instance, brought here: container path -> folder. DataError for what is
    not there."""
    mounts = {}
    folder = folder_of(account, str(job[PROCESSING_JOB.name])) / "inputs"
    for number, one in enumerate(job.get("ProcessingInputs", [])):
        source = one.get("S3Input")
        if source is None or "LocalPath" not in source:
            text = "must have S3Input with a LocalPath here"
            raise DataError(f"ClientError: input {one['InputName']} {text}")
        distribution = str(source.get("S3DataDistributionType", "FullyReplicated"))
        is_shared = distribution != SHARDED
        place = folder / str(number) / ("all" if is_shared else host)
        mounts[source["LocalPath"]] = place
        if not place.exists():
            names = named(account.storage, str(source["S3DataType"]), str(source["S3Uri"]))
            lay(names, distribution, hosts.index(host), len(hosts), place)
    return mounts


def prepared(
    account: Account,
    job: Thing,
    host: str,
    hosts: list[str],
    own_name: str,
) -> Container:
    """The container of one instance."""
    folder = folder_of(account, str(job[PROCESSING_JOB.name])) / host
    shutil.rmtree(folder, ignore_errors=True)
    mounts = inputs_of(account, job, host, hosts)
    application = job["AppSpecification"]
    image, arguments = application["ImageUri"], application.get("ContainerArguments", [])
    entrypoint = application.get("ContainerEntrypoint")
    stand_in = account.runner.stand_in(image, needed=entrypoint is None)
    configuration = folder / "config"
    configuration.mkdir(parents=True)
    cluster = {"current_host": host, "hosts": hosts}
    contents = {"processingjobconfig": _shown(job), "resourceconfig": cluster}
    for name, content in contents.items():
        (configuration / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    files = {CONFIGURATION: configuration}
    outputs = {"output": OUTPUT}
    for number, one in enumerate(outputs_of(job)):
        empty = folder / "outputs" / str(number)
        empty.mkdir(parents=True)
        files[one["S3Output"]["LocalPath"]] = empty
        outputs[f"output-{number}"] = one["S3Output"]["LocalPath"]
    arn = str(job[PROCESSING_JOB.arn])
    env = {
        **account.aws_variables(arn),
        "PROCESSING_JOB_NAME": str(job[PROCESSING_JOB.name]),
        "PROCESSING_JOB_ARN": arn,
        **job.get("Environment", {}),
    }
    command = [*(entrypoint or stand_in.command), *arguments]
    return Container(image, command, env, files, mounts, outputs, name=own_name)


def _shown(job: Thing) -> dict[str, Any]:
    """What the program is told of its job."""
    return {key: value for key, value in job.items() if not key.startswith("_") and key != "Tags"}


def conclude(account: Account, job: Thing, runs: list[str]) -> None:
    """Keep what the programs have left, and say how the job ended."""
    name = str(job[PROCESSING_JOB.name])
    found = [account.runner.look("execution", run_id) for run_id in runs]
    ended = [run for run in found if run is not None]
    dead = next((run for run in ended if run["status"] == "DEAD"), None)
    for run_id in runs:
        kept = account.runner.outputs(run_id)
        said = kept.get("output", Path()) / "message"
        if said.is_file():
            text = said.read_text(encoding="utf-8", errors="replace")[:LONGEST_MESSAGE]
            account.things.put(PROCESSING_JOB.kind, name, ExitMessage=text)
        for number, one in enumerate(outputs_of(job)):
            place = kept.get(f"output-{number}")
            if place:
                account.storage.put(place, one["S3Output"]["S3Uri"])
        account.runner.forget_outputs(run_id)
    if dead is not None:
        jobs.end(account, PROCESSING_JOB, name, "Failed", why_failed(account, dead["id"]))
    elif len(ended) == len(runs) and all(run["status"] == "COMPLETED" for run in ended):
        jobs.end(account, PROCESSING_JOB, name, "Completed")
    else:
        jobs.end(account, PROCESSING_JOB, name, "Stopped")


def why_failed(account: Account, run_id: str) -> str:
    """The reason of a failure."""
    run = account.runner.look("execution", run_id)
    assert run is not None
    code, message = failure_of(run)
    if "activeDeadlineSeconds" in message:
        return "ClientError: the job ran longer than its MaxRuntimeInSeconds"
    if code is None and "exit code" not in message:
        return f"ClientError: {message}"
    text = "\n".join(account.runner.last_lines(run_id))
    return f"AlgorithmError: See job logs for more information: {text}"


def folder_of(account: Account, name: str) -> Path:
    """Where the data of a job is while it runs."""
    return account.folder / "processing" / name


def resume(account: Account) -> None:
    """Go on with what an emulator before this one has left."""
    jobs.resume(account, PROCESSING_JOB, live)


OPERATIONS = {
    "CreateProcessingJob": create,
    "DescribeProcessingJob": describe(PROCESSING_JOB),
    "ListProcessingJobs": listing(PROCESSING_JOB),
    "StopProcessingJob": jobs.stopping(PROCESSING_JOB),
    "DeleteProcessingJob": jobs.deleting(PROCESSING_JOB),
}
