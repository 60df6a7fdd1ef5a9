"""The workload: a WebSocket and HTTP stream server of market data, instrumented as the thing that is monitored."""
