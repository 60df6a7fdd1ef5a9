"""The five models behind the stream: they learn from it while it flows, answer over HTTP, and are scored on what happened.

    stream (WebSocket) -> feed -> engine (pure: market, models, samples) -> service (POST /analyze) -> client
                                     |-> versions (files)   |-> records (PostgreSQL: predictions, outcomes, analysis_history)

`python -m stream.analysis` is a process of its own. The engine and all below it know neither clock nor network.
"""
