"""The containers on a real engine: `make compose-test` (run by hand; it takes minutes and a machine that it may use as root)."""
