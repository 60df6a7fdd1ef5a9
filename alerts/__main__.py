"""`python -m alerts`: see `alerts.cli`."""

import sys

from alerts.cli import main

sys.exit(main())
