"""The page of a project that was applied: read from its stage, and nothing secret in it."""

from __future__ import annotations

import re
import time

from cicd.automation.project import Project as Opened
from cicd.page.reading import Stages
from tests.acceptance.conftest import Project
from tests.page.served import Served, served

SECRET = "canary-of-the-page-1234"


def shown(page: Served, path: str, wanted: str) -> str:
    """A page as soon as it says that: it is read in the background."""
    end = time.monotonic() + 60
    while wanted not in (text := page.ask(path).text):
        assert time.monotonic() < end, text
        time.sleep(0.05)
    return text


def test_what_was_applied_is_on_every_page(small: Project) -> None:
    assert small.cicd("apply", "dev", "--local", "--yes").returncode == 0
    small.edit("src/train.py", 'print("training on"', f'print("{SECRET}", "<b>training</b> on"')
    assert (
        small.cicd("apply", "dev", "--local", "--yes", "--rerun", "execution/train").returncode == 0
    )
    environ = {**small.environ, "MY_TOKEN": SECRET}
    stages = Stages(Opened(small.root, environ), {"dev": "dev"}, local=True)
    with served(stages) as page:
        page.come_in()
        overview = shown(page, "/", "letters")
        assert "RUNNING" in overview and "COMPLETED" in overview
        [run] = set(re.findall(r'href="(/runs/dev/e\w+)"', overview))
        stage = shown(page, "/stages/dev", "execution/train~1")
        assert "cicd apply dev --local" in stage
        log = shown(page, run, "training")
        assert "&lt;b&gt;training&lt;/b&gt;" in log and "***" in log
        history = shown(page, "/history", "applied")
        assert "execution/train" in history
        assert SECRET not in overview + stage + log + history
