"""What the words of Kubernetes, registries, stores and programs mean, and what to do. Pure.

The words are those of Kubernetes' pod states and events, of KServe's and Argo's messages, of
container registries and S3, and what SAP's documentation says of SAP AI Core (troubleshooting,
resource plans, security rules of pods).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cicd.platforms.base import Finding


@dataclass(frozen=True)
class Cause:
    """What is likely where one of its words is found: ``pattern`` in what the platform says, in
    ``codes`` an exit code; ``is_logged``: also in the last lines of a log."""

    text: str
    cure: str
    pattern: str
    codes: frozenset[int] = frozenset()
    is_logged: bool = False


PULL = "the image of a container cannot be pulled"
CAUSES = (
    Cause(
        f"{PULL}: the registry does not let it in",
        "name a docker registry secret that is there under imagePullSecrets, and check its user, "
        "password and registry (Docker Hub: https://index.docker.io)",
        r"pull access denied|unauthorized: |no basic auth credentials|401 Unauthorized"
        r"|denied: requested access|authentication required.*manifest",
    ),
    Cause(
        f"{PULL}: the registry has no such image or tag",
        "check the name and the tag in the template, and that the image was pushed",
        r"manifest unknown|manifest for .* not found|repository does not exist"
        r"|name unknown|not found: manifest",
    ),
    Cause(
        f"{PULL}: the registry gives out no more for now",
        "pull with a login (imagePullSecrets), or from another registry",
        r"toomanyrequests|pull rate limit",
    ),
    Cause(
        f"{PULL}: its name is none",
        "write it as registry/name:tag, in lower case",
        r"InvalidImageName|couldn't parse image|invalid reference format",
    ),
    Cause(
        PULL,
        "check name and tag of the image, that it was pushed, and that imagePullSecrets names a "
        "docker registry secret that may read it",
        r"ImagePullBackOff|ErrImagePull|ImageInspectError|failed to pull image",
    ),
    Cause(
        "nothing stands in for its image on this machine",
        "name it under local.images in the stage file, or give the repository its Dockerfile",
        r"nothing stands in for image",
    ),
    Cause(
        "it started more processes or threads than a container may have",
        "start fewer at a time; what starts itself again and again never ends",
        r"more than \d+ (?:processes|threads) at once|fork: (?:retry: )?Resource temporarily",
        is_logged=True,
    ),
    Cause(
        "it needed more memory than its resource plan gives",
        "take a larger plan (label ai.sap.com/resourcePlan), or less at a time (batch size)",
        r"OOMKilled|OutOfMemory|out of memory|memory limit|MemoryError|Cannot allocate memory",
        frozenset({137}),
        is_logged=True,
    ),
    Cause(
        "there is no room for it: no node of its resource plan is free",
        "wait while nodes are added, stop what is not needed (cicd list deployments), reserve "
        "nodes, or take another plan",
        r"un-?schedulable|Insufficient (?:cpu|memory|nvidia|ephemeral)|nodes are available"
        r"|FailedScheduling|lack of resource|didn't match .*node",
    ),
    Cause(
        "a quota is used up",
        "stop or delete what is not needed, or ask for more (ticket for component CA-ML-AIC)",
        r"exceeded quota|quota (?:is )?exceeded|over quota|quota .*reached|maxCount",
    ),
    Cause(
        "a secret that its template names is not there",
        "make it in this resource group (secrets in the stage file), under just that name",
        r"CreateContainerConfigError|secret \S+ not found|couldn't find key .* in Secret"
        r"|secret \S+ (?:does not exist|has no)",
    ),
    Cause(
        "the object store refuses the login",
        "correct the object store secret (cicd apply --refresh-secrets): key, secret, region, "
        "bucket, and its rights to read and write",
        r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|(?<!pull )Access Denied"
        r"|403 Forbidden|ExpiredToken|AuthorizationFailure|InvalidToken",
        is_logged=True,
    ),
    Cause(
        "an input is not where its artifact says, or the bucket is another",
        "check the url of the artifact (ai://SECRET/PATH below the path prefix of that object "
        "store secret), and that the files are there",
        r"NoSuchKey|NoSuchBucket|(?:bucket|key|object|blob) (?:does not exist|not found)"
        r"|failed to (?:load|download) artifact|artifact .* not found|404 .*s3"
        r"|Failed to fetch model|no (?:model|files) found|storage[- ]initializer",
        is_logged=True,
    ),
    Cause(
        "there is no object store for what it makes",
        'declare an object store secret named "default" (secrets.object_store)',
        r"default artifact repository|artifact repository .*not (?:found|configured)"
        r"|default-object-store-secret|no artifact (?:storage|repository)",
    ),
    Cause(
        "it was ended as it took longer than it may",
        "raise activeDeadlineSeconds in the template, or let it do less",
        r"DeadlineExceeded|active ?deadline|exceeded its deadline|longer than the specified",
    ),
    Cause(
        "its program ends again and again",
        "read the end of its log: what it says before it ends is the cause",
        r"CrashLoopBackOff|Back-off restarting|too many restarts",
    ),
    Cause(
        "it does not answer on its port",
        "let the server listen on 0.0.0.0 and the containerPort of the template, and answer its "
        "readiness probe",
        r"[Rr]eadiness probe failed|[Ll]iveness probe failed|[Ss]tartup probe failed"
        r"|connect: connection refused|ProgressDeadlineExceeded|did not answer"
        r"|port \d+ was not ready",
    ),
    Cause(
        "its program ends, though a server goes on",
        "let its command run in the foreground until it is asked to end",
        r"not ready after \d+ starts: exit code 0\b",
    ),
    Cause(
        "its program may not do that: pods run as user 65534, not as root",
        "write to /tmp or a mounted folder, and make files of the image readable for everybody",
        r"runAsNonRoot|run as non-root|read-only file system|Permission denied|EACCES"
        r"|PodSecurity|forbidden: violates",
        frozenset({126}),
        is_logged=True,
    ),
    Cause(
        "the command of the container is not in the image",
        "check command and args of the template: the image's own ENTRYPOINT and CMD do not count",
        r"executable file not found|no such file or directory: unknown|command not found"
        r"|ContainerCannotRun|StartError|can't open file|cannot start \S+: No such",
        frozenset({127}),
        is_logged=True,
    ),
    Cause(
        "the image was built for another processor",
        "build it for linux/amd64: docker build --platform linux/amd64",
        r"exec format error|no matching manifest for",
        is_logged=True,
    ),
    Cause(
        "a Python package is missing in the image",
        "add it to the requirements of the image, build and push that, and name its new tag",
        r"ModuleNotFoundError|ImportError: cannot import|No module named",
        is_logged=True,
    ),
    Cause(
        "its program looks for a file that is not there",
        "check the path of the input artifact in the template, and that the artifact is bound",
        r"FileNotFoundError|^(?!.*cannot start ).*No such file or directory",
        is_logged=True,
    ),
    Cause(
        "it cannot reach another host",
        "check name, port and proxy: not every host can be reached from there",
        r"Could not resolve host|Name or service not known|Temporary failure in name resolution"
        r"|Max retries exceeded|CERTIFICATE_VERIFY_FAILED|Connection timed out",
        is_logged=True,
    ),
    Cause(
        "the disk is full",
        "write less, or ask for a volume (volumeClaimTemplates)",
        r"No space left on device|DiskPressure|ephemeral-storage|Evicted",
        is_logged=True,
    ),
    Cause(
        "its configuration does not fit its template",
        "cicd validate says which parameters and inputs the template declares",
        r"01510003|unresolved placeholder|missing (?:input )?(?:parameter|artifact)"
        r"|failed to resolve \{\{|parameter .* (?:not supplied|was not supplied)",
    ),
    Cause(
        "Git sync fails: the repository cannot be read",
        "check its URL, user and token (git in the stage file), then apply again",
        r"repository not found|is not permitted in project|authentication (?:failed|required)"
        r"|could not read Username",
    ),
    Cause(
        "Git sync fails: the folder or the revision is not there",
        "correct git.path and git.revision, and push the branch",
        r"app path does not exist|Unable to resolve '|couldn't find remote ref",
    ),
    Cause(
        "its program crashed in native code",
        "check that native libraries and drivers of the image fit each other",
        r"SIGSEGV|[Ss]egmentation fault|core dumped",
        frozenset({139, 134}),
        is_logged=True,
    ),
    Cause(
        "it was asked to end: stopped by somebody, or moved from its node",
        "apply again; what may be interrupted should keep checkpoints",
        r"SIGTERM|node .*(?:drain|shutdown|preempt)|NodeLost|Preempt",
        frozenset({143}),
    ),
)
MOST = 3
"""Causes that are told: the first in the table are the most certain."""


def likely(said: str, log: str, codes: Iterable[int]) -> Iterator[Finding]:
    """What is likely, the most certain first. ``said``: what the platform says; ``log``: the last
    lines of the program. An exit code means little where the platform says why."""
    found: list[Cause] = []
    flags = re.IGNORECASE | re.MULTILINE
    is_said = any(re.search(cause.pattern, said, flags) for cause in CAUSES)
    # 137, say, is a kill by whomever: for lack of memory, or by force after a request to end.
    known = set() if is_said else set(codes)
    for cause in CAUSES:
        words = re.compile(cause.pattern, flags)
        is_so = words.search(said) or (cause.is_logged and words.search(log))
        # The last of the causes about images fits whenever one of the narrower ones does, as
        # Kubernetes reports ImagePullBackOff along with the reason.
        is_told = any(cause.text.startswith(PULL) and one.text.startswith(PULL) for one in found)
        if (is_so or known & cause.codes) and not is_told:
            found.append(cause)
    for cause in found[:MOST]:
        yield Finding("likely", "error", cause.text, cause.cure)
