"""Chaos: one component after the other is killed, stopped, taken away, slowed, cut off or left without disk, under load."""
