"""The one long bash line of each step: parameters taken out of it, and the download. Pure.

What a person binds must never be read by a shell, so parameters reach the flow as environment
variables: Metaflow's own ``init`` command reads them from there.
"""

from __future__ import annotations

import re

from cicd.errors import CicdError

_PLAIN_PARAMETERS = re.compile(
    r"python -m metaflow\.plugins\.argo\.set_parameters (\w+) .*? && \. `pwd`/\1 && ", re.DOTALL
)
_SAP_PARAMETER = re.compile(r" --[\w-]+=\{\{workflow\.parameters\.[\w-]+\}\}")
_DOWNLOAD = re.compile(
    r"if \[ -z \$METAFLOW_SKIP_INSTALL_DEPENDENCIES \].*?tar -?xz?f job\.tar( -C \.)? && ",
    re.DOTALL,
)
_BINDING = re.compile(r"workflow\.parameters")
_CODE = re.compile(r"code package from (s3://\S+) after")


def variable_of(parameter: str) -> str:
    """The variable from which Metaflow reads a parameter."""
    return f"METAFLOW_INIT_{parameter.upper().replace('-', '_')}"


def without_parameters(script: str, step: str) -> str:
    """The script with no parameter of the run in it. Raises CicdError where one would stay."""
    quiet = _SAP_PARAMETER.sub("", _PLAIN_PARAMETERS.sub("", script))
    if _BINDING.search(quiet):
        raise CicdError(
            f'step "{step}": a parameter of the run would be evaluated by a shell',
            hint="this generator is not one that cicd knows; use metaflow 2.19",
        )
    return quiet


def without_download(script: str, step: str) -> str:
    """The script that runs the code in the image. Raises CicdError where it cannot be told how."""
    kept = _DOWNLOAD.sub("", script)
    if "job.tar" in kept:
        raise CicdError(
            f'step "{step}": the download of the code cannot be taken out',
            hint="this generator is not one that cicd knows; use metaflow 2.19, or embedded: false",
        )
    return kept


def code_address(script: str) -> str:
    """Where the script gets the code from (``s3://…``); empty where it downloads none."""
    match = _CODE.search(script)
    return match[1] if match else ""
