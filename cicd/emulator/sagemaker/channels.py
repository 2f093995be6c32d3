"""Input channels of training jobs: which objects they are, brought to a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd.emulator.sagemaker.storage import DataError, Storage, name_below, placed, split
from cicd.emulator.sagemaker.toolkit import Cluster


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
    folder.mkdir(parents=True, exist_ok=True)
    kind, url = channel.source["S3DataType"], str(channel.source["S3Uri"])
    if kind == "S3Prefix":
        found, prefix = storage.objects(url), split(url)[1]
        names = {name_below(one.key, prefix): one for one in found}
    elif kind == "ManifestFile":
        names, prefix = {}, ""
        for listed, base in manifest(storage.one(url), url):
            names |= {name_below(one.key, base): one for one in storage.objects(listed)}
    else:
        raise DataError(f"ClientError: S3DataType {kind} is not supported here")
    for number, name in enumerate(sorted(names)):
        is_mine = number % len(cluster.hosts) == cluster.number
        if is_mine or channel.distribution == "FullyReplicated":
            placed(names[name], name, folder)
    return folder


def manifest(file: Path, url: str) -> list[tuple[str, str]]:
    """The urls in a manifest, each with the prefix of its key that is not part of its name."""
    try:
        first, *rest = json.loads(file.read_text(encoding="utf-8"))
        base = str(first["prefix"])
        return [(f"{base}{name}", split(base)[1]) for name in rest]
    except (ValueError, KeyError, TypeError):
        raise DataError(f"ClientError: {url} is no manifest: a list with a prefix first") from None
