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
from cicd.config.tree import Place
from cicd.errors import CicdError, ConnectionFailed, Denied, InvalidStage, TimedOut
from cicd.platforms.aicore.dialect.flows.declared import Flow, Store

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
_INTERPRETER = "name another interpreter as python: of the flow"
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
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip().splitlines() or [f"it ended with exit code {error.returncode}"]
        raise CicdError(f"{python} does not run Python: {words[-1]}", hint=_INTERPRETER) from None
    except (OSError, subprocess.SubprocessError) as error:
        raise CicdError(f"{python} does not start: {error}", hint=_INTERPRETER) from None
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
        said = result.stderr.strip() or result.stdout.strip()
        said = said or f"it ended with exit code {result.returncode} and said nothing"
        raise failure(flow, store, said, environ)
    written = template_in(result.stdout)
    if written is None:
        name = flow.settings.file
        if not result.stdout.strip():
            cure = f"end it with `if __name__ == '__main__': {flow.source.class_name}()`"
            message = f"nothing in it runs the flow: {cure}"
            raise InvalidStage([Place(name).problem(message, "bad-flow")])
        last = _hidden(result.stdout, store, environ).strip().splitlines()[-1][:_SHOWN]
        raise CicdError(f"{name}: {generator} did not write a template, its last line is: {last}")
    return written


def template_in(output: str) -> dict[str, Any] | None:
    """The last JSON object that begins a line: a flow may print something when it is read."""
    for match in reversed([*re.finditer(r"^\{", output, re.MULTILINE)]):
        try:
            found = json.loads(output[match.start() :])
        except ValueError:
            continue
        return dict(found)
    return None


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
    words = _hidden(_COLOUR.sub("", stderr), store, environ)
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
        if found := [*re.finditer(pattern, words)]:
            cause = _line_around(words, found[-1].start())
            return error(f"{file}: {text.format(bucket=bucket)}: {cause}", hint=hint)
    if "Traceback (most recent call last)" in words or "SyntaxError" in last:
        message = f"the flow cannot be read by its interpreter: {_exception(words) or last}"
        return InvalidStage([_place(flow, words).problem(message, "bad-flow")])
    return CicdError(f"{file}: the generator failed: {' '.join(lines[-2:]) or last}"[:500])


def _hidden(text: str, store: Store, environ: Mapping[str, str]) -> str:
    """The text without the credentials that its program was given."""
    logins = [secret.reveal() for secret in (store.credentials or {}).values()]
    logins += [environ.get(name, "") for name in _LOGINS]
    return masking.hide(text, logins, shortest=1)


def _line_around(words: str, at: int) -> str:
    """The line of the text in which something stands, without the name of its exception."""
    line = words[words.rfind("\n", 0, at) + 1 :].partition("\n")[0].strip()
    return re.sub(r"^[\w.]*(Error|Exception): ", "", line).rstrip(":")[:_SHOWN]


def _exception(words: str) -> str:
    """The exception with which a traceback ends, with all of its message."""
    found = [*re.finditer(r"^[A-Za-z_][\w.]*(: |$)", words, re.MULTILINE)]
    return " ".join(words[found[-1].start() :].split())[:_SHOWN] if found else ""


def _place(flow: Flow, words: str) -> Place:
    """The innermost line of the project's own code in a traceback, else the flow."""
    root = flow.root.resolve()
    for path, line in reversed(_FRAME.findall(words)):
        place = Path(path)
        if place.is_relative_to(root) and not {"site-packages", ".venv"} & {*place.parts}:
            return Place(place.relative_to(root).as_posix(), int(line), 1)
    return Place(flow.settings.file)


_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_SHOWN = 300
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
        r"AccessDenied|S3 access denied|InvalidAccessKeyId|SignatureDoesNotMatch|Forbidden|"
        r"\b403\b|InvalidToken",
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
    (
        r"Invalid endpoint",
        CicdError,
        "the endpoint for the bucket {bucket} is no url",
        "write it as https://host, in the object store secret or METAFLOW_S3_ENDPOINT_URL",
    ),
)
