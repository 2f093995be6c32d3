"""/emulator/faults and /emulator/requests: fault rules put into force, and what clients asked."""

from __future__ import annotations

from cicd.emulator.api.faults import effects
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import invalid, not_found
from cicd.emulator.faults import rules

MOST_RULES = 1000


def list_faults(call: ApiCall) -> Reply:
    """Every fault rule with its counters, oldest first."""
    return Reply({"rules": [state.show() for state in call.world.faults.states()]})


def add_faults(call: ApiCall) -> Reply:
    """Put one rule, or ``{"rules": [...]}``, into force; all of them or none."""
    sources = call.body.get("rules", [call.body])
    if not isinstance(sources, list) or len(sources) > MOST_RULES:
        raise invalid(f"rules must be a list of at most {MOST_RULES}")
    faults = call.world.faults
    states = faults.add([rules.read(source, faults.known) for source in sources])
    effects.prepare(call.world, states)
    return Reply({"rules": [state.show() for state in states]}, 201)


def clear_faults(call: ApiCall) -> Reply:
    """End all rules, or the one of the path."""
    rule_id = call.path.get("id")
    ended = call.world.faults.clear(rule_id)
    if rule_id and not ended:
        raise not_found("Fault rule", rule_id)
    return Reply({"rules": [state.show() for state in ended]})


def list_requests(call: ApiCall) -> Reply:
    """The last requests of clients, oldest first."""
    return Reply({"requests": call.world.faults.requests()})


def forget_requests(call: ApiCall) -> Reply:
    """Forget them and count from 1 again."""
    call.world.faults.forget_requests()
    return Reply({"requests": []})


OPERATIONS = (
    Operation("fault.list", "GET", "/emulator/faults", list_faults, "aicore"),
    Operation("fault.create", "POST", "/emulator/faults", add_faults, "aicore"),
    Operation("fault.delete", "DELETE", "/emulator/faults", clear_faults, "aicore"),
    Operation("fault.delete", "DELETE", "/emulator/faults/{id}", clear_faults, "aicore"),
    Operation("request.list", "GET", "/emulator/requests", list_requests, "aicore"),
    Operation("request.delete", "DELETE", "/emulator/requests", forget_requests, "aicore"),
)
