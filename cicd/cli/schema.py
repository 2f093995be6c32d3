"""``cicd schema``: the JSON Schema of stage files, for editors."""

import json
from pathlib import Path

import click

from cicd.automation.files import write_file
from cicd.cli.console import print_result
from cicd.cli.help import examples


@click.command("schema", epilog=examples("cicd schema", "cicd schema --out config.schema.json"))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it here.")
def command(out: Path | None) -> None:
    """Print the JSON Schema of stage files.

    Put `# yaml-language-server: $schema=../config.schema.json` on the first line of a stage file
    and the editor completes and checks it.
    """
    from cicd.config.json_schema import schema_of
    from cicd.platforms.registry import DIALECTS

    text = json.dumps(schema_of(DIALECTS), indent=2, ensure_ascii=False)
    if out:
        write_file(out, text + "\n")
    else:
        print_result(text, is_whole=True)
