"""What a text says, from -1 to 1: the lexicon and rules of VADER, with the words of this market.

C.J. Hutto and E. Gilbert, VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text, 2014. English only.
A word's valence runs from -4 to 4.
"""

from __future__ import annotations

from functools import cache

from vader import SentimentIntensityAnalyzer

# Words that mean something here and nothing, or something else, in the lexicon of everyday language.
MARKET_WORDS = {
    "bearish": -2.2, "bullish": 2.2, "rally": 1.8, "rallies": 1.8, "rallied": 1.8, "surge": 1.8, "surges": 1.8, "soar": 2.0,
    "soars": 2.0, "plunge": -2.2, "plunges": -2.2, "plunged": -2.2, "dump": -1.8, "dumps": -1.8, "selloff": -2.0,
    "liquidated": -1.8, "liquidations": -1.8, "hacked": -2.5, "exploit": -2.0, "rugpull": -3.2, "delisted": -2.0, "halving": 0.8,
    "adoption": 1.2, "upgrade": 1.0, "outflows": -1.2, "inflows": 1.2, "depeg": -2.5, "insolvent": -2.8, "ath": 2.0,
}  # fmt: skip


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    made = SentimentIntensityAnalyzer()
    made.lexicon = {**made.lexicon, **MARKET_WORDS}
    return made


def score(text: str) -> float:
    """VADER's compound score: -1 (as bad as can be) to 1; 0 for a text that says nothing."""
    return float(_analyzer().polarity_scores(text)["compound"])
