"""Input channels of training jobs: which objects they are, brought to a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd.emulator.sagemaker.storage import DataError, Storage, name_below, placed, split
from cicd.emulator.sagemaker.toolkit import Cluster
from cicd.emulator.state.buckets import Object

SHARDED = "ShardedByS3Key"
"""Each instance gets its share."""


@dataclass(frozen=True)
class Channel:
    """One channel, as it was asked for. ``mode`` of the whole job where it has none."""

    name: str
    source: Mapping[str, Any]
    mode: str
    content_type: str = ""
    wrapper: str = "None"

    @property
    def configuration(self) -> dict[str, str]:
        """What the program is told of it."""
        told = {
            "TrainingInputMode": self.mode,
            "S3DistributionType": self.distribution,
            "RecordWrapperType": self.wrapper,
        }
        return told | ({"ContentType": self.content_type} if self.content_type else {})

    @property
    def distribution(self) -> str:
        """Whether each instance gets everything or its share."""
        return str(self.source.get("S3DataDistributionType", "FullyReplicated"))


def channels_of(job: Mapping[str, Any]) -> list[Channel]:
    """The channels of a job. DataError for what this machine cannot bring."""
    found = []
    for channel in job.get("InputDataConfig", []):
        name, source = channel["ChannelName"], channel["DataSource"].get("S3DataSource")
        mode = channel.get("InputMode", job["AlgorithmSpecification"]["TrainingInputMode"])
        if source is None:
            raise DataError(f"ClientError: channel {name}: only S3DataSource is supported here")
        if mode == "Pipe":
            text = f"channel {name}: Pipe mode is not supported here, use File or FastFile"
            raise DataError(f"ClientError: {text}")
        words = channel.get("ContentType", ""), channel.get("RecordWrapperType", "None")
        found.append(Channel(name, source, mode, *words))
    return found


def bring(storage: Storage, channel: Channel, cluster: Cluster, folder: Path) -> Path:
    """The objects of a channel, or this instance's share of them, as files in a folder."""
    names = named(storage, str(channel.source["S3DataType"]), str(channel.source["S3Uri"]))
    lay(names, channel.distribution, cluster.number, len(cluster.hosts), folder)
    return folder


def named(storage: Storage, kind: str, url: str) -> dict[str, Object]:
    """What data of a sort is, by the names that its files have. DataError where nothing is
    there."""
    if kind == "S3Prefix":
        return {name_below(one.key, split(url)[1]): one for one in storage.objects(url)}
    if kind == "ManifestFile":
        return {
            name_below(one.key, base): one
            for listed, base in manifest(storage.one(url), url)
            for one in storage.objects(listed)
        }
    raise DataError(f"ClientError: S3DataType {kind} is not supported here")


def lay(
    names: Mapping[str, Object], distribution: str, number: int, count: int, folder: Path
) -> None:
    """Objects as files in the folder of one of so many instances: all, or its share."""
    folder.mkdir(parents=True, exist_ok=True)
    for at, name in enumerate(sorted(names)):
        if distribution != SHARDED or at % count == number:
            placed(names[name], name, folder)


def manifest(file: Path, url: str) -> list[tuple[str, str]]:
    """The urls in a manifest, each with the prefix of its key that is not part of its name."""
    try:
        first, *rest = json.loads(file.read_text(encoding="utf-8"))
        base = str(first["prefix"])
        return [(f"{base}{name}", split(base)[1]) for name in rest]
    except (ValueError, KeyError, TypeError):
        raise DataError(f"ClientError: {url} is no manifest: a list with a prefix first") from None
