"""What texts in `site.yaml` look like. Errors and the reference page say the meaning, never the pattern."""

# The end of the text: in Python a bare `$` also matches before a last newline. Means the same in ECMAScript.
_END = r"$(?!\n)"

# So few digits that no duration overflows Prometheus' 292 years by far.
_DIGITS = {"y": 2, "w": 4, "d": 5, "h": 6, "m": 8, "s": 9, "ms": 12}
_UNITS = "".join(f"(?:[0-9]{{1,{digits}}}{unit})?" for unit, digits in _DIGITS.items())
DURATION = rf"^(?=[0-9]){_UNITS}" + _END
SIZE = r"^[1-9][0-9]{0,8}(?:B|KB|MB|GB|TB)" + _END
LABEL = r"^(?!__|job$|instance$)[a-zA-Z_][a-zA-Z0-9_]*" + _END
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*" + _END
_PORT = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
PORT = rf"^{_PORT}" + _END
HOST_OR_NONE = r"^(?:[0-9a-fA-F]*:[0-9a-fA-F:.]+|[A-Za-z0-9][A-Za-z0-9._-]*)?" + _END
ZONE = r"^(?:[0-9a-f]{32})?" + _END
PREFIX = r"^[A-Za-z0-9._:-]{1,64}" + _END
TARGET = rf"^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):{_PORT}" + _END
URL = r"^https?://[^/\s]+(?:/\S*)?" + _END
# Of servers that pages name: no user or password in it, which every page, error and snapshot would show.
OPEN_URL = r"^https?://[^/\s@]+(?:/\S*)?" + _END
OPEN_URL_OR_NONE = r"^(?:https?://[^/\s@]+(?:/\S*)?)?" + _END
URL_OR_NONE = r"^(?:https?://[^/\s]+(?:/\S*)?)?" + _END
BARE_URL = r"^https?://(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)/?" + _END
BIND = r"^(?:[0-9a-fA-F]*:[0-9a-fA-F:.]+(?:%[A-Za-z0-9._-]+)?|[A-Za-z0-9][A-Za-z0-9._-]*)" + _END
MAIL = r"^[^@\s]+@[^@\s]+" + _END
PATH = r"^/\S*" + _END
CLOCK = r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)" + _END
FILE = r"^/[^\n]*" + _END
FILE_OR_NONE = r"^(?:/[^\n]*)?" + _END
LINE = r"^[^\n]*" + _END
SYMBOL = r"^[A-Z0-9][A-Z0-9._-]{0,15}" + _END
ORIGIN = r"^https?://(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?" + _END
ORIGIN_OR_NONE = r"^(?:https?://(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?)?" + _END
NETWORK = r"^[0-9a-fA-F:.]+(?:/[0-9]{1,3})?" + _END
HOST = r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}" + _END
REQUEST_RATE = r"^[1-9][0-9]{0,8}/(?:second|minute|hour)" + _END
HEADER = r"^[A-Za-z0-9-]+" + _END
FEED = r"^(?:(?:https?|wss?)://[^/\s]+(?:/\S*)?)?" + _END
MARKET_FEED = r"^(?:(?:https?|wss?)://[^/\s]+(?:/\S*)?|ccxt:[a-z0-9]+)?" + _END
BUS_OR_NONE = r"^(?:rediss?://(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?(?:/[0-9]{1,2})?)?" + _END
REDIS = r"^rediss?://(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?" + _END
METRIC = r"^[a-z_][a-z0-9_]*" + _END
# No password: neither as a key nor in a URL.
DSN = r"^(?!.*(?:password|passfile|sslpassword)\s*=)(?!postgres(?:ql)?://[^/?@]*:[^/?@]*@)[^\n]*" + _END
JSON_PATH = r"^(?:=[^\n]*|[^.=\n][^.\n]*(?:\.[^.\n]+)*|)" + _END

MEANINGS = {
    DURATION: "a duration such as 30s, 5m or 1h30m",
    SIZE: "a size such as 512MB or 10GB",
    LABEL: "a label name: letters, digits and underscores; not job, instance or one that begins with a digit or two underscores",
    NAME: "a name of letters, digits, dots, underscores and hyphens",
    TARGET: "host:port, for example 10.0.0.5:9701 or [::1]:9701",
    PORT: "a port from 1 to 65535",
    HOST_OR_NONE: "a host name or IP address, or nothing",
    ZONE: "the 32 hexadecimal digits of a Cloudflare zone, or nothing",
    PREFIX: "1 to 64 letters, digits, dots, underscores, colons and hyphens",
    URL: "a URL that begins with http:// or https://",
    URL_OR_NONE: "a URL that begins with http:// or https://, or nothing",
    OPEN_URL: "a URL that begins with http:// or https://, without user and password",
    OPEN_URL_OR_NONE: "a URL that begins with http:// or https://, without user and password, or nothing",
    BARE_URL: "http:// or https:// and a host, without a port or path",
    BIND: "an IP address or host name of this machine, for example 127.0.0.1 or 0.0.0.0",
    MAIL: "a mail address such as oncall@example.org",
    PATH: "a path that begins with /",
    CLOCK: 'a time of day in quotes, from "00:00" to "24:00"',
    FILE: "the absolute path of a file",
    FILE_OR_NONE: "the absolute path of a file, or nothing",
    LINE: "a text of one line",
    SYMBOL: "a symbol of capital letters and digits, for example BTC",
    ORIGIN: "an origin such as https://desk.example.org or http://localhost:3000, without a path",
    ORIGIN_OR_NONE: "http:// or https://, a host, and a port where it needs one, without a path; or nothing",
    NETWORK: "an address or network such as 10.0.0.5 or 10.0.0.0/8",
    HOST: "a host name such as stream.example.org, without a port",
    REQUEST_RATE: "a count and a time, for example 100/second, 6000/minute or 10000/hour",
    HEADER: "the name of an HTTP header",
    FEED: "a URL that begins with ws://, wss://, http:// or https://, or nothing",
    MARKET_FEED: "a URL that begins with ws://, wss://, http:// or https://, or ccxt:EXCHANGE, or nothing",
    BUS_OR_NONE: "redis:// or rediss://, a host, a port and the number of a database (no user or password), or nothing",
    REDIS: "redis:// or rediss://, a host, and a port where it is not 6379 (no user or password)",
    METRIC: "a name of small letters, digits and underscores",
    DSN: "a DSN without a password, for example host=db-1 user=watchfloor_exporter; the password goes into password_file",
    JSON_PATH: "keys and indexes joined by dots, for example data.0.price, or = and a fixed text",
}

# The type's name on the reference page.
KINDS = {
    DURATION: "duration",
    SIZE: "size",
    LABEL: "label name",
    NAME: "name",
    TARGET: "host:port",
    HOST_OR_NONE: "host",
    ZONE: "zone",
    PREFIX: "prefix",
    URL: "URL",
    URL_OR_NONE: "URL",
    OPEN_URL: "URL",
    OPEN_URL_OR_NONE: "URL",
    BARE_URL: "URL",
    BIND: "address",
    MAIL: "mail address",
    PATH: "path",
    CLOCK: "time of day",
    FILE: "file",
    FILE_OR_NONE: "file",
    SYMBOL: "symbol",
    ORIGIN: "origin",
    ORIGIN_OR_NONE: "origin",
    NETWORK: "network",
    HEADER: "header",
    FEED: "feed",
    MARKET_FEED: "feed",
    BUS_OR_NONE: "URL",
    REDIS: "URL",
    METRIC: "name",
    DSN: "DSN",
    JSON_PATH: "path in JSON",
}
