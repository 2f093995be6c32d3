"""The servers of an endpoint: brought up for a configuration, and ended once nobody asks them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cicd.emulator.runs.lifecycle import ENDED
from cicd.emulator.sagemaker.account import Account
from cicd.emulator.sagemaker.models import containers_of
from cicd.emulator.sagemaker.nouns import ENDPOINT, MODEL
from cicd.emulator.sagemaker.packages import from_package
from cicd.emulator.sagemaker.serving import serving
from cicd.emulator.sagemaker.storage import DataError
from cicd.emulator.sagemaker.streams import Stream
from cicd.emulator.sagemaker.things import Thing

LOGS = "/aws/sagemaker/Endpoints"
PATIENCE = 120
"""Seconds until a container must answer whose variant says nothing; AWS waits longer."""
DRAIN = 60.0
"""Seconds that requests may take which a server that is replaced has begun to answer."""
Server = dict[str, Any]
"""A variant of a fleet: ``variant``, its name, ``shadow``, and ``runs``, one for each container of
its model, in the order in which they are asked."""


def bring_up(account: Account, endpoint: Thing, config: Mapping[str, Any]) -> list[Server]:
    """Start every container of every variant. DataError for what cannot be."""
    name = str(endpoint[ENDPOINT.name])
    fleet: list[Server] = []
    try:
        for variant, is_shadow in variants_of(config):
            model = account.things.get(MODEL.kind, variant["ModelName"])
            if model is None:
                raise DataError(f'Could not find model "{variant["ModelName"]}".')
            server: Server = {"variant": variant["VariantName"], "shadow": is_shadow, "runs": []}
            fleet.append(server)
            for number, container in enumerate(containers_of(model)):
                place = f"{endpoint['_revision']}/{variant['VariantName']}/{number}"
                own_name = f"{ENDPOINT.kind}/{name}/{endpoint['CreationTime']}/{place}"
                run_id = account.runner.started(own_name)
                if not run_id:
                    ready = serving(
                        account,
                        from_package(account, container),
                        endpoint[ENDPOINT.arn],
                        folder_of(account, name) / place,
                    )
                    patience = variant.get("ContainerStartupHealthCheckTimeoutInSeconds", PATIENCE)
                    named = replace(ready, name=own_name)
                    run_id = account.runner.start_server(named, int(patience))
                server["runs"].append(run_id)
                stream = f"{variant['VariantName']}/i-{run_id}"
                account.streams.add(Stream(f"{LOGS}/{name}", stream, run_id, account.now()))
    except Exception:
        stop(account, fleet)
        raise
    return fleet


def wait_until_up(account: Account, fleet: Iterable[Server]) -> None:
    """Return when every server answers. DataError as soon as one never will."""
    variants = {run_id: server["variant"] for server in fleet for run_id in server["runs"]}

    def is_up() -> bool:
        found = {run_id: account.runner.look("deployment", run_id) for run_id in variants}
        for run_id, run in found.items():
            if run is None or run["status"] in ENDED:
                raise DataError(
                    f"The primary container for production variant {variants[run_id]} did not "
                    "pass the ping health check. Please check CloudWatch logs for this endpoint."
                )
        return all(run and run["status"] == "RUNNING" for run in found.values())

    account.workers.until(is_up)


def retire(account: Account, fleet: list[Server], folder: Path) -> None:
    """Stop servers once they have answered what they were asked, in the background; then what they
    have served from goes."""
    runs = runs_of(fleet)

    def work() -> None:
        account.workers.until(partial(account.traffic.is_idle, runs), DRAIN)
        stop(account, fleet)
        wait_until_gone(account, runs)
        shutil.rmtree(folder, ignore_errors=True)

    if runs:
        account.workers.start("retire", work)


def stop(account: Account, fleet: Iterable[Server]) -> None:
    """Ask servers to end."""
    for run_id in runs_of(fleet):
        account.runner.stop("deployment", run_id)


def wait_until_gone(account: Account, runs: Sequence[str]) -> None:
    """Return when no server of these is there any more; all that it wrote is in its log then."""

    def is_gone() -> bool:
        found = [account.runner.look("deployment", run_id) for run_id in runs]
        return all(run is None or run["status"] in ENDED for run in found)

    account.workers.until(is_gone)


def runs_of(fleet: Iterable[Server]) -> list[str]:
    """The runs of every container of a fleet."""
    return [run_id for server in fleet for run_id in server["runs"]]


def folder_of(account: Account, name: str) -> Path:
    """Where what an endpoint serves from is, by its revisions."""
    return account.folder / "endpoints" / name


def variants_of(config: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], bool]]:
    """Every variant, and whether it is a shadow that never answers."""
    production = [(variant, False) for variant in config["ProductionVariants"]]
    return production + [(one, True) for one in config.get("ShadowProductionVariants", [])]
