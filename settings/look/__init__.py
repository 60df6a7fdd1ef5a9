"""How the appliance looks: one palette and one base stylesheet for dashboards, preview, inbox and stream.

State hues are Okabe and Ito's, told apart by the colour-blind (https://jfly.uni-koeln.de/color/). They mean state, nothing
else; series take the remaining hues in this order.
"""

from pathlib import Path

OK = "#009E73"
WARNING = "#E69F00"
CRITICAL = "#D55E00"
INFO = "#0072B2"
UNKNOWN = "#8A8F98"
SERIES_DARK = ("#56B4E9", "#CC79A7", "#F0E442", "#FFFFFF")
SERIES_LIGHT = ("#56B4E9", "#CC79A7", "#000000", "#8C6D00")

BASE_CSS = Path(__file__).with_name("base.css")
