"""Runs one program with a Kerberos ticket that it renews at half of its life:
python renewal.py CACHE KEYTAB PRINCIPAL PROGRAM ARGUMENTS...

It ends as the program does, and the cache with it. Nothing of cicd is imported.
"""

import os
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

UNKNOWN = 3600.0
"""Seconds that a ticket is taken to be good for where its cache does not tell."""
RETRY = 60.0
"""Seconds after which a login that failed is tried again; a tenth of the ticket's life if less."""


def kinit(cache: Path, keytab: str, principal: str) -> list[str]:
    """What gets a ticket into a cache."""
    return ["kinit", "-k", "-t", keytab, "-c", f"FILE:{cache}", principal]


def life_of(content: bytes) -> tuple[float, float]:
    """When the ticket in a cache begins and ends, in seconds since 1970 (MIT Kerberos: credential
    cache file format, version 4). Raises ValueError for what is none."""
    try:
        if content[:2] != b"\x05\x04":
            raise ValueError("no cache of version 4")
        at = _principal(content, 4 + struct.unpack_from(">H", content, 2)[0])[1]
        while at < len(content):
            at = _principal(content, at)[1]
            server, at = _principal(content, at)
            at = _data(content, at + 2)[1]
            _, start, end, _ = struct.unpack_from(">4I", content, at)
            if server[:1] == [b"krbtgt"]:
                return float(start), float(end)
            at = _rest(content, at + 16)
    except (struct.error, IndexError) as error:
        raise ValueError("a cache that breaks off") from error
    raise ValueError("a cache without a ticket")


def _principal(content: bytes, at: int) -> tuple[list[bytes], int]:
    """Its parts without the realm, and where it ends."""
    count = struct.unpack_from(">I", content, at + 4)[0]
    parts, at = [], _data(content, at + 8)[1]
    for _ in range(count):
        part, at = _data(content, at)
        parts.append(part)
    return parts, at


def _data(content: bytes, at: int) -> tuple[bytes, int]:
    end = at + 4 + struct.unpack_from(">I", content, at)[0]
    if end > len(content):
        raise IndexError
    return content[at + 4 : end], end


def _rest(content: bytes, at: int) -> int:
    """Where a credential ends whose flags begin there."""
    at += 5
    for _ in range(2):  # addresses, and what they may do
        count, at = struct.unpack_from(">I", content, at)[0], at + 4
        for _ in range(count):
            at = _data(content, at + 2)[1]
    return _data(content, _data(content, at)[1])[1]


def pause(start: float, end: float, now: float) -> float:
    """Seconds until a ticket is to be renewed; of one past its half, until that is tried again."""
    half = (start + end) / 2
    return half - now if half > now else max(0.1, min(RETRY, (end - start) / 10))


def _pause(cache: Path) -> float:
    now = time.time()
    try:
        return pause(*life_of(cache.read_bytes()), now)
    except (OSError, ValueError):
        return pause(now, now + UNKNOWN, now)


def _renew(cache: Path, keytab: str, principal: str) -> None:
    """In one go, as the program may read it right then. Says on stderr why it fails."""
    fresh = cache.with_name(f"{cache.name}.new")
    with suppress(OSError):
        told = subprocess.run(
            kinit(fresh, keytab, principal), stdin=subprocess.DEVNULL, check=False
        )
        if told.returncode == 0:
            fresh.replace(cache)


def run(cache: Path, keytab: str, principal: str, command: list[str]) -> int:
    """The exit code; of a signal its number and 128, as a shell has it."""
    child: subprocess.Popen[bytes] | None = None
    is_stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal is_stopped
        is_stopped = True
        if child:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    try:
        child = subprocess.Popen(command)
        if is_stopped:
            child.terminate()
        while True:
            try:
                code = child.wait(_pause(cache))
                return code if code >= 0 else 128 - code
            except subprocess.TimeoutExpired:
                _renew(cache, keytab, principal)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        return 127
    finally:
        with suppress(OSError):
            cache.unlink()


if __name__ == "__main__":
    raise SystemExit(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]))
