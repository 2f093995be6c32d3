"""A Runner that deploys the platform's own executables itself and hands all else on."""

from __future__ import annotations

from contextlib import AbstractContextManager

from cicd.emulator.foundation import deployed, executables
from cicd.emulator.foundation.catalogue import ModelList, NotOffered, today
from cicd.emulator.git.templates import PLATFORM_SCENARIOS
from cicd.emulator.jobs import DeploymentJob, ExecutionJob, Journal, Replicas, Runner, Upstream
from cicd.emulator.runner.lines import RunLog


class PlatformRunner:
    """Implements ``jobs.Runner``. What it deploys itself is nothing but a status: no process.

    So the other runner never hears of it, and says STOPPED when it is to stop it.
    """

    def __init__(self, runner: Runner, journal: Journal, models: ModelList) -> None:
        self._runner = runner
        self._journal = journal
        self._models = models

    def deploy(self, job: DeploymentJob) -> None:
        """RUNNING at once, or DEAD with the reason; then the revision before goes on serving."""
        scenario_id = executables.scenario_of(job.template)
        if scenario_id not in PLATFORM_SCENARIOS:
            self._runner.deploy(job)
            return
        parameters = deployed.bound(scenario_id, job.parameters)
        executable_id = job.template["metadata"]["name"]
        try:
            text = deployed.describe(
                self._models.read(), scenario_id, executable_id, parameters, today()
            )
        except NotOffered as error:
            RunLog(self._journal, job.id).note(str(error), pod=job.id, container="platform")
            self._journal.status(job.id, "DEAD", message=str(error))
            return
        RunLog(self._journal, job.id).note(text, pod=job.id, container="platform")
        self._journal.serving(job.id, job.revision)
        self._journal.status(job.id, "RUNNING")

    def start_execution(self, job: ExecutionJob) -> None:
        self._runner.start_execution(job)

    def stop_execution(self, execution_id: str) -> None:
        self._runner.stop_execution(execution_id)

    def stop_deployment(self, deployment_id: str) -> None:
        self._runner.stop_deployment(deployment_id)

    def upstream(self, deployment_id: str) -> AbstractContextManager[Upstream | None]:
        return self._runner.upstream(deployment_id)

    def replicas(self, deployment_id: str) -> Replicas | None:
        return self._runner.replicas(deployment_id)

    def close(self) -> None:
        self._runner.close()
