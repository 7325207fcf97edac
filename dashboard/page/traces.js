// Raw readings out of Context events: lossless integers, delta-coded, with gaps that stay gaps.

import { ApiError } from "./api.js";

/**
 * Readings of one trace (contract Trace): the first number is absolute, the others are differences to the
 * previous reading that was not a gap; null is a gap and stays null.
 */
export function decodeSteps(steps, resolution) {
  let level = 0;
  return steps.map((step) => {
    if (step === null) return null;
    level += step;
    return level * resolution;
  });
}

/** /api/…/context: {parts, expected, channels: [{name, unit, times, values}]}, times in seconds. */
export function readContext(raw) {
  if (!Array.isArray(raw?.parts)) throw new ApiError("the context answered without parts");
  const parts = [...raw.parts].sort((a, b) => (a.part ?? 1) - (b.part ?? 1));
  const channels = parts.flatMap((part) => {
    const times = part.offsets_ms.map((offset) => (part.wall_ms + offset) / 1000);
    return Object.entries(part.traces).map(([name, trace]) => ({
      name, unit: String(trace.unit ?? ""), times, values: decodeSteps(trace.steps, trace.resolution),
    }));
  });
  return { parts: parts.length, expected: Math.max(0, ...parts.map((part) => part.parts ?? 1)), channels };
}
