"""Pure: what of each record a transform sends, what of the answer it keeps, and both put together.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd.emulator.sagemaker.storage import DataError

WHOLE = "$"
STEP = re.compile(
    r"\.(?P<name>[A-Za-z_]\w*)|\[(?P<quoted>'[^']*'(?:\s*,\s*'[^']*')*)\]"
    r"|\[(?P<numbers>-?\d+(?:\s*,\s*-?\d+)*)\]|\[(?P<start>-?\d*):(?P<stop>-?\d*)\]"
    r"|(?P<all>\.\*|\[\*\])"
)
QUOTED = re.compile(r"'([^']*)'")
JSON = "application/json"
LINES = "application/jsonlines"
CSV = "text/csv"
OUTPUT = "SageMakerOutput"
"""The field that an answer is joined under."""
INPUT = "SageMakerInput"
"""The field of an input that has no fields of its own."""


@dataclass(frozen=True)
class Processing:
    """The DataProcessing of a job."""

    input_filter: str = WHOLE
    output_filter: str = WHOLE
    is_joined: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether records go and come as they are."""
        return not self.is_joined and {self.input_filter, self.output_filter} == {WHOLE}


def read(body: Mapping[str, Any]) -> Processing:
    """What a job says. ValueError for a filter that is not known."""
    first, last = (str(body.get(name) or WHOLE) for name in ("InputFilter", "OutputFilter"))
    for text in (first, last):
        steps_of(text)
    return Processing(first, last, body.get("JoinSource") == "Input")


def steps_of(path: str) -> list[re.Match[str]]:
    """The steps of a JSONPath. ValueError for one that is not known."""
    found, at = [], 1
    while at < len(path) or not path.startswith(WHOLE):
        step = STEP.match(path, at) if path.startswith(WHOLE) else None
        if step is None:
            raise ValueError(f"{path} is no JSONPath that is supported here")
        found.append(step)
        at = step.end()
    return found


def chosen(value: Any, path: str) -> Any:
    """What a path leads to. DataError where there is nothing."""
    for step in steps_of(path):
        try:
            value = _stepped(value, step)
        except (KeyError, IndexError, TypeError):
            raise DataError(f"ClientError: nothing is at {path} in a record") from None
    return value


def _stepped(value: Any, step: re.Match[str]) -> Any:
    if step["numbers"]:
        numbers = [int(number) for number in step["numbers"].split(",")]
        picked = [value[number] for number in numbers]
        return picked if len(picked) > 1 or isinstance(value[0], str) else picked[0]
    if step["start"] is not None:
        bounds = [int(text) if text else None for text in (step["start"], step["stop"])]
        return value[slice(*bounds)]
    if step["all"]:
        return [*value.values()] if isinstance(value, dict) else list(value)
    names = [step["name"]] if step["name"] else QUOTED.findall(step["quoted"])
    return value[names[0]] if len(names) == 1 else {name: value[name] for name in names}


def parsed(content: bytes, kind: str) -> list[Any]:
    """The records of a body. DataError for one that is not of that sort."""
    try:
        text = content.decode()
        if kind == CSV:
            return [row for row in csv.reader(io.StringIO(text)) if row]
        if kind == LINES:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return [json.loads(text)]
    except ValueError as error:
        raise DataError(f"ClientError: a record is no {kind}: {error}") from None


def written(records: Sequence[Any], kind: str) -> bytes:
    """The reverse of parsed()."""
    if kind == CSV:
        text = io.StringIO()
        rows = [row if isinstance(row, list) else [row] for row in records]
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode()


def sent(content: bytes, kind: str, processing: Processing) -> bytes:
    """The part of a request that the model gets."""
    if processing.input_filter == WHOLE:
        return content
    records = [chosen(record, processing.input_filter) for record in parsed(content, kind)]
    return written(records, kind)


def kept(content: bytes, kind: str, answer: bytes, answered: str, processing: Processing) -> bytes:
    """What is stored for a request and its answer. DataError where they do not fit."""
    if not processing.is_joined and processing.output_filter == WHOLE:
        return answer
    answers = parsed(answer, answered)
    if processing.is_joined:
        asked = parsed(content, kind)
        if len(answers) == 1 and len(asked) > 1 and isinstance(answers[0], list):
            answers = answers[0]
        if len(asked) != len(answers):
            text = f"{len(asked)} records were asked and {len(answers)} answered"
            raise DataError(f"ClientError: cannot join: {text}")
        answers = [_joined(*pair, kind) for pair in zip(asked, answers, strict=True)]
        answered = kind
    return written([chosen(one, processing.output_filter) for one in answers], answered)


def _joined(asked: Any, answer: Any, kind: str) -> Any:
    if kind == CSV:
        return [*asked, *(answer if isinstance(answer, list) else [answer])]
    fields = asked if isinstance(asked, dict) else {INPUT: asked}
    return {**fields, OUTPUT: answer}
