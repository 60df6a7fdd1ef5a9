"""`python -m dashboards`: see `dashboards.cli`."""

import sys

from dashboards.cli import main

sys.exit(main())
