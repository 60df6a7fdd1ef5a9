"""The appliance's own authority, and the entrance's certificate by it."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from compose import certificates
from compose.host import Host
from compose.secrets import make_secrets
from settings import Paths, parse


def test_a_certificate_is_made_once_and_anew_for_other_names(tmp_path: Path) -> None:
    host, paths = Host(tmp_path, None, copied=False), Paths(tmp_path)
    make_secrets(paths, host)
    site = parse("{instance: Box ü, public_url: 'https://desk.example.org', entrance: {enabled: true, bind: '::'}}")
    assert certificates.make(site, paths, host)
    first = paths.certificate.read_bytes()
    assert not certificates.make(site, paths, host)
    names = x509.load_pem_x509_certificate(first).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["desk.example.org", "localhost"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    authority = paths.authority.read_bytes()
    assert certificates.make(parse("public_url: 'https://other.example.org'"), paths, host)
    assert paths.authority.read_bytes() == authority, "who trusts it goes on trusting it"
    assert paths.certificate.read_bytes() != first
    assert certificates.make(site, paths, host, renew=True)
    paths.authority_key.unlink()  # as after an interruption
    assert certificates.make(site, paths, host)
    x509.load_pem_x509_certificate(paths.certificate.read_bytes()).verify_directly_issued_by(
        x509.load_pem_x509_certificate(paths.authority.read_bytes())
    )
    assert paths.authority_key.stat().st_mode & 0o777 == 0o600
    assert paths.authority_key.parent.stat().st_mode & 0o777 == 0o700
    assert paths.certificate.stat().st_mode & 0o777 == 0o600
