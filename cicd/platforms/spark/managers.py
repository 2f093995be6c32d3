"""The resource managers of one YARN cluster, of which one is active: the others send who asks to it
(Apache Hadoop, ResourceManager High Availability).

None of them is followed, as that would carry a login to whatever host they name: those that the
stage file names are asked, one after the other, and from then on the one that has answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cicd.errors import Denied, NotFound, PlatformError, Throttled
from cicd.platforms.spark.calls import Calls

STANDBY = "standby RM"
"""What one that is not active says where it redirects by a page for people."""


class Managers:
    """``urls``: of all of them. ``calls``: for what else belongs to the cluster too."""

    def __init__(self, calls: Calls, urls: Sequence[str]) -> None:
        self.calls = calls
        self._urls = [url.rstrip("/") for url in urls]
        self.active = next(iter(self._urls), "")

    def json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What the active one answers; ``path``: of its REST API, after ``/ws/v1/cluster``."""
        failures: list[PlatformError] = []
        for url in filter(None, dict.fromkeys([self.active, *self._urls])):
            try:
                told = self.calls.json(method, f"{url}/ws/v1/cluster{path}", body)
            except (Denied, NotFound, Throttled) as error:
                if STANDBY not in error.message:
                    raise
                failures.append(error)
            except PlatformError as error:
                failures.append(error)
            else:
                self.active = url
                return told
        raise _of_all(failures)

    def close(self) -> None:
        """Give connections back."""
        self.calls.close()


def _of_all(failures: Sequence[PlatformError]) -> PlatformError:
    """The one that tells most: that of one that is there, and not active."""
    for error in failures:
        if 300 <= error.status < 400:
            hint = "name every resource manager in spark.yarn_url: none is followed elsewhere"
            return PlatformError(error.message, hint=hint, status=error.status)
    nobody = PlatformError("no resource manager is named", hint="set spark.yarn_url")
    return failures[-1] if failures else nobody
