// One gateway: its channels, its episodes and how its agent is.

import { html, useEffect, useRef } from "./preact.js";
import { Account } from "./account.js";
import { chartRange, SensorCharts } from "./channels.js";
import { DriftCard } from "./drift.js";
import { EpisodeList } from "./episodes.js";
import { FeedbackCard } from "./feedback.js";
import { count, duration } from "./format.js";
import { href, SensorChip, Status } from "./parts.js";
import { ShadowCard } from "./shadow.js";

export const RANGES = [[5, "5 min"], [15, "15 min"], [60, "1 h"], [360, "6 h"]];

/** Brings the section into view and to a screen reader's attention when it was chosen, not when the page loads. */
function useArrival(gatewayId, moved) {
  const heading = useRef(null);
  useEffect(() => {
    if (!moved) return;
    heading.current.focus({ preventScroll: true });
    if (heading.current.getBoundingClientRect().top > innerHeight * 0.7) heading.current.scrollIntoView({ block: "start" });
  }, [gatewayId]);
  return heading;
}

function RangeChoice({ minutes, onMinutes }) {
  return html`<label class="range"><span class="unseen">Time shown</span>
    <select onChange=${(event) => onMinutes(Number(event.target.value))}>
      ${RANGES.map(([value, name]) => html`<option value=${value} selected=${value === minutes}>Last ${name}</option>`)}
    </select></label>`;
}

function SensorRows({ sensors }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Sensor counters, scrollable"><table class="counters">
    <caption class="unseen">Counters of each sensor since its process started</caption>
    <thead><tr><th scope="col">Sensor</th><th scope="col" class="num">Rate</th><th scope="col" class="num">Scans</th>
      <th scope="col" class="num">Windows</th><th scope="col" class="num">Gaps</th><th scope="col" class="num">Late</th>
      <th scope="col" class="num">Missed</th><th scope="col" class="num">Shed</th><th scope="col">Latest gap</th></tr></thead>
    <tbody>${sensors.map((s) => html`<tr key=${s.name}><th scope="row"><${SensorChip} sensor=${s} /></th>
      <td class="num">${s.rateHz ?? "–"} Hz</td><td class="num">${count(s.scans)}</td><td class="num">${count(s.windows)}</td>
      <td class="num">${count(s.gaps)}</td><td class="num">${count(s.late)}</td><td class="num">${count(s.missed)}</td>
      <td class="num">${count(s.shed)}</td><td>${s.lastGap || "–"}</td></tr>`)}</tbody>
  </table></div>`;
}

function Pairs({ name, pairs }) {
  if (!pairs.length) return null;
  return html`<div><h4>${name}</h4><dl class="pairs">
    ${pairs.map(([key, n]) => html`<div key=${key}><dt>${key}</dt><dd>${count(n)}</dd></div>`)}</dl></div>`;
}

function Agent({ health }) {
  if (!health) return html`<p class="quiet">The agent has not said how it is yet.</p>`;
  return html`<details class="card agent"><summary>Agent health
      <span class="note"> version ${health.version}, up ${duration(health.uptimeMs)}</span></summary>
    <${SensorRows} sensors=${health.sensors} />
    <div class="pair-groups"><${Pairs} name="Waiting in the spool" pairs=${health.pending} /><${Pairs} name="Counters" pairs=${health.counters} /></div>
  </details>`;
}

function Charts({ detail }) {
  if (!detail.sensors.length) return html`<p class="quiet card pad">No summaries in this time yet. The first follows one summary window after the start.</p>`;
  const range = chartRange(detail);
  const cut = detail.truncated > 0 && html`<p class="quiet card">The oldest ${count(detail.truncated)} summaries of this time are not shown.</p>`;
  return [cut, ...detail.sensors.map((sensor) => html`<${SensorCharts} key=${sensor.name} sensor=${sensor} detail=${detail} range=${range} />`)];
}

function Body({ poll }) {
  if (poll.data) return html`<${Charts} detail=${poll.data} /><${Agent} health=${poll.data.health} />`;
  if (poll.error?.isAnswer) return html`<p class="quiet card pad">There is no gateway of this name.</p>`;
  return html`<p class="quiet card pad">${poll.error ? "Not available now." : "Loading…"}</p>`;
}

/** Which gateways held this place before and after; what those before said is shown here too. */
function Place({ gateway }) {
  const { replaces, replacedBy } = gateway ?? {};
  return html`${replaces && html`<span class="note">continues <a href=${href(replaces)}>${replaces}</a></span>`}
    ${replacedBy && html`<span class="note">replaced by <a href=${href(replacedBy)}>${replacedBy}</a></span>`}`;
}

/** `poll` is the gateway's own poll; `gateway` its row in the fleet, where it has one;
 *  `moved` is false when the page was opened at this address. */
export function GatewaySection({ gatewayId, moved, gateway, poll, minutes, onMinutes, now }) {
  const heading = useArrival(gatewayId, moved);
  return html`<section class="gateway" aria-labelledby="gateway-title">
    <header class="section-head">
      <h2 id="gateway-title" tabindex="-1" ref=${heading}>${gatewayId}</h2>
      ${gateway && html`<${Status} status=${gateway.status} />`}
      <${Place} gateway=${gateway} />
      ${gateway?.quarantined > 0 && html`<span class="attention">${count(gateway.quarantined)} quarantined</span>`}
      <span class="tools"><${RangeChoice} minutes=${minutes} onMinutes=${onMinutes} />
        <a class="button" href="#/" aria-label="Close this gateway">Close</a></span>
    </header>
    <div class="columns">
      <${EpisodeList} gatewayId=${gatewayId} episodes=${poll.data?.episodes ?? null} now=${now} />
      <div class="main">${gateway && html`<${Account} gateway=${gateway} detail=${poll.data} />`}<${DriftCard} detail=${poll.data} /><${ShadowCard} detail=${poll.data} /><${FeedbackCard} gatewayId=${gatewayId} feedback=${poll.data?.feedback} /><${Body} poll=${poll} /></div>
    </div>
  </section>`;
}
