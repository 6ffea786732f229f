/** What all charts have in common. */

import type uPlot from 'uplot';
import type { Colors } from '../theme.ts';

const FONT = '11px "Inter Variable", system-ui, sans-serif';

/** Counts have no halves. */
export const WHOLE_STEPS = [1, 2, 5]
  .flatMap((step) => Array.from({ length: 10 }, (_, power) => step * 10 ** power))
  .sort((one, other) => one - other);

export const BASE = {
  legend: { show: false },
  padding: [8, 18, 0, 0],
  cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { size: 7 } },
} satisfies Partial<uPlot.Options>;

export function axis(colors: Colors): uPlot.Axis {
  return {
    stroke: colors.muted,
    font: FONT,
    labelFont: FONT,
    gap: 6,
    size: 28,
    grid: { stroke: colors.grid, width: 1 },
    ticks: { show: false },
  };
}

/** At most so many of the first `length` numbers, evenly apart; the last one is among them. */
export function fitting(length: number, most: number): number[] {
  const step = Math.ceil(length / most);
  const found: number[] = [];
  for (let index = length - 1; index >= 0; index -= step) found.unshift(index);
  return found;
}
