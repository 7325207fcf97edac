// The raw readings around one episode, in a dialog. They travel last, so they may still be on their way.

import { html, useCallback, useEffect, useRef } from "./preact.js";
import { usePolled } from "./api.js";
import { ChartCard, rangeNote } from "./channels.js";
import { dateAndTime, duration, score, share, value } from "./format.js";
import { Verdict } from "./feedback.js";
import { markOf } from "./marks.js";
import { href } from "./parts.js";
import { readContext } from "./traces.js";

function Facts({ episode }) {
  const facts = [
    ["Phase", episode.phase], ["Began", dateAndTime(episode.onsetMs)], ["Lasted", duration(episode.durationMs)],
    ["Peak score", score(episode.peakScore)], ["Readings", episode.quality], ["Model", episode.model || "–"],
  ];
  return html`<dl class="facts">${facts.map(([name, fact]) => html`<div key=${name}><dt>${name}</dt><dd>${fact}</dd></div>`)}</dl>`;
}

function Contributions({ contributions }) {
  if (!contributions.length) return null;
  return html`<ul class="contributions" aria-label="Share of each channel at the peak">
    ${contributions.map(([name, part]) => html`<li key=${name}><span>${name}</span>
      <span class="bar"><span style=${{ width: `${Math.min(100, Math.max(0, 100 * part))}%` }}></span></span>
      <span class="num">${share(part)}</span></li>`)}</ul>`;
}

/** An open episode is shaded to the last reading there is. */
function RawCard({ channel, episode }) {
  const range = [channel.times[0], channel.times[channel.times.length - 1]];
  const marks = episode ? [markOf(episode, channel.name, range[1] * 1000)] : [];
  const gaps = channel.values.filter((x) => x === null).length;
  const format = useCallback((v) => value(v, channel.unit), [channel.unit]);
  const label = `${channel.name}: ${channel.values.length} raw readings, ${gaps} gaps`;
  return html`<${ChartCard} name=${channel.name} note=${rangeNote(channel.values, channel.values, { unit: channel.unit, gaps })} format=${format} label=${label}
    marks=${marks} range=${range} sync="context" times=${channel.times} mean=${channel.values} />`;
}

/** The channels that made the episode come first. */
function ordered(channels, episode) {
  const rank = new Map((episode?.contributions ?? []).map(([name], i) => [name, i]));
  return [...channels].sort((a, b) => (rank.get(a.name) ?? 99) - (rank.get(b.name) ?? 99));
}

function Readings({ poll, episode }) {
  const { data, error } = poll;
  if (!data && error && !error.isAnswer) return html`<p class="quiet">Not available: ${error.message}. Trying again.</p>`;
  if (!data && !error) return html`<p class="quiet">Loading…</p>`;
  if (!data?.parts) return html`<p class="quiet">The raw readings have not arrived. They travel last, and a while after the onset.</p>`;
  const short = data.parts < data.expected;
  return html`${short && html`<p class="quiet">Part ${data.parts} of ${data.expected} has arrived; the rest is on its way.</p>`}
    <div class="channels">${ordered(data.channels, episode).map((c) => html`<${RawCard} key=${c.name} channel=${c} episode=${episode} />`)}</div>`;
}

/** Readings never change: once all parts are here there is little to ask for. */
function patience(context) {
  return context.parts > 0 && context.parts >= context.expected ? 30 : 1;
}

/** `episode` is null where it lies outside the time shown; its readings are shown all the same. */
export function ContextDialog({ gatewayId, episodeId, episode }) {
  const dialog = useRef(null);
  const url = `/api/gateways/${encodeURIComponent(gatewayId)}/episodes/${encodeURIComponent(episodeId)}/context`;
  const poll = usePolled(url, readContext, patience);
  const close = useCallback(() => { location.hash = href(gatewayId); }, [gatewayId]);
  useEffect(() => { dialog.current.showModal(); }, []);
  return html`<dialog class="context" aria-labelledby="context-title" ref=${dialog} onClose=${close}>
    <header class="section-head"><h2 id="context-title">${episode ? `${episode.topChannel} on ${gatewayId}` : `Episode on ${gatewayId}`}</h2>
      <span class="tools"><button type="button" class="button" onClick=${() => dialog.current.close()}>Close</button></span></header>
    ${episode && html`<p class="reason">${episode.reason}</p><${Facts} episode=${episode} /><${Contributions} contributions=${episode.contributions} />
      <${Verdict} gatewayId=${gatewayId} episode=${episode} />`}
    <h3 class="sensor-name">Raw readings around the onset</h3>
    <${Readings} poll=${poll} episode=${episode} />
  </dialog>`;
}
