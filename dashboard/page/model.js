// What the API's answers mean. Pure: JSON in, values for the page out.
//
// The wire leaves out what equals its default, so every field is filled here and nowhere else. Text stays text:
// whatever a device wrote is turned into a string here and shown by the view as characters, never as markup.
// Not here: how a Context's traces become readings (traces.js).

import { ApiError } from "./api.js";

const number = (x) => (Number.isFinite(x) ? x : null);
const text = (x, otherwise = "") => (x === undefined || x === null ? otherwise : String(x));
const list = (x) => (Array.isArray(x) ? x : []);
const entries = (x) => (x && typeof x === "object" ? Object.entries(x) : []);

function need(condition, sentence) {
  if (!condition) throw new ApiError(sentence);
}

/** /api/fleet, gateways in the order of their names so that rows keep their place. */
export function readFleet(raw) {
  need(Array.isArray(raw?.gateways), "/api/fleet answered without a list of gateways");
  const gateways = raw.gateways.map(readGateway).sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
  return { generatedMs: number(raw.generated_ms), quarantined: raw.quarantined ?? 0, gateways };
}

function readGateway(raw) {
  const lanes = entries(raw.lanes).map(readLane);
  return {
    id: text(raw.gateway_id),
    lastSeenMs: number(raw.last_seen_ms),
    online: raw.online === true,
    status: text(raw.status, "offline"),
    openAlerts: raw.open_alerts ?? 0,
    quarantined: raw.quarantined ?? 0,
    version: text(raw.software?.application || raw.version),
    degraded: list(raw.degraded).map((words) => text(words)),
    replaces: text(raw.replaces), replacedBy: text(raw.replaced_by),
    sensors: entries(raw.sensors).map(([name, health]) => readSensor(name, health)),
    lanes,
    stored: lanes.reduce((sum, x) => sum + x.stored, 0),
    missing: lanes.reduce((sum, x) => sum + x.missing, 0),
    coming: lanes.reduce((sum, x) => sum + x.coming, 0),
  };
}

function readLane([lane, raw]) {
  return {
    lane, stored: raw.stored ?? 0, missing: raw.missing ?? 0, coming: raw.coming ?? 0,
    missingSinceMs: number(raw.missing_since_ms), givenUp: entries(raw.given_up),
  };
}

function readGap(raw) {
  const ranges = list(raw.ranges);
  const named = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return { lane: text(raw.lane), spoolId: text(raw.spool_id), missing: raw.state === "missing", count: raw.count ?? 0, ranges, isCut: named < (raw.count ?? 0) };
}

function readLoss(raw) {
  return { wallMs: number(raw.wall_ms), lane: text(raw.of_lane), reason: text(raw.reason), number: number(raw.count) };
}

function readLabel(raw) {
  return { value: text(raw.label), by: text(raw.by), atMs: number(raw.labelled_ms) };
}

function readFeedback(raw) {
  const thresholds = list(raw.thresholds).map((t) => (
    { sensor: text(t.sensor), channel: text(t.channel), factor: number(t.factor) ?? 1, sinceMs: number(t.since_ms) }));
  return { version: number(raw.version), heardVersion: number(raw.heard_version), thresholds };
}

function readShadow(raw) {
  return {
    model: text(raw.model), state: text(raw.state), agreed: raw.agreed ?? 0,
    onlyActive: raw.only_active ?? 0, onlyCandidate: raw.only_candidate ?? 0,
  };
}

function readDisagreement(raw) {
  return {
    startMs: number(raw.start_wall_ms), durationMs: number(raw.duration_ms), ended: raw.ended === true, only: text(raw.only),
    sensor: text(raw.sensor), topChannel: text(raw.top_channel), activeScore: number(raw.active_score), candidateScore: number(raw.candidate_score),
  };
}

function readDrift(raw) {
  return { wallMs: number(raw.wall_ms), sensor: text(raw.sensor), reason: text(raw.reason) };
}

function readSensor(name, raw) {
  const counters = ["scans", "samples", "windows", "gaps", "late", "missed", "shed"].map((key) => [key, raw[key] ?? 0]);
  return { name, state: text(raw.state), rateHz: number(raw.rate_hz), lastGap: text(raw.last_gap), drifting: list(raw.drifting).map((what) => text(what)), shadow: raw.shadow ? readShadow(raw.shadow) : null, ...Object.fromEntries(counters) };
}

/** /api/alerts, the latest first. */
export function readAlerts(raw) {
  need(Array.isArray(raw?.alerts), "/api/alerts answered without a list of alerts");
  return raw.alerts.map(readAlert).sort((a, b) => b.openedMs - a.openedMs);
}

function readAlert(raw) {
  return {
    id: text(raw.alert_id), gatewayId: text(raw.gateway_id), sensor: text(raw.sensor), episodeId: text(raw.episode_id),
    open: raw.state === "open", severity: text(raw.severity, "minor"), topChannel: text(raw.top_channel),
    reason: text(raw.reason), openedMs: number(raw.opened_ms), closedMs: number(raw.closed_ms),
    notifiedMs: number(raw.notified_ms), peakScore: number(raw.peak_score), about: text(raw.about, "episode"),
  };
}

/** /api/gateways/{id}: health, summaries by sensor, episodes with the latest first. */
export function readDetail(raw) {
  need(Array.isArray(raw?.summaries), "/api/gateways answered without summaries");
  const labels = new Map(list(raw.labels).map((label) => [label.episode_id, readLabel(label)]));
  return {
    id: text(raw.gateway_id), fromMs: raw.from_ms, toMs: raw.to_ms, truncated: raw.truncated ?? 0,
    health: raw.health ? readHealth(raw.health) : null,
    sensors: groupSummaries(raw.summaries),
    gaps: list(raw.gaps).map(readGap),
    losses: list(raw.losses).map(readLoss).sort((a, b) => b.wallMs - a.wallMs),
    disagreements: list(raw.disagreements).map(readDisagreement).sort((a, b) => b.startMs - a.startMs),
    drifts: list(raw.drifts).map(readDrift).sort((a, b) => b.wallMs - a.wallMs),
    feedback: raw.feedback ? readFeedback(raw.feedback) : null,
    episodes: list(raw.episodes).map((episode) => readEpisode(episode, labels.get(episode.episode_id))).sort((a, b) => b.onsetMs - a.onsetMs),
  };
}

/** /api/rollouts, the newest first. */
export function readRollouts(raw) {
  need(Array.isArray(raw?.rollouts), "/api/rollouts answered without a list of rollouts");
  return raw.rollouts.map(readRollout).sort((a, b) => b.createdMs - a.createdMs);
}

function readRollout(raw) {
  return {
    id: text(raw.rollout_id), what: text(raw.what), release: text(raw.release), state: text(raw.state), reason: text(raw.reason),
    wave: raw.wave ?? 0, waves: raw.waves ?? 0, createdMs: number(raw.created_ms), updatedMs: number(raw.updated_ms),
  };
}

/** /api/rollouts/{id}: one by its waves, each with counts by status and gateways by the reason they failed for. */
export function readRolloutWaves(raw) {
  need(Array.isArray(raw?.waves), "/api/rollouts answered without waves");
  const waves = raw.waves.map((wave) => ({
    name: text(wave.name), state: text(wave.state), gateways: wave.gateways ?? 0, counts: entries(wave.counts),
    reasons: entries(wave.reasons).map(([reason, names]) => [reason, list(names).map((name) => text(name))]),
  }));
  return { id: text(raw.rollout?.rollout_id), waves };
}

function readHealth(raw) {
  return {
    version: text(raw.version), uptimeMs: number(raw.uptime_ms),
    sensors: entries(raw.sensors).map(([name, health]) => readSensor(name, health)),
    pending: entries(raw.spool_pending), counters: entries(raw.counters),
  };
}

function readEpisode(raw, label) {
  return {
    id: text(raw.episode_id), sensor: text(raw.sensor), open: raw.phase !== "closed", phase: text(raw.phase),
    onsetMs: raw.onset_wall_ms, durationMs: raw.duration_ms, peakMs: raw.peak_wall_ms, peakScore: number(raw.peak_score),
    topChannel: text(raw.top_channel), reason: text(raw.reason), quality: text(raw.quality, "good"), model: text(raw.model),
    label: label ?? null,
    contributions: entries(raw.contributions).sort((a, b) => b[1] - a[1]),
  };
}

/** Columns for charts, by sensor. A summary holds from its start to its end, and its row stands at the end; so that
 *  the first after a stretch without any has its whole width, a copy of it stands at its start, behind a row of nulls. */
export function groupSummaries(summaries) {
  const bySensor = new Map();
  for (const raw of [...summaries].sort((a, b) => a.wall_ms - b.wall_ms)) {
    if (!bySensor.has(raw.sensor)) bySensor.set(raw.sensor, []);
    bySensor.get(raw.sensor).push(raw);
  }
  return [...bySensor].map(([name, rows]) => readSeries(text(name), rows));
}

function readSeries(name, rows) {
  const steps = rows.flatMap((row, i) => (i && !isApart(rows[i - 1], row) ? [row] : [...opening(rows[i - 1], row), row]));
  const channels = [...new Set(rows.flatMap((row) => Object.keys(row.channels ?? {})))];
  const latest = rows[rows.length - 1];
  return {
    name, state: text(latest.state),
    times: steps.map((row) => row.wall_ms / 1000),
    scores: steps.map((row) => number(row.max_score)),
    channels: channels.map((channel) => readChannel(channel, steps, rows)),
  };
}

function opening(before, row) {
  const start = { ...row, wall_ms: row.start_wall_ms };
  return before ? [{ wall_ms: (before.wall_ms + row.start_wall_ms) / 2 }, start] : [start];
}

function isApart(before, after) {
  return after.start_wall_ms - before.wall_ms > 0.5 * (after.wall_ms - after.start_wall_ms);
}

function readChannel(name, steps, summaries) {
  const cells = steps.map((row) => row.channels?.[name]);
  const column = (key) => cells.map((cell) => number(cell?.[key]));
  return {
    name, unit: text(cells.find((cell) => cell?.unit)?.unit), mean: column("mean"), min: column("min"), max: column("max"),
    gaps: summaries.reduce((sum, row) => sum + (row.channels?.[name]?.gaps ?? 0), 0),
    flags: flagsOf(summaries.map((row) => row.channels?.[name]?.flags ?? {})),
  };
}

/** Why readings were taken out, the most frequent first: [[words, times], …]. */
function flagsOf(counted) {
  const sums = new Map();
  for (const [flag, times] of counted.flatMap((flags) => Object.entries(flags))) {
    sums.set(flag, (sums.get(flag) ?? 0) + (number(times) ?? 0));
  }
  return [...sums].sort((a, b) => b[1] - a[1]).map(([flag, times]) => [flag.replaceAll("_", " "), times]);
}
