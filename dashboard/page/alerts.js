// Alerts: what needs a person now, and on request what needed one before.

import { html } from "./preact.js";
import { age, dateAndTime, duration, score } from "./format.js";
import { href } from "./parts.js";

function when(alert, now) {
  if (alert.open) return `opened ${age(now - alert.openedMs)}`;
  return `closed ${age(now - alert.closedMs)} after ${duration(alert.closedMs - alert.openedMs)}`;
}

function of(alert) {
  return alert.about === "episode" ? `${alert.sensor} · ${alert.topChannel} · peak ${score(alert.peakScore)}` : "identity";
}

function Alert({ alert, now }) {
  const severity = ["minor", "major", "critical"].includes(alert.severity) ? alert.severity : "unknown";
  return html`<li class="alert alert-${severity} ${alert.open ? "" : "alert-closed"}">
    <a href=${href(alert.gatewayId, alert.about === "episode" ? alert.episodeId : null)}>
      <span class="alert-head"><strong>${alert.gatewayId}</strong><span class="severity">${alert.open ? alert.severity : "closed"}</span></span>
      <span class="alert-reason">${alert.reason || `${alert.topChannel} deviates`}</span>
      <span class="alert-foot" title=${dateAndTime(alert.openedMs)}>
        ${of(alert)} · ${when(alert, now)}${alert.notifiedMs === null ? " · not yet notified" : ""}
      </span>
    </a>
  </li>`;
}

function Choice({ value, chosen, onChoose, children }) {
  return html`<label><input type="radio" name="alerts" value=${value} checked=${chosen === value}
    onChange=${() => onChoose(value)} /><span>${children}</span></label>`;
}

/** `chosen` is open or all; `alerts` null until the first answer. */
export function AlertPanel({ alerts, now, chosen, onChoose }) {
  const nothing = chosen === "open" ? "No open alerts." : "There has been no alert.";
  return html`<section class="card alerts" aria-labelledby="alerts-title">
    <header class="card-head"><h2 id="alerts-title">Alerts</h2>
      <fieldset class="choice"><legend class="unseen">Which alerts</legend>
        <${Choice} value="open" chosen=${chosen} onChoose=${onChoose}>Open<//>
        <${Choice} value="all" chosen=${chosen} onChoose=${onChoose}>All<//>
      </fieldset>
    </header>
    ${alerts === null && html`<p class="quiet">Loading…</p>`}
    ${alerts?.length === 0 && html`<p class="quiet">${nothing}</p>`}
    ${alerts?.length > 0 && html`<ul class="alert-list">${alerts.map((a) => html`<${Alert} key=${a.id} alert=${a} now=${now} />`)}</ul>`}
  </section>`;
}
