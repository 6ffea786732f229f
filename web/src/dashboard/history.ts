/** The history of measurements in fewer points. */

import type { MetricsPartsFragment } from './data/operations.ts';

type Point = MetricsPartsFragment['history'][number];

/**
 * Puts so many points together each; the latest ones are complete, the first may be of fewer. Rates and
 * means are weighted by the requests, so they are what they would have been; a percentile cannot be
 * put together, and the worst one is kept.
 */
export function coarser(history: Point[], together: number): Point[] {
  if (together === 1) return history;
  const points: Point[] = [];
  for (let end = history.length; end > 0; end -= together) {
    const group = history.slice(Math.max(0, end - together), end);
    points.unshift(combined(group));
  }
  return points;
}

function combined(group: Point[]): Point {
  return {
    at: group[0]?.at ?? '',
    requests: group.reduce((sum, { requests }) => sum + requests, 0),
    errorRate: weighted(group, ({ errorRate }) => errorRate),
    avgResponseTimeMs: weighted(group, ({ avgResponseTimeMs }) => avgResponseTimeMs),
    p95ResponseTimeMs: group.reduce<number | null>(
      (worst, { p95ResponseTimeMs: each }) =>
        each !== null && (worst === null || each > worst) ? each : worst,
      null,
    ),
  };
}

function weighted(group: Point[], value: (point: Point) => number | null): number | null {
  let total = 0;
  let weights = 0;
  for (const point of group) {
    const each = value(point);
    if (each === null) continue;
    total += each * point.requests;
    weights += point.requests;
  }
  return weights === 0 ? null : total / weights;
}
