"""The dashboards without Grafana: a page, and an HTML snapshot, made from the same dashboard files."""
