// Small pieces that several sections share.

import { html } from "./preact.js";

const STATUS_WORDS = new Map([["ok", "OK"], ["calibrating", "Calibrating"], ["degraded", "Degraded"], ["offline", "Offline"], ["retired", "Retired"]]);

/** Address of a gateway's section, and of an episode's raw readings in it. */
export function href(gatewayId, episodeId) {
  const gateway = `#/gateway/${encodeURIComponent(gatewayId)}`;
  return episodeId ? `${gateway}/episode/${encodeURIComponent(episodeId)}` : gateway;
}

/** The reverse of `href`: {gatewayId, episodeId}, each null where the address has none. */
export function readRoute(hash) {
  const [, gateway, , episode] = hash.match(/^#\/gateway\/([^/]+)(\/episode\/([^/]+))?$/) ?? [];
  try {
    return { gatewayId: gateway ? decodeURIComponent(gateway) : null, episodeId: episode ? decodeURIComponent(episode) : null };
  } catch {
    return { gatewayId: null, episodeId: null };
  }
}

/** Shape and word, so that the status does not hang on colour alone. */
export function Status({ status }) {
  const known = STATUS_WORDS.has(status) ? status : "unknown";
  return html`<span class="status status-${known}">${STATUS_WORDS.get(status) ?? status}</span>`;
}

/** A sensor's name with its state. */
export function SensorChip({ sensor }) {
  const known = ["armed", "calibrating", "failed"].includes(sensor.state) ? sensor.state : "unknown";
  const title = sensor.lastGap ? `${sensor.state}; latest gap: ${sensor.lastGap}` : sensor.state;
  return html`<span class="chip chip-${known}" title=${title}><span class="chip-name">${sensor.name}</span> <span class="chip-state">${sensor.state}</span></span>`;
}

/** A number that asks for attention when it is not zero. */
export function Attention({ n, text }) {
  return html`<span class=${n ? "attention" : "calm"}>${text}</span>`;
}
