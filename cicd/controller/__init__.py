"""Keeps stages as Git has them, and remembers what was done.

``deciding`` is the state machine, ``windows`` and ``retries`` what it goes by: pure, and all that
decides. ``history`` is what may be read of what was done.
"""
