"""A stage file of Spark on its way to a Stage: where its jobs go."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from cicd.config import draft
from cicd.config.remotes import https_url
from cicd.masking import without_logins
from cicd.platforms.spark.dialect.schema import Job, StageFile

PREFIX = "SPARK_"
REST_PORT = 6066
UI_PORT = 8080
HERE = "local[*]"
KUBERNETES = "k8s://"
SPARK_SUBMIT = "spark-submit"
S3 = ("s3", "s3a", "s3n")
HDFS = ("hdfs", "webhdfs", "swebhdfs")
SCHEMES = frozenset({"file", *S3, *HDFS})
"""Beginnings of addresses of which it can be read from here what jobs have made."""


class Draft(draft.Draft[StageFile, None]):
    """What is in the file, and what that means."""

    @property
    def master(self) -> str:
        """The cluster, as far as file and environment tell."""
        if self.is_local:
            return HERE
        return str(self.file.spark.master or self.variable(f"{PREFIX}MASTER"))

    @property
    def submit(self) -> str:
        """How jobs are handed over."""
        is_fixed = is_here(self.master) or is_yarn(self.master) or is_kubernetes(self.master)
        return SPARK_SUBMIT if is_fixed else str(self.file.spark.submit)

    @property
    def rest_url(self) -> str:
        """The REST server of the master."""
        own = self.file.spark.rest_url or self.variable(f"{PREFIX}REST_URL")
        return str(own or beside(self.master, REST_PORT)).rstrip("/")

    @property
    def ui_url(self) -> str:
        """The web page of the master."""
        own = self.file.spark.ui_url or self.variable(f"{PREFIX}UI_URL")
        return str(own or beside(self.master, UI_PORT)).rstrip("/")

    @property
    def yarn_urls(self) -> list[str]:
        """The resource managers."""
        said = self.file.spark.yarn_url or []
        return [said] if isinstance(said, str) else list(said)

    @property
    def namespace(self) -> str:
        """What tells the jobs of this project from those of others on the same cluster."""
        remote = next(iter(self.git.remotes), "")
        return without_logins(https_url(remote)).partition("://")[2].removesuffix(".git")

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the driver surely sees the files of this machine."""
        if self.submit == SPARK_SUBMIT:
            return deploy_mode_of(self.master) == "client"
        return is_all_here(self.master)


def is_here(master: str) -> bool:
    """Whether a master is no cluster, but this machine."""
    return master.startswith("local")


def is_all_here(master: str) -> bool:
    """Whether driver and executors see the files of this machine: there is no other."""
    found = hosts(master)
    return is_here(master) or (bool(found) and all(map(is_loopback, found)))


def is_livy(master: str) -> bool:
    """Whether a master is a server of Livy before the cluster: no other is reached by HTTP."""
    return master.startswith(("http://", "https://"))


def is_yarn(master: str) -> bool:
    """Whether a master is the cluster that the files of Hadoop tell."""
    return master == "yarn"


def is_kubernetes(master: str) -> bool:
    """Whether a master is the API server of Kubernetes."""
    return master.startswith(KUBERNETES)


def api_url(master: str) -> str:
    """The address of the API server that a master is; Spark takes one without a scheme as https."""
    url = master.removeprefix(KUBERNETES).rstrip("/")
    return url if "://" in url else f"https://{url}"


def deploy_mode_of(master: str) -> str:
    """Where spark-submit has the driver: standalone masters take none of Python in their cluster,
    so that on these it is where spark-submit is."""
    return "cluster" if is_yarn(master) or is_kubernetes(master) else "client"


def hosts(master: str) -> list[str]:
    """Those of a standalone master, which may have others standing by."""
    if not master.startswith("spark://"):
        return []
    return [address.rpartition(":")[0] for address in master.removeprefix("spark://").split(",")]


def beside(master: str, port: int) -> str:
    """The address of another port of a master."""
    found = hosts(master)
    return f"http://{found[0]}:{port}" if found else ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_address(source: str) -> bool:
    """Whether a program or file is one that Spark itself fetches."""
    return "://" in source or bool(urlsplit(source).scheme)


def scheme_of(url: str) -> str:
    """The beginning of an address, in small letters; ``file`` for a path."""
    return urlsplit(url).scheme or "file"


def is_python(source: str) -> bool:
    """Whether a program is one of Python."""
    return source.endswith(".py")


def named_files(job: Job) -> Iterator[tuple[str, int | None, str]]:
    """Field, place in it and path of each file of the project that a job takes along."""
    if not is_address(job.source):
        yield "source", None, job.source
    for field in ("py_files", "jars", "files"):
        for index, name in enumerate(getattr(job, field)):
            if not is_address(name):
                yield field, index, name
    for index, asset in enumerate(job.inputs):
        if isinstance(asset.url, str) and not is_address(asset.url):
            yield "inputs", index, asset.url
