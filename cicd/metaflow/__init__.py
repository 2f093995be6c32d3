"""Metaflow flow -> SAP AI Core training template.

::

    flow file ─► generator (subprocess, the flow's own interpreter) ─► Argo template
                     │                                                      │
                  bucket (a real one, or one in memory)           convert, script (pure)
                     │                                                      │
                  package (Dockerfile)                            build ─► YAML with its record

Metaflow is never imported here. What a template was made from is
``cicd.platforms.aicore.dialect.flows.record``.
"""

from cicd.metaflow.build import Built, build
from cicd.metaflow.compare import compare
from cicd.metaflow.package import Package, fetch_package
from cicd.platforms.aicore.dialect.flows.declared import Flow, Store, template_differences
from cicd.platforms.aicore.dialect.flows.loading import load_flows

__all__ = [
    "Built",
    "Flow",
    "Package",
    "Store",
    "build",
    "compare",
    "fetch_package",
    "load_flows",
    "template_differences",
]
