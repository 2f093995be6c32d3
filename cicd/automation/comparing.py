"""What a comparator is given: test data, results and metrics of a test and of the one before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cicd.automation.runs import Runs
from cicd.automation.session import Session
from cicd.errors import CicdError, Failed
from cicd.lifecycle.comparator import Verdict, compare
from cicd.model import Lifecycle, LiveResource, State, Track
from cicd.render.metrics import last_values

NAME = "verdict"
NO_FILES = frozenset({"id", "url", "arn", "name"})
"""Outputs that are what a run is called, nothing that it has made."""
SCHEMA_VERSION = 1


def judge_test(
    session: Session, lifecycle: Lifecycle, live: LiveResource, is_stopped: Callable[[], bool]
) -> Verdict:
    """The verdict about a test that ended well; what it was is remembered for plans. Raises Failed
    for one that rejects, and where there is none."""
    assert lifecycle.comparator
    with TemporaryDirectory(prefix="cicd-compare-") as name:
        folder = Path(name)
        _fill(session, lifecycle, live, folder)
        verdict = compare(lifecycle.comparator, folder, session.root, session.environ, is_stopped)
    text = session.mask.hide(str(verdict))
    session.platform.remember(NAME, json.dumps({"run": live.id, "said": text}))
    if not verdict.is_good:
        raise Failed(f"the comparator {text}")
    return verdict


def remembered_verdict(session: Session, live: LiveResource | None) -> str:
    """What was said about that run; empty where nobody knows."""
    if live is None:
        return ""
    try:
        found = json.loads(session.platform.recall(NAME))
    except (ValueError, RecursionError):
        return ""
    is_its = isinstance(found, dict) and found.get("run") == live.id
    return str(found.get("said") or "") if is_its else ""


def _fill(session: Session, lifecycle: Lifecycle, live: LiveResource, folder: Path) -> None:
    """``input.json`` says what is there; ``new`` and ``old`` have ``metrics.json`` and the outputs
    of the run in ``result``; ``test_data`` is a copy, where it lies in the project."""
    former = _former(session, lifecycle, live)
    tracks = session.platform.track([live, *([former] if former else [])])
    told: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "stage": session.stage.identity,
        "test": str(lifecycle.test),
        "test_data": _copy_data(session, lifecycle.test_data, folder),
        "new": _told(session, live, tracks.get(live.id, Track()), folder / "new"),
        "old": None,
    }
    if former:
        told["old"] = _told(session, former, tracks.get(former.id, Track()), folder / "old")
    _write(folder / "input.json", told)


def _former(session: Session, lifecycle: Lifecycle, live: LiveResource) -> LiveResource | None:
    """The test that ended well before this one."""
    wish = next(one for one in session.stage.resources if one.key == lifecycle.test)
    history = Runs(session).history(wish)
    return next(
        (
            one
            for one in history
            if one.id != live.id and one.status.state is State.SUCCEEDED
            if one.created_at <= live.created_at
        ),
        None,
    )


def _told(session: Session, live: LiveResource, track: Track, folder: Path) -> dict[str, Any]:
    (folder / "result").mkdir(parents=True)
    metrics = dict(last_values(track) or live.metrics)
    _write(folder / "metrics.json", metrics)
    missing = {}
    for output in sorted(live.outputs):
        if output in NO_FILES:
            continue
        try:
            target = folder / "result" / output.rpartition(".")[2]
            target.mkdir(exist_ok=True)
            session.platform.fetch(live, output, target)
        except CicdError as error:
            missing[output] = str(error)
    return {
        "run": live.id,
        "metrics": f"{folder.name}/metrics.json",
        "result": f"{folder.name}/result",
        "not_fetched": missing,
    }


def _copy_data(session: Session, path: str, folder: Path) -> str | None:
    """Where the test data is: in the folder, or still at its URL."""
    if not path or "://" in path:
        return path or None
    source, target = session.root / path, folder / "test_data"
    try:
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.mkdir()
            shutil.copy(source, target)
    except OSError as error:
        raise Failed(f"{path} cannot be given to the comparator: {error.strerror}") from error
    return "test_data" if source.is_dir() else f"test_data/{source.name}"


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
