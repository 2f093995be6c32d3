"""What the three sorts of jobs have in common: how they end, are stopped and are deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from cicd.emulator.runs.lifecycle import ENDED as RUN_ENDED
from cicd.emulator.runs.lifecycle import Kind
from cicd.emulator.sagemaker.account import NOTHING, Account, Call, Handler
from cicd.emulator.sagemaker.errors import Refused, invalid
from cicd.emulator.sagemaker.nouns import Noun
from cicd.emulator.sagemaker.storage import DataError
from cicd.emulator.sagemaker.things import Thing
from cicd.emulator.sagemaker.workers import Closing

ENDED = frozenset({"Completed", "Failed", "Stopped"})
LONGEST_REASON = 1024
ENDINGS = {
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds",
}
Live = Callable[[Account, Thing], None]
"""Does what a job is for, from where it stands; in a thread of its own."""


class Stopped(Exception):
    """The job was asked to stop, and nothing of it runs any more."""


def start(account: Account, noun: Noun, name: str, live: Live) -> None:
    """Let a job live, or go on living after a restart."""
    account.workers.start(f"{noun.said} {name}", partial(_lived, account, noun, name, live))


def resume(account: Account, noun: Noun, live: Live) -> None:
    """Let every job live on that an emulator before this one has left."""
    for job in account.things.all([noun.kind]):
        if job[noun.status] not in ENDED:
            start(account, noun, str(job[noun.name]), live)


def _lived(account: Account, noun: Noun, name: str, live: Live) -> None:
    job = account.things.get(noun.kind, name)
    if job is None or job[noun.status] in ENDED:
        return
    try:
        live(account, job)
    except Stopped:
        end(account, noun, name, "Stopped")
    except Closing:
        raise
    except DataError as error:
        if not account.workers.is_closing:
            end(account, noun, name, "Failed", str(error))
    except Exception as error:
        if account.workers.is_closing:
            return
        end(account, noun, name, "Failed", f"InternalServerError: {type(error).__name__}: {error}")
        raise


def end(
    account: Account, noun: Noun, name: str, status: str, reason: str = "", word: str = ""
) -> None:
    """The one status that a job ends with, why it failed, and the word for its last secondary
    status where that is another."""
    now = account.now()

    def change(job: Thing) -> None:
        if "SecondaryStatus" in job:
            said = word or status
            move(job, said, reason or ENDINGS.get(said, said), now)
            job["SecondaryStatusTransitions"][-1]["EndTime"] = now
            seconds = max(1, round(now - job.get("TrainingStartTime", now)))
            job.update(TrainingTimeInSeconds=seconds, BillableTimeInSeconds=seconds)
        job.update({noun.status: status, f"{noun.word.removesuffix('Job')}EndTime": now})
        job["LastModifiedTime"] = now
        if reason:
            job["FailureReason"] = reason[:LONGEST_REASON]

    account.things.change(noun.kind, name, change)


def is_stopping(account: Account, noun: Noun, name: str) -> bool:
    """Whether somebody wants it to end."""
    job = account.things.get(noun.kind, name)
    return job is None or job[noun.status] == "Stopping"


def names_of(noun: Noun, job: Thing, hosts: Sequence[str]) -> list[str]:
    """What the runs of a job are called: a job of the same name later has others."""
    return [f"{noun.kind}/{job[noun.name]}/{job['CreationTime']}/{host}" for host in hosts]


def wait_for_end(
    account: Account,
    noun: Noun,
    name: str,
    kind: Kind,
    runs: Sequence[str],
    is_begun: Callable[[], None],
) -> None:
    """Wait until all runs have ended; ``is_begun`` is called once one of them runs. When one fails,
    or somebody wants the job to end, all are asked to."""
    has_begun = False

    def has_ended() -> bool:
        nonlocal has_begun
        found = [account.runner.look(kind, run_id) for run_id in runs]
        statuses = {run["status"] for run in found if run}
        if not has_begun and statuses - {"UNKNOWN", "PENDING"}:
            has_begun = True
            is_begun()
        if statuses <= RUN_ENDED:
            return True
        if "DEAD" in statuses or is_stopping(account, noun, name):
            for run_id in runs:
                account.runner.stop(kind, run_id)
        return False

    account.workers.until(has_ended)


def stopping(noun: Noun) -> Handler:
    """The operation that asks a job to end."""

    def stop(call: Call) -> Mapping[str, Any]:
        name, now = str(call.body[noun.name]), call.account.now()

        def change(job: Thing) -> None:
            if job[noun.status] == "Stopping":
                return
            if job[noun.status] != "InProgress":
                raise invalid(
                    f"The request was rejected because the {noun.said} is in status "
                    f"{job[noun.status]}."
                )
            job.update({noun.status: "Stopping", "LastModifiedTime": now})
            if "SecondaryStatus" in job:
                move(job, "Stopping", "Stopping the training job", now)

        if call.account.things.change(noun.kind, name, change) is None:
            raise call.missing(noun, name)
        return NOTHING

    return stop


def deleting(noun: Noun) -> Handler:
    """The operation that forgets a job that has ended; its name is free again then."""

    def delete(call: Call) -> Mapping[str, Any]:
        job = call.find(noun)
        if job[noun.status] not in ENDED:
            text = f"The {noun.said} {job[noun.name]} is in status {job[noun.status]}"
            raise Refused("ResourceInUse", f"{text} and can be deleted only when it has ended.")
        call.account.things.remove(noun.kind, str(job[noun.name]))
        return NOTHING

    return delete


def move(job: Thing, word: str, message: str, now: float) -> None:
    """Let a training job be in another of its secondary statuses."""
    passed = job.setdefault("SecondaryStatusTransitions", [])
    if passed and passed[-1]["Status"] == word:
        return
    if passed:
        passed[-1]["EndTime"] = now
    passed.append({"Status": word, "StartTime": now, "StatusMessage": message[:LONGEST_REASON]})
    job.update({"SecondaryStatus": word, "LastModifiedTime": now})
