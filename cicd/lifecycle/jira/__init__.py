"""Approval by a ticket of Jira: Cloud (REST v3, documents) and Data Center (REST v2, markup)."""

from cicd.lifecycle.jira.login import connect as connect
