"""What every Platform must do, as tests: subclass PlatformContract and give it a world.

The suite knows only the Platform protocol. It brings one whole world up the way ``apply`` does
(create in order, wait, resolve Refs) and then looks at it from all sides.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cicd.errors import NotFound, PlatformError, Usage
from cicd.model import (
    Action,
    Change,
    Hidden,
    Key,
    LiveResource,
    LogEntry,
    Plan,
    Ref,
    Resource,
    Secret,
    Stage,
)
from cicd.plan import make_plan, make_stop_plan
from cicd.plan.graph import texts_in
from cicd.platforms.base import JSON, Platform, Request

PATIENCE = 60.0


@dataclass(frozen=True)
class World:
    """What a platform brings along: ``desired`` in dependency order, with Refs between them.

    ``run`` writes ``lines`` (among others) and records ``metrics``; ``service`` answers ``request``
    with ``answer`` somewhere in its text, and 404 to ``no_route`` where it has routes. Some wish
    has a text that is Hidden, and the platform is behind ``Hiding``.
    """

    platform: Platform
    desired: tuple[Resource, ...]
    place: Mapping[str, str]
    """What ``survey`` finds all of it by."""
    run: Key
    lines: tuple[str, ...]
    metrics: Mapping[str, float] = field(default_factory=dict)
    service: Key | None = None
    request: Request | None = None
    answer: str = ""
    update: tuple[str, Resource] | None = None
    """The field of the service that says which content it runs, and another such content."""
    no_route: Request | None = None
    carries_tokens: bool = True
    """False for a platform whose API has nothing that could carry the token of a create."""


@dataclass
class Applied:
    """A world that is up: what was asked for without Refs, and what there is."""

    world: World
    resolved: dict[Key, Resource] = field(default_factory=dict)
    live: dict[Key, LiveResource] = field(default_factory=dict)

    def create(self, wish: Resource) -> LiveResource:
        """As apply does: Refs resolved, created, waited for."""
        platform = self.world.platform
        ready = replace(wish, spec=resolve(wish.spec, self.live))
        made = platform.create(ready)
        word = wish.options.wait_for or platform.kinds[wish.key.kind].wait_for
        self.resolved[wish.key] = ready
        self.live[wish.key] = wait_for(platform, made, word)
        return self.live[wish.key]

    def create_all(self) -> None:
        """The whole world; one that was up before has to be gone."""
        self.resolved, self.live = {}, {}
        for wish in self.world.desired:
            self.create(wish)

    def read(self) -> list[LiveResource]:
        return self.world.platform.read(self.wishes)

    @property
    def wishes(self) -> list[Resource]:
        return list(self.resolved.values())


def bring_up(world: World) -> Iterator[Applied]:
    """The body of the fixture ``applied``: a fresh world, up; the platform is closed at the end."""
    platform = world.platform
    made = Applied(replace(world, desired=tuple(platform.complete(world.desired))))
    try:
        kinds = {wish.key.kind for wish in world.desired}
        kinds -= {kind.name for kind in platform.kinds.values() if kind.contains}
        before = [live.key for live in platform.read(made.world.desired)]
        assert not [key for key in before if key.kind in kinds], "not a fresh world"
        made.create_all()
        yield made
    finally:
        platform.close()


def resolve(value: Any, live: Mapping[Key, LiveResource]) -> Any:
    """The same with every Ref answered by what there is."""
    if isinstance(value, Ref):
        found = live[value.key]
        return found.id if value.output == "id" else found.outputs[value.output]
    if isinstance(value, Mapping):
        return {name: resolve(item, live) for name, item in value.items()}
    return [resolve(item, live) for item in value] if isinstance(value, list | tuple) else value


def wait_for(platform: Platform, live: LiveResource, word: str | None) -> LiveResource:
    """The resource once its status is ``word``; fails the test if it ends otherwise."""
    deadline = time.monotonic() + PATIENCE
    while True:
        live = platform.get(live)
        if word is None or live.status.raw == word:
            return live
        assert not live.status.has_ended, f"{live.key} ended as {live.status}"
        assert time.monotonic() < deadline, f"{live.key} is still {live.status}"
        time.sleep(0.05)


def wait_gone(platform: Platform, live: LiveResource) -> None:
    deadline = time.monotonic() + PATIENCE
    with pytest.raises(NotFound):
        while time.monotonic() < deadline:
            platform.get(live)
            time.sleep(0.05)


def all_lines(platform: Platform, live: LiveResource) -> list[LogEntry]:
    """Every line, page by page, until nothing comes any more."""
    entries: list[LogEntry] = []
    cursor = ""
    while True:
        page = platform.logs(live, cursor)
        entries += page.entries
        cursor = page.cursor
        if page.is_last:
            return entries


def differing(wish: Resource, live: LiveResource, platform: Platform) -> list[str]:
    """The declared fields that read back otherwise, by the rules of the kind."""
    kind = platform.kinds[wish.key.kind]
    skipped = kind.computed | kind.write_only | ({"inputs"} if kind.is_run else set())
    found = []
    for name, value in wish.spec.items():
        back = live.spec.get(name)
        if name in kind.partial and isinstance(back, Mapping):
            back = {key: back.get(key) for key in value}
        if name not in skipped and back != value:
            found.append(name)
    return found


class PlatformContract:
    """Needs a module-scoped fixture ``applied`` (see bring_up), and may run in any order: what a
    test changes it changes back."""

    def test_kinds_are_known_by_their_names(self, applied: Applied) -> None:
        kinds = applied.world.platform.kinds
        assert {name: kind.name for name, kind in kinds.items()} == {name: name for name in kinds}
        assert {wish.key.kind for wish in applied.wishes} <= kinds.keys()

    def test_completing_adds_and_takes_nothing_away(self, applied: Applied) -> None:
        completed = applied.world.platform.complete(applied.wishes)
        assert [wish.key for wish in completed] == [wish.key for wish in applied.wishes]
        for before, after in zip(applied.wishes, completed, strict=True):
            assert dict(before.spec).items() <= dict(after.spec).items()

    def test_reading_for_nothing_finds_nothing(self, applied: Applied) -> None:
        assert applied.world.platform.read([]) == []

    def test_all_that_was_created_reads_back_as_asked(self, applied: Applied) -> None:
        found = {(live.key.kind, live.id): live for live in applied.read()}
        for wish in applied.wishes:
            live = found[wish.key.kind, applied.live[wish.key].id]
            assert differing(wish, live, applied.world.platform) == [], wish.key

    def test_reading_gives_each_thing_once(self, applied: Applied) -> None:
        ids = [(live.key.kind, live.id) for live in applied.read()]
        assert len(ids) == len(set(ids))

    def test_many_threads_read_the_same(self, applied: Applied) -> None:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: applied.read(), range(6)))
        seen = [sorted((live.key, live.id) for live in answer) for answer in answers]
        assert seen == [seen[0]] * 6

    def test_getting_gives_the_same_as_reading(self, applied: Applied) -> None:
        for live in applied.read():
            again = applied.world.platform.get(live)
            assert (again.key, again.id) == (live.key, live.id)
            assert (again.status.state, again.created_at) == (live.status.state, live.created_at)

    def test_outputs_answer_every_ref(self, applied: Applied) -> None:
        found = {(live.key.kind, live.id): live for live in applied.read()}
        for wish in applied.world.desired:
            for ref in refs_of(wish.spec):
                live = found[ref.key.kind, applied.live[ref.key].id]
                assert ref.output == "id" or live.outputs[ref.output]

    def test_what_a_lost_create_has_made_is_found(self, applied: Applied) -> None:
        for wish in applied.wishes:
            found = applied.world.platform.find(wish, frozenset())
            assert found and found.id == applied.live[wish.key].id, wish.key

    def test_runs_known_before_are_not_what_was_lost(self, applied: Applied) -> None:
        for key in running(applied):
            known = frozenset(live.id for live in applied.read() if live.key.kind == key.kind)
            assert applied.world.platform.find(applied.resolved[key], known) is None

    def test_every_line_of_the_log_comes_once_and_in_order(self, applied: Applied) -> None:
        platform, live = applied.world.platform, applied.live[applied.world.run]
        entries = all_lines(platform, live)
        texts = [entry.text for entry in entries]
        assert [text for text in texts if text in set(applied.world.lines)] == list(
            applied.world.lines
        )
        assert [entry.time for entry in entries] == sorted(entry.time for entry in entries)
        assert all_lines(platform, live) == entries

    def test_a_cursor_at_the_end_brings_nothing_twice(self, applied: Applied) -> None:
        platform, live = applied.world.platform, applied.live[applied.world.run]
        page = platform.logs(live)
        again = platform.logs(live, page.cursor)
        assert again.entries == () and again.is_last
        future = int((time.time() + 3600) * 10**9)
        assert platform.logs(live, since=future).entries == ()

    def test_tags_are_remembered_with_a_run(self, applied: Applied) -> None:
        platform, key = applied.world.platform, applied.world.run
        inputs = applied.resolved[key].spec["inputs"]
        files = {f"src/some/folder/ümlaut-{number}.py": f"{number:010}" for number in range(50)}
        text = json.dumps(files)
        tags = {"cicd.inputs": inputs, "cicd.stage": "dev", "cicd.files": text}
        platform.tag(applied.live[key], tags)
        live = next(item for item in applied.read() if item.id == applied.live[key].id)
        assert live.spec["inputs"] == inputs
        assert live.spec["files"] == files

    def test_metrics_have_their_last_values(self, applied: Applied) -> None:
        live = applied.live[applied.world.run]
        assert applied.world.platform.metrics(live) == applied.world.metrics
        read = next(item for item in applied.read() if item.id == live.id)
        assert read.metrics == applied.world.metrics

    def test_a_service_answers(self, applied: Applied) -> None:
        world, live = applied.world, applied.live[the_service(applied)]
        assert world.request
        answer = world.platform.invoke(live, world.request)
        assert answer.status == 200 and world.answer in answer.text
        if world.no_route:
            assert world.platform.invoke(live, world.no_route).status == 404

    def test_a_body_is_sent_as_it_is_or_as_json(self, applied: Applied) -> None:
        world, live = applied.world, applied.live[the_service(applied)]
        assert world.request
        text = json.dumps(world.request.body)
        for body in (text, text.encode()):
            request = replace(world.request, body=body, content_type=JSON)
            answer = world.platform.invoke(live, request)
            assert answer.status == 200 and world.answer in answer.text

    def test_what_a_run_has_made_is_fetched_or_it_is_said_why_not(
        self, applied: Applied, tmp_path: Path
    ) -> None:
        platform, run = applied.world.platform, applied.live[applied.world.run]
        with pytest.raises(NotFound):
            platform.fetch(run, "nothing", tmp_path)
        outputs = platform.get(run).outputs.keys() - {"id"}
        assert outputs
        for output in outputs:
            try:
                files = platform.fetch(platform.get(run), output, tmp_path)
            except PlatformError as error:
                assert str(error) and not [*tmp_path.iterdir()]
            else:
                assert files and all(file.is_relative_to(tmp_path) for file in files)
                assert all(file.is_file() for file in files)

    def test_a_survey_finds_all_that_lives_in_a_place_once(self, applied: Applied) -> None:
        platform = applied.world.platform
        found = [(live.key.kind, live.id) for live in platform.survey(applied.world.place)]
        assert len(found) == len(set(found))
        kinds = platform.kinds
        assert {
            (key.kind, live.id) for key, live in applied.live.items() if kinds[key.kind].prunable
        } <= set(found)

    def test_a_survey_of_a_place_that_is_not_there_says_so(self, applied: Applied) -> None:
        place = {name: f"{text}-not-there" for name, text in applied.world.place.items()}
        with pytest.raises(NotFound):
            applied.world.platform.survey(place)

    def test_one_token_makes_one_thing(self, applied: Applied) -> None:
        platform, kinds = applied.world.platform, applied.world.platform.kinds
        if not applied.world.carries_tokens:
            return
        for key, wish in applied.resolved.items():
            if kinds[key.kind].named and not kinds[key.kind].is_run:
                continue  # its name is its token: a second create is refused
            before = {live.id for live in platform.browse(key.kind)}
            made = [platform.create(wish, "one token", {"cicd.key": str(key)}) for _ in range(2)]
            other = platform.create(wish, "another token", {"cicd.key": str(key)})
            assert made[0].id == made[1].id, key
            is_content = not kinds[key.kind].identity
            assert is_content or other.id != made[0].id, key
            after = {live.id for live in platform.browse(key.kind)}
            assert after - before <= {made[0].id, other.id}, key
            for live in platform.browse(key.kind):
                if live.id not in before and kinds[key.kind].deletable:
                    self.take_down(platform, live)

    def test_pruning_never_takes_what_is_used(self, applied: Applied) -> None:
        platform, kinds = applied.world.platform, applied.world.platform.kinds
        kept = [wish for wish in applied.wishes if kinds[wish.key.kind].identity]
        stage = Stage(
            name="dev",
            file="",
            root="",
            platform=platform.name,
            target=applied.world.place,
            branch=None,
            resources=tuple(kept),
            prune="everything",
        )
        kept = [replace(wish, depends_on=frozenset()) for wish in kept]
        plan = make_plan(
            stage, kept, platform.read(kept, everything=True), kinds, created_at="2026-01-01"
        )
        used = {text for wish in kept for text in texts_in(wish.spec)}
        content = {change.key.kind: change.id for change in plan.changes if is_delete(change)}
        assert not [
            change.id
            for change in plan.changes
            if is_delete(change) and not kinds[change.key.kind].identity and change.id in used
        ], content

    def test_stopping_what_cannot_be_stopped_is_refused_by_planning(self, applied: Applied) -> None:
        kinds, live = applied.world.platform.kinds, applied.read()
        stage = Stage("dev", "", "", "", {}, None, tuple(applied.wishes))
        for wish in applied.wishes:
            alone = [replace(wish, depends_on=frozenset())]

            def plan(wish: Resource = wish, alone: list[Resource] = alone) -> Plan:
                return make_stop_plan(stage, alone, live, kinds, [str(wish.key)], created_at="")

            if kinds[wish.key.kind].stoppable:
                assert plan().changes
            else:
                with pytest.raises(Usage):
                    plan()

    def test_secrets_do_not_show(self, applied: Applied) -> None:
        shown = repr(applied.read()) + repr(applied.wishes)
        for secret in (leaf for wish in applied.wishes for leaf in secrets_of(wish.spec)):
            assert secret.reveal() not in shown

    def test_a_text_of_the_environment_is_read_back_hidden(self, applied: Applied) -> None:
        found = {(live.key.kind, str(live.spec.get("name"))): live for live in applied.read()}
        hidden = [
            (wish, name, entry)
            for wish in applied.wishes
            for name, value in wish.spec.items()
            for entry, text in (value.items() if isinstance(value, Mapping) else [("", value)])
            if isinstance(text, Hidden)
        ]
        assert hidden, "give a wish of the world a field, or an entry of one, that is Hidden"
        for wish, name, entry in hidden:
            value = found[wish.key.kind, wish.spec["name"]].spec[name]
            text = value[entry] if entry else value
            assert isinstance(text, Hidden), (wish.key, name, entry)

    def test_an_update_keeps_id_and_url(self, applied: Applied) -> None:
        platform, key = applied.world.platform, the_service(applied)
        live, first = applied.live[key], applied.resolved[key]
        assert applied.world.update
        field, content = applied.world.update
        second = applied.create(content)
        changed = replace(first, spec={**first.spec, field: second.id})
        for desired in (changed, first):
            asked = platform.update(live, desired)
            platform.update(asked, desired)
            there = wait_for(platform, asked, desired.options.wait_for)
            assert (there.id, there.outputs["url"]) == (live.id, live.outputs["url"])
            assert there.spec[field] == desired.spec[field]

    def test_updating_with_the_same_is_harmless(self, applied: Applied) -> None:
        platform = applied.world.platform
        for key, wish in applied.resolved.items():
            kind = platform.kinds[key.kind]
            if kind.updatable and key != applied.world.service:
                live = platform.update(applied.live[key], wish)
                live = wait_for(platform, live, kind.wait_for)
                assert differing(wish, live, platform) == [], key

    def test_a_changed_secret_is_seen_and_sent(self, applied: Applied) -> None:
        platform = applied.world.platform
        for key, wish in applied.resolved.items():
            if not platform.kinds[key.kind].is_secret:
                continue
            name, value = next(iter(wish.spec["data"].items()))
            data = {**wish.spec["data"], name: Secret(f"{value.reveal()} ")}
            changed = replace(wish, spec={**wish.spec, "data": data})
            live = self.read_one(applied, changed)
            assert differing(changed, live, platform) == ["data"], key
            assert {k for k in data if live.spec["data"][k] != data[k]} == {name}, key
            for desired in (changed, wish):
                platform.update(live, desired)
                live = self.read_one(applied, desired)
                assert differing(desired, live, platform) == [], key

    def read_one(self, applied: Applied, wish: Resource) -> LiveResource:
        id = applied.live[wish.key].id
        wishes = [wish if item.key == wish.key else item for item in applied.wishes]
        found = applied.world.platform.read(wishes)
        return next(item for item in found if (item.key.kind, item.id) == (wish.key.kind, id))

    def test_everything_is_there_for_who_asks(self, applied: Applied) -> None:
        platform = applied.world.platform
        found = {(item.key.kind, item.id) for item in platform.read([], everything=True)}
        for key, live in applied.live.items():
            if platform.kinds[key.kind].prunable:
                assert (key.kind, live.id) in found
            assert live.id in {item.id for item in platform.browse(key.kind)}, key

    def test_what_cannot_be_changed_says_so(self, applied: Applied) -> None:
        for key, live in applied.live.items():
            kind = applied.world.platform.kinds[key.kind]
            if not kind.identity:
                with pytest.raises(PlatformError, match="never be changed"):
                    applied.world.platform.update(live, applied.resolved[key])

    def test_what_is_stopped_and_deleted_twice_is_gone_and_can_be_made_again(
        self, applied: Applied
    ) -> None:
        platform = applied.world.platform
        runs = running(applied)[::-1]
        for live in (applied.live[key] for key in runs):
            self.stop_twice(platform, live)
            self.delete_twice(applied, live)
            assert live.id not in {item.id for item in applied.read()}
        for key in reversed([*applied.resolved]):
            if platform.kinds[key.kind].deletable and key not in runs:
                self.delete_twice(applied, applied.live[key])
        applied.create_all()

    def take_down(self, platform: Platform, live: LiveResource) -> None:
        self.stop_twice(platform, live)
        platform.delete(live)
        wait_gone(platform, live)

    def stop_twice(self, platform: Platform, live: LiveResource) -> None:
        if not platform.kinds[live.key.kind].stoppable:
            return
        platform.stop(live)
        platform.stop(live)
        deadline = time.monotonic() + PATIENCE
        while not platform.get(live).status.has_ended:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def delete_twice(self, applied: Applied, live: LiveResource) -> None:
        platform = applied.world.platform
        platform.delete(live)
        wait_gone(platform, live)
        platform.delete(live)


def the_service(applied: Applied) -> Key:
    """The service of the world; a platform that has none has no such test."""
    if applied.world.service is None:
        pytest.skip("a platform without services")
    return applied.world.service


def running(applied: Applied) -> list[Key]:
    """What runs of the world: the run, and the service where there is one."""
    return [key for key in (applied.world.run, applied.world.service) if key]


def is_delete(change: Change) -> bool:
    return change.action is Action.DELETE


def refs_of(value: Any) -> Iterator[Ref]:
    """Every Ref in a spec."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from refs_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from refs_of(item)


def secrets_of(value: Any) -> Iterator[Secret]:
    """Every Secret in a spec that never comes back in clear."""
    if isinstance(value, Secret) and not isinstance(value, Hidden):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secrets_of(item)
