// What the page says when the API fails: what failed, how old the picture is, when it is tried again.

import { html } from "./preact.js";
import { age } from "./format.js";

function Countdown({ poll }) {
  const left = Math.max(0, Math.ceil((poll.retryAt - performance.now()) / 1000));
  return html`<span aria-hidden="true">${left ? ` Trying again in ${left} s.` : " Trying again…"}</span>`;
}

/** The first failing poll speaks; what is an answer is explained by its own section. */
export function Banner({ polls }) {
  const poll = polls.find((p) => p.error && !p.error.isAnswer);
  if (!poll) return html`<div role="status"></div>`;
  const old = poll.data ? `What you see is from ${age(performance.now() - poll.at)}.` : "There is nothing to show yet.";
  const retryAll = () => polls.filter((p) => p.error).forEach((p) => p.retry());
  return html`<div role="status"><div class="banner">
    <p><strong>The fleet’s data cannot be refreshed.</strong> ${poll.error.message}. <span aria-hidden="true">${old}</span><${Countdown} poll=${poll} /></p>
    <button type="button" class="button" onClick=${retryAll}>Try now</button>
  </div></div>`;
}
