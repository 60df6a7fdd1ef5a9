"""The dashboards in a Grafana that others run: brought there, and proven there, by its HTTP API (docs/topics/grafana.md)."""
