"""The toy platform, for tests: jobs, releases and services in a folder.

This is all that a new platform has to be: one folder, and one line in ``cicd.platforms.registry``.
"""
