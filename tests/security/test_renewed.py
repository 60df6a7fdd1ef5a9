"""The hook for certbot of docs/guides/security.md: it hands over what was renewed, and the entrance shows it."""

from __future__ import annotations

import os
import shlex
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from compose import certificates
from compose.host import Host
from settings import Paths
from settings.paths import CLONE
from tests.appliance import Appliance
from tests.guides import blocks, recipe
from tests.waiting import until


def installed(appliance: Appliance, folder: Path) -> Path:
    """The hook where the guide's commands put it, with folders of this test and this appliance for those of the guide."""
    (text,) = [block for block in blocks("security.md", "sh") if "renewal-hooks" in block]
    again = [sys.executable, *recipe("make reload"), "--home", str(appliance.home), "--site", str(appliance.site_file)]
    text = text.replace("make -C /path/of/the/clone reload", f"cd {CLONE} && {shlex.join(again)}")
    text = text.replace("/etc/", f"{folder}/")
    hook = folder / "letsencrypt" / "renewal-hooks" / "deploy" / "watchfloor"
    hook.parent.mkdir(parents=True)
    subprocess.run(["sh", "-euc", text], check=True)
    return hook


def renewed(appliance: Appliance, folder: Path) -> bytes:
    """What certbot keeps of a certificate that it has renewed, root's alone; the certificate in DER."""
    made = Paths(folder / "made")
    made.secrets.mkdir(parents=True, exist_ok=True)
    certificates.make(appliance.site, made, Host(made.home, None, copied=False), renew=True)
    pem = made.certificate.read_text(encoding="ascii")
    end = pem.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----\n")
    for name, text in (("fullchain.pem", pem[:end]), ("privkey.pem", pem[end:])):
        (folder / name).write_text(text, encoding="ascii")
        (folder / name).chmod(0o600)
    return ssl.PEM_cert_to_DER_cert(pem[:end])


def shown(appliance: Appliance) -> bytes:
    """The certificate that the entrance shows, in DER."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", appliance.site.ports.entrance), timeout=5))


@pytest.mark.skipif(os.geteuid() != 0, reason="the hook gives files to another user")
def test_a_renewed_certificate_is_handed_over_and_shown(tmp_path: Path) -> None:
    appliance = Appliance(factor=0.1, settings={"workload": False})
    folder = appliance.home / "etc"
    folder.mkdir(mode=0o755)
    try:
        hook = installed(appliance, folder)
        assert stat.S_IMODE(hook.stat().st_mode) == 0o755
        tls, variables = folder / "watchfloor" / "tls", os.environ | {"RENEWED_LINEAGE": str(tmp_path)}
        appliance.up()
        first = renewed(appliance, tmp_path)
        subprocess.run([hook], env=variables, check=True)
        assert stat.S_IMODE((tls / "desk.key").stat().st_mode) == 0o600
        wanted = {"enabled": True, "certificate": str(tls / "desk.pem"), "key_file": str(tls / "desk.key")}
        appliance.change(entrance=wanted)
        appliance.up()
        assert shown(appliance) == first
        second = renewed(appliance, tmp_path)
        subprocess.run([hook], env=variables, check=True)
        until("the renewed one is shown", lambda: shown(appliance) == second, 10)
    finally:
        appliance.__exit__(None, None, None)
