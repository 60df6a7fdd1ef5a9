"""Exporters: what collects from machines and services and answers scrapes. `python -m exporters DOMAIN`."""
