"""Pure: files of a batch transform cut into requests, and answers put together again."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cicd.emulator.sagemaker.storage import DataError

MAGIC = 0xCED7230A
"""With what a record of RecordIO begins."""
LENGTH = 2**29 - 1
"""The part of its second word that is the length."""


@dataclass(frozen=True)
class Batch:
    """One request; ``name`` is of the object that it is from."""

    name: str
    content: bytes


def batches(name: str, content: bytes, split: str, strategy: str, limit: int) -> list[Batch]:
    """The requests for one object: as many records in each as fit in so many bytes, or one.
    0 bytes are no limit. DataError for a record that does not fit.
    """
    records = [content] if split == "None" else list(records_of(content, split))
    for record in records:
        if limit and len(record) > limit:
            raise DataError(
                f"ClientError: {name}: a record has {len(record)} bytes, more than MaxPayloadInMB"
            )
    if strategy == "SingleRecord" or split == "None":
        return [Batch(name, record) for record in records]
    return [Batch(name, part) for part in packed(records, limit)]


def packed(records: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Records put together as far as they fit."""
    whole = bytearray()
    for record in records:
        if whole and limit and len(whole) + len(record) > limit:
            yield bytes(whole)
            whole.clear()
        whole += record
    if whole:
        yield bytes(whole)


def records_of(content: bytes, split: str) -> Iterator[bytes]:
    """The records of a file, each as it is there. DataError for a file that is not of that sort."""
    if split == "Line":
        yield from (line for line in io.BytesIO(content) if line.strip())
        return
    begin = 0
    while begin < len(content):
        size = _record_io(content, begin) if split == "RecordIO" else _tf_record(content, begin)
        if begin + size > len(content):
            raise DataError(f"ClientError: the file ends within a record of {split}")
        yield content[begin : begin + size]
        begin += size


def _record_io(content: bytes, begin: int) -> int:
    """Bytes of the record there, with its head and what fills it up to four."""
    if len(content) < begin + 8:
        raise DataError("ClientError: the file is no RecordIO")
    magic, word = struct.unpack_from("<II", content, begin)
    if magic != MAGIC:
        raise DataError("ClientError: the file is no RecordIO")
    size: int = word & LENGTH
    return 8 + -(-size // 4) * 4


def _tf_record(content: bytes, begin: int) -> int:
    """Bytes of the record there, with its length and both checksums."""
    if len(content) < begin + 12:
        raise DataError("ClientError: the file is no TFRecord")
    (size,) = struct.unpack_from("<Q", content, begin)
    return 12 + int(size) + 4


def joined(answers: Sequence[bytes], how: str) -> bytes:
    """The answers as one object: with a line end after each that has none, or as they are."""
    if how != "Line":
        return b"".join(answers)
    return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)
