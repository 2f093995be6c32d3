"""GitOps for machine learning on SAP AI Core: plan on a pull request, apply on a push.

::

    stages/*.yaml ─► config ─► desired ┐
                                       ├─► plan (pure) ─► Plan ─► render (pure) ─► terminal · JSON
    platform API ─► platforms ─► live ─┘                   └───► apply ─► platforms ─► platform API
                                                           logs ────────► platforms
    cicd emulator ─► emulator (an SAP AI Core look-alike; meets the rest over HTTP only)

1. ``plan`` and ``render`` do no I/O.  2. Only ``platforms`` talks to a platform.
3. Only ``cli`` prints, reads the environment, exits.  4. ``emulator`` and the rest meet over HTTP.
5. Imports point downwards; ``tests/test_architecture.py`` proves it.
"""

__version__ = "0.1.0"
