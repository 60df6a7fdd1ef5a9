// How numbers and times read: three significant digits or what a price needs, thousands apart, always with a unit.

const grouped = (value, digits) => value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });

/** A price of a decimal string or number, in US dollars. */
export function price(value) {
  const number = Number(value);
  if (!Number.isFinite(number)) return "–";
  const digits = Math.abs(number) >= 1 || number === 0 ? 2 : 5;
  return `${number < 0 ? "−" : ""}$${grouped(Math.abs(number), digits)}`;
}

/** Three significant digits, with k, M, G, T above 10,000. */
export function short(value) {
  const number = Number(value);
  if (value === null || value === "" || !Number.isFinite(number)) return "–";
  const scale = [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e4, " k", 1e3]].find(([from]) => Math.abs(number) >= from);
  const [divisor, unit] = scale ? [scale[2] ?? scale[0], scale[1]] : [1, ""];
  const shown = number / divisor;
  if (Number.isInteger(number) && !scale) return grouped(number, 0);
  return grouped(shown, Math.min(8, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(shown)))))) + unit;
}

export const dollars = (value) => (short(value) === "–" ? "–" : `$${short(value)}`);
export const percent = (value) => (short(value) === "–" ? "–" : `${Number(value) > 0 ? "+" : ""}${short(value)} %`);
export const units = (value, symbol) => (short(value) === "–" ? "–" : `${short(value)} ${symbol}`);

/** Milliseconds as "0.42 ms", "12 ms", "3.1 s", "4 min". */
export function duration(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (Math.abs(ms) < 1000) return `${Number(ms.toPrecision(ms < 1 ? 2 : 3)).toLocaleString("en-US", { maximumFractionDigits: ms < 10 ? 2 : 0 })} ms`;
  if (Math.abs(ms) < 60000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60000)} min`;
}

/** A field's name as people read it: "fear_greed_index" is "Fear greed index". */
export function words(name) {
  const spaced = name.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
