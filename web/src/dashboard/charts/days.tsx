/** Counts a day as bars, beside each other or on top of each other. */

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import uPlot from 'uplot';
import { count, fullDay, shortCount, shortDay } from '../format.ts';
import type { Colors } from '../theme.ts';
import { Chart } from './chart.tsx';
import { axis, BASE, fitting, WHOLE_STEPS } from './style.ts';
import type { Draft } from './plot.tsx';

export interface DaySeries {
  label: string;
  color: keyof Colors;
  counts: number[];
}

interface Props {
  title: string;
  /** Each day of the window (UTC), oldest first. */
  dates: string[];
  series: DaySeries[];
  isStacked?: boolean;
  empty: string;
}

const LABEL_PX = 64;

export function DayChart({ title, dates, series, isStacked = false, empty }: Props): JSX.Element {
  const data = useMemo<uPlot.AlignedData>(
    () => [
      dates.map((_, index) => index),
      ...(isStacked ? stacked(series) : series.map(({ counts }) => counts)),
    ],
    [dates, series, isStacked],
  );
  const format = (value: number | null) => count(value ?? 0);
  return (
    <Chart
      title={title}
      unit="Day (UTC)"
      rows={dates.map(fullDay)}
      series={series.map(({ label, color, counts }) => ({
        label,
        color,
        values: counts,
        total: count(counts.reduce((sum, each) => sum + each, 0)),
        format,
      }))}
      shape={`${dates[0]} ${dates.length}`}
      options={(colors) => draft(colors, dates, series, isStacked)}
      data={data}
      empty={empty}
    />
  );
}

/** Each series with those after it on top, so that it can be drawn before them, from the ground. */
function stacked(series: DaySeries[]): number[][] {
  return series.map((_, from) => {
    const upper = series.slice(from);
    return (
      upper[0]?.counts.map((_, day) =>
        upper.reduce((sum, { counts }) => sum + (counts[day] ?? 0), 0),
      ) ?? []
    );
  });
}

function draft(colors: Colors, dates: string[], series: DaySeries[], isStacked: boolean): Draft {
  const beside = isStacked ? 1 : series.length;
  const bars = uPlot.paths.bars;
  return {
    ...BASE,
    scales: {
      x: { time: false, range: [-0.5, dates.length - 0.5] },
      y: { range: (_, __, highest) => [0, Math.max(highest * 1.08, 4)] },
    },
    axes: [
      {
        ...axis(colors),
        grid: { show: false },
        splits: ({ width }) => fitting(dates.length, Math.max(1, Math.floor(width / LABEL_PX))),
        values: (_, splits) => splits.map((index) => shortDay(dates[index] ?? '')),
      },
      {
        ...axis(colors),
        size: 44,
        incrs: WHOLE_STEPS,
        values: (_, splits) => splits.map(shortCount),
      },
    ],
    series: [
      {},
      ...series.map(({ label, color }, index): uPlot.Series => ({
        label,
        fill: colors[color],
        stroke: colors[color],
        width: 0,
        points: { show: false },
        ...(bars && {
          paths: bars({
            size: [(dates.length > 31 ? 0.86 : 0.66) / beside, 36],
            align: beside === 1 ? 0 : index === 0 ? -1 : 1,
            ...(isStacked ? {} : { radius: 0.12 }),
          }),
        }),
      })),
    ],
  };
}
