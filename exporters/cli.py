"""The command line of exporters. Exit codes: 0 ended in order, 1 could not run, 2 wrong arguments or settings, 130 Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import settings
from exporters import system
from exporters.base import Collector, Domain
from exporters.ports import listen
from exporters.runner import Runner
from exporters.server import Exporter, serve
from metrics.expose import Renderer
from metrics.process import version
from settings import Site

DOMAINS: dict[str, Callable[[Site, argparse.Namespace], Domain]] = {system.NAME: system.domain}
PORTS: dict[str, Callable[[Site], int]] = {system.NAME: lambda site: site.ports.exporter_system}

_INTERRUPTED = 130  # as a shell reports a command that Ctrl-C ended
_LAST_PORT = 65_535


def main(arguments: Sequence[str]) -> int:
    """Runs one exporter; the exit code comes back."""
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


def _run(options: argparse.Namespace, site: Site, domain: Domain) -> int:
    if options.list:
        print(json.dumps([_described(collector) for collector in domain.collectors], indent=2), flush=True)
        return 0
    if options.once:
        asyncio.run(_once(domain))
        return 0
    host, port = options.bind or site.bind, PORTS[options.domain](site) if options.port is None else options.port
    try:
        sock = listen(host, port)
    except OSError as error:
        return _failed(str(error) if error.errno is None else f"{host} port {port}: {error.strerror}: check bind and port")
    logging.getLogger("exporters").info("%s: listening on http://%s:%d/metrics", domain.service, host, sock.getsockname()[1])
    asyncio.run(serve(Runner(domain), sock))
    return 0


def _prepared(arguments: Sequence[str]) -> tuple[argparse.Namespace, Site, Domain]:
    parser = _parser()
    known, rest = parser.parse_known_args(arguments)
    site = settings.load(known.site)
    domain = DOMAINS[known.domain](site, known)
    options = _with_switches(parser, domain).parse_args(rest, known)
    return options, site, _selected(domain, options, parser)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m exporters", description="Answers Prometheus's scrapes about one domain.", allow_abbrev=False
    )
    parser.add_argument("domain", choices=sorted(DOMAINS), help="what to tell of")
    parser.add_argument("--bind", metavar="ADDRESS", help="address to listen on (site.yaml: bind)")
    parser.add_argument("--port", type=_port, help="port to listen on, 0 for a free one (site.yaml: ports)")
    parser.add_argument("--collectors", metavar="A,B", help="run these collectors only")
    parser.add_argument("--once", action="store_true", help="print one exposition and end")
    parser.add_argument("--list", action="store_true", help="print the collectors and what they emit as JSON, and end")
    parser.add_argument("--site", type=Path, metavar="FILE", help="settings to use instead of site.yaml")
    parser.add_argument("--proc", type=Path, default=Path("/proc"), metavar="DIR", help="where the machine's /proc is")
    parser.add_argument("--sys", type=Path, default=Path("/sys"), metavar="DIR", help="where the machine's /sys is")
    parser.add_argument("--root", type=Path, default=Path("/"), metavar="DIR", help="where the machine's / is")
    parser.add_argument("--version", action="version", version=f"watchfloor exporters {version()}")
    return parser


def _with_switches(parser: argparse.ArgumentParser, domain: Domain) -> argparse.ArgumentParser:
    switches = argparse.ArgumentParser(prog=parser.prog, add_help=False, allow_abbrev=False)
    for name in domain.names:
        switches.add_argument(f"--no-collector-{name}", action="append_const", dest="off", const=name)
    return switches


def _selected(domain: Domain, options: argparse.Namespace, parser: argparse.ArgumentParser) -> Domain:
    """The domain without the collectors that are switched off."""
    wanted = set(options.collectors.split(",") if options.collectors else domain.names) - set(options.off or ())
    unknown = sorted(wanted - set(domain.names))
    if unknown:
        parser.error(f"--collectors: unknown collector {unknown[0]!r}: known are {', '.join(domain.names)}")
    chosen = tuple(collector for collector in domain.collectors if collector.name in wanted)
    return Domain(domain.name, domain.service, chosen, domain.success, domain.duration)


def _described(collector: Collector) -> dict[str, object]:
    return {"name": collector.name, "help": collector.help, "emits": [metric.name for metric in collector.emits]}


async def _once(domain: Domain) -> None:
    samples = await Exporter(Runner(domain)).samples()
    sys.stdout.write(Renderer().render(samples).decode("utf-8", "replace"))
    sys.stdout.flush()


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= _LAST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port: give 0 to {_LAST_PORT}")


def _failed(message: str, code: int = 1) -> int:
    print(f"exporters: {message}", file=sys.stderr)
    return code
