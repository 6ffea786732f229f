/** Measurements over time as lines. Where there was nothing to measure the line has a gap. */

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import { localTime } from '../format.ts';
import type { Colors } from '../theme.ts';
import { Chart } from './chart.tsx';
import { axis, BASE } from './style.ts';
import type { Draft } from './plot.tsx';

export interface TimeSeries {
  label: string;
  color: keyof Colors;
  values: (number | null)[];
  total: string;
  isFilled?: boolean;
}

interface Props {
  title: string;
  /** RFC 3339, oldest first. */
  moments: string[];
  series: TimeSeries[];
  /** Of the whole window: 1 shows hours, more shows days. */
  days: number;
  /** The least that the axis reaches to. */
  atLeast: number;
  /** A line that should not be crossed. */
  limit?: number;
  format(value: number | null): string;
  /** Shorter, for the axis. */
  formatAxis(value: number): string;
  empty: string;
}

const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

export function TimeChart(props: Props): JSX.Element {
  const { title, moments, series, days, format, empty } = props;
  const data = useMemo<uPlot.AlignedData>(
    () => [moments.map((at) => Date.parse(at) / 1000), ...series.map(({ values }) => values)],
    [moments, series],
  );
  return (
    <Chart
      title={title}
      unit="Beginning at"
      rows={moments.map(localTime)}
      series={series.map((each) => ({ ...each, format }))}
      shape={`${days}`}
      options={(colors) => draft(colors, props)}
      data={data}
      empty={empty}
    />
  );
}

function draft(colors: Colors, { series, days, atLeast, limit, formatAxis }: Props): Draft {
  const format = days === 1 ? hour : days <= 7 ? weekday : day;
  return {
    ...BASE,
    scales: { y: { range: (_, __, highest) => [0, Math.max((highest ?? 0) * 1.08, atLeast)] } },
    axes: [
      {
        ...axis(colors),
        grid: { show: false },
        space: 72,
        ...(days > 1 && { incrs: [1, 2, 3, 7, 14, 28].map((each) => each * 86_400) }),
        values: (_, splits) => splits.map((at) => format.format(at * 1000)),
      },
      { ...axis(colors), size: 52, values: (_, splits) => splits.map(formatAxis) },
    ],
    series: [
      {},
      ...series.map(({ label, color, isFilled }): uPlot.Series => ({
        label,
        stroke: colors[color],
        width: 1.5,
        spanGaps: false,
        ...(isFilled && { fill: `${colors[color]}26` }),
        points: { size: 4, fill: colors[color], filter: lonely },
      })),
    ],
    hooks: limit === undefined ? {} : { draw: [(drawn) => line(drawn, limit, colors.critical)] },
  };
}

/** A line between two points shows them; a point with gaps on both sides would not be seen. */
const lonely: uPlot.Series.Points.Filter = (drawn, series) => {
  const values = drawn.data[series] ?? [];
  const is = (index: number) => values[index] !== null && values[index] !== undefined;
  return Array.from(values, (_, index) => index).filter(
    (index) => is(index) && !is(index - 1) && !is(index + 1),
  );
};

function line(drawn: uPlot, at: number, color: string): void {
  const y = Math.round(drawn.valToPos(at, 'y', true));
  const { left, top, width, height } = drawn.bbox;
  if (y < top || y > top + height) return;
  const { ctx } = drawn;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.setLineDash([4, 4]);
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(left + width, y);
  ctx.stroke();
  ctx.restore();
}
