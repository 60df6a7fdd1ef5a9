"""`python -m exporters`."""

import sys

from exporters.lean import lean, needs_tls

with lean(tls=needs_tls(sys.argv[1:])):
    from exporters.cli import main

sys.exit(main(sys.argv[1:]))
