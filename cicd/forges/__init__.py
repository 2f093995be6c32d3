"""Where the repository is kept and which CI system runs: the pull request's comment, the drift
issue, the files that a step writes.

::

    detect ─► run ─► opening ─► github ─► base.Forge ─► sticky ─► one comment per change
                                  └► http                └──► drift ──► one issue per stage
    outputs (pure) ─► step summary · step outputs
"""
