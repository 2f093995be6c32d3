"""Which way leads to the cluster of a stage, and who else may tell of its jobs."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from cicd.model import Stage
from cicd.platforms.spark import progress
from cicd.platforms.spark.calls import ONCE, Calls, Login
from cicd.platforms.spark.dialect.draft import (
    REST_PORT,
    SPARK_SUBMIT,
    UI_PORT,
    api_url,
    beside,
    deploy_mode_of,
    is_here,
    is_kubernetes,
    is_livy,
    is_yarn,
)
from cicd.platforms.spark.homes import submit_program
from cicd.platforms.spark.kerberos import Kerberos
from cicd.platforms.spark.kubeconfig import access_of
from cicd.platforms.spark.kubernetes import KubernetesSubmitter
from cicd.platforms.spark.livy import LivySubmitter
from cicd.platforms.spark.login import tokens_of
from cicd.platforms.spark.managers import Managers
from cicd.platforms.spark.master import Master
from cicd.platforms.spark.negotiate import Ticket
from cicd.platforms.spark.pods import Pods
from cicd.platforms.spark.process import ProcessSubmitter
from cicd.platforms.spark.recall import History
from cicd.platforms.spark.rest import RestSubmitter
from cicd.platforms.spark.sources import WithSources
from cicd.platforms.spark.submitter import Submitter
from cicd.platforms.spark.yarn import YarnSubmitter

NAMESPACE = "spark.kubernetes.namespace"
PATIENCE = (3.0, 10.0)
"""Seconds to connect to what nothing depends on, and to wait for its answer."""


@dataclass(frozen=True)
class Route:
    """That of one stage. ``own``: the folder that it has on this machine."""

    stage: Stage
    environ: Mapping[str, str]
    own: Path

    @cached_property
    def login(self) -> Login | None:
        """Tokens, where the stage file tells where they come from."""
        told = self._settings.get("login")
        return tokens_of(told) if told else None

    def submitter(self) -> Submitter:
        """What submits its jobs, with what else may tell of them. Sends nothing."""
        submitter, workers, history = self._submitter(), None, None
        if own := beside(self._master, UI_PORT):
            url = self._said("ui_url") or own
            workers = Master(Calls(self.login, [url], retries=ONCE, timeout=PATIENCE), url)
        if url := self._said("history_url"):
            logs = self._said("yarn_logs_url")
            calls = Calls(
                self.login, [url, logs], retries=ONCE, timeout=PATIENCE, ticket=self.ticket
            )
            history = History(calls, url, logs)
        return WithSources(submitter, workers, history) if workers or history else submitter

    def brief(self) -> Calls:
        """Calls that nobody waits for, to the pages of drivers. Raises Denied where nobody is known
        to log in as."""
        said: dict[str, Any] = {"retries": ONCE, "timeout": progress.TIMEOUT}
        if is_kubernetes(self._master):
            return self._to_kubernetes(**said)
        pages = [self._master, self._said("ui_url"), *self._settings.get("yarn_urls", ())]
        return Calls(self.login, pages, **said)

    @property
    def _settings(self) -> Mapping[str, Any]:
        return self.stage.settings

    @property
    def _master(self) -> str:
        return self.stage.target["master"]

    def _said(self, name: str) -> str:
        """A setting; an import has no file, and says no more than the master."""
        return str(self._settings.get(name) or "")

    @cached_property
    def _kerberos(self) -> Kerberos | None:
        told = self._settings.get("kerberos")
        keytab = (Path(self.stage.root) / told["keytab"]).absolute() if told else Path()
        return Kerberos(told["principal"], keytab) if told else None

    @cached_property
    def ticket(self) -> Ticket:
        """What logs in where that is asked for by Kerberos."""
        return Ticket(self.environ, self._kerberos)

    def _submitter(self) -> Submitter:
        if is_kubernetes(self._master):
            return self._kubernetes()
        if is_yarn(self._master):
            return self._yarn()
        if self._said("submit") == SPARK_SUBMIT or is_here(self._master):
            return self._process()
        if is_livy(self._master):
            calls, user = Calls(self.login, [self._master]), self._said("proxy_user")
            return LivySubmitter(calls, self._master, user)
        rest_url = self._said("rest_url") or beside(self._master, REST_PORT)
        ui_url = self._said("ui_url") or beside(self._master, UI_PORT)
        return RestSubmitter(Calls(self.login, [rest_url, ui_url]), self._master, rest_url, ui_url)

    def _process(self) -> ProcessSubmitter:
        root, master = Path(self.stage.root), self._master
        program = partial(submit_program, self._said("spark_home"), root, self.environ)
        folder, user = (self.own / "processes").absolute(), self._said("proxy_user")
        mode = deploy_mode_of(master)
        return ProcessSubmitter(program, master, folder, self.environ, self._kerberos, user, mode)

    def _yarn(self) -> YarnSubmitter:
        urls, logs = list(self._settings.get("yarn_urls") or ()), self._said("yarn_logs_url")
        calls = Calls(self.login, [*urls, logs], named="YARN", ticket=self.ticket)
        user = self._said("proxy_user") or getpass.getuser()
        return YarnSubmitter(self._process(), Managers(calls, urls), user, logs)

    def _kubernetes(self) -> KubernetesSubmitter:
        """Pods, once they are asked for: who logs in, files of this machine tell."""
        namespace = str(self._conf.get(NAMESPACE) or "default")

        def pods() -> Pods:
            return Pods(self._to_kubernetes(), api_url(self._master), namespace)

        return KubernetesSubmitter(self._process(), pods, self.login.token if self.login else str)

    @property
    def _conf(self) -> Mapping[str, str]:
        return self._settings.get("conf") or {}

    def _to_kubernetes(self, **options: Any) -> Calls:
        """Calls to its API server."""
        url = api_url(self._master)
        access = access_of(url, self._conf, self.login, self.environ)
        trust = access.trust(url)
        return Calls(access.login, [url], trust=trust, named="Kubernetes", **options)
