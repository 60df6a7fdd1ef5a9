"""`python -m exporters`."""

import sys

from exporters.cli import main

sys.exit(main(sys.argv[1:]))
