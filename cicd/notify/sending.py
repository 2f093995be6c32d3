"""Sends messages: ours to webhooks, all others by Apprise, which is imported here and on use only.

Nothing here raises or takes longer than it may, and no text that comes out has anything of an
address in it: libraries like to quote those.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cicd.http import chain_of
from cicd.masking import hide
from cicd.notify.channels import SHORTEST, Channel
from cicd.notify.message import Message, body_for, document_of
from cicd.version import __version__

if TYPE_CHECKING:
    import requests

LONGEST_CALL = 14.0
"""Seconds that Apprise may take for one address."""
CONNECT, READ = 4.0, 8.0
SIGNATURE = "X-Cicd-Signature"
INSTALL = "Apprise is not installed: install cicd with its extra notify"
_READING = threading.Lock()
LONGEST = 200
"""Characters of what a receiver said."""


@dataclass(frozen=True)
class Delivery:
    """What came of one message to one address. ``problem``: empty where it was taken."""

    channel: Channel
    problem: str = ""
    seconds: float = 0.0


def send_all(message: Message, channels: Sequence[Channel], *, patience: float) -> list[Delivery]:
    """Send it to all of them at once, and wait for so many seconds; what came of each, in their
    order."""
    came: dict[int, Delivery] = {}
    began = time.monotonic()

    def work(channel: Channel) -> None:
        try:
            problem = _send(message, channel)
        except Exception as error:  # whatever a library has in store
            problem = f"{type(error).__name__}: {error}"
        told = hide(problem, channel.secrets, shortest=SHORTEST)
        came[channel.number] = Delivery(channel, told, time.monotonic() - began)

    threads = [
        # what hangs must not keep the command from ending
        threading.Thread(target=work, args=(channel,), name="cicd-notify", daemon=True)
        for channel in channels
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, began + patience - time.monotonic()))
    late = f"no answer within {patience:.3g} s"
    return [came.get(channel.number, Delivery(channel, late, patience)) for channel in channels]


def _send(message: Message, channel: Channel) -> str:
    """Why it was not taken, empty where it was."""
    if missing := channel.notice.missing:
        return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"
    if channel.sort == "webhook":
        return _post(message, channel)
    return _apprise(message, channel)


def _post(message: Message, channel: Channel) -> str:
    import requests

    body = json.dumps(document_of(message), ensure_ascii=False).encode(errors="replace")
    headers = {"Content-Type": "application/json", "User-Agent": f"cicd/{__version__}"}
    if channel.notice.secret:
        headers[SIGNATURE] = signature(body, channel.notice.secret.reveal())
    try:
        answer = requests.post(
            channel.notice.to.reveal().removeprefix("webhook+"),
            data=body,
            headers=headers,
            timeout=(CONNECT, READ),
            allow_redirects=False,
            stream=True,
        )
        with answer:
            return _refusal(answer)
    except requests.Timeout:
        return "no answer in time"
    except requests.RequestException as error:
        return _why(error)


def signature(body: bytes, secret: str) -> str:
    """What the header ``X-Cicd-Signature`` holds: HMAC-SHA256 of the body as it is sent."""
    digest = hmac.new(secret.encode(errors="surrogatepass"), body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def _refusal(answer: requests.Response) -> str:
    if answer.is_redirect or 300 <= answer.status_code < 400:
        return f"HTTP {answer.status_code}: it points elsewhere, and nobody goes there"
    return "" if answer.ok else f"HTTP {answer.status_code}"


def _why(error: requests.RequestException) -> str:
    """The cause in a few words: what requests says itself repeats the whole address."""
    said = (getattr(link, "strerror", None) for link in chain_of(error))
    return str(next(filter(None, said), "") or type(error).__name__)[:LONGEST]


def _apprise(message: Message, channel: Channel) -> str:
    try:
        import apprise
    except ImportError:
        return INSTALL
    # nothing of theirs is shown, followed or kept: no icons, no redirects, no files
    asset = apprise.AppriseAsset(
        app_id="cicd",
        app_desc="cicd",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        http_redirects=False,
        storage_mode="memory",
    )
    with _quiet():
        target: Any = apprise.Apprise.instantiate(channel.notice.to.reveal(), asset=asset)
    if target is None:
        return "not an address that Apprise takes"
    target.redirects = False  # whatever the address says
    formats: Any = type(target).notify_format
    if "text" in (formats if isinstance(formats, tuple) else (formats,)):
        target.notify_format = "text"
    sender = apprise.Apprise(asset=asset)
    sender.add(target)
    logs: list[str] = []
    result: Any = sender.notify(
        body=body_for(channel.sort, message),
        title=message.title,
        notify_type=message.notify_type,
        body_format="text",
        timeout=LONGEST_CALL,
        log_callback=lambda entry, _: logs.append(str(getattr(entry, "message", entry))),
    )
    if result:
        return ""
    said = " ".join(logs[-1:]).replace("\n", " ").strip()[:LONGEST]
    status = str(getattr(getattr(result, "status", None), "name", "FAILURE"))
    return f"{status}: {said}" if said else status


@contextmanager
def _quiet() -> Iterator[None]:
    """While an address is read: what Apprise says of one that is wrong is that very address. Its
    log goes nowhere afterwards either, but to who sends."""
    log = logging.getLogger("apprise")
    log.propagate = False
    with _READING:
        log.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            log.setLevel(logging.WARNING)


def shown(delivery: Delivery) -> Mapping[str, Any]:
    """What came of it, as plain data for everybody."""
    channel = delivery.channel
    return {
        "number": channel.number,
        "channel": channel.sort,
        "host": channel.host,
        "delivered": not delivery.problem,
        "problem": delivery.problem,
        "seconds": round(delivery.seconds, 3),
    }
