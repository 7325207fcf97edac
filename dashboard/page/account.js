// What of a gateway's events has not come, in plain words: missing, on its way, given up, and what it cannot do.

import { html } from "./preact.js";
import { count, dateAndTime, moment } from "./format.js";

const NOUNS = new Map([["events", ["event", "events"]], ["summaries", ["summary", "summaries"]], ["context", ["context part", "context parts"]]]);
const REASONS = new Map([
  ["quota", "disk quota"], ["age", "too old"], ["corrupt", "damaged on its disk"], ["refused", "refused by the cloud"],
  ["disk", "its disk failed"], ["budget", "data budget"], ["shed", "memory full"], ["forgotten", "no longer there when asked for"],
]);

function amount(lane, n) {
  const [one, many] = NOUNS.get(lane) ?? [lane, lane];
  return n === null ? `An unknown number of ${many}` : `${count(n)} ${n === 1 ? one : many}`;
}

function reasonWords(reason) {
  return REASONS.get(reason) ?? (reason || "no reason given");
}

/** One sentence for each fact; `tone` is bad for what is missing, warn for what was given up, calm for what comes. */
export function sentences(gateway) {
  const missing = gateway.lanes.filter((x) => x.missing > 0);
  const coming = gateway.lanes.filter((x) => x.coming > 0);
  return [
    ...gateway.degraded.map((words) => ({ tone: "warn", words })),
    ...missing.map((x) => ({ tone: "bad", words: `${amount(x.lane, x.missing)} missing since ${moment(x.missingSinceMs, 60)}`, title: dateAndTime(x.missingSinceMs) })),
    ...gateway.lanes.flatMap((x) => x.givenUp.map(([reason, n]) => (
      { tone: "warn", words: `${amount(x.lane, n > 0 ? n : null)} given up by the gateway: ${reasonWords(reason)}` }))),
    ...coming.map((x) => ({ tone: "calm", words: `${amount(x.lane, x.coming)} on the way` })),
  ];
}

function Gap({ gap }) {
  const ranges = gap.ranges.map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`)).join(", ");
  const more = gap.isCut ? ", …" : "";
  return html`<li>${amount(gap.lane, gap.count)} ${gap.missing ? "missing" : "on the way"}: numbers ${ranges}${more}
    <span class="note"> of spool ${gap.spoolId}</span></li>`;
}

function Loss({ loss }) {
  return html`<li><time title=${dateAndTime(loss.wallMs)}>${moment(loss.wallMs, 1)}</time> ${" "}
    ${amount(loss.lane, loss.number)} given up: ${reasonWords(loss.reason)}</li>`;
}

/** `detail` is null until the gateway's own answer is there. Nothing is drawn where nothing is amiss. */
export function Account({ gateway, detail }) {
  const facts = sentences(gateway);
  const [gaps, losses] = [detail?.gaps ?? [], detail?.losses ?? []];
  if (!facts.length && !losses.length) return null;
  return html`<section class="card account" aria-label="What has not come">
    <ul class="facts">${facts.map((fact) => html`<li key=${fact.words} class="fact fact-${fact.tone}" title=${fact.title ?? null}>${fact.words}</li>`)}</ul>
    ${gaps.length + losses.length > 0 && html`<details><summary>Which, and when</summary>
      <ul class="ranges">${gaps.map((gap) => html`<${Gap} gap=${gap} />`)}${losses.map((loss) => html`<${Loss} loss=${loss} />`)}</ul>
    </details>`}
  </section>`;
}
