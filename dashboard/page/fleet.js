// The fleet: the figures at the top and the table of gateways.

import { html } from "./preact.js";
import { age, count, dateAndTime } from "./format.js";
import { Attention, href, SensorChip, Status } from "./parts.js";

function Figure({ name, value, note, tone }) {
  return html`<div class="figure ${tone ? `figure-${tone}` : ""}">
    <dt>${name}</dt><dd>${value} ${note && html`<small>${note}</small>`}</dd>
  </div>`;
}

/** The whole fleet in five numbers. */
export function Figures({ fleet }) {
  const sum = (key) => fleet.gateways.reduce((total, gateway) => total + gateway[key], 0);
  const online = fleet.gateways.filter((gateway) => gateway.online).length;
  const [alerts, missing] = [sum("openAlerts"), sum("missing")];
  return html`<dl class="figures" aria-label="Fleet figures">
    <${Figure} name="Gateways online" value=${count(online)} note=${`of ${count(fleet.gateways.length)}`} tone=${online < fleet.gateways.length && "warn"} />
    <${Figure} name="Open alerts" value=${count(alerts)} tone=${alerts > 0 && "bad"} />
    <${Figure} name="Events stored" value=${count(sum("stored"))} />
    <${Figure} name="Missing" value=${count(missing)} note="events" tone=${missing > 0 && "warn"} />
    <${Figure} name="Quarantined" value=${count(fleet.quarantined)} note="messages" tone=${fleet.quarantined > 0 && "warn"} />
  </dl>`;
}

function laneTitle(lanes, key) {
  return lanes.map((lane) => `${lane.lane}: ${count(lane[key])}`).join(", ");
}

function Row({ gateway, now, selected }) {
  const link = html`<a href=${href(gateway.id)} aria-current=${selected ? "true" : null}>${gateway.id}</a>`;
  return html`<tr class=${selected ? "selected" : ""}>
    <th scope="row"><span class="dot ${gateway.online ? "dot-online" : ""}" role="img"
      aria-label=${gateway.online ? "online" : "offline"}></span>${link}</th>
    <td data-label="Status"><${Status} status=${gateway.status} /></td>
    <td data-label="Last seen" title=${dateAndTime(gateway.lastSeenMs)}>${age(now - (gateway.lastSeenMs ?? NaN))}</td>
    <td data-label="Sensors"><span class="chips">${gateway.sensors.map((s) => html`<${SensorChip} key=${s.name} sensor=${s} />`)}</span></td>
    <td class="num" data-label="Alerts"><${Attention} n=${gateway.openAlerts} text=${count(gateway.openAlerts)} /></td>
    <td class="num" data-label="Stored" title=${laneTitle(gateway.lanes, "stored")}>${count(gateway.stored)}</td>
    <td class="num" data-label="Missing" title=${laneTitle(gateway.lanes, "missing")}><${Attention} n=${gateway.missing} text=${count(gateway.missing)} />
      ${gateway.coming > 0 && html` <span class="note">${count(gateway.coming)} on the way</span>`}</td>
    <td class="version" data-label="Version">${gateway.version || "–"}</td>
  </tr>`;
}

function NobodyYet() {
  return html`<div class="empty">
    <p><strong>No gateway has reported yet.</strong></p>
    <p>Start one on a device with <code>thresher run --config gateway.yaml</code> and ${" "}
      <code>thresher agent --config gateway.yaml</code>, or a whole fleet on this machine with <code>make demo</code>.
      It appears here with its first message.</p>
  </div>`;
}

/** One row a gateway; the whole row leads to it. `now` is the server's time, so a wrong clock here changes nothing. */
export function FleetTable({ fleet, now, selectedId }) {
  if (!fleet.gateways.length) return html`<${NobodyYet} />`;
  const rows = fleet.gateways.map((g) => html`<${Row} key=${g.id} gateway=${g} now=${now} selected=${g.id === selectedId} />`);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Gateways, scrollable"><table class="fleet">
    <caption class="unseen">Gateways of the fleet</caption>
    <thead><tr>
      <th scope="col">Gateway</th><th scope="col">Status</th><th scope="col">Last seen</th><th scope="col">Sensors</th>
      <th scope="col" class="num">Alerts</th><th scope="col" class="num">Stored</th><th scope="col" class="num">Missing</th>
      <th scope="col">Version</th>
    </tr></thead>
    <tbody>${rows}</tbody>
  </table></div>`;
}
