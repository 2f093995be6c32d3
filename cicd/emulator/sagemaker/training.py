"""Training jobs: data in, a program on one or more instances, a model out."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cicd.emulator.sagemaker import jobs
from cicd.emulator.sagemaker.account import Account, Call, describe
from cicd.emulator.sagemaker.channels import channels_of
from cicd.emulator.sagemaker.containers import failure_of
from cicd.emulator.sagemaker.errors import invalid
from cicd.emulator.sagemaker.jobs import Stopped, move
from cicd.emulator.sagemaker.listing import listing
from cicd.emulator.sagemaker.metrics import JOBS, Figure
from cicd.emulator.sagemaker.nouns import TRAINING_JOB
from cicd.emulator.sagemaker.storage import DataError
from cicd.emulator.sagemaker.streams import Stream
from cicd.emulator.sagemaker.things import Thing
from cicd.emulator.sagemaker.toolkit import Cluster
from cicd.emulator.sagemaker.training_container import folder_of, training_container

LOGS = "/aws/sagemaker/TrainingJobs"
RUNTIME = 86400
"""Seconds that a job may take whose maker wants no other time."""
MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
}


def create(call: Call) -> Mapping[str, Any]:
    """Begin a job; all that follows happens in a thread of its own."""
    body, now = call.body, call.account.now()
    check(body)
    job: Thing = {
        TRAINING_JOB.status: "InProgress",
        "ModelArtifacts": {"S3ModelArtifacts": model_url(body)},
        "StoppingCondition": {"MaxRuntimeInSeconds": RUNTIME},
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        **body,
    }
    move(job, "Starting", MESSAGES["Starting"], now)
    answer = call.add(TRAINING_JOB, **job)
    jobs.start(call.account, TRAINING_JOB, str(body[TRAINING_JOB.name]), live)
    return answer


def check(body: Mapping[str, Any]) -> None:
    """Refuse what no job can be made of."""
    for field in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
        if field not in body:
            raise invalid(f"{field} must be given for a training job.")
    algorithm, resources = body["AlgorithmSpecification"], body["ResourceConfig"]
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        raise invalid("You must specify exactly one of TrainingImage and AlgorithmName.")
    if "InstanceGroups" not in resources:
        for field in ("InstanceType", "InstanceCount"):
            if field not in resources:
                raise invalid(f"ResourceConfig: {field} must be given.")
    names = [channel["ChannelName"] for channel in body.get("InputDataConfig", [])]
    if twice := {name for name in names if names.count(name) > 1}:
        raise invalid(f"Channel name {sorted(twice)[0]} is given more than once.")
    for definition in algorithm.get("MetricDefinitions", []):
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            name = definition["Name"]
            raise invalid(f"Metric {name}: its Regex is no regular expression: {error}") from None


def update(call: Call) -> Mapping[str, Any]:
    """Keep what may change of a job; its program learns nothing of it."""
    job = call.find(TRAINING_JOB)
    changes = {
        key: call.body[key] for key in ("ProfilerConfig", "RemoteDebugConfig") if key in call.body
    }
    resources = {**job["ResourceConfig"], **call.body.get("ResourceConfig", {})}
    name, now = str(job[TRAINING_JOB.name]), call.account.now()
    fields = {**changes, "ResourceConfig": resources, "LastModifiedTime": now}
    call.account.things.put(TRAINING_JOB.kind, name, **fields)
    return {TRAINING_JOB.arn: job[TRAINING_JOB.arn]}


def live(account: Account, job: Thing) -> None:
    """From where it stands to its end."""
    name = str(job[TRAINING_JOB.name])
    runs: list[str] = job.get("_runs") or begin(account, job)

    def is_begun() -> None:
        step(account, name, "Training", TrainingStartTime=account.now())

    jobs.wait_for_end(account, TRAINING_JOB, name, "execution", runs, is_begun)
    conclude(account, job, runs)
    shutil.rmtree(folder_of(account, name), ignore_errors=True)


def begin(account: Account, job: Thing) -> list[str]:
    """Bring the data and start the program on each instance; the ids of the runs."""
    name = str(job[TRAINING_JOB.name])
    step(account, name, "Downloading")
    resources = job["ResourceConfig"]
    groups = resources.get("InstanceGroups", [])
    count = int(resources.get("InstanceCount") or sum(one["InstanceCount"] for one in groups))
    hosts = [f"algo-{number}" for number in range(1, count + 1)]
    names = jobs.names_of(TRAINING_JOB, job, hosts)
    longest = int(job["StoppingCondition"].get("MaxRuntimeInSeconds", RUNTIME))
    runs = [*map(account.runner.started, names)]
    if not all(runs):
        channels = channels_of(job)
        containers = [
            training_container(account, job, Cluster(host, hosts, resources), channels, own_name)
            for host, own_name, run_id in zip(hosts, names, runs, strict=True)
            if not run_id
        ]
        if jobs.is_stopping(account, TRAINING_JOB, name):
            raise Stopped
        new = iter([account.runner.start_job(container, longest) for container in containers])
        runs = [run_id or next(new) for run_id in runs]
    for host, run_id in zip(hosts, runs, strict=True):
        stream = f"{name}/{host}-{int(job['CreationTime'])}"
        account.streams.add(Stream(LOGS, stream, run_id, account.now()))
    account.things.put(TRAINING_JOB.kind, name, _runs=runs)
    return runs


def conclude(account: Account, job: Thing, runs: list[str]) -> None:
    """Keep what the programs have left, and say how the job ended."""
    name = str(job[TRAINING_JOB.name])
    found = [account.runner.look("execution", run_id) for run_id in runs]
    ended = [run for run in found if run is not None]
    if len(ended) < len(runs):
        raise DataError("InternalServerError: the run of the job is gone")
    metrics = final_metrics(account, job, runs[0])
    account.things.put(TRAINING_JOB.kind, name, FinalMetricDataList=metrics)
    dead = next((run for run in ended if run["status"] == "DEAD"), None)
    is_late = dead is not None and "activeDeadlineSeconds" in dead["message"]
    is_complete = all(run["status"] == "COMPLETED" for run in ended)
    if is_complete or is_late or dead is None:
        step(account, name, "Uploading")
    upload(account, job, runs[0], with_model=dead is None or is_late)
    reason = "" if dead is None or is_late else why_failed(account, dead["id"])
    for run_id in runs:
        account.runner.forget_outputs(run_id)
    status = "Completed" if is_complete else "Failed" if reason else "Stopped"
    word = "MaxRuntimeExceeded" if is_late else ""
    jobs.end(account, TRAINING_JOB, name, status, reason, word)


def upload(account: Account, job: Thing, run_id: str, *, with_model: bool) -> None:
    """What the first instance has left, to where the job says."""
    kept = account.runner.outputs(run_id)
    base, is_plain = model_url(job), job["OutputDataConfig"].get("CompressionType") == "NONE"
    empty = folder_of(account, str(job[TRAINING_JOB.name])) / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    places = {"model": kept.get("model", empty)} if with_model else {}
    data = kept.get("output", empty) / "data"
    if data.is_dir() and any(data.iterdir()):
        places["output"] = data
    for word, place in places.items():
        url = f"{base.rstrip('/').rpartition('/')[0]}/{word}"
        if is_plain:
            account.storage.put(place, url)
        else:
            account.storage.pack(place, f"{url}.tar.gz")
    if "checkpoints" in kept:
        account.storage.put(kept["checkpoints"], job["CheckpointConfig"]["S3Uri"])


def why_failed(account: Account, run_id: str) -> str:
    """The reason of a failure: what the program has written down for it, else its last lines."""
    run = account.runner.look("execution", run_id)
    assert run is not None
    code, message = failure_of(run)
    if code is None and "exit code" not in message:
        return f"ClientError: {message}"
    said = account.runner.outputs(run_id).get("output", Path()) / "failure"
    if said.is_file():
        text = said.read_text(encoding="utf-8", errors="replace")
    else:
        text = "\n".join(account.runner.last_lines(run_id))
    exit_code = code if code is not None else 137
    tail = f", exit code: {exit_code}"
    return f"AlgorithmError: {text[: jobs.LONGEST_REASON - len(tail) - 20]}{tail}"


def final_metrics(account: Account, job: Thing, run_id: str) -> list[dict[str, Any]]:
    """The last value of each metric in what was written; all of them go to CloudWatch."""
    wanted = job["AlgorithmSpecification"].get("MetricDefinitions", [])
    found: dict[str, dict[str, Any]] = {}
    series: list[Figure] = []
    region, host = str(job[TRAINING_JOB.arn]).split(":")[3], f"{job[TRAINING_JOB.name]}/algo-1"
    if not wanted:
        return []
    patterns = [(one["Name"], re.compile(one["Regex"])) for one in wanted]
    for moment, text in lines(account, run_id):
        for name, pattern in patterns:
            for match in pattern.finditer(text):
                value = number(match[1] if pattern.groups else match[0])
                if value is not None:
                    at = round(moment / 1e9, 3)
                    found[name] = {"MetricName": name, "Value": value, "Timestamp": at}
                    series.append(Figure(region, JOBS, name, value, "None", at, {"Host": host}))
    account.metrics.add(series)
    return list(found.values())


def lines(account: Account, run_id: str) -> Iterator[tuple[int, str]]:
    """Time in nanoseconds and text of everything that a run has written."""
    sql = "SELECT time, text FROM logs WHERE run_id = ? ORDER BY time, rowid"
    for row in account.world.store.rows(sql, (run_id,)):
        yield row["time"], row["text"]


def number(text: str) -> float | None:
    """A finite number; None where the text is none."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if abs(value) < float("inf") else None


def step(account: Account, name: str, word: str, **fields: Any) -> None:
    """Go on to another secondary status, unless the job is to stop."""

    def change(job: Thing) -> None:
        job.update({key: value for key, value in fields.items() if key not in job})
        if job[TRAINING_JOB.status] == "InProgress":
            move(job, word, MESSAGES[word], account.now())

    account.things.change(TRAINING_JOB.kind, name, change)


def model_url(job: Mapping[str, Any]) -> str:
    """Where the model of a job is, or will be."""
    base = str(job["OutputDataConfig"]["S3OutputPath"]).rstrip("/")
    is_plain = job["OutputDataConfig"].get("CompressionType") == "NONE"
    name = "model/" if is_plain else "model.tar.gz"
    return f"{base}/{job[TRAINING_JOB.name]}/output/{name}"


def resume(account: Account) -> None:
    """Go on with what an emulator before this one has left."""
    jobs.resume(account, TRAINING_JOB, live)


OPERATIONS = {
    "CreateTrainingJob": create,
    "DescribeTrainingJob": describe(TRAINING_JOB),
    "ListTrainingJobs": listing(TRAINING_JOB),
    "UpdateTrainingJob": update,
    "StopTrainingJob": jobs.stopping(TRAINING_JOB),
    "DeleteTrainingJob": jobs.deleting(TRAINING_JOB),
}
