/** A stretch of time that is drawn with one measure. `from` and `to` are its place, 0..1 of the whole. */
interface Piece {
  startMs: number;
  endMs: number;
  from: number;
  to: number;
  /** Nothing happens in it, and it is drawn shorter than it was. */
  isShortened: boolean;
}

export interface TimeScale {
  startMs: number;
  endMs: number;
  pieces: readonly Piece[];
}

/** From and to, 0..1 of a scale. */
export interface View {
  from: number;
  to: number;
}
export const WHOLE: View = { from: 0, to: 1 };

const STEPS = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/**
 * The end of a time axis whose content still grows: beyond now, and the same for a while, so that what is drawn moves seldom
 * and all at once.
 */
export function growingEnd(startMs: number, nowMs: number): number {
  const elapsed = Math.max(nowMs - startMs, 500) * 1.04;
  const power = 10 ** Math.floor(Math.log10(elapsed));
  const step = STEPS.find((each) => each * power >= elapsed) ?? 10;
  return startMs + step * power;
}

/** One measure for all. */
export function linearScale(startMs: number, endMs: number): TimeScale {
  const end = Math.max(endMs, startMs + 1);
  return { startMs, endMs: end, pieces: [{ startMs, endMs: end, from: 0, to: 1, isShortened: false }] };
}

/** Idle stretches below this part of the whole are drawn as they are; longer ones take `SHORT` of the width. */
const WORTH_SHORTENING = 0.12;
const SHORT = 0.06;

/**
 * As `linearScale`, with the long stretches in which nothing is at work drawn short. `busy` in any order, `[start, end]`; idle
 * stretches below `atLeastMs` stay as they are.
 */
export function shortenedScale(
  startMs: number,
  endMs: number,
  busy: readonly (readonly [number, number])[],
  atLeastMs = 0,
): TimeScale {
  const whole = linearScale(startMs, endMs);
  const total = whole.endMs - startMs;
  const idle = gaps(startMs, whole.endMs, busy).filter(
    ([from, to]) => to - from > Math.max(total * WORTH_SHORTENING, atLeastMs),
  );
  const used = total - idle.reduce((sum, [from, to]) => sum + to - from, 0);
  if (idle.length === 0 || used <= 0) return whole;
  const share = 1 - SHORT * idle.length;
  if (share < 0.3) return whole;
  const pieces: Piece[] = [];
  let at = startMs;
  let place = 0;
  const add = (toMs: number, width: number, isShortened: boolean) => {
    if (toMs <= at) return;
    pieces.push({ startMs: at, endMs: toMs, from: place, to: place + width, isShortened });
    at = toMs;
    place += width;
  };
  for (const [from, to] of idle) {
    add(from, ((from - at) / used) * share, false);
    add(to, SHORT, true);
  }
  add(whole.endMs, ((whole.endMs - at) / used) * share, false);
  return { startMs, endMs: whole.endMs, pieces };
}

/** What of a time is in none of the stretches. */
export function gaps(startMs: number, endMs: number, busy: readonly (readonly [number, number])[]): [number, number][] {
  const found: [number, number][] = [];
  let at = startMs;
  for (const [from, to] of [...busy].sort((a, b) => a[0] - b[0])) {
    if (from > at) found.push([at, Math.min(from, endMs)]);
    at = Math.max(at, to);
  }
  if (at < endMs) found.push([at, endMs]);
  return found;
}

/** Where an instant is drawn, 0..1 of the view; outside of it where it is not in sight. */
export function placeOf(scale: TimeScale, ms: number, view: View = WHOLE): number {
  const piece = scale.pieces.find((each) => ms <= each.endMs) ?? scale.pieces.at(-1);
  if (piece === undefined) return 0;
  const part = (ms - piece.startMs) / (piece.endMs - piece.startMs);
  return (piece.from + part * (piece.to - piece.from) - view.from) / (view.to - view.from);
}

/** The instant at a place of the view. */
export function instantAt(scale: TimeScale, place: number, view: View = WHOLE): number {
  const whole = view.from + place * (view.to - view.from);
  const piece = scale.pieces.find((each) => whole <= each.to) ?? scale.pieces.at(-1);
  if (piece === undefined) return scale.startMs;
  return piece.startMs + ((whole - piece.from) / (piece.to - piece.from)) * (piece.endMs - piece.startMs);
}

const NARROWEST = 1e-5;

/** Nearer (`factor` < 1) or farther, the place (0..1 of the view) staying where it is. */
export function zoomed(view: View, factor: number, place = 0.5): View {
  const width = Math.min(1, Math.max(NARROWEST, (view.to - view.from) * factor));
  const pivot = view.from + place * (view.to - view.from);
  return within(pivot - place * width, width);
}

/** Along by a part of the view. */
export function panned(view: View, by: number): View {
  const width = view.to - view.from;
  return within(view.from + by * width, width);
}

function within(from: number, width: number): View {
  const start = Math.min(Math.max(0, from), 1 - width);
  return { from: start, to: start + width };
}

export interface Tick {
  /** 0..1 of the view. */
  place: number;
  /** Milliseconds since the start of the scale. */
  offsetMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LONG_STEPS = [1, 2, 5, 10, 15, 30]
  .map((each) => each * SECOND)
  .concat([1, 2, 5, 10, 15, 30].map((each) => each * MINUTE))
  .concat([1, 2, 3, 6, 12].map((each) => each * HOUR))
  .concat([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((each) => each * DAY));

/** A round duration, at least this long. */
function roundStep(ms: number): number {
  if (ms > SECOND / 2) return LONG_STEPS.find((each) => each >= ms) ?? 1000 * DAY;
  const power = 10 ** Math.floor(Math.log10(Math.max(ms, 1e-3)));
  return power * ([1, 2, 5, 10].find((each) => each * power >= ms) ?? 10);
}

/** Round durations since the start, `count` of them or fewer in sight; none within what is shortened. */
export function ticksOf(scale: TimeScale, view: View, count: number): Tick[] {
  const ticks: Tick[] = [];
  for (const piece of scale.pieces) {
    const from = Math.max(piece.from, view.from);
    const to = Math.min(piece.to, view.to);
    // Where there is no room for words there is no tick.
    if ((to - from) / (view.to - view.from) < 0.09 || piece.isShortened) continue;
    const perPlace = (piece.endMs - piece.startMs) / (piece.to - piece.from);
    const step = roundStep(((view.to - view.from) / Math.max(1, count)) * perPlace);
    const fromMs = piece.startMs + (from - piece.from) * perPlace - scale.startMs;
    const toMs = piece.startMs + (to - piece.from) * perPlace - scale.startMs;
    for (let n = Math.max(0, Math.ceil(fromMs / step - 1e-9)); n * step <= toMs; n++) {
      const place = placeOf(scale, scale.startMs + n * step, view);
      if ((ticks.at(-1)?.place ?? -1) + 0.5 / count < place) ticks.push({ place, offsetMs: n * step });
    }
  }
  return ticks;
}
