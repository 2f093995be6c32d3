"""Where the repository is kept and which CI system runs: the pull request's comment, the drift
issue, the files that a step writes.

::

    detect (environment, event) ─► run ─► github (REST) ─► sticky ─► one comment per change
                                                      └──► drift ──► one issue per stage
    outputs (pure) ─► step summary · step outputs
"""
