"""Two pages that notifications and cards lead to: why an alert is as it is, and the silence form of one alert, filled in."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import web

from alerts.inbox.matchers import Matcher, text
from alerts.inbox.pages import DURATIONS, NAME_COOKIE, render
from alerts.inbox.parts import PARTS
from alerts.inbox.problems import ProblemError
from alerts.model import site_alerts
from alerts.why import facts

_MOST_LABELS = 30


async def why(request: web.Request) -> web.Response:
    """`GET /why/{alert}`: value, last hour, log, silences, checks by HTTP; commands are named, not run. 404 for another alert."""
    parts, name = request.app[PARTS], request.match_info["alert"]
    alert = next((one for one in site_alerts(parts.site) if one.name == name), None)
    if alert is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"{name} is no alert of this site")
    runbook = parts.runbooks.text(name)
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(
        None, lambda: facts.gather(alert, parts.site, parts.paths, runbook, commands=False)
    )  # fmt: skip
    dashboard = f"{parts.site.public(parts.site.ports.grafana)}/d/{alert.entry.dashboard}?from=now-1h&to=now"
    return render("why.html", root="../", alert=alert, facts=found, dashboard=dashboard, next=alert.entry.plain_steps[0])


async def silence(request: web.Request) -> web.Response:
    """`GET /silence?alertname=…&instance=…`: the form, with one matcher for each label of the query."""
    parts = request.app[PARTS]
    labels = [(name, value) for name, value in request.query.items() if name and value][:_MOST_LABELS]
    return render(
        "silence.html",
        root="./",
        token=parts.desk.form_token,
        name=request.cookies.get(NAME_COOKIE, "")[:100],
        durations=DURATIONS,
        matchers=text(Matcher(name, value) for name, value in labels),
    )
