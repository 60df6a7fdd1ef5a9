"""Names of currencies that a feed tells only by symbol, with their ids at CoinGecko; others are called by their symbol."""

NAMES: dict[str, tuple[str, str | None]] = {
    "ADA": ("Cardano", "cardano"),
    "AVAX": ("Avalanche", "avalanche-2"),
    "BCH": ("Bitcoin Cash", "bitcoin-cash"),
    "BNB": ("BNB", "binancecoin"),
    "BTC": ("Bitcoin", "bitcoin"),
    "DOGE": ("Dogecoin", "dogecoin"),
    "DOT": ("Polkadot", "polkadot"),
    "ETH": ("Ethereum", "ethereum"),
    "LINK": ("Chainlink", "chainlink"),
    "LTC": ("Litecoin", "litecoin"),
    "SOL": ("Solana", "solana"),
    "TRX": ("TRON", "tron"),
    "USDC": ("USDC", "usd-coin"),
    "USDT": ("Tether", "tether"),
    "XLM": ("Stellar", "stellar"),
    "XRP": ("XRP", "ripple"),
}
