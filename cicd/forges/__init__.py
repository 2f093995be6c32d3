"""Where the repository is kept and which CI system runs: the pull request's comment, the drift
issue, the files that a step writes.

::

    detect ─► run ─► opening ─► github, gitlab, azure ─► base.Forge ─► sticky ─► one comment
                                  └► http, answers                  └─► drift ──► one issue
    outputs (pure) ─► step summary · step outputs
"""
