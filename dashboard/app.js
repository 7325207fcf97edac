// The page: which gateway is looked at, the polls, and where each section stands.
//
//   #/                                  the fleet
//   #/gateway/<id>                      and one gateway
//   #/gateway/<id>/episode/<episode>    and the raw readings of one of its episodes
//
// It talks to the query API of its own origin only. Not here: how anything is drawn (page/).

import { html, render, useEffect, useState } from "./page/preact.js";
import { AlertPanel } from "./page/alerts.js";
import { usePolled } from "./page/api.js";
import { Banner } from "./page/banner.js";
import { ContextDialog } from "./page/context.js";
import { Figures, FleetTable } from "./page/fleet.js";
import { GatewaySection } from "./page/gateway.js";
import { readAlerts, readDetail, readFleet, readRollouts, readRolloutWaves } from "./page/model.js";
import { readRoute } from "./page/parts.js";
import { RolloutCard } from "./page/rollouts.js";

function useRoute() {
  const [route, setRoute] = useState(() => ({ ...readRoute(location.hash), moved: false }));
  useEffect(() => {
    const follow = () => setRoute({ ...readRoute(location.hash), moved: true });
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}

/** Moves on once a second, so that ages are true between answers and while there are none. */
function useTick() {
  const [tick, setTick] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setTick(performance.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return tick;
}

/** The server's time now: its last word, and what has passed here since. */
function serverNow(fleet) {
  return fleet.data ? fleet.data.generatedMs + Math.max(0, performance.now() - fleet.at) : NaN;
}

function useTitle(fleet) {
  const open = fleet.data?.gateways.reduce((sum, gateway) => sum + gateway.openAlerts, 0) ?? 0;
  useEffect(() => { document.title = open ? `(${open}) Thresher` : "Thresher"; }, [open]);
}

function Top({ fleet }) {
  return html`<header class="top"><a class="brand" href="#/"><img src="favicon.svg" alt="" width="26" height="26" />Thresher</a>
    <span class="strap">events travel, chaff stays</span><span class="spring"></span>
    <span class="live ${fleet.error ? "live-stale" : ""}">${fleet.data ? (fleet.error ? "Stale" : "Live") : "Connecting"}</span></header>`;
}

function Fleet({ fleet, now, selectedId }) {
  return html`<section class="card" aria-labelledby="fleet-title">
    <header class="card-head"><h2 id="fleet-title">Fleet</h2></header>
    ${fleet.data ? html`<${FleetTable} fleet=${fleet.data} now=${now} selectedId=${selectedId} />`
      : html`<p class="quiet">${fleet.error ? "Not available now." : "Loading the fleet…"}</p>`}
  </section>`;
}

function App() {
  useTick();
  const { gatewayId, episodeId, moved } = useRoute();
  const [minutes, setMinutes] = useState(15);
  const [which, setWhich] = useState("open");
  const fleet = usePolled("/api/fleet", readFleet);
  const alerts = usePolled(`/api/alerts?state=${which}`, readAlerts);
  const detail = usePolled(gatewayId && `/api/gateways/${encodeURIComponent(gatewayId)}?minutes=${minutes}`, readDetail, () => Math.max(1, minutes / 15));
  const rollouts = usePolled("/api/rollouts", readRollouts, () => 5);
  const newest = rollouts.data?.[0]?.id;
  const waves = usePolled(newest && `/api/rollouts/${encodeURIComponent(newest)}`, readRolloutWaves, () => 2);
  const now = serverNow(fleet);
  useTitle(fleet);
  const gateway = fleet.data?.gateways.find((g) => g.id === gatewayId);
  const episode = detail.data?.episodes.find((e) => e.id === episodeId) ?? null;
  return html`<div class=${fleet.error ? "stale" : ""}>
    <a class="skip" href="#fleet-title" onClick=${(event) => { event.preventDefault(); document.querySelector(".fleet a")?.focus(); }}>Skip to the fleet</a>
    <${Top} fleet=${fleet} />
    <main>
      <h1 class="unseen">Fleet of gateways</h1>
      <${Banner} polls=${[fleet, alerts, detail, rollouts, waves]} />
      ${fleet.data && html`<${Figures} fleet=${fleet.data} />`}
      <div class="columns">
        <div class="main"><${Fleet} fleet=${fleet} now=${now} selectedId=${gatewayId} />
          <${RolloutCard} rollouts=${rollouts.data} latest=${waves.data} now=${now} /></div>
        <${AlertPanel} alerts=${alerts.data} now=${now} chosen=${which} onChoose=${setWhich} />
      </div>
      ${gatewayId && html`<${GatewaySection} gatewayId=${gatewayId} moved=${moved} gateway=${gateway} poll=${detail} minutes=${minutes} onMinutes=${setMinutes} now=${now} />`}
      ${!gatewayId && fleet.data?.gateways.length > 0 && html`<p class="quiet hint">Choose a gateway to see its channels and episodes.</p>`}
    </main>
    ${episodeId && html`<${ContextDialog} key=${episodeId} gatewayId=${gatewayId} episodeId=${episodeId} episode=${episode} />`}
  </div>`;
}

const place = document.getElementById("app");
place.replaceChildren();
render(html`<${App} />`, place);
