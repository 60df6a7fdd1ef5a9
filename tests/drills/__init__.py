"""Alerts provoked by real faults on a running appliance, and watched from the first bad sample to the resolution.

    python -m tests.drills [ALERT …] [--factor 0.1] [--repeat N] [--json FILE]

A drill starts an appliance of its own (free ports, a home of its own), so that it never disturbs the one that is running.
`--factor` multiplies every `for`, window, wait and interval, and touches neither thresholds nor the way of a notification.
"""
