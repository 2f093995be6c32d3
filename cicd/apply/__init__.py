"""Makes a Plan true: order, parallelism, waiting, checking.

``executor`` decides who goes when, ``tasks`` runs many at once, ``lifecycle`` says what each action
does; ``send``, ``wait``, ``verify``, ``rollback`` and ``removal`` are its verbs, ``job`` one change
under way. ``stopping`` carries out plans that only stop. ``order``, ``resolve`` and ``outcome`` are
pure.
"""

from cicd.apply.executor import execute
from cicd.apply.order import has_checks
from cicd.apply.stopping import stop_all

__all__ = ["execute", "has_checks", "stop_all"]
