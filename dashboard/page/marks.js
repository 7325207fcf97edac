// Episodes as marks on charts. Pure.

import { score } from "./format.js";

/** Whether a channel is one of those that made the episode. */
export function contributes(episode, channel) {
  return episode.topChannel === channel || episode.contributions.some(([name]) => name === channel);
}

/** One episode on one channel's chart; `channel` null is the sensor's score. An open one reaches to `toMs`. */
export function markOf(episode, channel, toMs) {
  const shown = channel === null || episode.topChannel === channel;
  return {
    start: episode.onsetMs / 1000,
    end: (episode.open ? toMs : episode.onsetMs + episode.durationMs) / 1000,
    peak: shown && Number.isFinite(episode.peakMs) ? episode.peakMs / 1000 : null,
    open: episode.open,
    strong: channel === null || contributes(episode, channel),
    title: `Peak ${score(episode.peakScore)}: ${episode.reason}`,
  };
}

/** The marks of a sensor's episodes on one of its charts. */
export function marksFor(episodes, sensor, { channel, toMs }) {
  return episodes.filter((episode) => episode.sensor === sensor).map((episode) => markOf(episode, channel, toMs));
}
