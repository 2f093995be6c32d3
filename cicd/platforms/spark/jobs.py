"""Jobs: written down, submitted once, found again, shown with what is remembered of them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from cicd.errors import LostAnswer, NotFound, PlatformError
from cicd.model import Key, LiveResource, Resource, Spec, State, Status
from cicd.platforms.base import fields_of, owner_of
from cicd.platforms.sealing import is_sealed, sealed, unsealed
from cicd.platforms.spark import manifest, metrics, statuses
from cicd.platforms.spark.runs import Run, Runs, name_of, now
from cicd.platforms.spark.staging import Staging
from cicd.platforms.spark.submitter import Seen, Submitter

OLDER = 10
"""Former runs of a job that planning looks at."""


class Jobs:
    """The jobs of one stage. ``stage``: what others know it by. ``root``: the project that programs
    are in. ``wishes``: what the stage file says of them by key, with its texts of the environment
    hidden. ``is_all_here``: drivers and executors write to the files of this machine."""

    def __init__(
        self,
        submitter: Submitter,
        runs: Runs,
        staging: Staging,
        stage: str,
        root: Path,
        wishes: Mapping[str, Resource],
        *,
        is_all_here: bool,
    ) -> None:
        self._submitter = submitter
        self._runs = runs
        self._staging = staging
        self._stage = stage
        self._root = root
        self._wishes = wishes
        self._is_all_here = is_all_here
        self._names: dict[str, str] = {}
        self._sweeping = threading.Lock()
        self._is_swept = False

    def read(self, wish: Resource) -> list[LiveResource]:
        """The last runs of a wish, newest last."""
        return self._shown_all(self._runs.all(wish.key.name)[-OLDER:])

    def browse(self) -> list[LiveResource]:
        """All that are remembered, newest last."""
        return self._shown_all(self._runs.all())

    def _shown_all(self, runs: list[Run]) -> list[LiveResource]:
        """Those that were submitted: what a crash has left before that says nothing."""
        return [self._as_it_is(run, found) for run in runs if (found := self._found(run))]

    def get(self, live: LiveResource) -> LiveResource:
        """It as it is now. Raises NotFound."""
        run = self._run(live)
        found = self._found(run)
        if found is None:
            raise NotFound(f"{live.id} was never submitted", status=404)
        return self._as_it_is(run, found)

    def find(self, wish: Resource, known: frozenset[str]) -> LiveResource | None:
        """The newest run of what a wish takes in."""
        inputs = str(wish.spec.get("inputs", ""))
        for run in reversed(self._runs.all(wish.key.name)):
            is_other = str(run.spec.get("inputs", "")) != inputs or {run.id, run.name} & known
            if not is_other and (found := self._found(run)):
                return self._shown(found, self._seen(found))
        return None

    def create(self, wish: Resource, token: str, marks: Mapping[str, str]) -> LiveResource:
        """Submit it, unless that has been done with this token."""
        key = wish.key.name
        self._sweep_once()
        known = self._runs.all(key)
        run = next((run for run in known if token and run.token == token), None)
        if run is None:
            for old in self._runs.prune(known):
                self._submitter.forget(old)
            run = self._begun(wish, token, marks)
        elif not run.submission:  # begun by somebody who did not live to tell how it went
            run = self._noted_submission(run, self._submitter.find(run))
        if not run.submission:
            run = self._noted_submission(run, self._submit(wish.spec, run))
        return self._shown(run, self._seen(run))

    def stop(self, live: LiveResource) -> None:
        """Ask it to stop; one that has ended or is not there has."""
        with suppress(NotFound):
            run = self._run(live)
            found = self._found(run)
            is_there = found and found.submission and not found.has_ended
            if found and is_there and (seen := self._submitter.stop(found)):
                self._noted(run, found, seen)

    def delete(self, live: LiveResource) -> None:
        """Nothing is remembered of it any more; what it has written stays."""
        with suppress(NotFound):
            run = self._run(live)
            self._staging.remove(run.name)
            if run.has_ended:
                self._submitter.forget(run)
            self._runs.forget(run)

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        """Remember these with it."""
        run = self._run(live)
        if {**run.marks, **tags} != run.marks:
            self._runs.note(run, marks={**run.marks, **tags})

    def run_of(self, live: LiveResource) -> Run:
        """What is remembered of it, with where its driver is. Raises NotFound."""
        run = self._run(live)
        found = self._found(run) or run
        if found.submission and not (found.worker or found.has_ended):
            seen = self._submitter.look(found)
            application = seen.application or found.application
            found = replace(found, worker=seen.worker, application=application)
        return found

    def shown(self, live: LiveResource) -> Run:
        """What it itself shows of its run. Asks nobody."""
        name = live.facts.get("application") or self._names.get(live.id, live.id)
        application = live.facts.get("application_id", "")
        return Run(name, live.key.name, {}, submission=live.id, application=application)

    def _run(self, live: LiveResource) -> Run:
        """What is remembered of it, also before its submission is. Raises NotFound."""
        name = live.facts.get("application") or self._names.get(live.id, live.id)
        return self._runs.of(name)

    def _as_it_is(self, run: Run, found: Run) -> LiveResource:
        """It as it is now. What is new is remembered by whoever sees it, as a master forgets; who
        may only read sees it all the same."""
        seen = self._seen(found)
        with suppress(PlatformError, OSError):
            found = self._noted(run, found, seen)
        return self._shown(found, seen)

    def _begun(self, wish: Resource, token: str, marks: Mapping[str, str]) -> Run:
        """Written down with all that is known before it is submitted."""
        key, spec = wish.key.name, wish.spec
        asked = self._wishes[key].spec if key in self._wishes else {}
        run = Run(
            name=name_of(self._stage, key, str(spec.get("inputs", "")), token),
            key=key,
            spec=sealed(spec, asked, self._stage),
            token=token,
            marks=dict(marks),
            created=now(),
            before=self._submitter.last(),
        )
        self._runs.begin(run)
        return run

    def _submit(self, spec: Spec, run: Run) -> str:
        """What the cluster calls it. A refusal leaves nothing behind."""
        try:
            return self._submitter.submit(
                manifest.manifest(spec, run.name, self._staged(spec, run))
            )
        except LostAnswer:
            raise
        except PlatformError:
            self._staging.remove(run.name)
            self._runs.forget(run)
            raise

    def _staged(self, spec: Spec, run: Run) -> dict[str, str]:
        """Where the driver finds all that it is to find in the staging folder, and where it writes
        what is to lie in the project."""
        places = self._staging.put(run.name, self._files(spec))
        for asset in spec.get("reads", {}).values():
            if (url := str(asset["url"])) in places:
                places[url] = unquote(places[url])  # Hadoop takes its paths as they are
        for asset in spec.get("writes", {}).values():
            places[str(asset["url"])] = self.url(asset["url"])
        if said := str(spec.get("metrics_file", "")):
            places[said] = metrics.place_of(spec, said, self.url)
        if manifest.any_of(spec):
            module = manifest.assets_module(spec, places).encode()
            places |= self._staging.put(run.name, {manifest.ASSETS_FILE: module})
        return places

    def url(self, url: Any) -> str:
        """The address of what a job writes: of a path of the project, where that is."""
        text = str(url)
        return text if "://" in text else unquote((self._root / text).absolute().as_uri())

    def _files(self, spec: Spec) -> dict[str, bytes]:
        """The files of the project that a job takes along."""
        found = {}
        for name in manifest.named_files(spec):
            try:
                found[name] = (self._root / name).read_bytes()
            except OSError as error:
                raise PlatformError(f"{name} cannot be read: {error.strerror}") from None
        return found

    def _found(self, run: Run) -> Run | None:
        """With what the cluster calls it, also where nobody lived to write that down. One of which
        nobody can tell yet whether it is there has no submission; None for one that is not."""
        if run.submission or run.has_ended:
            return run
        try:
            submission = self._submitter.find(run)
        except LostAnswer:
            return run
        if not submission:
            return None
        self._names[submission] = run.name
        return replace(run, submission=submission)

    def _noted_submission(self, run: Run, submission: str) -> Run:
        return self._runs.note(run, submission=submission) if submission else run

    def _seen(self, run: Run) -> Seen:
        """How it is now: as it is remembered to have ended, else as the cluster says."""
        if run.has_ended:
            return Seen(statuses.status_of(State(run.state), run.message), run.application)
        if not run.submission:
            return Seen(statuses.status_of(State.PENDING, "submitted, and not found yet"))
        seen = self._submitter.look(run)
        missing = self._missing(run.spec) if seen.status.state is State.SUCCEEDED else ""
        return replace(seen, status=replace(seen.status, message=missing)) if missing else seen

    def _missing(self, spec: Spec) -> str:
        """What a job has not written that it was to write, where that can be seen: it is said, and
        whoever reads that fails. Of a place that the environment says nothing is kept."""
        urls = {name: asset["url"] for name, asset in spec.get("writes", {}).items()}
        found = {name: self.url(url) for name, url in urls.items() if not is_sealed(url)}
        paths = {name: manifest.path_of(url) for name, url in found.items() if self._is_all_here}
        missing = [name for name, path in paths.items() if path and not Path(path).exists()]
        return "; ".join(
            f"it wrote no output {name}: nothing is at {found[name]}" for name in missing
        )

    def _noted(self, before: Run, found: Run, seen: Seen) -> Run:
        """With what has become known of it; once it has ended nothing of it is left in staging."""
        told = {
            "submission": found.submission,
            "application": seen.application,
            "worker": seen.worker,
        }
        known = {name: text for name, text in told.items() if text}
        run = before
        if any(getattr(before, name) != text for name, text in known.items()):
            run = self._runs.note(before, **known)
        if seen.status.has_ended and not run.has_ended:
            run = self._runs.end(run, seen.status.state, seen.status.message)
            self._staging.remove(run.name)
        return run

    def _sweep_once(self) -> None:
        """Before anything new is put there: what is staged and not yet handed over looks just as
        what a crash has left. Of others the lock of the stage keeps us apart."""
        with self._sweeping:
            if not self._is_swept:
                self._sweep()
                self._is_swept = True

    def _sweep(self) -> None:
        """Remove what runs have left that nobody saw the end of."""
        for name in self._staging.runs():
            run = self._runs.named(name)
            if run is None or (run.has_ended or self._has_ended(run)):
                self._staging.remove(name)

    def _has_ended(self, run: Run) -> bool:
        with suppress(PlatformError):
            found = self._found(run)
            return found is None or self._seen(found).status.has_ended
        return False

    def _shown(self, run: Run, seen: Seen) -> LiveResource:
        """As the stage file would say it."""
        asked = self._wishes[run.key].spec if run.key in self._wishes else {}
        spec = unsealed(run.spec, asked, self._stage)
        outputs = {"id": run.id}
        if seen.status.state is State.SUCCEEDED:
            written = spec.get("writes", {})
            outputs |= {f"outputs.{n}": self.url(asset["url"]) for n, asset in written.items()}
        facts = {
            "application_id": seen.application or run.application,
            "application": run.name,
            "completed_at": run.ended,
            "commit": run.marks.get("cicd.commit", ""),
            **seen.facts,
        }
        return LiveResource(
            Key("job", run.key),
            run.id,
            {**spec, **fields_of(run.marks)},
            seen.status,
            outputs,
            created_at=run.created,
            notes=_notes(seen.status),
            owner=owner_of(run.marks),
            facts={name: text for name, text in facts.items() if text},
        )


def _notes(status: Status) -> tuple[str, ...]:
    """What is to be said of it though nothing has failed."""
    is_quiet = status.state in {State.UNKNOWN, State.SUCCEEDED}
    return (status.message,) if is_quiet and status.message else ()
