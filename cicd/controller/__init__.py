"""Keeps stages as Git has them, and remembers what was done.

``deciding`` is the state machine, ``windows`` and ``retries`` what it goes by: pure, and all that
decides. ``mirror`` is the repository, ``looking`` compares one commit of a stage with what is live,
``acting`` does something about it, ``keeping`` is one look from facts to what is done, ``running``
the loops. ``database`` opens the history by its ``migrations``; ``claims`` says who works on which
stage, ``recording`` writes what was done, ``history`` is what may be read of it, ``remembered``
reads it.
"""
