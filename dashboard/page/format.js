// Numbers and times as a person reads them. Pure functions; a missing value is a dash, never a zero.

const DASH = "–";
const NB = "\u00a0";
const whole = new Intl.NumberFormat("en-GB");
const clockTime = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const fullTime = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

const UNIT_SIGNS = new Map([
  ["percent", "%"], ["celsius", "°C"], ["bytes", "B"], ["bytes/s", "B/s"], ["volts", "V"], ["1", ""],
]);
const SCALES = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

/** A count with thousands separated. */
export function count(n) {
  return Number.isFinite(n) ? whole.format(n) : DASH;
}

/** How long ago, from an age in milliseconds; a clock slightly ahead reads as now. */
export function age(ms) {
  if (!Number.isFinite(ms)) return "never";
  if (ms < 1500) return "just now";
  if (ms < 60e3) return `${Math.floor(ms / 1e3)}${NB}s ago`;
  if (ms < 3600e3) return `${Math.floor(ms / 60e3)}${NB}min ago`;
  if (ms < 48 * 3600e3) return `${Math.floor(ms / 3600e3)}${NB}h ago`;
  return `${Math.floor(ms / 86400e3)}${NB}days ago`;
}

/** A length of time in milliseconds. */
export function duration(ms) {
  if (!Number.isFinite(ms)) return DASH;
  if (ms < 1e3) return `${Math.round(ms)}${NB}ms`;
  if (ms < 59.95e3) return `${(ms / 1e3).toFixed(1)}${NB}s`;
  const seconds = Math.round(ms / 1e3);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${NB}min${NB}${String(seconds % 60).padStart(2, "0")}${NB}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}${NB}h${NB}${String(minutes % 60).padStart(2, "0")}${NB}min`;
  return `${Math.floor(minutes / 1440)}${NB}days`;
}

/** Time of day on an axis whose labels are `step` seconds apart: 07:56, 07:56:40 or 56:40.5. */
export function moment(ms, step) {
  const full = clockTime.format(ms);
  if (step >= 60) return full.slice(0, 5);
  if (step >= 1) return full;
  return `${full.slice(3)}${((ms % 1000) / 1000).toFixed(step >= 0.1 ? 1 : 2).slice(1)}`;
}

/** Date and time, for titles. */
export function dateAndTime(ms) {
  return Number.isFinite(ms) ? fullTime.format(ms) : DASH;
}

/** A score; 1.0 is the alarm threshold. */
export function score(x) {
  if (!Number.isFinite(x)) return DASH;
  return x >= 100 ? whole.format(Math.round(x)) : x.toFixed(x >= 10 ? 1 : 2);
}

/** A share from 0 to 1 as a percentage. */
export function share(x) {
  return Number.isFinite(x) ? `${Math.round(100 * x)}${NB}%` : DASH;
}

/** A channel's value with its unit; bytes and large numbers are scaled by powers of 1000. */
export function value(v, unit) {
  if (!Number.isFinite(v)) return DASH;
  const sign = UNIT_SIGNS.get(unit) ?? unit;
  const [text, scale] = scaled(v, sign.startsWith("B"));
  return [text, scale + sign].filter(Boolean).join(NB);
}

/** A value on an axis: short, without its unit. */
export function tick(v) {
  const [text, scale] = scaled(v, false);
  return Number(text) === 0 ? "0" : text + scale;
}

function scaled(v, isBytes) {
  const size = Math.abs(v);
  const floor = isBytes ? 1e3 : 1e4;
  const [factor, scale] = (size >= floor && SCALES.find(([limit]) => size >= limit)) || [1, ""];
  const x = v / factor;
  const digits = Math.abs(x) >= 100 ? 0 : Math.abs(x) >= 10 ? 1 : 2;
  return [String(Number(x.toFixed(size < 0.1 && size > 0 ? 4 : digits))), scale];
}
