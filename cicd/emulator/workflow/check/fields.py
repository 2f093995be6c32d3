"""The fields of a WorkflowTemplate that the emulator honours, and those it refuses by name."""

from __future__ import annotations

from typing import Any

from cicd.emulator.workflow.check.shape import (
    ANY,
    CLUSTER,
    CONTAINER,
    ENVIRONMENT,
    FLAG,
    NO_EFFECT,
    NUMBER,
    SECRET_KEY,
    TEXT,
    WORD,
    Entire,
    Exact,
    Refused,
)

STORES = dict.fromkeys(
    ("artifactory", "azure", "gcs", "git", "hdfs", "oss"),
    Refused("inputs come from raw, http, s3, or from other steps"),
)
REMOTE: dict[str, Any] = {
    "raw": {"data": TEXT},
    "http": {
        "url": WORD,
        "headers": [{"name": WORD, "value": TEXT}],
        "auth": Refused("put what it needs into headers"),
    },
    "s3": {
        "bucket": WORD,
        "key": WORD,
        "endpoint": TEXT,
        "region": TEXT,
        "insecure": FLAG,
        "accessKeySecret": SECRET_KEY,
        "secretKeySecret": SECRET_KEY,
    },
    **STORES,
}
LOCATIONS = ("raw", "http", "s3", *STORES)
KEPT = dict.fromkeys(("archiveLogs", "artifactGC", "deleted", "globalName", "recurseMode"), ANY)
"""Of an artifact; a person's or the cluster's business, and no difference to what is in it."""
ARCHIVE = {"none": ANY, "tar": ANY}
_PARAMETER = {
    "name": WORD,
    "value": TEXT,
    "default": TEXT,
    "description": ANY,
    "enum": ANY,
    "globalName": ANY,
    "valueFrom": {
        "expression": WORD,
        "default": TEXT,
        "supplied": ANY,
        "configMapKeyRef": CLUSTER,
        "event": CLUSTER,
    },
}
TTLS = ("secondsAfterCompletion", "secondsAfterSuccess", "secondsAfterFailure")
PARAMETERS = [Entire(_PARAMETER)]
_ARGUMENT = {
    **KEPT,
    "name": WORD,
    "from": WORD,
    "fromExpression": WORD,
    "optional": FLAG,
    "subPath": WORD,
    "path": ANY,
    "mode": ANY,
    "archive": Refused("say it where the artifact is taken"),
    **REMOTE,
}
ARGUMENTS = Entire({"parameters": PARAMETERS, "artifacts": [Entire(_ARGUMENT)]})
VOLUMES = [
    {
        "name": WORD,
        "emptyDir": ANY,
        "secret": {
            "secretName": WORD,
            "items": [{"key": WORD, "path": WORD, "mode": ANY}],
            "optional": FLAG,
            "defaultMode": ANY,
        },
        "persistentVolumeClaim": {"claimName": WORD, "readOnly": FLAG},
        "configMap": CLUSTER,
    }
]
CLAIMS = [
    {
        "metadata": {"name": WORD, "labels": ANY, "annotations": ANY},
        "spec": ANY,
        "apiVersion": ANY,
        "kind": ANY,
        "status": ANY,
    }
]
SOURCES = {**ENVIRONMENT[0]["valueFrom"], "configMapKeyRef": CLUSTER}  # type: ignore[dict-item]
INNER: dict[str, Any] = {
    **CONTAINER,
    "env": [{**ENVIRONMENT[0], "valueFrom": SOURCES}],
    "envFrom": [{**CONTAINER["envFrom"][0], "configMapRef": CLUSTER}],
    "volumeMounts": [{"name": WORD, "mountPath": WORD, "subPath": WORD, "readOnly": FLAG}],
    "readinessProbe": ANY,
    "stdin": ANY,
    "tty": ANY,
}
CONTAINER_ITSELF = Entire(INNER)
SCRIPT = Entire({**INNER, "source": TEXT})
BESIDE = Entire({**INNER, "mirrorVolumeMounts": FLAG})
MEMBER = Entire({**INNER, "dependencies": [WORD]})
CONTAINER_SET = Entire(
    {
        "containers": [MEMBER],
        "volumeMounts": INNER["volumeMounts"],
        "retryStrategy": Entire({"retries": TEXT, "duration": TEXT}),
    }
)
HOOK = Entire(
    {"template": WORD, "arguments": ARGUMENTS, "expression": WORD, "templateRef": CLUSTER}
)
INLINE = Entire()
"""A template in the place where it is called; filled below."""
CALL: dict[str, Any] = {
    "name": WORD,
    "template": WORD,
    "arguments": ARGUMENTS,
    "when": WORD,
    "withItems": [ANY],
    "withParam": WORD,
    "withSequence": Entire({"count": TEXT, "start": TEXT, "end": TEXT, "format": WORD}),
    "continueOn": Entire({"error": FLAG, "failed": FLAG}),
    "onExit": WORD,
    "hooks": ANY,
    "templateRef": Refused("templates of other WorkflowTemplates"),
    "inline": INLINE,
}
TASK = Entire({**CALL, "dependencies": [WORD], "depends": WORD})
_FROM = dict.fromkeys(("from", "fromExpression"), Refused("only what a step passes has it"))
_INPUT = {
    **KEPT,
    "name": WORD,
    "path": WORD,
    "optional": FLAG,
    "archive": ARCHIVE,
    "mode": ANY,
    "subPath": WORD,
    **_FROM,
    **REMOTE,
}
_OUTPUT = {
    **KEPT,
    "name": WORD,
    "path": WORD,
    "from": WORD,
    "fromExpression": WORD,
    "globalName": WORD,
    "optional": FLAG,
    "archive": ARCHIVE,
    "mode": ANY,
    "subPath": Refused("write the whole path"),
    **dict.fromkeys(LOCATIONS, Refused("outputs go to the object store called default")),
    "s3": REMOTE["s3"],
}
_BOUND = {
    **KEPT,
    "name": WORD,
    "path": ANY,
    "archive": ANY,
    "optional": FLAG,
    "mode": ANY,
    "subPath": Refused("say it where the artifact is taken"),
    **_FROM,
    **REMOTE,
}
_TEMPLATE: dict[str, Any] = {
    **NO_EFFECT,
    "name": WORD,
    "inputs": Entire({"parameters": PARAMETERS, "artifacts": [Entire(_INPUT)]}),
    "outputs": {
        "exitCode": ANY,
        "parameters": [
            {
                "name": WORD,
                "value": TEXT,
                "default": TEXT,
                "globalName": WORD,
                "description": ANY,
                "valueFrom": {
                    "path": WORD,
                    "parameter": TEXT,
                    "expression": WORD,
                    "default": TEXT,
                    "supplied": ANY,
                    **dict.fromkeys(("configMapKeyRef", "jqFilter", "jsonPath", "event"), CLUSTER),
                },
            }
        ],
        "artifacts": [Entire(_OUTPUT)],
        "result": Refused("standard output is the result"),
    },
    "container": CONTAINER_ITSELF,
    "script": SCRIPT,
    "initContainers": [BESIDE],
    "sidecars": [BESIDE],
    "volumes": VOLUMES,
    "steps": [[Exact(CALL)]],
    "dag": Entire({"tasks": [TASK], "failFast": FLAG, "target": WORD}),
    "suspend": Entire({"duration": WORD}),
    "parallelism": NUMBER,
    "failFast": FLAG,
    "retryStrategy": Entire(
        {
            "limit": TEXT,
            "retryPolicy": TEXT,
            "expression": WORD,
            "backoff": Entire({"duration": WORD, "factor": TEXT, "maxDuration": WORD}),
            "affinity": ANY,
        }
    ),
    "activeDeadlineSeconds": TEXT,
    "timeout": WORD,
    "memoize": ANY,
    "metrics": ANY,
    "archiveLocation": ANY,
    "resource": CLUSTER,
    "plugin": CLUSTER,
    "data": CLUSTER,
    "http": CLUSTER,
    "executor": CLUSTER,
    "hostAliases": CLUSTER,
    "podSpecPatch": CLUSTER,
    "synchronization": CLUSTER,
    "containerSet": CONTAINER_SET,
    "daemon": Refused("use sidecars"),
}
TEMPLATE = Entire(_TEMPLATE)
INLINE.update(_TEMPLATE)
_SPEC: dict[str, Any] = {
    **NO_EFFECT,
    "entrypoint": WORD,
    "arguments": Entire({"parameters": PARAMETERS, "artifacts": [Entire(_BOUND)]}),
    "templates": [TEMPLATE],
    "templateDefaults": Entire({key: TEMPLATE[key] for key in TEMPLATE if key != "name"}),
    "retryStrategy": TEMPLATE["retryStrategy"],
    "volumes": VOLUMES,
    "volumeClaimTemplates": CLAIMS,
    "volumeClaimGC": ANY,
    "activeDeadlineSeconds": NUMBER,
    "parallelism": NUMBER,
    "onExit": WORD,
    "hooks": ANY,
    "suspend": Refused("nobody can resume it on SAP AI Core"),
    "archiveLogs": ANY,
    "artifactGC": ANY,
    "metrics": ANY,
    "ttlStrategy": Entire(dict.fromkeys(TTLS, NUMBER)),
    "podDisruptionBudget": ANY,
    "workflowMetadata": ANY,
    "dnsConfig": ANY,
    "dnsPolicy": ANY,
    "executor": CLUSTER,
    "hostAliases": CLUSTER,
    "podSpecPatch": CLUSTER,
    "shutdown": CLUSTER,
    "synchronization": CLUSTER,
    "workflowTemplateRef": Refused("templates of other WorkflowTemplates"),
    "artifactRepositoryRef": CLUSTER,
}
SPEC = Entire(_SPEC)
DOCUMENT = {
    "apiVersion": TEXT,
    "kind": TEXT,
    "metadata": ANY,
    "Meta": ANY,
    "spec": SPEC,
    "status": ANY,
}
NOTED = (
    "affinity",
    "hostNetwork",
    "memoize",
    "metrics",
    "nodeSelector",
    "priorityClassName",
    "securityContext",
    "tolerations",
)
"""What is accepted without having an effect, and is said in the log of every run."""
