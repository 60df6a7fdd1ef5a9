"""The command line of exporters. Exit codes: 0 ended in order, 1 could not run, 2 wrong arguments or settings, 130 Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import settings
from exporters.base import Collector, Domain
from exporters.domains import ALL, DOMAINS, chosen
from exporters.ports import listen
from exporters.runner import Runner
from exporters.server import Exporter, serve
from metrics.expose import Renderer
from metrics.model import Sample
from metrics.process import version
from settings import SettingsError, Site
from settings.exposure import is_loopback

if TYPE_CHECKING:
    from exporters.gate import Gate

_INTERRUPTED = 130  # as a shell reports a command that Ctrl-C ended
_LAST_PORT = 65_535
# By name of the domain, its targets; the first one answers at /metrics.
Targets = Mapping[str, tuple[Domain, ...]]


def main(arguments: Sequence[str]) -> int:
    """Runs exporters; the exit code comes back."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        return _run(*_prepared(arguments))
    except settings.SettingsError as error:
        return _failed(str(error), 2)
    except KeyboardInterrupt:  # before the server took the signals over
        return _INTERRUPTED
    except BrokenPipeError:  # who read the output has seen enough; Python must not try to write the rest at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(options: argparse.Namespace, site: Site, targets: Targets) -> int:
    if options.list:
        listed = [_described(name, collector) for name, domains in targets.items() for collector in domains[0].collectors]
        print(json.dumps(listed, indent=2), flush=True)
        return 0
    limits = site.exporters.series_limit, site.prometheus.sample_limit
    exporters = {name: Exporter([Runner(domain) for domain in domains], *limits) for name, domains in targets.items()}
    if options.once:
        try:
            _written(asyncio.run(_once(exporters.values())), options.out)
        except BrokenPipeError:
            raise  # nobody reads on: no failure
        except OSError as error:
            return _failed(f"{error.filename or options.out}: {error.strerror}: name a file in a folder that can be written")
        return 0
    gate = _gate(options.web_config_file)
    if gate is None:
        _refuse_open(site, options)
    try:
        sockets = _listening(options, site, exporters, "https" if gate and gate.tls else "http")
    except OSError as error:
        return _failed(str(error))
    asyncio.run(serve([(exporters[name], sock) for name, sock in sockets.items()], gate))
    return 0


def _refuse_open(site: Site, options: argparse.Namespace) -> None:
    """Raises SettingsError where a network would be answered without TLS and a password, and the site does not say so."""
    address = options.bind or site.bind
    if not (site.contained or site.insecure or is_loopback(address)):
        fix = "give --web.config.file (docs/guides/exporters.md), or say `insecure: true`"
        what = f"bind: {address} would answer the network without TLS and a password"
        raise SettingsError(str(options.site or "site.yaml"), what, fix)


def _gate(file: Path | None) -> Gate | None:
    if file is None:
        return None
    from exporters.gate import Gate  # noqa: PLC0415  # it brings bcrypt along, and most have no such file

    return Gate(file)


def _listening(options: argparse.Namespace, site: Site, names: Iterable[str], scheme: str) -> dict[str, socket.socket]:
    """A socket for each domain. Raises OSError, whose text is a line for a person."""
    host, sockets = options.bind or site.bind, {}
    for name in names:
        port = DOMAINS[name].port(site) if options.port is None else options.port
        try:
            sockets[name] = listen(host, port)
        except OSError as error:
            raise OSError(
                str(error) if error.errno is None else f"{host} port {port}: {error.strerror}: check bind and port"
            ) from error
        at = f"{scheme}://{host}:{sockets[name].getsockname()[1]}/metrics"
        logging.getLogger("exporters").info("exporter-%s: listening on %s", name, at)
    return sockets


def _prepared(arguments: Sequence[str]) -> tuple[argparse.Namespace, Site, Targets]:
    reading = parser()
    known, rest = reading.parse_known_args(arguments)
    site = settings.load(known.site)
    names = chosen(known.domain)
    if known.port is not None and len(names) > 1:
        reading.error(f"--port: is for one domain, not for {', '.join(names)}: set each one's port in site.yaml (ports)")
    targets = _targets(names, site, known)
    options = _with_switches(reading, targets).parse_args(rest, known)
    if options.out and not options.once:
        reading.error("--out: goes with --once")
    return options, site, _selected(targets, options, reading)


def _targets(names: Sequence[str], site: Site, options: argparse.Namespace) -> Targets:
    """The domains with a target; one that was named alone must have one."""
    made = {name: DOMAINS[name].domains(site, options) for name in names}
    for name in [name for name, domains in made.items() if not domains]:
        if ALL not in options.domain:
            raise SettingsError(
                str(options.site or "site.yaml"), f"exporters.{name}: names no target", "docs/guides/exporters.md"
            )
        del made[name]
    if options.target:
        made = {name: tuple(domain for domain in domains if domain.target == options.target) for name, domains in made.items()}
        made = {name: domains for name, domains in made.items() if domains}
        if not made:
            raise SettingsError("--target", f"no domain has a target {options.target!r}", "give a name of site.yaml")
    return made


def parser() -> argparse.ArgumentParser:
    """What the command line takes; switches of single collectors come later, with the domains."""
    parser = argparse.ArgumentParser(
        prog="python -m exporters", description="Answers Prometheus's scrapes about one domain or several.", allow_abbrev=False
    )
    domains = [*DOMAINS, ALL]
    parser.add_argument("domain", nargs="+", choices=domains, metavar="domain", help=f"what to tell of: {', '.join(domains)}")
    parser.add_argument("--bind", metavar="ADDRESS", help="address to listen on (site.yaml: bind)")
    parser.add_argument("--port", type=_port, help="port to listen on, 0 for a free one (site.yaml: ports)")
    parser.add_argument(
        "--web.config.file",
        dest="web_config_file",
        type=Path,
        metavar="FILE",
        help="TLS, users and token, as exporter-toolkit has it",
    )
    parser.add_argument("--collectors", metavar="A,B", help="run these collectors only")
    parser.add_argument("--once", action="store_true", help="print one exposition and end")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="with --once: this file, replaced in one step (a textfile collector's)",
    )
    parser.add_argument("--target", default="", metavar="NAME", help="of the domain's targets this one only")
    parser.add_argument("--list", action="store_true", help="print the collectors and what they emit as JSON, and end")
    parser.add_argument("--site", type=Path, metavar="FILE", help="settings to use instead of site.yaml")
    parser.add_argument("--proc", type=Path, default=Path("/proc"), metavar="DIR", help="where the machine's /proc is")
    parser.add_argument("--sys", type=Path, default=Path("/sys"), metavar="DIR", help="where the machine's /sys is")
    parser.add_argument("--root", type=Path, default=Path("/"), metavar="DIR", help="where the machine's / is")
    parser.add_argument("--version", action="version", version=f"watchfloor exporters {version()}")
    return parser


def _with_switches(reading: argparse.ArgumentParser, targets: Targets) -> argparse.ArgumentParser:
    switches = argparse.ArgumentParser(prog=reading.prog, add_help=False, allow_abbrev=False)
    for name in _names(targets):
        switches.add_argument(f"--no-collector-{name}", action="append_const", dest="off", const=name)
    return switches


def _names(targets: Targets) -> list[str]:
    return list(dict.fromkeys(name for domains in targets.values() for name in domains[0].names))


def _selected(targets: Targets, options: argparse.Namespace, reading: argparse.ArgumentParser) -> Targets:
    """The domains without the collectors that are switched off."""
    known = _names(targets)
    wanted = set(options.collectors.split(",") if options.collectors else known) - set(options.off or ())
    unknown = sorted(wanted - set(known))
    if unknown:
        reading.error(f"--collectors: unknown collector {unknown[0]!r}: known are {', '.join(known)}")
    return {name: tuple(domain.only(wanted) for domain in domains) for name, domains in targets.items()}


def _described(domain: str, collector: Collector) -> dict[str, object]:
    emits = [metric.name for metric in collector.emits]
    return {"domain": domain, "name": collector.name, "help": collector.help, "emits": emits}


async def _once(exporters: Iterable[Exporter]) -> bytes:
    """What the exporters tell; of the process that ends here, nothing."""
    collected: list[Iterable[Sample]] = []
    for exporter in exporters:
        collected.append(await exporter.collected())
        exporter.close()
    return Renderer().render(chain.from_iterable(collected))


def _written(body: bytes, out: Path | None) -> None:
    """On standard output, or in a file that is whole at any moment: who collects it reads the old text or the new one."""
    if out is None:
        sys.stdout.write(body.decode("utf-8", "replace"))
        sys.stdout.flush()
        return
    # Beside it, because a rename is one step within a filesystem only; a name that no collector takes for an exposition.
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with fresh.open("wb") as file:
            file.write(body)
            os.fsync(file.fileno())
        fresh.replace(out)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= _LAST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port: give 0 to {_LAST_PORT}")


def _failed(message: str, code: int = 1) -> int:
    print(f"exporters: {message}", file=sys.stderr)
    return code
