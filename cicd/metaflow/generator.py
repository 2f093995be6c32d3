"""Runs the generator of templates in the flow's own interpreter, and explains its failures.

The plain one is ``metaflow``; where the flow's environment has SAP's plugin, that one is used.
Which person or machine runs it must not show in what it writes, so settings of Metaflow reach it
only from here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd import masking
from cicd.config.flows import Flow, Store
from cicd.config.tree import Place
from cicd.errors import CicdError, ConnectionFailed, Denied, InvalidStage, TimedOut

TIMEOUT = 300.0
SUPPORTED = ((2, 19, 33), (2, 20))
"""Versions of plain Metaflow, the second one not included; older ones want a cluster's login."""
PLUGIN = "sap-ai-core-metaflow"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_PROBE = f"""
import importlib.metadata as found, json, sys
versions = {{"python": "%d.%d" % sys.version_info[:2]}}
for name in ("metaflow", "kubernetes", "boto3", {PLUGIN!r}):
    try:
        versions[name] = found.version(name)
    except found.PackageNotFoundError:
        pass
print(json.dumps(versions))
"""
_INSTALL = "pip install 'aicore-cicd[metaflow]' into it, or name another one as python: of the flow"
_CREATE = ("--no-pylint", "{}", "create", "--only-json")
_PLAIN = ("--no-enable-error-msg-capture", "--no-auto-emit-argo-events")
_NOT_PASSED_ON = ("METAFLOW_", "AICORE_", "DESTINATION_", "VCAP_")
_OTHER_LOGINS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", *KEYS)
_NOISE = re.compile(r"Metaflow \S+ executing|Validating your flow|The graph looks good|Deploying")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"Validity checker found an issue .*?on line (\d+):")


@dataclass(frozen=True)
class Generator:
    """A program that writes templates: ``python`` runs it."""

    python: Path
    name: str
    version: str
    python_version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def find_generator(flow: Flow) -> Generator:
    """What makes the template of this flow. Raises CicdError where nothing can."""
    python = interpreter(flow)
    versions = _versions(python)
    if PLUGIN in versions:
        return Generator(python, PLUGIN, versions[PLUGIN], versions["python"])
    if "metaflow" not in versions:
        raise CicdError(f"{python} has no metaflow", hint=_INSTALL)
    version = versions["metaflow"]
    low, high = (".".join(map(str, part)) for part in SUPPORTED)
    if not SUPPORTED[0] <= _numbers(version) < SUPPORTED[1]:
        message = f"{python} has metaflow {version}; templates need at least {low}, below {high}"
        raise CicdError(message, hint=_INSTALL)
    for needed in ("kubernetes", "boto3"):
        if needed not in versions:
            message = f"{python} has metaflow, but not {needed}, which writing templates needs"
            raise CicdError(message, hint=_INSTALL)
    return Generator(python, "metaflow", version, versions["python"])


def interpreter(flow: Flow) -> Path:
    """The Python of a flow: what it names, else the project's ``.venv``, else this one."""
    named = flow.settings.python
    path = flow.root / (named or ".venv")
    for program in (path / "bin" / "python", path / "Scripts" / "python.exe"):
        if program.is_file():
            return program
    if named is None:
        return Path(sys.executable)
    if path.is_file():
        return path
    message = f'python is "{named}", which is neither a virtual environment nor an interpreter'
    raise InvalidStage([flow.place.problem(f"{message}: make or correct it", "bad-flow")])


def _versions(python: Path) -> dict[str, str]:
    try:
        result = subprocess.run(
            [str(python), "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CicdError(f"{python} does not start: {type(error).__name__}") from None
    return dict(json.loads(result.stdout))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def generate(
    flow: Flow, generator: Generator, store: Store, environ: Mapping[str, str]
) -> Mapping[str, Any]:
    """The template as the generator writes it. ``store`` gets the code of the flow.

    Raises InvalidStage for a wrong flow, Denied, ConnectionFailed, TimedOut, CicdError.
    """
    is_plugin = generator.name == PLUGIN
    command = "argo" if is_plugin else "argo-workflows"
    options = [word.format(command) for word in _CREATE] + ([] if is_plugin else [*_PLAIN])
    file = flow.root / flow.settings.file
    with tempfile.TemporaryDirectory(prefix="cicd-") as empty:
        try:
            result = subprocess.run(
                [str(generator.python), str(file), *options],
                cwd=flow.root,
                env=environment(flow, store, environ, Path(empty)),
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIMEOUT,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            message = f"{flow.settings.file}: the generator has not ended after {TIMEOUT:.0f} s"
            raise TimedOut(message) from None
    if result.returncode:
        raise failure(flow, store, result.stderr, environ)
    try:
        written = json.loads(result.stdout[result.stdout.find("{") :])
    except ValueError:
        message = f"{flow.settings.file}: {generator} did not write a template"
        raise CicdError(message, hint="a flow must not print anything when it is read") from None
    return dict(written)


def environment(
    flow: Flow, store: Store, environ: Mapping[str, str], empty: Path
) -> dict[str, str]:
    """What the generator sees: this environment without Metaflow's settings, and those we give."""
    env = {name: text for name, text in environ.items() if not name.startswith(_NOT_PASSED_ON)}
    login = {name: text.reveal() for name, text in (store.credentials or {}).items()}
    if all(login.get(key) for key in KEYS):
        env = {name: text for name, text in env.items() if name not in _OTHER_LOGINS} | login
    if store.endpoint:
        env["METAFLOW_S3_ENDPOINT_URL"] = store.endpoint
    if store.region:
        env["AWS_DEFAULT_REGION"] = store.region
    if flow.settings.image:
        env["METAFLOW_KUBERNETES_CONTAINER_IMAGE"] = flow.settings.image
    local = ",".join(filter(None, [env.get("NO_PROXY") or env.get("no_proxy"), "127.0.0.1"]))
    return env | {
        "METAFLOW_HOME": str(empty),
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DATASTORE_SYSROOT_S3": store.root,
        "METAFLOW_DATATOOLS_SYSROOT_S3": f"{store.root}/data",
        # its own patience is more than four minutes, and a person waits
        "METAFLOW_S3_RETRY_COUNT": "1",
        "METAFLOW_S3_TRANSIENT_RETRY_COUNT": "1",
        "METAFLOW_S3_CLIENT_RETRY_CONFIG": '{"max_attempts": 2, "mode": "standard"}',
        "METAFLOW_USER": "cicd",
        "USERNAME": "cicd",
        "NO_PROXY": local,
        "no_proxy": local,
        "PYTHONDONTWRITEBYTECODE": "1",
        # other stores than Amazon's know no newer checksums
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    }


def failure(flow: Flow, store: Store, stderr: str, environ: Mapping[str, str]) -> CicdError:
    """The error that a generator's last words mean; no credential is in it."""
    logins = [secret.reveal() for secret in (store.credentials or {}).values()]
    logins += [environ.get(name, "") for name in _LOGINS]
    words = masking.hide(_COLOUR.sub("", stderr), logins, shortest=1)
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    lines = [line for line in lines if not _NOISE.match(line)]
    file = flow.settings.file
    if match := _LINE.search(words):
        after = lines[next(i for i, line in enumerate(lines) if _LINE.search(line)) + 1 :]
        message = " ".join(after[:2]) or "the flow is not valid"
        return InvalidStage([Place(file, int(match[1]), 1).problem(message, "bad-flow")])
    last = lines[-1] if lines else "it says nothing"
    bucket = store.root.removeprefix("s3://").split("/")[0]
    for pattern, error, text, hint in _MEANINGS:
        if re.search(pattern, words):
            return error(f"{file}: {text.format(bucket=bucket)}", hint=hint)
    if "Traceback (most recent call last)" in words:
        message = f"the flow cannot be read by its interpreter: {last}"
        return InvalidStage([Place(file).problem(message, "bad-flow")])
    return CicdError(f"{file}: the generator failed: {' '.join(lines[-2:]) or last}"[:500])


_LOGINS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_LOGIN = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the data of the object store secret"
_MEANINGS: tuple[tuple[str, type[CicdError], str, str], ...] = (
    (
        r"NoSuchBucket|S3 object not found|specified bucket does not exist",
        CicdError,
        "the bucket {bucket} does not exist, so the code cannot be put there",
        "make it, or correct bucket of the object store secret or datastore of the flow",
    ),
    (
        r"NoCredentials|Unable to locate credentials|Partial credentials",
        Denied,
        "there is no login for the bucket {bucket}, where the code is put",
        _LOGIN,
    ),
    (
        r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|Forbidden|\b403\b|InvalidToken",
        Denied,
        "the login for the bucket {bucket} is refused",
        _LOGIN,
    ),
    (
        r"EndpointConnectionError|Could not connect to the endpoint|ConnectTimeout|"
        r"Connection was closed",
        ConnectionFailed,
        "the object store of the bucket {bucket} cannot be reached",
        "check the endpoint of the object store secret",
    ),
)
