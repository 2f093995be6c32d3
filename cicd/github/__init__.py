"""GitHub: the pull request's comment, the drift issue, the files that a workflow step writes.

::

    context (environment, event) ─► client (REST) ─► comment ─► one comment per pull request
                                                └──► issues ──► one issue per stage that drifted
    outputs (pure) ─► step summary · step outputs
"""
