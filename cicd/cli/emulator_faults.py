"""``cicd emulator faults``: let the emulator fail on purpose, to see what a client makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cicd.cli.console import print_json, print_result
from cicd.cli.emulator_folder import data_option, endpoint_of, translated
from cicd.cli.help import Group, examples
from cicd.cli.options import output_option
from cicd.errors import CicdError, Usage

PATH = "/emulator/faults"
EFFECTS = """\b
An answer in place of the operation:
  status=503           this HTTP status; with
    body=envelope        envelope | plain | html | truncated | not-json | empty
    message=TEXT code=C  what the error says
    retry-after=2        seconds, as a header
  quota                the 400 of a tenant that is full
\b
The connection:
  reset                broken before anything happens
  lost=reset           the operation takes effect, then: reset | 500 | 502 | 503 | 504
  slow=2 slow-after=2  seconds before and after the effect
  body=truncated       the real answer, spoilt; not-json, html, empty
\b
What reads show:
  stale=5              as of up to 5 seconds ago, lists too
  shuffle              lists in another order at every page
  log-gaps             lines missing at first and there later
  log-noise            lines twice and out of order
  log-late             no log before something runs
  log-shorter          half of what was logged is forgotten
  status-word=TEXT     another word for the status of everything
  skew=-300            all clocks off by so many seconds
\b
The login:
  tokens=expired       this token is over: 401 until a new one is fetched
  tokens=revoked       all tokens so far are
  lifetime=5           a new token is over after so many seconds
\b
What becomes of things:
  rollback             an updated deployment goes back to what it was
  reason               with rollback: why, as SageMaker tells it
  stuck                what is started stays PENDING
  dies=10              what is started is DEAD after 10 seconds
  vanish               somebody else deletes what the path names
"""
EXAMPLES = examples(
    "cicd emulator faults add --operation deployment.create --times 1 lost=reset",
    "cicd emulator faults add --method GET --path '/v2/lm/*' --probability 0.1 --seed 7 status=503",
    "cicd emulator faults add --operation token.create status=500",
)


@click.group(
    "faults",
    cls=Group,
    epilog=examples("cicd emulator faults add slow=2", "cicd emulator faults clear"),
)
def faults() -> None:
    """Let it fail on purpose.

    Rules say which requests fail, and how. They end with the emulator.
    """


@faults.command(epilog=f"{EFFECTS}\n{EXAMPLES}")
@data_option
@click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), help="Rules, YAML or JSON."
)
@click.option("--method", help="Only this method.")
@click.option("--path", help="Only paths like this glob, or of this template.")
@click.option("--operation", help="Only operations like this glob: deployment.create, *.list, …")
@click.option("--kind", help="Only operations of this kind: deployment, token, …")
@click.option("--resource-group", help="Only in this resource group.")
@click.option("--times", type=int, help="Fire this often, then never again.")
@click.option("--after", type=int, help="Let this many matching requests pass first.")
@click.option("--every", type=int, help="Fire at every so many matching requests.")
@click.option("--probability", type=float, help="Fire with this probability, 0 to 1 …")
@click.option("--seed", type=int, help="… always the same way for the same seed.")
@click.argument("effects", nargs=-1, metavar="EFFECT…")
def add(data: Path | None, file: Path | None, effects: tuple[str, ...], **rule: Any) -> None:
    """Add rules: one of words, or those of a file."""
    given = {key: value for key, value in rule.items() if value is not None}
    if file and (effects or given):
        raise Usage("rules come from --file or from the command line, not both")
    rules = read_rules(file) if file else [{**given, **words(effects)}]
    with translated() as control:
        endpoint = endpoint_of(control, data)
        added = control.ask(endpoint, "POST", PATH, {"rules": rules})
    for shown in added["rules"]:
        print_result(line(shown))


@faults.command(
    "list",
    epilog=examples("cicd emulator faults list", "cicd emulator faults list -o json"),
)
@data_option
@output_option("text", "json")
def list_(data: Path | None, output: str) -> None:
    """Show the rules in force, how often each matched a request, and how often it fired."""
    with translated() as control:
        rules = control.ask(endpoint_of(control, data), "GET", PATH)["rules"]
    if output == "json":
        print_json(rules)
    elif not rules:
        print_result("no fault rules")
    else:
        for shown in rules:
            print_result(line(shown))


@faults.command(
    epilog=examples("cicd emulator faults clear", "cicd emulator faults clear 1"),
)
@data_option
@click.argument("rule_id", required=False, metavar="[ID]")
def clear(data: Path | None, rule_id: str | None) -> None:
    """End one rule, or all."""
    with translated() as control:
        endpoint = endpoint_of(control, data)
        if rule_id and not rule_id.isalnum():
            raise Usage(f"no rule is called {rule_id!r}; see `cicd emulator faults list`")
        ended = control.ask(endpoint, "DELETE", f"{PATH}/{rule_id}" if rule_id else PATH)
    print_result(f"cleared: {', '.join(shown['id'] for shown in ended['rules']) or 'nothing'}")


def words(effects: tuple[str, ...]) -> dict[str, str]:
    """``("status=503", "reset")`` as {"status": "503", "reset": "true"}."""
    pairs = [effect.partition("=") for effect in effects]
    return {name: value if sign else "true" for name, sign, value in pairs}


def read_rules(file: Path) -> list[Any]:
    """The rules of a file: a list, or a mapping with ``rules``."""
    from cicd.emulator.workflow.yaml12 import load_yaml

    try:
        loaded = next(load_yaml(file.read_text(encoding="utf-8")), None)
    except OSError as error:
        raise CicdError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise Usage(f"{file} is neither YAML nor JSON: {first_line(error)}") from error
    rules = loaded.get("rules") if isinstance(loaded, Mapping) else loaded
    if not isinstance(rules, list):
        raise Usage(f"{file} must hold a list of rules")
    return rules


def first_line(error: Exception) -> str:
    """Where and what, in one line."""
    return " ".join(str(error).split())[:200]


def line(shown: Mapping[str, Any]) -> str:
    """One rule in one line."""
    counters = f"matched {shown['matched']}, fired {shown['fired']}"
    rest = (f"{key}={value}" for key, value in shown.items() if key not in OUTSIDE)
    return f"{shown['id']}  {' '.join(rest)}  ({counters})"


OUTSIDE = ("id", "matched", "fired")
