"""X.509 certificates of TLS up to 1.2 and DTLS up to 1.2 (RFC 5246 section 7.4.2, RFC 5280)."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from analyzer.capture.dissect import fields

if TYPE_CHECKING:
    from cryptography import x509

MOST = 10  # certificates of one chain that are read
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Certificate(NamedTuple):
    """What a certificate says."""

    subject: str  # RFC 4514
    issuer: str
    names: tuple[str, ...]  # DNS names of its subjectAltName, then common names that are not among them, lower case
    is_self_signed: bool  # issued by its own subject; the signature is not checked
    not_before: int  # nanoseconds since 1970-01-01 UTC
    not_after: int


def chain(body: bytes) -> list[Certificate]:
    """Certificates in the body of a Certificate message that are there in full and can be read."""
    found: list[Certificate] = []
    pos = 3
    for _ in range(MOST):
        end = pos + 3 + int.from_bytes(body[pos : pos + 3], "big")
        if end > len(body) or end < pos + 4:
            break
        certificate = read(body[pos + 3 : end])
        if certificate is not None:
            found.append(certificate)
        pos = end
    return found


def read(der: bytes) -> Certificate | None:
    """None: not a certificate that `cryptography` can read."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    refused = (ValueError, TypeError, KeyError, OverflowError, NotImplementedError, x509.InvalidVersion)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of certificates that later versions will refuse
            return _stated(x509.load_der_x509_certificate(der))
    except (*refused, UnsupportedAlgorithm):
        return None


def _stated(certificate: x509.Certificate) -> Certificate:
    from cryptography.x509.oid import NameOID

    common = [str(found.value) for found in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    names = [name.lower() for name in (*_alternative(certificate), *common)]
    return Certificate(
        _text(certificate.subject.rfc4514_string()),
        _text(certificate.issuer.rfc4514_string()),
        tuple(dict.fromkeys(_text(name) for name in names)),
        certificate.subject == certificate.issuer,
        _nanoseconds(certificate.not_valid_before_utc),
        _nanoseconds(certificate.not_valid_after_utc),
    )


def _alternative(certificate: x509.Certificate) -> list[str]:
    """DNS names of the subjectAltName; none where the extensions cannot be read."""
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return []
    return list(extension.value.get_values_for_type(x509.DNSName))


def _text(name: str) -> str:
    """Printable text of any script; control characters escaped."""
    return name if name.isprintable() else fields.text(name.encode("utf-8", "backslashreplace"))


def _nanoseconds(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1) * 1000
