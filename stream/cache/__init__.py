"""The cache: memory, Redis and an edge behind one interface (`cache.Cache`).

A layer that fails is a miss and a metric, never an error of the caller.
"""
