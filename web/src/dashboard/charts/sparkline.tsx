/** A small line beside a number: its course in the last 24 hours. */

import type { JSX } from 'preact';
import { milliseconds } from '../format.ts';

interface Point {
  at: string;
  avgMs: number;
  maxMs: number;
}

const WIDTH = 96;
const HEIGHT = 24;

export function Sparkline({ points }: { points: Point[] }): JSX.Element {
  const worst = Math.max(...points.map(({ maxMs }) => maxMs));
  const mean = points.reduce((sum, { avgMs }) => sum + avgMs, 0) / points.length;
  const label =
    points.length === 0
      ? 'No response times in the last 24 hours'
      : `Response times of the last 24 hours: ${milliseconds(mean)} on average, ${milliseconds(worst)} at most`;
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={label}
    >
      {points.length > 1 && <path d={path(points)} />}
    </svg>
  );
}

function path(points: Point[]): string {
  const times = points.map(({ at }) => Date.parse(at));
  const first = times[0] ?? 0;
  const span = Math.max(1, (times.at(-1) ?? 0) - first);
  const highest = Math.max(...points.map(({ avgMs }) => avgMs), 1);
  return points
    .map(({ avgMs }, index) => {
      const x = (((times[index] ?? 0) - first) / span) * WIDTH;
      const y = HEIGHT - 2 - (avgMs / highest) * (HEIGHT - 4);
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}
