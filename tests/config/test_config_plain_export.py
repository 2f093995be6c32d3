"""What is live becomes a stage file, for a platform whose items have the fields of what is live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cicd.config import GitFacts, Surroundings, load_stage
from cicd.config.dialect import Around, Export
from cicd.config.plain_dialect import completed
from cicd.config.references import expression, reference
from cicd.config.schema import part_of
from cicd.model import LiveResource, Ref, Resource, State, Status
from cicd.values import Hidden, Key
from tests.platforms.plain import dialect
from tests.platforms.toy import dialect as toy

PLAIN = completed(dialect)
AROUND = Around("dev", {"api_url": "there", "internal": "x"})
UP = Status(State.RUNNING, "up")


def live(kind: str, name: str, spec: Mapping[str, Any], at: int = 0, **more: Any) -> LiveResource:
    id = more.pop("id", f"{name}-id")
    more = {"status": UP, "outputs": {"url": f"s3/{name}/{at}"}, **more}
    return LiveResource(Key(kind, name), id, spec, created_at=f"2026-01-0{at}", **more)


def exported(*found: LiveResource, around: Around = AROUND) -> Export:
    return PLAIN.export(found, around)


def loaded(root: Path, text: str, env: Mapping[str, str] | None = None) -> tuple[Resource, ...]:
    (root / "stages").mkdir(exist_ok=True)
    (root / "stages/dev.yaml").write_text(text, encoding="utf-8")
    around = Surroundings(root, env or {}, {}, GitFacts(), {"plain": PLAIN})
    return load_stage("dev", around).resources


def brought_up(wishes: tuple[Resource, ...]) -> list[LiveResource]:
    """What a platform would tell of all of it once it is there, in that order."""
    there: dict[Key, LiveResource] = {}
    for number, wish in enumerate(wishes):
        spec = resolved(wish.spec, there)
        there[wish.key] = live(wish.key.kind, wish.key.name, spec, number)
    return [*there.values()]


def resolved(value: Any, there: Mapping[Key, LiveResource]) -> Any:
    if isinstance(value, Ref):
        found = there[value.key]
        return found.id if value.output == "id" else found.outputs[value.output]
    if isinstance(value, Mapping):
        return {name: resolved(item, there) for name, item in value.items()}
    return [resolved(item, there) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "text",
    [
        "jobs: [{key: j}]\n",
        "jobs: [{key: j, script: run.py, data: {ü: 'grüße.csv'}, size: {cpus: 2}}]\n",
        "jobs: [{key: j, settings: {a: '1', b: 'true', c: '$${HOME} x', d: ''}}]\n",
        "jobs: [{key: j, settings: {a: 's3://x:y#z'}, size: {class: large}}]\n",
        "jobs: [{key: a}, {key: b, settings: {from: '${jobs.a.url}'}}]\n",
        "jobs: [{key: a}]\nmodels: [{key: m, data: '${jobs.a.url}'}]\n",
        "models: [{key: m, data: x}]\nendpoints: [{key: e, variants: [{model: m, weight: 2}]}]\n",
        "models: [{key: m, data: x}, {key: n, data: y}]\n"
        "endpoints:\n"
        "- {key: f, name: f-dev}\n"
        "- {key: e, variants: [{model: m}, {model: n}], fallback: f}\n",
    ],
)
def test_what_a_stage_file_asked_for_is_asked_for_again(tmp_path: Path, text: str) -> None:
    for file in ("run.py", "grüße.csv"):
        (tmp_path / file).write_text("1", encoding="utf-8")
    head = "platform: plain\nplain: {api_url: there}\n"
    before = loaded(tmp_path, head + text)
    found = exported(*brought_up(before))
    after = loaded(tmp_path, found.text)
    assert [(wish.key, wish.spec) for wish in after] == [(wish.key, wish.spec) for wish in before]
    assert (found.notes, found.environment) == ((), ())
    assert sum(found.counts.values()) == len(before)


def test_defaults_and_what_the_platform_computes_are_left_out() -> None:
    spec = {"name": "j", "size": {"cpus": 1, "class": "small"}, "data": {}, "arn": "x"}
    found = exported(live("job", "j", {**spec, "inputs": "01", "files": {}}))
    assert found.text == ("platform: plain\nplain:\n  api_url: there\njobs:\n  - key: j\n")


def test_the_newest_of_each_counts_and_one_that_failed_where_no_other_is() -> None:
    failed = Status(State.FAILED, "broken")
    found = exported(
        live("model", "m", {"data": "new"}, 2),
        live("model", "m", {"data": "old"}, 1),
        live("model", "m", {"data": "broken"}, 3, status=failed),
        live("model", "o", {"data": "broken"}, 1, status=failed),
    )
    assert "- key: m\n    data: new\n" in found.text
    assert "- key: o\n    data: broken\n" in found.text
    assert found.counts == {"jobs": 0, "models": 2, "endpoints": 0}


def test_what_is_made_later_is_no_source_of_what_is_there() -> None:
    job, model = live("job", "j", {}, 2), live("model", "m", {"data": "s3/j/2"}, 1)
    assert "data: s3/j/2" in exported(job, model).text
    assert "data: ${jobs.j.url}" not in exported(job, model).text
    later = live("model", "m", {"data": "s3/j/2"}, 3)
    assert 'data: "${jobs.j.url}"' in exported(job, later).text


def test_where_no_reference_may_stand_none_is_written() -> None:
    found = exported(live("job", "j", {}, 1), live("job", "k", {"data": {"a": "s3/j/1"}}, 2))
    assert "a: s3/j/1" in found.text


def test_what_no_section_lists_is_said_by_what_takes_it_in() -> None:
    held = live("revision", "r", {"data": "weights", "name": "r"}, 1)
    found = exported(
        live("model", "m", {"name": "m", "revision": held.id}, 2),
        held,
        live("job", "j", {"data": {"a": "set-id"}}, 3),
        live("set", "set", {"blobs": ["blob-id"]}, 0),
        live("blob", "blob", {}, 0),
        live("revision", "old", {"data": "x"}, 0),
        live("revision", "older", {"data": "x"}, 0),
    )
    assert "- key: m\n    data: weights\n" in found.text
    assert found.notes == ("2 revisions that nothing here uses",)
    assert "# Not in this file:\n# - 2 revisions that nothing here uses\n" in found.text


def test_what_cannot_be_written_is_noted_with_its_reason() -> None:
    found = exported(
        live("model", "m/1", {"data": "x"}),
        live("model", "n", {}),
        live("endpoint", "e", {"variants": [{"model": 3}]}),
    )
    assert "models" not in found.text.partition("platform")[2]
    assert [note.partition(" cannot")[0] for note in found.notes] == [
        "model m/1: key",
        "model n: Model",
        "endpoint e: variants[0].model",
    ]


def test_no_secret_gets_into_the_file() -> None:
    token = "sk-Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9"
    spec = {"settings": {"API_KEY": Hidden("hush"), "b": token, "c": "is known-one here"}}
    around = Around("dev", {}, secrets={"MINE": "known-one"})
    found = exported(live("job", "j", spec), around=around)
    assert "hush" not in found.text and token not in found.text and "known-one" not in found.text
    assert 'c: "is ${env.MINE} here"' in found.text
    assert found.environment == ("JOB_J_SETTINGS_API_KEY", "JOB_J_SETTINGS_B", "MINE")
    assert 'the value of job j "settings.b": it looks like a credential' in found.notes


def test_who_is_not_in_the_file_asks_for_no_variable() -> None:
    found = exported(live("model", "m/1", {"data": Hidden("hush")}))
    assert found.environment == () and len(found.notes) == 1
    assert "hush" not in found.text


def test_what_a_section_is_made_of_is_known_where_it_is_made_of_parts() -> None:
    found = {name: part_of(dialect.File, name) for name in ("plain", "jobs", "stage", "prune")}
    assert found == {"plain": dialect.Place, "jobs": dialect.Job, "stage": None, "prune": None}


def test_a_run_that_must_not_run_again_says_why() -> None:
    around = Around("dev", {}, never={"j": "it would run again"})
    found = exported(live("job", "i", {}), live("job", "j", {}), around=around)
    assert "  - key: i\n  - key: j\n    # it would run again\n    rerun: never\n" in found.text


def test_only_what_is_asked_for_is_imported() -> None:
    things = (live("job", "a", {}), live("model", "a", {"data": "x"}), live("other", "a", {}))
    found = exported(*things, around=Around("dev", {}, select=["model/*"]))
    assert found.counts == {"jobs": 0, "models": 1, "endpoints": 0} and found.notes == ()


def test_a_file_of_another_name_says_what_stage_it_is_and_leads_to_its_schema() -> None:
    around = Around("dev", {}, is_named_by_file=False, schema_path="../config.schema.json")
    assert exported(around=around).text == (
        "# yaml-language-server: $schema=../config.schema.json\nstage: dev\nplatform: plain\n"
    )


@pytest.mark.parametrize(
    "text",
    ["jobs.wind.result", "jobs.wind.files.plan", "jobs.a.b.files.c.d", "jobs.NAME.files.KEY"],
)
def test_a_reference_is_written_as_it_was_read(text: str) -> None:
    ref = reference(text, toy.REFERENCES)
    assert ref
    found = expression(ref, toy.REFERENCES)
    assert found and found[0] == text and found[1].makes(ref)
    assert expression(Ref(ref.key, "other"), toy.REFERENCES) is None
