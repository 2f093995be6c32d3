"""Deployments: ServingTemplates read, servers started, replaced and watched."""
