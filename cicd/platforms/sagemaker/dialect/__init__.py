"""What stage files of SageMaker say: jobs, models, and what serves them.

No SDK is loaded here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from cicd.config.build import AnyDraft
from cicd.config.dialect import Around, Built, Carried, Export, Spellings
from cicd.config.references import Reference
from cicd.config.rules import check_items
from cicd.config.tree import Paths
from cicd.errors import Problem
from cicd.model import LiveResource
from cicd.platforms.sagemaker.dialect.bounds import check_bounds
from cicd.platforms.sagemaker.dialect.checks import check_all, lacks
from cicd.platforms.sagemaker.dialect.place import ENVIRONMENT, check_place
from cicd.platforms.sagemaker.dialect.rulebook import RULES
from cicd.platforms.sagemaker.dialect.schema import StageFile

__all__ = [
    "CARRIED",
    "ENVIRONMENT",
    "NAME",
    "REFERENCES",
    "RULES",
    "SPELLINGS",
    "File",
    "build",
    "check",
    "export",
    "lacks",
]

NAME = "sagemaker"
File = StageFile
_DATA = {
    "inputs": Paths("training_jobs.*.inputs.*", "processing_jobs.*.inputs.*"),
    "input": Paths("transform_jobs.*.input"),
    "data": Paths("models.*.data", "models.*.containers.*.data"),
}
_PACKAGE = {"package": Paths("models.*.package", "models.*.containers.*.package")}
REFERENCES = {
    "processing_jobs.KEY.outputs.NAME": Reference("processing_job", "outputs.NAME", _DATA),
    "transform_jobs.KEY.output": Reference("transform_job", "output", _DATA),
    "model_packages.KEY.arn": Reference("model_package", "arn", _PACKAGE),
    "training_jobs.KEY.model": Reference(
        "training_job",
        "model",
        _DATA,
    ),
}
SPELLINGS = Spellings(
    hints={
        "endpoint_configurations": "endpoint_configs",
        "training": "training_jobs",
    },
    texts=Paths(
        "training_jobs.*.environment.*",
        "processing_jobs.*.environment.*",
        "transform_jobs.*.environment.*",
        "models.*.environment.*",
        "models.*.containers.*.environment.*",
    ),
)
_CONTAINER = (("image",), ("package",), ("data",), ("environment",), ("containers",))
CARRIED = {
    "training_jobs": Carried(
        "training_job",
        (
            ("image",),
            ("algorithm",),
            ("source_dir",),
            ("entry_point",),
            ("hyperparameters",),
            ("metrics",),
            ("environment",),
        ),
        files=(("source_dir",),),
    ),
    "processing_jobs": Carried(
        "processing_job",
        (
            ("image",),
            ("command",),
            ("source_dir",),
            ("entry_point",),
            ("arguments",),
            ("environment",),
        ),
        files=(("source_dir",),),
    ),
    "transform_jobs": Carried(
        "transform_job",
        (("content_type",), ("split",), ("assemble",), ("accept",), ("strategy",)),
        needs={("model",): "models"},
        elsewhere=frozenset({("model",)}),
    ),
    "models": Carried("model", _CONTAINER, files=(("source_dir",), ("containers", "source_dir"))),
    "model_packages": Carried(
        "model_package",
        (("description",), ("content_types",), ("response_types",)),
        needs={("model",): "models"},
    ),
    "endpoint_configs": Carried(
        "endpoint_config",
        (("variants",),),
        needs={("variants", "model"): "models"},
        elsewhere=frozenset({("variants", "model")}),
    ),
    "endpoints": Carried(
        "endpoint",
        (("deployment",), ("autoscaling",)),
        stays=frozenset({"name"}),
        needs={("config",): "endpoint_configs"},
    ),
}


def check(draft: AnyDraft) -> Iterator[Problem]:
    """All that is wrong beside the shape."""
    yield from check_place(draft)
    yield from check_items(draft, CARRIED)
    yield from check_all(draft)
    yield from check_bounds(draft)


def build(draft: AnyDraft) -> Built:
    """Where it goes, and all that should be there."""
    from cicd.platforms.sagemaker.dialect.building import build  # not needed to check a stage

    return build(draft, CARRIED)


def export(live: Iterable[LiveResource], around: Around) -> Export:
    """The stage file of what an account has."""
    from cicd.config.plain_dialect import completed
    from cicd.config.plain_export import export_stage  # only an import needs these
    from cicd.platforms.sagemaker.dialect.drafting import drafted

    return export_stage(drafted(live, around), completed(sys.modules[__name__]))
