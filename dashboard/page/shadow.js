// A candidate beside the active filter: how often both agreed, and where they did not.

import { html } from "./preact.js";
import { count, dateAndTime, duration, moment, score, share } from "./format.js";

function Row({ sensor }) {
  const { shadow } = sensor;
  const judged = shadow.agreed + shadow.onlyActive + shadow.onlyCandidate;
  return html`<tr><th scope="row">${sensor.name}</th><td>${shadow.model}</td><td>${shadow.state}</td>
    <td class="num">${judged ? share(shadow.agreed / judged) : "–"}</td><td class="num">${count(judged)}</td>
    <td class="num">${count(shadow.onlyActive)}</td><td class="num">${count(shadow.onlyCandidate)}</td></tr>`;
}

function Told({ one }) {
  const who = one.only === "active" ? "the active filter alone" : "the candidate alone";
  return html`<li><time title=${dateAndTime(one.startMs)}>${moment(one.startMs, 1)}</time> ${" "}
    ${one.sensor}: ${who} had an episode for ${duration(one.durationMs)}${one.ended ? "" : " so far"}, at ${one.topChannel}
    <span class="note"> (scores ${score(one.activeScore)} and ${score(one.candidateScore)})</span></li>`;
}

/** `detail` is null until the gateway's own answer is there. Nothing is drawn where nothing is tried. */
export function ShadowCard({ detail }) {
  const sensors = (detail?.health?.sensors ?? []).filter((sensor) => sensor.shadow);
  const told = detail?.disagreements ?? [];
  if (!sensors.length && !told.length) return null;
  return html`<section class="card account shadow" aria-label="Candidate">
    ${sensors.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Candidates, scrollable"><table class="counters">
      <caption class="unseen">How each candidate did beside the active filter</caption>
      <thead><tr><th scope="col">Sensor</th><th scope="col">Candidate</th><th scope="col">State</th><th scope="col" class="num">Agreed</th>
        <th scope="col" class="num">Windows</th><th scope="col" class="num">Active alone</th><th scope="col" class="num">Candidate alone</th></tr></thead>
      <tbody>${sensors.map((sensor) => html`<${Row} key=${sensor.name} sensor=${sensor} />`)}</tbody></table></div>`}
    ${told.length > 0 && html`<details><summary>Where they differed, and when</summary>
      <ul class="ranges">${told.map((one) => html`<${Told} one=${one} />`)}</ul></details>`}
  </section>`;
}
