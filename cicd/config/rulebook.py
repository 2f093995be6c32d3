"""The rules that a finding can carry on any platform: what they mean, and what to do.

Ids stay: users filter by them. Only what has a source may be an error. A dialect has more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

OTHERWISE = "each finding says at its line what to change"


@dataclass(frozen=True)
class Rule:
    """``says``: what a finding of it is about, in one sentence. ``source``: what asks for it: the
    document of an API, of a tool, or cicd itself; empty where nothing does. ``cure``: what to do
    about it."""

    says: str
    source: str
    cure: str = OTHERWISE


def book(platforms: Iterable[Mapping[str, Rule]]) -> dict[str, Rule]:
    """All rules, with those of ``platforms``: a shared one in the words of the first platform that
    has its own for it."""
    own: dict[str, Rule] = {}
    for rules in platforms:
        own = {**own, **rules, **own}  # what is there stays in its place and in its words
    return {**RULES, **own}


RULES: Mapping[str, Rule] = {
    # files
    "unreadable-file": Rule(
        "The file cannot be read.",
        "cicd: how files are read",
        "check that the path exists and that you may read it",
    ),
    "empty-file": Rule(
        "The file holds nothing.",
        "cicd: how files are read",
        "fill the file or delete it",
    ),
    "encoding": Rule(
        "The file is not UTF-8 text, or holds characters that are no text.",
        "YAML 1.2, JSON (RFC 8259): UTF-8",
        "save the file as UTF-8 without control characters",
    ),
    "syntax": Rule(
        "The file is not valid YAML or JSON.",
        "YAML 1.2, JSON (RFC 8259): UTF-8",
        "correct the file at that line",
    ),
    "yaml": Rule(
        "A feature of YAML that stage files and templates do without.",
        "YAML 1.2: what JSON has as well",
        "write the value out: no tags, no merge keys, anchors only where they are allowed",
    ),
    "too-complex": Rule(
        "The file is too large, nested too deeply, or expands to too much.",
        "cicd: how files are read",
        "split the file, or write out what aliases multiply",
    ),
    "duplicate-key": Rule(
        "The same key stands twice in one map.",
        "YAML 1.2: keys are unique",
        "keep one of the two: the other would be lost",
    ),
    # the shape of a stage file
    "unknown-stage": Rule(
        "No stage file, or more than one, has that name.",
        "cicd: stages/NAME.yaml",
        "name a file of stages/, without its ending, or the path of a file",
    ),
    "bad-extends": Rule(
        "extends leads to no file, out of the repository, or in a circle.",
        "cicd: stages/NAME.yaml",
        "let extends name a file of this repository that does not lead back here",
    ),
    "unknown-key": Rule(
        "A key that stage files do not have.",
        "cicd: config.schema.json",
        "correct the spelling (the finding says what is close), or remove the key",
    ),
    "missing-key": Rule(
        "A key that must be there is not.",
        "cicd: config.schema.json",
        "add the key",
    ),
    "wrong-type": Rule(
        "Text, number, list or map where another is needed.",
        "cicd: config.schema.json",
        "write the value as text, number, list or map, as the finding says",
    ),
    "wrong-value": Rule(
        "The value is none of the possible ones, or out of range.",
        "cicd: config.schema.json",
        "take one of the values that the finding lists",
    ),
    "wrong-format": Rule(
        "The value does not have the form that is asked for.",
        "cicd: config.schema.json",
        "change the value to the form that the finding shows",
    ),
    "wrong-length": Rule(
        "The value is empty, or longer than is possible.",
        "cicd: config.schema.json",
        "shorten the value, or fill it",
    ),
    "unknown-variable": Rule(
        "${…} names something that does not exist.",
        "cicd: variables of stage files",
        "declare it under variables, pass --var NAME=VALUE, or correct its name",
    ),
    "misplaced-variable": Rule(
        "${…} stands where it cannot be replaced.",
        "cicd: variables of stage files",
        "write the value itself there: names and keys are read before variables",
    ),
    "missing-env": Rule(
        "An environment variable that the stage file needs is not set.",
        "cicd: variables of stage files",
        "set the variable; in CI as a secret that the job passes on",
    ),
    "secret-in-plain-text": Rule(
        "A credential is written into a file.",
        "cicd: no credential in Git",
        "write it as ${env.NAME}, and change the credential: it was published",
    ),
    "two-bodies": Rule(
        "A smoke test has both json and body, of which only one is sent.",
        "cicd: smoke tests",
        "keep json for a body that is JSON, body for any other",
    ),
    "bad-notify": Rule(
        "Nobody can be told at an address of notify.",
        "cicd: docs/notify.md",
        "write an address as Apprise has them, or webhook+https://HOST/PATH; only the latter takes "
        "a secret",
    ),
    "notify-not-installed": Rule(
        "notify names an address that needs Apprise, which is not installed.",
        "cicd: docs/notify.md",
        "install the extra notify where stages are applied",
    ),
    "bad-window": Rule(
        "A window of sync never opens.",
        "cicd: docs/controller.md",
        "write cron as minute hour day month weekday, and zone as IANA has it: Europe/Berlin",
    ),
    "placeholder-left": Rule(
        "A text still holds a placeholder of an example.",
        "cicd: what was to be replaced",
    ),
    # what its parts say of each other
    "duplicate-name": Rule(
        "Two things of one sort have the same name or key.",
        "cicd: names identify",
        "give one of the two another name or key",
    ),
    "unknown-reference": Rule(
        "Something is used that the stage file does not define.",
        "cicd: names identify",
        "define what is named, or correct the name",
    ),
    "reference-cycle": Rule(
        "Runs and services need each other in a circle.",
        "cicd: names identify",
        "let one of them take a fixed value, so that there is a first one",
    ),
    "missing-target": Rule(
        "Nothing says where the stage goes.",
        "cicd: where a stage goes",
        "set what the finding names, in the file or in the environment",
    ),
    "missing-file": Rule(
        "A file that something takes in is not there, or lies outside of the project.",
        "cicd: files that count as input",
        "name a file or folder of this repository, relative to the project",
    ),
    "bad-watch": Rule(
        "watch matches no file, or leads out of the project.",
        "cicd: files that count as input",
        "name files of this repository that exist, relative to the project",
    ),
    "bad-gate": Rule(
        "require can never be met, or says nothing.",
        "cicd: what follows needs a result",
        "give a metric with min, max or both, min not above max",
    ),
    "bad-lifecycle": Rule(
        "lifecycle contradicts itself, or can never go on.",
        "cicd: what has to be so before anything changes that serves",
        "name one means of approval, a run for test, and what the finding says",
    ),
    "missing-local-path": Rule(
        "A path for the emulator does not exist.",
        "cicd: the emulator",
        "make the file or folder, or correct local",
    ),
    "unknown-protected": Rule(
        "protect names something that the stage does not define.",
        "cicd: protect",
        "correct the key: KIND/KEY, as plan shows it",
    ),
}
"""Rule id -> what it is about, and why it is one."""
