"""Batch transform: a model is asked about every object of a place, and its answers are kept."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cicd.emulator.api.passing import Forwarder
from cicd.emulator.runs.lifecycle import ENDED
from cicd.emulator.sagemaker import jobs, joining
from cicd.emulator.sagemaker.account import Account, Call, describe
from cicd.emulator.sagemaker.asking import ask
from cicd.emulator.sagemaker.channels import named
from cicd.emulator.sagemaker.errors import invalid
from cicd.emulator.sagemaker.fleets import wait_until_gone
from cicd.emulator.sagemaker.listing import listing
from cicd.emulator.sagemaker.models import containers_of
from cicd.emulator.sagemaker.nouns import MODEL, TRANSFORM_JOB
from cicd.emulator.sagemaker.packages import from_package
from cicd.emulator.sagemaker.records import Batch, batches, joined
from cicd.emulator.sagemaker.serving import serving
from cicd.emulator.sagemaker.storage import DataError
from cicd.emulator.sagemaker.streams import Stream
from cicd.emulator.sagemaker.things import Thing
from cicd.emulator.state.buckets import Object

LOGS = "/aws/sagemaker/TransformJobs"
PATIENCE = 120
"""Seconds until the model must answer."""
LOOK = 0.2
"""Seconds between two looks whether a job is to end."""
PAYLOAD = 6
"""Megabytes of a request whose maker wants no other number."""
MOST = 100
"""Megabytes of all requests at once, where both numbers are given."""
KINDS = (joining.CSV, joining.JSON, joining.LINES)
"""Content types that records can be taken apart of."""


def create(call: Call) -> Mapping[str, Any]:
    """Begin a job; all that follows happens in a thread of its own."""
    body = call.body
    call.find(MODEL, body["ModelName"])
    try:
        processing = joining.read(body.get("DataProcessing", {}))
    except ValueError as error:
        raise invalid(f"DataProcessing: {error}") from None
    kind = body["TransformInput"].get("ContentType", "")
    if not processing.is_plain and kind not in KINDS:
        raise invalid(f"DataProcessing needs a ContentType of {', '.join(KINDS)}.")
    source = body["TransformInput"]["DataSource"]["S3DataSource"]
    if source["S3DataType"] == "AugmentedManifestFile":
        raise invalid("TransformInput: this emulator supports no AugmentedManifestFile.")
    if int(body.get("MaxPayloadInMB", 0)) * int(body.get("MaxConcurrentTransforms", 0)) > MOST:
        text = "MaxConcurrentTransforms * MaxPayloadInMB must not exceed"
        raise invalid(f"{text} {MOST} MB.")
    answer = call.add(TRANSFORM_JOB, **{TRANSFORM_JOB.status: "InProgress", **body})
    jobs.start(call.account, TRANSFORM_JOB, str(body[TRANSFORM_JOB.name]), live)
    return answer


def live(account: Account, job: Thing) -> None:
    """From nothing to its end: what an emulator before this one has begun begins again."""
    name = str(job[TRANSFORM_JOB.name])
    for run_id in job.get("_runs", []):
        account.runner.stop("deployment", run_id)
    runs = begin(account, job)
    try:
        wait_until_up(account, name, runs)
        account.things.put(TRANSFORM_JOB.kind, name, TransformStartTime=account.now())
        answers = asyncio.run(unless_stopped(account, job, runs))
        for url, file in answers.items():
            account.storage.keep(file, url)
    finally:
        for run_id in runs:
            account.runner.stop("deployment", run_id)
        wait_until_gone(account, runs)
    jobs.end(account, TRANSFORM_JOB, name, "Completed")
    shutil.rmtree(folder_of(account, name), ignore_errors=True)


def begin(account: Account, job: Thing) -> list[str]:
    """Start the containers of the model, one after the other asked; the ids of their runs."""
    name = str(job[TRANSFORM_JOB.name])
    model = account.things.get(MODEL.kind, job["ModelName"])
    if model is None:
        raise DataError(f'ClientError: Could not find model "{job["ModelName"]}".')
    runs = []
    for number, container in enumerate(containers_of(model)):
        ready = serving(
            account,
            from_package(account, container),
            job[TRANSFORM_JOB.arn],
            folder_of(account, name) / str(number),
            {**_limits(job), **job.get("Environment", {})},
        )
        runs.append(account.runner.start_server(ready, PATIENCE))
        host = f"{name}/i-{runs[-1]}" + (f"-{number + 1}" if number else "")
        account.streams.add(Stream(LOGS, host, runs[-1], account.now()))
    account.things.put(TRANSFORM_JOB.kind, name, _runs=runs)
    return runs


def _limits(job: Thing) -> dict[str, str]:
    """What the container is told of the requests that come."""
    return {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(job.get("MaxPayloadInMB", PAYLOAD)),
        "SAGEMAKER_BATCH_STRATEGY": _strategy(job).upper(),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(job.get("MaxConcurrentTransforms") or 1),
    }


def _strategy(job: Thing) -> str:
    return str(job.get("BatchStrategy", "MultiRecord"))


def wait_until_up(account: Account, name: str, runs: Sequence[str]) -> None:
    """Return when the model answers. DataError when it never will."""

    def is_up() -> bool:
        if jobs.is_stopping(account, TRANSFORM_JOB, name):
            raise jobs.Stopped
        found = [account.runner.look("deployment", run_id) for run_id in runs]
        if any(run is None or run["status"] in ENDED for run in found):
            raise DataError(
                "AlgorithmError: The model container did not pass the ping health check. Please "
                "check CloudWatch logs for this job."
            )
        return all(run and run["status"] == "RUNNING" for run in found)

    account.workers.until(is_up)


async def unless_stopped(account: Account, job: Thing, runs: Sequence[str]) -> dict[str, Path]:
    """The same as transformed(). Stopped as soon as somebody wants that: what was not finished is
    not kept."""
    name = str(job[TRANSFORM_JOB.name])
    work = asyncio.create_task(transformed(account, job, runs))
    while not (await asyncio.wait([work], timeout=LOOK))[0]:
        if await asyncio.to_thread(jobs.is_stopping, account, TRANSFORM_JOB, name):
            work.cancel()
            await asyncio.wait([work])
            raise jobs.Stopped
    if jobs.is_stopping(account, TRANSFORM_JOB, name):
        raise jobs.Stopped
    return work.result()


async def transformed(account: Account, job: Thing, runs: Sequence[str]) -> dict[str, Path]:
    """Output url -> file with the answer for each object. DataError for one that is an error."""
    name, told = str(job[TRANSFORM_JOB.name]), job["TransformInput"]
    source, target = told["DataSource"]["S3DataSource"], job["TransformOutput"]
    forwarder = Forwarder(account.world.runner)
    limit = int(job.get("MaxPayloadInMB", PAYLOAD)) * 2**20
    places = asyncio.Semaphore(int(job.get("MaxConcurrentTransforms") or 1))
    kind = told.get("ContentType", "application/octet-stream")
    processing = joining.read(job.get("DataProcessing", {}))
    headers = [("content-type", kind)]
    if accept := target.get("Accept"):
        headers.append(("accept", accept))

    async def one(batch: Batch) -> bytes:
        async with places:
            body = joining.sent(batch.content, kind, processing)
            for run_id in runs:
                answer = await ask(forwarder, run_id, headers, body)
                if answer.status >= 400:
                    text = answer.body.decode("utf-8", "replace")
                    raise DataError(
                        f"ClientError: {batch.name}: received {answer.status} from the model "
                        f"with message {text[:500]!r}. See job logs for more information"
                    )
                body = answer.body
            answered = target.get("Accept") or kind
            return joining.kept(batch.content, kind, body, answered, processing)

    found: dict[str, Path] = {}
    # not in memory, and not in the bucket before the last of them is there
    folder = folder_of(account, name) / "answers"
    folder.mkdir(parents=True, exist_ok=True)
    names = named(account.storage, str(source["S3DataType"]), str(source["S3Uri"]))
    for number, (below, item) in enumerate(names.items()):
        content = unpacked(item, str(told.get("CompressionType", "None")))
        pieces = batches(item.key, content, told.get("SplitType", "None"), _strategy(job), limit)
        answers = await asyncio.gather(*map(one, pieces))
        place = f"{below}.out"
        file = folder / str(number)
        file.write_bytes(joined(answers, target.get("AssembleWith", "None")))
        found[f"{target['S3OutputPath'].rstrip('/')}/{place}"] = file
    return found


def unpacked(item: Object, compression: str) -> bytes:
    """The content of an object. DataError for one that is not packed so."""
    content = item.path.read_bytes()
    try:
        return gzip.decompress(content) if compression == "Gzip" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"ClientError: {item.key} is not packed by Gzip: {error}") from None


def folder_of(account: Account, name: str) -> Path:
    """Where the data of a job is while it runs."""
    return account.folder / "transform" / name


def resume(account: Account) -> None:
    """Go on with what an emulator before this one has left."""
    jobs.resume(account, TRANSFORM_JOB, live)


OPERATIONS = {
    "CreateTransformJob": create,
    "DescribeTransformJob": describe(TRANSFORM_JOB),
    "ListTransformJobs": listing(TRANSFORM_JOB),
    "StopTransformJob": jobs.stopping(TRANSFORM_JOB),
}
