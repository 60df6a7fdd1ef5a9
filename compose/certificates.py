"""The appliance's own authority, and the entrance's certificate by it: made when missing, renewed a month ahead."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from compose.errors import ComposeError
from compose.host import Host
from compose.machine import certificate_days
from compose.secrets import rewrite
from settings import Paths, Site, patterns

_AUTHORITY_DAYS, _DAYS = 3650, 397  # browsers take no server certificate that is longer
_ISSUER = "Watchfloor's own authority"
_RENEW = 30  # days that must be left


def make(site: Site, paths: Paths, host: Host, *, renew: bool = False) -> bool:
    """Makes what is missing, or near its end, or for other names; tells whether the certificate is a new one.

    A certificate and its key are one file, so that an interruption leaves the old pair or the new one.
    """
    names = _names(site)
    authority = _authority(paths)
    if not renew and _serves(paths, names):
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    rewrite(paths.certificate, _signed(names[0], key, authority, names) + _pem(key), host)
    return True


def _authority(paths: Paths) -> ec.EllipticCurvePrivateKey:
    """Its key, made where there is none. It stays whoever ran `make up`'s: a service that is broken into cannot sign."""
    if not paths.authority_key.exists() or not paths.authority.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        paths.authority_key.parent.mkdir(mode=0o700, exist_ok=True)
        new = paths.authority_key.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(_pem(key), encoding="ascii")
        _publish(paths.authority, _signed(_ISSUER, key, key, None))
        new.replace(paths.authority_key)  # last: an interruption makes both anew
    kept = serialization.load_pem_private_key(paths.authority_key.read_bytes(), None)
    if not isinstance(kept, ec.EllipticCurvePrivateKey):
        raise ComposeError(f"{paths.authority_key}: is no key that this version makes: remove it, then `make certs`")
    return kept


def _serves(paths: Paths, names: list[str]) -> bool:
    """Whether the certificate is there, lasts, is for these names and of this authority."""
    if not paths.certificate.exists() or certificate_days(paths.certificate) < _RENEW:
        return False
    made = x509.load_pem_x509_certificate(paths.certificate.read_bytes())
    held = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if {str(name.value) for name in held} != set(names):
        return False
    try:
        made.verify_directly_issued_by(x509.load_pem_x509_certificate(paths.authority.read_bytes()))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names(site: Site) -> list[str]:
    """By which it may be called: the public name, the machine's if that is a host's name, this machine, the bound address."""
    public = urlsplit(site.public_url).hostname or "localhost"
    own = [site.instance_name.lower()] if re.search(patterns.HOST, site.instance_name) else []
    bound = site.entrance.bind.strip("[]").partition("%")[0]
    told = [public, *own, "localhost", "127.0.0.1", "::1", *([] if bound in ("0.0.0.0", "::") else [bound])]  # noqa: S104  # compared
    return list(dict.fromkeys(str(_name(name).value) for name in told))


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _signed(subject: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, names: list[str] | None) -> str:
    """A certificate in PEM: of a server with these names, or of an authority where there are none."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _ISSUER)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_DAYS if names else _AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None if names else 0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_usage(authority=not names), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(map(_name, names)), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def _publish(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    file.write_text(text, encoding="ascii")
    file.chmod(0o644)
