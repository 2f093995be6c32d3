"""Input artifacts of runs on this machine: found in the folder, or brought from a bucket first."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from cicd.emulator.state.objectstore import ObjectStore, mapped
from cicd.emulator.state.store import Row

Paths = dict[str, Path]


class Inputs:
    """``ready`` is for one thread, and never waits; what it has to bring comes in the background,
    and ``again`` is called with the id of the run when it is there, or cannot come."""

    def __init__(self, objects: ObjectStore, folder: Path, again: Callable[[str], None]) -> None:
        self._objects = objects
        self._folder = folder
        self._again = again
        self._coming: dict[tuple[str, int], Future[Paths]] = {}
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="inputs")

    def ready(self, run: Row) -> Paths | None:
        """Input name -> file or folder; None while they are on their way.

        Raises StorageError, and ValueError for a url that cannot be.
        """
        job = json.loads(run["job"])
        artifacts = job["stand_ins"]["artifacts"]
        here = {name: mapped(url, artifacts) for name, url in job["inputs"].items()}
        away = {name: url for name, url in job["inputs"].items() if here[name] is None}
        key = (run["id"], run["revision"])
        if key in self._coming:
            # Started again meanwhile, by a timer or a second request: whoever fetches will call.
            if not self._coming[key].done():
                return None
            # Taken out before the result is asked for: if that raises, the next start tries anew.
            brought = self._coming.pop(key).result()
        # From a bucket somewhere, which may take minutes; from the folder of this machine it is a
        # look.
        elif away and self._objects.choice == "secrets":
            future = self._pool.submit(self._bring, run["resource_group"], key, away)
            self._coming[key] = future
            future.add_done_callback(lambda _: self._again(run["id"]))
            return None
        else:
            brought = self._bring(run["resource_group"], key, away)
        return brought | {name: path for name, path in here.items() if path}

    def close(self) -> None:
        """Bring nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _bring(self, group: str, key: tuple[str, int], urls: dict[str, str]) -> Paths:
        folder = self._folder / key[0] / f"inputs-{key[1]}"
        return {name: self._objects.fetch(group, url, folder / name) for name, url in urls.items()}
