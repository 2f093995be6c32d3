"""Executions, deployments and schedules from being asked for to their end."""
