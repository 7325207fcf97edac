// Rollouts: how far the latest new version is, and what became of those before.

import { html } from "./preact.js";
import { age, count, dateAndTime } from "./format.js";

const WORDS = new Map([["running", "Running"], ["done", "Done"], ["aborting", "Being taken back"], ["aborted", "Taken back"]]);

function Reason({ reason, names }) {
  return html`<li>${count(names.length)}: ${reason} <span class="note">${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}</span></li>`;
}

function Wave({ wave }) {
  const counts = wave.counts.map(([status, n]) => `${count(n)} ${status.toLowerCase().replaceAll("_", " ")}`).join(", ");
  return html`<li>${wave.name} <span class="note">${count(wave.gateways)} gateways, ${wave.state}</span>: ${counts || "told"}
    ${wave.reasons.length > 0 && html`<ul>${wave.reasons.map(([reason, names]) => html`<${Reason} key=${reason} reason=${reason} names=${names} />`)}</ul>`}</li>`;
}

function Rollout({ rollout, now }) {
  const tone = rollout.state === "done" ? "calm" : rollout.state === "running" ? "warn" : "bad";
  return html`<li class="fact fact-${tone}" title=${dateAndTime(rollout.updatedMs)}>
    ${rollout.what} ${rollout.release}: ${WORDS.get(rollout.state) ?? rollout.state}, wave ${rollout.wave + 1} of ${rollout.waves}
    <span class="note"> ${rollout.reason} · ${age(now - rollout.updatedMs)}</span></li>`;
}

/** `rollouts` is null until the first answer, `latest` the newest of them by its waves. Nothing is drawn where there are none. */
export function RolloutCard({ rollouts, latest, now }) {
  if (!rollouts?.length) return null;
  return html`<section class="card account rollouts" aria-labelledby="rollouts-title">
    <h2 id="rollouts-title">Rollouts</h2>
    <ul>${rollouts.slice(0, 5).map((one) => html`<${Rollout} key=${one.id} rollout=${one} now=${now} />`)}</ul>
    ${latest && html`<details open><summary>${latest.id}, by its waves</summary>
      <ul class="ranges">${latest.waves.map((wave) => html`<${Wave} key=${wave.name} wave=${wave} />`)}</ul></details>`}
  </section>`;
}
