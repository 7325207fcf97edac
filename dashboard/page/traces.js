// Raw readings out of Context events: lossless integers in as few bits as they need, with gaps that stay gaps.
// The coding is the contract's (contract/traces.py): every number in it is exact in a float64.

import { ApiError } from "./api.js";

const BLOCK = 64, GAPS = 0x40, MOST_BITS = 54;

/** The integers of one trace (contract Trace); null is a gap and stays null. */
export function decodeSteps(trace, count) {
  const bytes = Uint8Array.from(atob(trace.packed ?? ""), (char) => char.charCodeAt(0));
  const slope = trace.slope ?? 0, made = [];
  let level = trace.base ?? 0, at = 0;
  while (made.length < count) {
    const header = bytes[at++], bits = header & (GAPS - 1), hasGaps = (header & GAPS) !== 0;
    const readings = Math.min(BLOCK, count - made.length), end = at + Math.ceil((readings * bits) / 8);
    if (header === undefined || bits > MOST_BITS || end > bytes.length) throw new ApiError("a trace is cut short");
    for (let n = 0; n < readings; n++) {
      const code = readBits(bytes, at * 8 + n * bits, bits);
      if (hasGaps && code === 0) {
        made.push(null);
        continue;
      }
      level += slope + unzigzag(hasGaps ? code - 1 : code);
      made.push(level);
    }
    at = end;
  }
  return made;
}

/** Readings of one trace in its unit. */
export function readings(trace, count) {
  return decodeSteps(trace, count).map((step) => (step === null ? null : step * trace.resolution));
}

function readBits(bytes, first, bits) {
  let value = 0;
  for (let bit = first; bit < first + bits; ) {
    const taken = Math.min(8 - (bit % 8), first + bits - bit);
    const part = (bytes[bit >> 3] >> (8 - (bit % 8) - taken)) & ((1 << taken) - 1);
    value = value * 2 ** taken + part;
    bit += taken;
  }
  return value;
}

function unzigzag(code) {
  return code % 2 === 0 ? code / 2 : -(code + 1) / 2;
}

/** /api/…/context: {parts, expected, channels: [{name, unit, times, values}]}, times in seconds. */
export function readContext(raw) {
  if (!Array.isArray(raw?.parts)) throw new ApiError("the context answered without parts");
  const parts = [...raw.parts].sort((a, b) => (a.part ?? 1) - (b.part ?? 1));
  const channels = new Map();
  for (const part of parts) {
    const times = readings(part.times ?? {}, part.scans).map((offset) => (part.wall_ms + offset) / 1000);
    for (const [name, trace] of Object.entries(part.traces)) {
      if (!channels.has(name)) channels.set(name, { name, unit: String(trace.unit ?? ""), times: [], values: [] });
      channels.get(name).times.push(...times);
      channels.get(name).values.push(...readings(trace, part.scans));
    }
  }
  return {
    parts: parts.length, expected: Math.max(0, ...parts.map((part) => part.parts ?? 1)), channels: [...channels.values()],
  };
}
