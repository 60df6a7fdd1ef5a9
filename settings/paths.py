"""Where everything that running makes is kept: one home, `var/` in the clone unless its user may not go there."""

import os
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "WATCHFLOOR_HOME"
# The name under which the appliance's own services are known to its Alertmanager.
ALERTMANAGER_USER = "watchfloor"
# The same of its Prometheus, where that wants a password.
PROMETHEUS_USER = "watchfloor"
# The database in the appliance's own PostgreSQL, and the role that owns it: of migrations and maintenance alone.
DATABASE_USER = "watchfloor"
# The role by which the workload reads and writes its rows: it changes no table, and owns none.
APP_USER = "watchfloor_app"
# The role of least privilege by which an exporter asks PostgreSQL, and the user by which one asks Redis.
EXPORTER_USER = "watchfloor_exporter"
# The role that reads the workload's tables and changes nothing: of people, and of the exporter of how good the models are.
READER_USER = "watchfloor_reader"
# By whom its own two Redis servers are asked: stream servers at the bus, and at the cache; people, who may do everything.
BUS_USER, CACHE_USER, REDIS_ADMIN_USER = "watchfloor_bus", "watchfloor_cache", "watchfloor_admin"
CLONE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Paths:
    """The folders of one appliance under its home."""

    home: Path

    @classmethod
    def from_environment(cls) -> "Paths":
        """The home of `WATCHFLOOR_HOME`, else `var/` beside this code."""
        return cls(Path(os.environ.get(HOME_VARIABLE) or CLONE / "var"))

    @property
    def rendered(self) -> Path:
        """What this site's services read: rules, routes, dashboards, scrape jobs. Readable by all, written by `make up`."""
        return self.home / "rendered"

    @property
    def site(self) -> Path:
        """The settings with which the running services were started."""
        return self.rendered / "site.yaml"

    @property
    def data(self) -> Path:
        """State that survives a restart, one folder a service."""
        return self.home / "data"

    @property
    def backups(self) -> Path:
        """Backups of that state, where the settings name no other folder; `make clean` leaves them."""
        return self.home / "backups"

    @property
    def logs(self) -> Path:
        """One log a service, rotated."""
        return self.home / "log"

    @property
    def secrets(self) -> Path:
        """Generated passwords and tokens, each a file of mode 0600."""
        return self.home / "secrets"

    @property
    def run(self) -> Path:
        """Sockets, locks and process ids."""
        return self.home / "run"

    @property
    def inbox_token(self) -> Path:
        """The bearer token by which Alertmanager is known to the inbox."""
        return self.secrets / "inbox_token"

    @property
    def alertmanager_password(self) -> Path:
        """The password by which Prometheus, the inbox and the health checks are known to Alertmanager."""
        return self.secrets / "alertmanager_password"

    @property
    def prometheus_password(self) -> Path:
        """The password by which the appliance's own services, and people, are known to Prometheus where it wants one."""
        return self.secrets / "prometheus_password"

    @property
    def prometheus_web(self) -> Path:
        """Prometheus's web configuration: the same password as a bcrypt hash."""
        return self.secrets / "prometheus_web.yml"

    @property
    def cache_password(self) -> Path:
        """The password by which stream servers are known to the cache's Redis."""
        return self.secrets / "cache_password"

    @property
    def cache_config(self) -> Path:
        """That Redis's users, with hashes of their passwords; everything else is on its command line."""
        return self.secrets / "cache_users.conf"

    @property
    def edge_secret(self) -> Path:
        """The word by which the edge and the appliance's caches know each other, and who may purge."""
        return self.secrets / "edge_secret"

    @property
    def alertmanager_web(self) -> Path:
        """Alertmanager's web configuration: the same password as a bcrypt hash."""
        return self.secrets / "alertmanager_web.yml"

    @property
    def database_password(self) -> Path:
        """The password by which who migrates and maintains the workload's tables is known to the appliance's own PostgreSQL."""
        return self.secrets / "database_password"

    @property
    def app_password(self) -> Path:
        """The password by which the workload, which reads and writes rows, is known to the appliance's own PostgreSQL."""
        return self.secrets / "app_password"

    @property
    def exporter_password(self) -> Path:
        """The password by which the PostgreSQL exporter is known to the appliance's own PostgreSQL."""
        return self.secrets / "exporter_password"

    @property
    def reader_password(self) -> Path:
        """The password by which people, and who only reads its tables, are known to the appliance's own PostgreSQL."""
        return self.secrets / "reader_password"

    @property
    def postgres_password(self) -> Path:
        """The password of that PostgreSQL's superuser, for people and backups; no service uses it."""
        return self.secrets / "postgres_password"

    @property
    def bus_password(self) -> Path:
        """The password by which stream servers are known to the Redis that joins them."""
        return self.secrets / "bus_password"

    @property
    def bus_users(self) -> Path:
        """That Redis's users, with hashes of their passwords."""
        return self.secrets / "bus.acl"

    @property
    def redis_exporter_password(self) -> Path:
        """The password by which the Redis exporter is known to the appliance's own Redis servers."""
        return self.secrets / "redis_exporter_password"

    @property
    def redis_admin_password(self) -> Path:
        """The password of both Redis servers' administrator, for people; no service uses it."""
        return self.secrets / "redis_admin_password"

    @property
    def grafana_password(self) -> Path:
        """The password of Grafana's administrator, `admin`, where Grafana is installed."""
        return self.secrets / "grafana_password"

    @property
    def grafana_secret_key(self) -> Path:
        """The key by which that Grafana encrypts what it stores."""
        return self.secrets / "grafana_secret_key"

    @property
    def entrance_password(self) -> Path:
        """The password by which a person signs in at the entrance."""
        return self.secrets / "entrance_password"

    @property
    def viewer_password(self) -> Path:
        """The password of who may look, and change nothing."""
        return self.secrets / "viewer_password"

    @property
    def entrance_users(self) -> Path:
        """The entrance's users: the same passwords as salted hashes."""
        return self.secrets / "entrance_users"

    @property
    def entrance_alertmanager(self) -> Path:
        """By which the entrance is known to Alertmanager: a header that nginx includes."""
        return self.secrets / "entrance_alertmanager.conf"

    @property
    def entrance_prometheus(self) -> Path:
        """By which the entrance is known to Prometheus: the same."""
        return self.secrets / "entrance_prometheus.conf"

    @property
    def entrance_stream(self) -> Path:
        """By which the entrance is known to the stream server, which then believes it whom it saw: the same."""
        return self.secrets / "entrance_stream.conf"

    @property
    def certificate(self) -> Path:
        """The entrance's certificate by the appliance's own authority, and its key."""
        return self.secrets / "server.pem"

    @property
    def authority(self) -> Path:
        """The appliance's own authority: what browsers and programs are told to trust. It is no secret."""
        return self.home / "ca.crt"

    @property
    def authority_key(self) -> Path:
        """The authority's key: whoever has it can be anybody to those who trust it."""
        return self.home / "authority" / "ca.key"  # whoever ran `make up`: no service may read it
