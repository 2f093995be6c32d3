"""Tells whether a secret's values have changed, and never what they are. Pure.

Text, version 1: ``scrypt1;STAGE;SALT;KEY=DIGEST;KEY=DIGEST``. Per key of the data a slow, salted
hash of its value, cut to 64 bits: a guess costs 16 MB and some 50 ms, and the value itself cannot
be computed from it. Where that would be too long for a label there is one digest over all of it,
under the key ``*``. Stage and keys are percent-encoded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from cicd.model import Secret

VERSION = "scrypt1"
MAX_LENGTH = 5000
"""What one label can hold."""
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_BYTES = 8
_WHOLE = "*"


@dataclass(frozen=True)
class Fingerprint:
    """What is remembered of the values that were sent. ``stage``: who sent them.

    ``digests``: key -> digest; None where there is only ``whole``, the digest of everything.
    """

    stage: str
    salt: bytes
    digests: Mapping[str, str] | None
    whole: str = ""

    def fits(self, key: str, value: Secret) -> bool:
        """Whether ``value`` is what was sent under ``key``."""
        found = (self.digests or {}).get(key)
        return found is not None and found == _digest(key, value.reveal(), self.salt)

    def live(self, wish: Mapping[str, Secret]) -> dict[str, Secret]:
        """The data that was sent, as far as can be told: the wish where it fits, else a Secret
        that is another. Only the names of keys that nobody wishes for are shown."""
        if self.digests is None:
            fits = self.whole == _digest(_WHOLE, _joined(wish), self.salt)
            return {key: value if fits else Secret(self.whole) for key, value in wish.items()}
        return {
            key: wish[key] if key in wish and self.fits(key, wish[key]) else Secret(digest)
            for key, digest in self.digests.items()
        }


def make(data: Mapping[str, Secret], salt: bytes, stage: str = "") -> str:
    """The text to keep for ``data``; ``salt`` is random, and new each time."""
    head = [VERSION, quote(stage, safe=""), salt.hex()]
    length = len(";".join(head)) + sum(len(quote(key, safe="")) + 2 * _BYTES + 2 for key in data)
    if length > MAX_LENGTH:
        return ";".join([*head, f"{_WHOLE}={_digest(_WHOLE, _joined(data), salt)}"])
    entries = [
        f"{quote(key, safe='')}={_digest(key, value.reveal(), salt)}"
        for key, value in sorted(data.items())
    ]
    return ";".join([*head, *entries])


def read(text: str) -> Fingerprint | None:
    """The fingerprint in a label; None where there is none, or one of a version not known."""
    version, *rest = text.split(";")
    if version != VERSION or len(rest) < 2:
        return None
    stage, salt, *entries = rest
    pairs = [entry.partition("=") for entry in entries]
    try:
        salted = bytes.fromhex(salt)
    except ValueError:
        return None
    if pairs and pairs[0][0] == _WHOLE:
        return Fingerprint(unquote(stage), salted, None, pairs[0][2])
    digests = {unquote(key): digest for key, _, digest in pairs}
    return Fingerprint(unquote(stage), salted, digests)


def _joined(data: Mapping[str, Secret]) -> str:
    return json.dumps({key: value.reveal() for key, value in data.items()}, sort_keys=True)


@lru_cache(maxsize=1024)  # the same is asked at every look
def _digest(key: str, value: str, salt: bytes) -> str:
    # The key goes in too: equal values under two keys must not look equal.
    seasoned = salt + key.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(
        value.encode("utf-8", "surrogatepass"),
        salt=seasoned,
        n=_COST,
        r=_BLOCK,
        p=_PARALLEL,
        dklen=_BYTES,
    ).hex()
