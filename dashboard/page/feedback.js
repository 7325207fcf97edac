// What people say of episodes, and what a gateway makes of it.

import { html, useState } from "./preact.js";
import { postJson } from "./api.js";
import { dateAndTime } from "./format.js";

const WORDS = [["true", "A fault"], ["false", "A false alarm"], ["ignore", "Neither"]];

/** How a label reads in a list; empty where nobody said anything. */
export function labelWords(label) {
  return WORDS.find(([value]) => value === label?.value)?.[1].toLowerCase() ?? "";
}

function path(gatewayId, episodeId) {
  return `/api/gateways/${encodeURIComponent(gatewayId)}/episodes/${encodeURIComponent(episodeId)}/label`;
}

/** Sends something and keeps what came of it: {busy, error, done}. */
function useSending() {
  const [state, setState] = useState({ busy: false, error: null, done: null });
  const send = async (url, body) => {
    setState((old) => ({ ...old, busy: true, error: null }));
    try {
      const done = await postJson(url, body);
      setState({ busy: false, error: null, done });
    } catch (error) {
      setState((old) => ({ ...old, busy: false, error }));
    }
  };
  return [state, send];
}

/** Three buttons; the one that was said last is pressed. */
export function Verdict({ gatewayId, episode }) {
  const [sent, send] = useSending();
  const said = sent.done?.label ?? episode.label?.value;
  const by = sent.done ? sent.done.by : episode.label?.by;
  return html`<fieldset class="verdict"><legend>What was it?</legend>
    ${WORDS.map(([value, words]) => html`<button key=${value} type="button" class="button" aria-pressed=${said === value} disabled=${sent.busy}
      onClick=${() => send(path(gatewayId, episode.id), { label: value })}>${words}</button>`)}
    <span class="note" role="status">${sent.error ? `Not kept: ${sent.error.message}` : said ? `said by ${by}` : ""}</span>
  </fieldset>`;
}

function heard(feedback) {
  if (feedback.heardVersion === null) return "the gateway has not said that it heeds feedback";
  return feedback.heardVersion >= feedback.version ? "the gateway heeds it" : "on its way to the gateway";
}

/** Nothing is drawn where no threshold is raised. */
export function FeedbackCard({ gatewayId, feedback }) {
  const [sent, send] = useSending();
  if (!feedback?.thresholds.length) return null;
  const reset = () => send(`/api/gateways/${encodeURIComponent(gatewayId)}/feedback/reset`, {});
  return html`<section class="card account feedback" aria-label="Feedback">
    <ul class="facts">${feedback.thresholds.map((t) => html`<li key=${t.sensor + t.channel} class="fact fact-calm" title=${`last said ${dateAndTime(t.sinceMs)}`}>
      ${t.sensor}: ${t.channel} alarms at ${t.factor.toFixed(2)} times its usual threshold</li>`)}</ul>
    <p class="note">After labels of false alarms; ${heard(feedback)}. It fades within 30 days.
      <button type="button" class="button" disabled=${sent.busy} onClick=${reset}>Take back</button>
      <span role="status">${sent.error ? ` Not done: ${sent.error.message}` : ""}</span></p>
  </section>`;
}
