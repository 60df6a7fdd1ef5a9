"""Where data comes from: market, on-chain and sentiment, each by WebSocket, by HTTP, or as the embedded replay."""
