"""Our exporter beside Debian's, on the same machine at the same time."""
