/** A strip that shows how a component was in each part of the window. */

import type { JSX } from 'preact';
import type { ServiceStatus } from '../data/operations.ts';
import { localTime } from '../format.ts';
import { STATUS, type Tone } from '../words.ts';

interface Change {
  status: ServiceStatus;
  at: string;
}

interface Part {
  tone: Tone;
  from: number;
  to: number;
}

const WIDTH = 1000;
/** A failure of a minute is to be seen in a strip of 90 days. */
const NARROWEST = 4;
const DAY_MS = 86_400_000;

interface Props {
  /** Newest first. */
  changes: Change[];
  days: number;
  now: number;
}

export function Course({ changes, days, now }: Props): JSX.Element {
  const begin = now - days * DAY_MS;
  const parts = course(changes, begin, now);
  const bad = parts.filter(({ tone }) => tone === 'critical' || tone === 'warning');
  const label =
    bad.length === 0
      ? 'No trouble in this time'
      : `Trouble ${bad.length === 1 ? 'once' : `${bad.length} times`}, last at ${localTime(new Date(bad.at(-1)?.from ?? now).toISOString())}`;
  // The worst are drawn last, over their neighbours.
  const order: Tone[] = ['unknown', 'good', 'warning', 'critical'];
  const drawn = [...parts].sort(
    (one, other) => order.indexOf(one.tone) - order.indexOf(other.tone),
  );
  return (
    <svg
      class="course"
      viewBox={`0 0 ${WIDTH} 8`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {drawn.map(({ tone, from, to }) => {
        const x = ((from - begin) / (now - begin)) * WIDTH;
        const width = Math.max(((to - from) / (now - begin)) * WIDTH, NARROWEST);
        return (
          <rect
            key={from}
            class={`course-${tone}`}
            x={Math.min(x, WIDTH - width)}
            y="0"
            width={width}
            height="8"
          />
        );
      })}
    </svg>
  );
}

/** Before the first change that is known nothing is. */
function course(changes: Change[], begin: number, now: number): Part[] {
  const parts: Part[] = [];
  let to = now;
  for (const { status, at } of changes) {
    const from = Math.max(Date.parse(at), begin);
    if (from < to) parts.unshift({ tone: STATUS[status].tone, from, to });
    to = Math.min(to, from);
    if (from === begin) break;
  }
  if (to > begin) parts.unshift({ tone: 'unknown', from: begin, to });
  return parts;
}
