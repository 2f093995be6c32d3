"""``python -m cicd``: the same as the ``cicd`` command."""

from cicd.cli.root import run

if __name__ == "__main__":
    run()
