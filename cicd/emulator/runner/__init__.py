"""Sandboxes and processes: what really runs.

``local.create`` makes the one object that the rest needs, an implementation of ``jobs.Runner``.
Nothing is imported here: who only reads bounds, or passes a request on, pays for no more.
"""
