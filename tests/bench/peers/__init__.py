"""Servers and clients that the fan-out is compared with; each Python one is a program of its own."""
