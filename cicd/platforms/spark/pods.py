"""Pods, as the API of Kubernetes tells of them (core/v1; its reference is where answers are from).

A log has a time for each line and no bytes to count, so that it is read by time: the place in it is
a nanosecond. That also goes on where kubelet has rolled the file away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from cicd.errors import ConnectionFailed, NotFound, PlatformError
from cicd.platforms.spark import shapes
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.logs import Chunk

Pod = Mapping[str, Any]
SECOND = 10**9
MOST = 1 << 24
"""Bytes of a log that are asked for at once where a second has more than is wished."""
SLACK = 64
"""The part of a limit that a log may be shorter and be cut all the same: by how much, nobody says
(``limitBytes``: slightly more or slightly less)."""
_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d) ?(.*)")


class Pods:
    """Those of one namespace. ``url``: of the API server."""

    def __init__(self, calls: Calls, url: str, namespace: str) -> None:
        self._calls = calls
        self._server = url.rstrip("/")
        self.namespace = namespace
        self._url = f"{self._server}/api/v1/namespaces/{quote(namespace, safe='')}/pods"

    def version(self) -> str:
        """The version of Kubernetes."""
        return str(self._calls.json("GET", f"{self._server}/version").get("gitVersion", ""))

    def labelled(self, labels: Mapping[str, str]) -> list[Pod]:
        """Those with these labels, oldest first. A list that is none raises ConnectionFailed: an
        answer of somebody else is not to say that there are none."""
        selector = ",".join(f"{name}={text}" for name, text in labels.items())
        told = self._calls.json("GET", f"{self._url}?{urlencode({'labelSelector': selector})}")
        if told.get("kind") != "PodList":
            text = f"{self._server} does not answer like Kubernetes: it lists no pods"
            raise ConnectionFailed(text, hint="check the address")
        found = shapes.listed(told.get("items"), "Kubernetes", "pods")
        return sorted(found, key=lambda pod: str(meta(pod, "creationTimestamp")))

    def log(self, pod: Pod, place: int, size: int) -> Chunk:
        """The lines of its first container from the nanosecond ``place`` on, of about ``size``
        bytes; none where there are none yet, or any more."""
        while True:
            try:
                text = self._log(pod, place, size)
            except PlatformError as error:
                if error.status in {400, 404}:  # its container does not run yet; it is gone
                    return Chunk(place, place, place, "")
                raise
            is_cut = len(text.encode()) >= size - size // SLACK
            is_open = not (text.endswith("\n") or _has_ended(pod))
            chunk = _chunk(timed(text), place, is_cut=is_cut, is_open=is_open)
            if chunk.text or not is_cut or size >= MOST:
                return chunk
            size *= 2

    def _log(self, pod: Pod, place: int, size: int) -> str:
        asked = {"container": container_of(pod), "timestamps": "true", "limitBytes": str(size)}
        if place:  # whole seconds are what it knows
            since = datetime.fromtimestamp(place // SECOND, UTC)
            asked["sinceTime"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._calls.text(f"{self._url}/{quote(str(meta(pod, 'name')))}/log", **asked)

    def page(self, name: str, port: int) -> str:
        """Where the API server shows what a pod serves."""
        return f"{self._url}/{quote(name)}:{port}/proxy"

    def delete(self, pod: Pod) -> None:
        """It is to go, and no other of its name. One that is gone is no matter."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": meta(pod, "uid")},
        }
        with suppress(NotFound):
            try:
                self._calls.json("DELETE", f"{self._url}/{quote(str(meta(pod, 'name')))}", body)
            except PlatformError as error:
                if error.status != 409:  # another has its name: it is gone
                    raise

    def may(self, verb: str, resource: str) -> bool:
        """Whether who logs in may do that there."""
        name, _, part = resource.partition("/")
        wish = {"namespace": self.namespace, "verb": verb, "resource": name}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**wish, **({"subresource": part} if part else {})}},
        }
        url = f"{self._server}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return (
            shapes.fields(self._calls.json("POST", url, body).get("status")).get("allowed") is True
        )

    def close(self) -> None:
        """Give connections back."""
        self._calls.close()


@dataclass(frozen=True)
class Line:
    """``time``: in nanoseconds since 1970."""

    time: int
    text: str


def meta(pod: Pod, name: str) -> Any:
    """A field of its metadata; None without. Pure."""
    return shapes.fields(pod.get("metadata")).get(name)


def label(pod: Pod, name: str) -> str:
    """One of its labels; empty without. Pure."""
    return str(shapes.fields(meta(pod, "labels")).get(name, ""))


def container_of(pod: Pod) -> str:
    """The container of Spark among those that others have put beside it: the one that is called
    like it, else the first. Pure."""
    rows = shapes.rows(shapes.fields(pod.get("spec")).get("containers"))
    names = [str(one.get("name")) for one in rows]
    return next((name for name in names if name.startswith("spark-kubernetes-")), (*names, "")[0])


def timed(text: str) -> list[Line]:
    """The lines of a log, each with its time. What has none belongs to the line before; before
    the first it is not of the program. Pure."""
    found: list[Line] = []
    for row in text.split("\n")[: -1 if text.endswith("\n") else None]:
        match = _LINE.fullmatch(row)
        time = _nanoseconds(*match.group(1, 2, 3)) if match else None
        if match and time is not None:
            found.append(Line(time, match[4]))
        elif found:
            found.append(Line(found[-1].time, row))
    return found


def _nanoseconds(second: str, fraction: str | None, zone: str) -> int | None:
    """A time; None for one that there is not."""
    try:
        moment = datetime.fromisoformat(second + zone)
    except ValueError:
        return None
    return int(moment.timestamp()) * SECOND + int((fraction or "").ljust(9, "0"))


def _has_ended(pod: Pod) -> bool:
    """Whether nothing comes to its log any more."""
    return str(shapes.fields(pod.get("status")).get("phase")) in {"Succeeded", "Failed"}


def _chunk(lines: Iterable[Line], place: int, *, is_cut: bool, is_open: bool) -> Chunk:
    """The lines from ``place`` on. The last of a log that ``is_cut``, or that ``is_open``, is not
    whole, and others of its nanosecond would be passed over: all of that are for the next time."""
    known = list(lines)
    if (is_cut or is_open) and known:
        known = [line for line in known if line.time < known[-1].time]
    fresh = [line for line in known if line.time >= place]
    if not fresh:
        return Chunk(place, place, place, "")
    end = max(line.time for line in fresh) + 1
    text = "".join(f"{line.text}\n" for line in fresh)
    times = tuple(line.time for line in fresh)
    return Chunk(fresh[0].time, end, end + is_cut, text, times)
