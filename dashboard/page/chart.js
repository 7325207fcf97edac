// One chart: a mean line in its min–max band, with episodes shaded beneath and their peaks marked above.
//
// uPlot draws the numbers on a canvas; episodes are elements beside it, so style sheets colour them and a test
// can find them. New data goes into the chart that is there (no flicker). A null is a break in the line.

import { html, useEffect, useLayoutEffect, useRef } from "./preact.js";
import { moment, tick } from "./format.js";

const { uPlot } = window;

/** The value of a custom property, so that the canvas follows the style sheet in light and dark. */
function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Room above and below; a quantity that is never negative gets no negative axis. */
export function valueRange(low, high, floor) {
  if (low === null || high === null) return [0, floor ?? 1];
  const span = high - low || Math.abs(high) * 0.2 || 1;
  const bottom = low - span * 0.08;
  return [low >= 0 && bottom < 0 ? 0 : bottom, Math.max(high + span * 0.12, floor ?? -Infinity)];
}

/** Times on the axis, as fine as their step; one that would be cut off at the edge is left out. */
function times(u, splits) {
  const step = splits[1] - splits[0];
  const labels = splits.map((s) => moment(s * 1000, step));
  const edge = u.bbox.width / devicePixelRatio;
  return splits.map((s, i) => (u.valToPos(s, "x") + 3 * labels[i].length <= edge ? labels[i] : ""));
}

/** Readings between two gaps: no line reaches them, so they are drawn as dots. */
function alone(u, series) {
  const column = u.data[series];
  const isMissing = (i) => (column[i] ?? null) === null;
  return column.flatMap((x, i) => (x !== null && isMissing(i - 1) && isMissing(i + 1) ? [i] : []));
}

/** The step a time lies in: each reaches from the one before it to its own time. */
function stepAt(u, series, nearest, time) {
  return Math.min(nearest + (u.data[0][nearest] < time ? 1 : 0), u.data[0].length - 1);
}

function options({ latest, width, height, sync, stepped }) {
  const paths = stepped ? uPlot.paths.stepped({ align: -1 }) : undefined;
  const axis = { stroke: () => ink("--muted"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: () => ink("--grid"), width: 1 };
  const bound = { width: 0, paths, points: { show: false } };
  return {
    width, height, ms: 1e-3, legend: { show: false }, padding: [8, 8, 0, 0],
    cursor: { sync: sync ? { key: sync } : undefined, y: false, drag: { x: false, y: false }, points: { size: 6 },
      ...(stepped && { dataIdx: stepAt }) },
    scales: {
      x: { time: true, range: () => latest.current.range },
      y: { range: (_, low, high) => valueRange(low, high, latest.current.floor) },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 24, space: 64, values: times },
      { ...axis, grid, size: 46, space: 28, values: (_, splits) => splits.map(tick) },
    ],
    series: [{}, bound, bound, { stroke: () => ink("--line"), width: 1.6, paths, points: { show: true, size: 5, filter: alone } }],
    bands: [{ series: [1, 2], fill: () => ink("--band") }],
  };
}

function stretch(element, left, width) {
  element.style.left = `${left}px`;
  element.style.width = `${width}px`;
  return element;
}

function element(className, title) {
  const made = document.createElement("div");
  made.className = className;
  if (title) made.title = title;
  return made;
}

function limit(u, threshold) {
  const line = element("mark-limit", "alarm threshold");
  line.style.top = `${u.valToPos(threshold, "y")}px`;
  return line;
}

/** Puts the episodes' spans and peaks where the axis has their times; what lies outside the chart is left out. */
function drawMarks(u, layer, { marks, threshold }) {
  const [from, to] = [u.scales.x.min, u.scales.x.max];
  const at = (s) => u.valToPos(Math.min(Math.max(s, from), to), "x");
  const spans = marks.filter((m) => m.end >= from && m.start <= to)
    .map((m) => stretch(element(`mark ${m.strong ? "mark-strong" : ""} ${m.open ? "mark-open" : ""}`), at(m.start), Math.max(2, at(m.end) - at(m.start))));
  const peaks = marks.filter((m) => m.peak !== null && m.peak >= from && m.peak <= to)
    .map((m) => stretch(element("mark-peak", m.title), at(m.peak), 0));
  layer.under.replaceChildren(...spans);
  layer.over.replaceChildren(...peaks, ...(threshold === undefined ? [] : [limit(u, threshold)]));
}

function layers(u) {
  const layer = { under: element("marks"), over: element("marks") };
  u.under.append(layer.under);
  u.over.append(layer.over);
  return layer;
}

function create(host, latest, props) {
  const opts = options({ latest, width: host.clientWidth || 300, height: props.height, sync: props.sync, stepped: props.stepped });
  let layer = null;
  const tell = (u) => latest.current.onCursor?.(u.cursor.idx ?? null);
  opts.hooks = {
    init: [(u) => { layer = layers(u); }],
    draw: [(u) => drawMarks(u, layer, latest.current)],
    setCursor: [tell],
  };
  return new uPlot(opts, columns(latest.current), host);
}

function columns({ times, min, max, mean }) {
  const nothing = times.map(() => null);
  return [times, max ?? nothing, min ?? nothing, mean];
}

/**
 * times in seconds; min, max, mean in step with it (min and max may be absent); range = [from, to] in seconds;
 * stepped = each row holds from the one before it to its own time, as a summary does, and is drawn so;
 * threshold = a value to draw a line at;
 * marks = [{start, end, peak (or null), open, strong, title}] in seconds; floor = least top of the value axis;
 * onCursor(index or null) as the pointer moves; label is what a screen reader says.
 */
export function Chart({ label, height = 120, sync, stepped, ...data }) {
  const host = useRef(null);
  const chart = useRef(null);
  const latest = useRef(data);
  latest.current = data;
  useLayoutEffect(() => {
    const u = create(host.current, latest, { height, sync, stepped });
    chart.current = u;
    const resized = new ResizeObserver(() => host.current && u.setSize({ width: host.current.clientWidth, height }));
    resized.observe(host.current);
    const theme = matchMedia("(prefers-color-scheme: dark)");
    const repaint = () => u.redraw(false);
    theme.addEventListener("change", repaint);
    return () => { resized.disconnect(); theme.removeEventListener("change", repaint); u.destroy(); };
  }, [sync, height, stepped]);
  useEffect(() => {
    chart.current.setData(columns(data));
    data.onCursor?.(chart.current.cursor.idx ?? null);
  }, [data.times, data.mean, data.marks, data.range[0], data.range[1]]);
  return html`<div class="chart" role="img" aria-label=${label} ref=${host}></div>`;
}
