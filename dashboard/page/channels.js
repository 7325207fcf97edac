// A sensor's charts: its score on top, then a card for each channel.

import { html, useCallback, useRef } from "./preact.js";
import { Chart } from "./chart.js";
import { count, score, value } from "./format.js";
import { marksFor } from "./marks.js";

const LEAST_RANGE_S = 60;

/** From the first summary there is (a young gateway fills its chart) to the time asked for, in seconds. */
export function chartRange(detail) {
  const first = Math.min(...detail.sensors.map((sensor) => sensor.times[0]));
  const to = detail.toMs / 1000;
  return [Math.min(Math.max(detail.fromMs / 1000, first), to - LEAST_RANGE_S), to];
}

function extremes(low, high) {
  const lows = low.filter((x) => x !== null);
  const highs = high.filter((x) => x !== null);
  return lows.length ? [Math.min(...lows), Math.max(...highs)] : null;
}

function describe(name, unit, { low, high, marks }) {
  const found = extremes(low, high);
  const range = found ? `between ${value(found[0], unit)} and ${value(found[1], unit)}` : "no readings";
  const shown = marks.filter((mark) => mark.strong).length;
  return `${name}: ${range}, ${shown} ${shown === 1 ? "episode" : "episodes"}`;
}

/** What a card says below its name: how far the channel went in the time shown, and what was missing. */
export function rangeNote(low, high, { unit, gaps, flags = [] }) {
  const found = extremes(low, high);
  const range = found ? `${value(found[0], unit)} to ${value(found[1], unit)}` : "no readings";
  const why = flags.length ? ` (${flags.map(([flag, times]) => `${count(times)} ${flag}`).join(", ")})` : "";
  return gaps ? `${range} · ${count(gaps)} ${gaps === 1 ? "gap" : "gaps"}${why}` : range;
}

function lastOf(column) {
  return column.findLast((x) => x !== null) ?? null;
}

/** A chart with its name, beside it the value under the pointer or else the latest, and a note below. */
export function ChartCard({ name, note, wide, format, mean, min, max, marks, ...rest }) {
  const readout = useRef(null);
  const latest = useRef(null);
  latest.current = { mean, min, max };
  const onCursor = useCallback((index) => {
    const now = latest.current;
    const spread = index !== null && now.min && now.min[index] !== null ? ` (${format(now.min[index])} to ${format(now.max[index])})` : "";
    readout.current.textContent = index === null ? format(lastOf(now.mean)) : format(now.mean[index]) + spread;
  }, [format]);
  const open = marks.some((mark) => mark.open && mark.strong);
  return html`<figure class="card channel ${wide ? "channel-wide" : ""} ${open ? "channel-open" : ""}" data-channel=${name}>
    <figcaption><span class="channel-name" title=${name}>${name}</span>
      <output class="readout" aria-live="off" ref=${readout}></output><span class="note" title=${note}>${note}</span></figcaption>
    <${Chart} ...${rest} mean=${mean} min=${min} max=${max} marks=${marks} onCursor=${onCursor} />
  </figure>`;
}

function ScoreCard({ sensor, detail, range, sync }) {
  const marks = marksFor(detail.episodes, sensor.name, { channel: null, toMs: detail.toMs });
  const note = sensor.state === "calibrating" ? "calibrating: no score yet" : "1.0 is the alarm threshold";
  const label = describe(`Deviation score of ${sensor.name}`, "", { low: sensor.scores, high: sensor.scores, marks });
  return html`<${ChartCard} wide name="Deviation score" note=${note} format=${score} label=${label} marks=${marks} range=${range}
    sync=${sync} stepped times=${sensor.times} mean=${sensor.scores} floor=${1.25} threshold=${1} height=${96} />`;
}

function ChannelCard({ channel, sensor, detail, range, sync }) {
  const marks = marksFor(detail.episodes, sensor.name, { channel: channel.name, toMs: detail.toMs });
  const label = describe(channel.name, channel.unit, { low: channel.min, high: channel.max, marks });
  const format = useCallback((v) => value(v, channel.unit), [channel.unit]);
  const note = rangeNote(channel.min, channel.max, channel);
  return html`<${ChartCard} name=${channel.name} note=${note} format=${format} label=${label} marks=${marks} range=${range}
    sync=${sync} stepped times=${sensor.times} mean=${channel.mean} min=${channel.min} max=${channel.max} />`;
}

/** All charts of one sensor; their pointers move together. */
export function SensorCharts({ sensor, detail, range }) {
  const common = { sensor, detail, range, sync: `${detail.id}/${sensor.name}` };
  return html`<section aria-label=${`Channels of ${sensor.name}`}>
    <h3 class="sensor-name">${sensor.name}</h3>
    <div class="channels">
      <${ScoreCard} ...${common} />
      ${sensor.channels.map((channel) => html`<${ChannelCard} key=${channel.name} channel=${channel} ...${common} />`)}
    </div>
  </section>`;
}
