"""Where the repository is kept and which CI system runs: the pull request's comment, the drift
issue, the files that a step writes.

::

    context (environment, event) ─► github (REST) ─► sticky ─► one comment per pull request
                                                └──► drift ──► one issue per stage that drifted
    outputs (pure) ─► step summary · step outputs
"""
