"""Pure: desired and live in, Plan out. No I/O here."""

from cicd.plan.destroy import make_destroy_plan
from cicd.plan.guards import Permissions, check_guards
from cicd.plan.planner import make_plan
from cicd.plan.stop import make_stop_plan

__all__ = ["Permissions", "check_guards", "make_destroy_plan", "make_plan", "make_stop_plan"]
