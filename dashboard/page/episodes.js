// A gateway's episodes, the latest first; each leads to its raw readings.

import { html } from "./preact.js";
import { age, dateAndTime, duration, score } from "./format.js";
import { labelWords } from "./feedback.js";
import { href } from "./parts.js";

function Episode({ episode, gatewayId, now }) {
  const lasted = episode.open ? now - episode.onsetMs : episode.durationMs;
  return html`<li class="episode ${episode.open ? "episode-open" : ""}">
    <a href=${href(gatewayId, episode.id)}>
      <span class="alert-head"><strong>${episode.topChannel}</strong><span class="phase">${episode.phase}</span></span>
      <span class="alert-reason">${episode.reason}</span>
      <span class="alert-foot" title=${dateAndTime(episode.onsetMs)}>
        ${age(now - episode.onsetMs)} · ${duration(lasted)} · peak ${score(episode.peakScore)}${episode.quality === "good" ? "" : ` · ${episode.quality}`}${episode.label ? ` · ${labelWords(episode.label)}` : ""}
      </span>
    </a>
  </li>`;
}

/** `episodes` is null until the first answer. */
export function EpisodeList({ gatewayId, episodes, now }) {
  return html`<section class="card episodes" aria-labelledby="episodes-title">
    <header class="card-head"><h2 id="episodes-title">Episodes</h2>${episodes?.length > 0 && html`<span class="note">${episodes.length}</span>`}</header>
    ${episodes === null && html`<p class="quiet">Loading…</p>`}
    ${episodes?.length === 0 && html`<p class="quiet">No episode in this time.</p>`}
    ${episodes?.length > 0 && html`<ul class="alert-list">
      ${episodes.map((e) => html`<${Episode} key=${e.id} episode=${e} gatewayId=${gatewayId} now=${now} />`)}</ul>`}
  </section>`;
}
