"""``sync`` of a stage file as validate judges it, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.model import Retry, Sync, Window
from tests.config.test_config_dialect import STAGE, found, loaded


def judged(root: Path, sync: str) -> list[str]:
    """What is said of it, without its place."""
    problems = found(root, f"{STAGE}sync: {sync}\n", TOKEN="t")
    assert all(one.startswith("stages/dev.yaml:17:") for one in problems), problems
    return [one.partition(": ")[2] for one in problems]


NIGHT = '"0 22 * * *"'


@pytest.mark.parametrize(
    ("sync", "told"),
    [
        ("{}", []),
        ("{auto: true, heal: true, every: 5m, suspend: incident 42}", []),
        (f"{{windows: [{{cron: {NIGHT}, length: 3h, zone: Europe/Berlin}}]}}", []),
        ("{retry: {limit: 0, first: 1m, factor: 1.5, most: 2h}}", []),
        ("{autp: true}", ['"autp"', '(did you mean "auto"?)']),
        ("{auto: yes please}", ["sync.auto must be true or false"]),
        ("{every: 5}", ["must be a time like 90s"]),
        ("{suspend: 5}", ["sync.suspend must be"]),
        ("{windows: [{length: 3h}]}", ['"cron" is missing in sync.windows[0]']),
        (f"{{windows: [{{cron: {NIGHT}}}]}}", ['"length" is missing in sync.windows[0]']),
        (f"{{windows: [{{kind: deni, cron: {NIGHT}, length: 3h}}]}}", ['(did you mean "deny"?)']),
        ('{windows: [{cron: "0 25 * * *", length: 3h}]}', ['"0 25 * * *" never comes']),
        ('{windows: [{cron: "0 0 30 2 *", length: 3h}]}', ['"0 0 30 2 *" never comes']),
        ('{windows: [{cron: "0 0 * * * *", length: 3h}]}', ["must have 5 fields"]),
        (
            f"{{windows: [{{cron: {NIGHT}, length: 3h, zone: Europe/Berlim}}]}}",
            ['no time zone is called "Europe/Berlim" (did you mean "Europe/Berlin"?)'],
        ),
        (
            f"{{windows: [{{cron: {NIGHT}, length: 3h, zone: ../../etc/passwd}}]}}",
            ['no time zone is called "../../etc/passwd"'],
        ),
        ("{retry: {limit: -1}}", ["sync.retry.limit must be at least 0"]),
    ],
)
def test_what_a_controller_may_do_is_judged_offline(
    tmp_path: Path, sync: str, told: list[str]
) -> None:
    problems = " ".join(judged(tmp_path, sync))
    assert all(text in problems for text in told) and bool(problems) == bool(told), problems


def test_all_problems_of_two_windows_come_at_once(tmp_path: Path) -> None:
    bad = "{cron: x, length: 3h, zone: Nowhere}"
    assert len(judged(tmp_path, f"{{windows: [{bad}, {bad}]}}")) == 4


def test_what_is_written_becomes_what_the_controller_goes_by(tmp_path: Path) -> None:
    text = (
        f"{{auto: true, every: 5m, suspend: incident, windows: [{{kind: deny, cron: {NIGHT}, "
        "length: 1h}], retry: {limit: 2, first: 1m}}"
    )
    assert loaded(tmp_path, f"{STAGE}sync: {text}\n").sync == Sync(
        auto=True,
        every=300,
        windows=(Window("deny", "0 22 * * *", 3600),),
        suspended=True,
        why="incident",
        retry=Retry(limit=2, first=60),
    )
    assert loaded(tmp_path, STAGE).sync is None
