// Asking the query API, again and again, without ever showing an old answer as a new one; and telling it something, once.
//
// One poll = one URL. An answer replaces the one before; a failure keeps it, says what failed and waits longer.
// Nothing is asked while the page is hidden. Not here: what an answer means (model.js).

import { useCallback, useEffect, useRef, useState } from "./preact.js";

const SLOWEST_MS = 15000;
const TIMEOUT_MS = 8000;

/** How often to ask: index.html says it, so that a deployment which pays by the request can ask less. */
function refreshMs() {
  return Number(document.querySelector('meta[name="refresh-ms"]').content);
}

/**
 * What went wrong with one request, as a sentence; `status` is the HTTP status, 0 where there was none.
 * `isAnswer` where the API understood and there is nothing of that name: its own section explains that.
 */
export class ApiError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
    this.isAnswer = status === 400 || status === 404;
  }
}

/** The API's own words for a refusal ({error, remedy}), where it gave any. */
function refusal(path, status, body) {
  let said = null;
  try {
    said = JSON.parse(body);
  } catch {
    // not the API but something before it answered: the status is all there is
  }
  const words = [said?.error, said?.remedy].filter((x) => typeof x === "string" && x);
  return new ApiError([`${path} answered with HTTP status ${status}`, ...words].join("; "), status);
}

function getJson(url, stop) {
  return exchange(url, { signal: AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]), headers: { accept: "application/json" } });
}

/** Sends a value; its answer, or an ApiError. */
export function postJson(url, value) {
  const headers = { accept: "application/json", "content-type": "application/json" };
  return exchange(url, { method: "POST", body: JSON.stringify(value), signal: AbortSignal.timeout(TIMEOUT_MS), headers });
}

async function exchange(url, options) {
  const path = url.split("?")[0];
  let response;
  let text;
  try {
    response = await fetch(url, { cache: "no-store", ...options });
    text = await response.text();
  } catch (cause) {
    const slow = cause.name === "TimeoutError";
    throw new ApiError(slow ? `${path} gave no answer within ${TIMEOUT_MS / 1000} s` : `${path} cannot be reached`);
  }
  if (!response.ok) throw refusal(path, response.status, text);
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(`${path} answered with something that is not JSON`);
  }
}

function waitVisible(stop) {
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !stop.aborted) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    stop.addEventListener("abort", look);
    look();
  });
}

function waitFor(ms, stop, wake) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const now = () => { clearTimeout(timer); resolve(); };
    wake.current = now;
    stop.addEventListener("abort", now, { once: true });
  });
}

async function poll(url, { read, slower, stop, wake, report }) {
  let failures = 0;
  while (!stop.aborted) {
    await waitVisible(stop);
    let pause = refreshMs();
    try {
      const data = read(await getJson(url, stop));
      failures = 0;
      pause *= slower(data);
      report({ data, at: performance.now(), error: null });
    } catch (error) {
      pause = Math.min(SLOWEST_MS, pause * 2 ** failures++);
      if (!stop.aborted) report({ error, retryAt: performance.now() + pause });
    }
    await waitFor(pause, stop, wake);
  }
}

/**
 * The latest answer of a URL, refreshed while it is shown; `null` as URL asks nothing.
 * `read` turns the parsed JSON into the page's own values and throws ApiError where it cannot.
 * `slower` says by what factor an answer may be refreshed less often than the page's rate.
 * Returns {data, at, error, retryAt, retry}; `data` is null until the first answer.
 */
export function usePolled(url, read, slower = () => 1) {
  const [state, setState] = useState({ url: null });
  const wake = useRef(() => {});
  useEffect(() => {
    if (!url) return undefined;
    const controller = new AbortController();
    const report = (change) =>
      setState((old) => (old.url === url ? { ...old, ...change } : { url, data: null, error: null, ...change }));
    poll(url, { read, slower, stop: controller.signal, wake, report });
    return () => controller.abort();
  }, [url]);
  const retry = useCallback(() => wake.current(), []);
  const current = state.url === url ? state : { data: null, error: null };
  return { ...current, retry };
}
