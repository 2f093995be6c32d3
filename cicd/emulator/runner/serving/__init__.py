"""Deployments: ServingTemplates read, servers started, replaced and watched."""

from cicd.emulator.runner.serving.template import check

__all__ = ["check"]
