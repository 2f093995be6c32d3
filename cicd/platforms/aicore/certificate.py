"""X.509 certificates of a login: as files for TLS, when they end, whether their key fits."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cicd.errors import Denied
from cicd.model import Secret
from cicd.platforms.aicore.sources import is_path

RENEW = "create a new service key, and set its certificate and key"
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Certificate:
    """An X.509 login: either two file paths or two PEM texts. ``source``: where it was found."""

    certificate: str
    key: Secret
    is_path: bool = False
    source: str = ""

    @property
    def title(self) -> str:
        """How messages call it."""
        place = f" {self.certificate}" if self.is_path else ""
        return f"the certificate{place}" + (f" from {self.source}" if self.source else "")


@contextmanager
def as_files(certificate: Certificate | None) -> Iterator[tuple[str, str] | None]:
    """Certificate and key as files, which is the only way that requests takes them."""
    if certificate is None:
        yield None
    elif certificate.is_path:
        yield certificate.certificate, certificate.key.reveal()
    else:
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder, "certificate.pem"), Path(folder, "key.pem")
            texts = certificate.certificate, certificate.key.reveal()
            for file, text in zip(files, texts, strict=True):
                file.write_text(text, encoding="utf-8")
            yield str(files[0]), str(files[1])


def check(certificate: Certificate, files: tuple[str, str], now: datetime) -> datetime:
    """When it ends. Raises Denied when it has ended, cannot be read, or its key is another's."""
    for file in files:
        if not is_path(file):
            raise Denied(
                f"{certificate.source or 'the login'} has a text for a file of the certificate",
                hint="set CERT_STR and KEY_STR to texts, CERT_FILE_PATH and KEY_FILE_PATH to paths",
            )
        if not Path(file).is_file():
            raise Denied(
                f"there is no file {file}, which {certificate.source or 'the login'} names"
            )
    try:
        # The password keeps OpenSSL from asking for one on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(*files, password="")
        ends = not_after(Path(files[0]).read_text(encoding="utf-8"))
    except (OSError, ValueError, IndexError) as error:
        is_mismatch = "KEY_VALUES_MISMATCH" in str(error)
        what = "does not fit its key" if is_mismatch else "or its key cannot be read as PEM"
        raise Denied(f"{certificate.title} {what}", hint=RENEW) from None
    if ends <= now:
        raise Denied(f"{certificate.title} ended on {ends:%Y-%m-%d}", hint=RENEW)
    return ends


def not_after(pem: str) -> datetime:
    """When the first certificate of a PEM text ends. Raises ValueError or IndexError.

    Reads just this from the DER (RFC 5280, 4.1): the standard library decodes no certificate.
    """
    text = pem[pem.index(BEGIN) : pem.index(END) + len(END)]
    outer = _items(ssl.PEM_cert_to_DER_cert(text))[0][1]
    fields = _items(_items(outer)[0][1])
    # version is optional and tagged [0]; then serial number, algorithm, issuer, validity
    validity = fields[4 if fields[0][0] == 0xA0 else 3][1]
    tag, value = _items(validity)[1]
    stamp = value.decode("ascii")
    if tag == 0x17:  # UTCTime has two digits of the year, which mean 1950 to 2049
        stamp = ("19" if int(stamp[:2]) >= 50 else "20") + stamp
    return datetime.strptime(stamp, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _items(der: bytes) -> list[tuple[int, bytes]]:
    """The (tag, content) pairs that follow each other in ``der``."""
    found, at = [], 0
    while at < len(der):
        tag, size = der[at], der[at + 1]
        at += 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(der[at : at + count]), at + count
        found.append((tag, der[at : at + size]))
        at += size
    return found
