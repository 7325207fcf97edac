// What lasts and is no episode: channels that are elsewhere than when they were calibrated, and the filter's own score.

import { html } from "./preact.js";
import { dateAndTime, moment } from "./format.js";

function Told({ drift }) {
  return html`<li><time title=${dateAndTime(drift.wallMs)}>${moment(drift.wallMs, 1)}</time> ${" "}
    ${drift.sensor}: ${drift.reason}</li>`;
}

/** `detail` is null until the gateway's own answer is there. Nothing is drawn where nothing drifted. */
export function DriftCard({ detail }) {
  const sensors = (detail?.health?.sensors ?? []).filter((sensor) => sensor.drifting.length > 0);
  const told = detail?.drifts ?? [];
  if (!sensors.length && !told.length) return null;
  return html`<section class="card account drift" aria-label="Drift">
    <ul class="facts">${sensors.flatMap((sensor) => sensor.drifting.map((what) => html`<li key=${sensor.name + what} class="fact fact-warn">
      ${sensor.name}: ${what} has drifted from its calibration</li>`))}</ul>
    ${told.length > 0 && html`<details><summary>What drifted, and when</summary>
      <ul class="ranges">${told.map((drift) => html`<${Told} drift=${drift} />`)}</ul></details>`}
  </section>`;
}
