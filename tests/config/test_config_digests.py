"""What a run is made of keeps its digest, however it is written and whatever reads the file: a
digest that changed would train everything again with the next version of cicd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.config.config_sample import TRAIN, changed, load, write_repository

SPELLED = {
    "3": "4f02c572cb 4b67a6a05d",
    "0.10": "7ced099543 4ce66a14b3",
    "1e3": "fa7f4f358a 50e8312e90",
    "1e400": "fed701e199 96fe57e703",
    ".5": "5a255c4b39 39e1505967",
    "-0": "ae9f6dac05 55994fc6ce",
    "1_000": "bfac0d2af0 56ced1292e",
    "017": "a37a0c2eb7 83745cb37a",
    "0o17": "fcbf2f1c02 54460917fe",
    "0x1F": "01bdd16deb 7741899640",
    "12:30:45": "69a3718077 bdc0a4ed57",
    "2020-01-01": "d9d1b0c14f a4f5c572f6",
    "yes": "51e7310f10 4bd45385c5",
    "No": "1147985996 8696694a8e",
    "True": "bfe4c14f25 18aa2776c6",
    "'3'": "4f02c572cb 8e0a713fe5",
    '"a\\tb"': "5c3719766f 011b741383",
    "'it''s'": "d376886211 e3657a980c",
    "ünïcödé 😀": "5c161413d4 d377688a51",
    "1.2.3": "593bf30a09 04c9225a2d",
    "|\n          one\n\n          two\n": "7a73e12096 1af045c6a1",
    "|-\n          one\n            two": "9cd637a601 010699336c",
    "|+\n          one\n\n": "c777eccc3c d3ebcf7073",
    ">\n          one\n          two\n": "8ebd3caf7c ce0f8b46ff",
    "one\n          two": "26dd56195e 2943bfb89b",
}
"""A value as it is written -> the digest of the run's inputs that has it as a parameter, and of the
template that has it as a default; as cicd told them before msgspec and libyaml read the files."""
WRITTEN: dict[str, Callable[[str], str]] = {
    "line ends of Windows": lambda text: text.replace("\n", "\r\n"),
    "a mark at the beginning": lambda text: f"\ufeff{text}",
    "a comment": lambda text: f"# é\n{text}",
    "an end": lambda text: f"---\n{text}...\n",
    "an anchor": lambda text: text.replace("image: docker", "image: &i docker"),
    "a map merged into another": lambda text: text.replace(
        "image: docker.io/org/churn:1", "<<: {image: docker.io/org/churn:1}"
    ),
    "another style": lambda text: text.replace(
        "[python, train.py]", "\n          - \"python\"\n          - 'train.py'"
    ),
}


def digests(root: Path) -> tuple[str, str]:
    """Of the inputs of the only run, and of its template."""
    stage = load(root)
    [run] = [item for item in stage.resources if item.key.kind == "execution"]
    [template] = [item for item in stage.programs if item.name == "trainer"]
    return run.spec["inputs"][:10], template.digest[:10]


@pytest.mark.parametrize("value", SPELLED)
def test_a_value_keeps_the_digests_that_it_had(tmp_path: Path, value: str) -> None:
    bound = changed(("{epochs: 3}", f"\n        epochs: {value}"))
    inputs, _ = digests(write_repository(tmp_path / "bound", bound))
    entry = ("{name: rate, value: 0.10}", f"name: rate\n        value: {value}")
    root = write_repository(tmp_path / "default")
    (root / "templates" / "train.yaml").write_text(changed(entry, text=TRAIN), encoding="utf-8")
    _, template = digests(root)
    assert f"{inputs} {template}" == SPELLED[value]


@pytest.mark.parametrize("how", WRITTEN)
def test_how_a_template_is_written_makes_no_other_run(tmp_path: Path, how: str) -> None:
    root = write_repository(tmp_path)
    before = digests(root)
    text = WRITTEN[how](TRAIN)
    assert text != TRAIN
    (root / "templates" / "train.yaml").write_bytes(text.encode())
    assert digests(root) == before
