"""``cicd schema``: the JSON Schema of stage files, for editors."""

import click

from cicd.cli.console import print_json


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of stage files.

    Put `# yaml-language-server: $schema=../config.schema.json` on the first line of a stage file
    and the editor completes and checks it.
    """
    from cicd.config.schema import json_schema

    print_json(json_schema())
