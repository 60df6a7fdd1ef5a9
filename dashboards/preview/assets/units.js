// A number with its unit, by Grafana's unit ids. The equal of metrics/units.py: a table of cases holds both together.
"use strict";
(function (WF) {
  const SI = ["", "k", "M", "G", "T", "P", "E"];
  const SHORT = ["", " K", " Mil", " Bil", " Tri", " Quadr", " Quint"];
  const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
  const BELOW = [["m", 1e-3], ["µ", 1e-6], ["n", 1e-9]];
  const TIMES = [[" ns", 1e-9], [" µs", 1e-6], [" ms", 1e-3], [" s", 1], [" min", 60], [" h", 3600], [" d", 86400],
    [" weeks", 604800], [" years", 31536000]];
  const SECONDS = new Map([["ns", 1e-9], ["µs", 1e-6], ["ms", 1e-3], ["s", 1], ["m", 60], ["h", 3600], ["d", 86400]]);
  const BOOLS = new Map([["bool", ["True", "False"]], ["bool_yes_no", ["Yes", "No"]], ["bool_on_off", ["On", "Off"]]]);
  const plain = (suffix) => ({ suffix, base: 0, prefixes: [], below: false });
  const scale = (suffix, base, prefixes, below = false) => ({ suffix, base, prefixes, below });
  const SCALES = new Map([
    ["none", plain("")], ["", plain("")], ["short", scale("", 1000, SHORT)], ["percent", plain("%")],
    ["celsius", plain(" °C")], ["rotrpm", plain(" rpm")],
    ["bytes", scale("B", 1024, BINARY)], ["decbytes", scale("B", 1000, SI)], ["bits", scale("b", 1024, BINARY)],
    ["decbits", scale("b", 1000, SI)], ["binBps", scale("B/s", 1024, BINARY)], ["Bps", scale("B/s", 1000, SI)],
    ["binbps", scale("b/s", 1024, BINARY)], ["bps", scale("b/s", 1000, SI)], ["pps", scale("p/s", 1000, SI)],
    ["ops", scale("ops/s", 1000, SI)], ["reqps", scale("req/s", 1000, SI)], ["rps", scale("rd/s", 1000, SI)],
    ["wps", scale("wr/s", 1000, SI)], ["iops", scale("io/s", 1000, SI)], ["cps", scale("c/s", 1000, SI)],
    ["eps", scale("evt/s", 1000, SI)], ["mps", scale("msg/s", 1000, SI)], ["hertz", scale("Hz", 1000, SI)],
    ["volt", scale("V", 1000, SI, true)], ["amp", scale("A", 1000, SI, true)], ["watt", scale("W", 1000, SI, true)],
  ]);

  function write(value, unit = "", decimals = null, now = null) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    if (BOOLS.has(unit)) return BOOLS.get(unit)[value ? 0 : 1];
    if (unit === "dateTimeFromNow") return relative(value / 1000 - (now || 0));
    const text = written(Math.abs(value), unit, decimals);
    return value < 0 && /[1-9]/.test(text) ? "−" + text : text;
  }

  function written(value, unit, decimals) {
    if (unit === "percentunit") return digits(value * 100, decimals) + "%";
    if (SECONDS.has(unit)) return time(value, SECONDS.get(unit), decimals);
    if (unit === "sci") return exponent(value);
    const chosen = SCALES.get(unit) || other(unit);
    if (chosen.base === 0) return (chosen.prefixes[0] || "") + digits(value, decimals) + chosen.suffix;
    return scaled(value, chosen, decimals);
  }

  function other(unit) {
    const colon = unit.indexOf(":");
    const kind = colon < 0 ? "" : unit.slice(0, colon);
    const rest = unit.slice(colon + 1);
    if (kind === "prefix") return { suffix: "", base: 0, prefixes: [rest], below: false };
    if (kind === "si") return scale(rest, 1000, SI, true);
    return plain(" " + (kind === "suffix" ? rest : unit));
  }

  function scaled(value, by, decimals) {
    if (by.below && value > 0 && value < 1) {
      const [prefix, size] = BELOW.find((one) => value >= one[1]) || BELOW[BELOW.length - 1];
      return `${digits(value / size, decimals)} ${prefix}${by.suffix}`;
    }
    let power = 0;
    while (power < by.prefixes.length - 1 && Number(rounded(value, decimals)) >= by.base) {
      value /= by.base;
      power += 1;
    }
    const prefix = by.prefixes[power];
    const space = !(prefix + by.suffix) || prefix.startsWith(" ") ? "" : " ";
    return digits(value, decimals) + space + prefix + by.suffix;
  }

  function time(value, size, decimals) {
    const inSeconds = value * size;
    let chosen = value === 0 ? [" s", 1] : TIMES[0];
    for (const one of TIMES) {
      if (value && Number(rounded(inSeconds / one[1], decimals)) >= 1) chosen = one;
    }
    return digits(inSeconds / chosen[1], decimals) + chosen[0];
  }

  function relative(distance) {
    for (const [suffix, size] of TIMES.slice(3).reverse()) {
      if (Math.abs(distance) >= size) {
        const text = Math.floor(Math.abs(distance) / size) + suffix;
        return distance < 0 ? `${text} ago` : `in ${text}`;
      }
    }
    return "now";
  }

  function digits(value, decimals) {
    if (value >= 1e15) return exponent(value);
    if (decimals == null && value > 0 && value < 1e-3) {
      const text = value.toFixed(5).replace(/0+$/, "");
      return text === "0." ? exponent(value) : text;
    }
    const [whole, fraction] = rounded(value, decimals).split(".");
    return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction === undefined ? "" : "." + fraction);
  }

  function rounded(value, decimals) {
    if (decimals !== null && decimals !== undefined) return value.toFixed(Math.max(0, Math.min(decimals, 6)));
    if (value === Math.floor(value)) return value.toFixed(0);
    const wanted = places(value);
    const text = value.toFixed(wanted);
    return wanted === 0 || Number(text) < 10 ** (3 - wanted) ? text : value.toFixed(wanted - 1);
  }

  function places(value) {
    let count = 0;
    for (let bound = 100; count < 20 && value < bound; bound /= 10) count += 1;
    return count;
  }

  function exponent(value) {
    if (value === 0) return "0";
    let power = Math.floor(Math.log10(value));
    let mantissa = (value / Number(`1e${power}`)).toFixed(2);
    if (mantissa === "10.00") {
      mantissa = "1.00";
      power += 1;
    }
    if (mantissa.startsWith("0.")) {
      power -= 1;
      mantissa = (value / Number(`1e${power}`)).toFixed(2);
    }
    return `${mantissa}e${power}`;
  }

  // Without zeros at the end of a fraction: marks of an axis are round numbers, and 0.5 is read faster than 0.500.
  const short = (text) => text.replace(/(\.\d*?)0+(?!\d)/, "$1").replace(/\.(?!\d)/, "");

  WF.units = { write, short, isBinary: (unit) => (SCALES.get(unit) || {}).base === 1024, isTime: (unit) => SECONDS.get(unit) };
})((window.WF = window.WF || {}));
