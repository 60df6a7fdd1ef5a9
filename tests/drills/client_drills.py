"""The drills of the stream's clients, and of who is told."""

from __future__ import annotations

from stream.analysis.messages import PREDICTIVE
from tests.drills.client_faults import lose_connections, read_nothing, refuse_handshakes
from tests.drills.drill import Drill
from tests.drills.faults import stop_service
from tests.drills.fleet import REPLICA
from tests.drills.mail import refuse_mail
from tests.drills.model_faults import corrupt_model, motionless, overflowing
from tests.drills.redis_faults import hang

_NO_MODELS = frozenset({"ServiceDown", "TargetAbsent", "TargetDown", "ProbeEndpointDown"})
_HANGS = frozenset({"RedisDown", "RedisReplicationLag", "RedisReplicationBroken", "CollectorFailing"})

CLIENTS = (
    Drill("WebSocketConnectionsLost", "forty clients lose their connections in one moment", lose_connections(40)),
    Drill("WebSocketHandshakesRefused", "a page of another origin tries to connect five times a second", refuse_handshakes(5)),
    # Fewer than the twenty whose end without a word would be another alert.
    Drill("SlowClientsDropped", "clients on slow lines ask for what they missed, and read nothing", read_nothing(12)),
    Drill(
        "NotificationsFailing", "the mail server knows nobody any more, and Varnish is stopped", refuse_mail("edge"),
        frozenset({"ServiceDown", "CacheEdgeAway", "ProbeEndpointDown"}),
    ),
    Drill(
        "AlertsDropped", "Alertmanager is stopped", stop_service("alertmanager"), frozenset({"ServiceDown", "TargetDown"}),
        late=True,
    ),
    # Under a lowered threshold: the timeout of a scrape is a tenth here, and so is this.
    Drill("ScrapeSlow", "a Redis server hangs, and each of its scrapes waits for it", hang(REPLICA), _HANGS, fleet=True),
    # Under a lowered threshold: the age of an outcome is compared with the clock, which no factor slows down.
    Drill("AIModelStale", "the models are stopped, and nothing is forecast any more", stop_service("analysis"), _NO_MODELS),
    # Of two horizons, what looks ahead for five minutes must have been judged, too: no factor makes that sooner.
    Drill(
        "AIModelOutputStuck", "a version is chosen to answer that has learned from a market that stood still",
        corrupt_model(PREDICTIVE, motionless), frozenset({"AIModelAccuracyDrop"}), takes=600,
    ),
    Drill("AIModelFallback", "a version is chosen to answer whose weights overflow", corrupt_model(PREDICTIVE, overflowing)),
)  # fmt: skip
