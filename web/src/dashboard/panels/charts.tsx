/** How the window went: orders, payments, errors, response times. */

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { DayChart, type DaySeries } from '../charts/days.tsx';
import { TimeChart, type TimeSeries } from '../charts/times.tsx';
import type { Reading } from '../data/hooks.ts';
import type { MetricsPartsFragment, MetricsQuery } from '../data/operations.ts';
import { milliseconds, percent, shortCount } from '../format.ts';
import { coarser } from '../history.ts';
import { Panel } from '../parts/panel.tsx';

/** Default of the alert about errors, in percent. */
const MOST_ERRORS = 5;
/** So many hours are one point: lines of thousands of points are noise. */
const POINTS: Partial<Record<number, number>> = { 30: 6, 90: 24 };

export function Charts({ metrics }: { metrics: Reading<MetricsQuery> }): JSX.Element {
  const found = metrics.data?.metrics;
  return (
    <Panel id="trends" title="Trends" note="Days in UTC" reading={metrics}>
      {found && <Drawn metrics={found} />}
    </Panel>
  );
}

function Drawn({ metrics }: { metrics: MetricsPartsFragment }): JSX.Element {
  const { orders, payments, errors, times, moments } = useMemo(() => drawable(metrics), [metrics]);
  const orderDays = useMemo(() => metrics.ordersPerDay.map(({ date }) => date), [metrics]);
  const paymentDays = useMemo(() => metrics.paymentsPerDay.map(({ date }) => date), [metrics]);
  const { days } = metrics;
  return (
    <div class="charts">
      <DayChart
        title="Orders and refunds a day"
        dates={orderDays}
        series={orders}
        empty="No orders in this time"
      />
      <DayChart
        title="Payment outcomes a day"
        dates={paymentDays}
        series={payments}
        isStacked
        empty="No payments in this time"
      />
      <TimeChart
        title="Error rate"
        moments={moments}
        series={errors}
        days={days}
        atLeast={1}
        limit={MOST_ERRORS}
        format={percent}
        formatAxis={percent}
        empty={isSilent(metrics) ? 'No requests in this time' : 'No errors in this time'}
      />
      <TimeChart
        title="Response times"
        moments={moments}
        series={times}
        days={days}
        atLeast={10}
        format={milliseconds}
        formatAxis={(ms) => (ms >= 1000 ? `${shortCount(ms / 1000)} s` : `${shortCount(ms)} ms`)}
        empty="No requests in this time"
      />
    </div>
  );
}

interface Drawable {
  moments: string[];
  orders: DaySeries[];
  payments: DaySeries[];
  errors: TimeSeries[];
  times: TimeSeries[];
}

function drawable(metrics: MetricsPartsFragment): Drawable {
  const { days, ordersPerDay, refundsPerDay, paymentsPerDay, ...all } = metrics;
  const history = coarser(all.history, POINTS[days] ?? 1);
  const payments = (part: 'succeeded' | 'declined' | 'failed') =>
    paymentsPerDay.map((day) => day[part]);
  const slow = history.map(({ p95ResponseTimeMs }) => p95ResponseTimeMs);
  return {
    moments: history.map(({ at }) => at),
    orders: [
      { label: 'Orders', color: 'one', counts: ordersPerDay.map(({ count }) => count) },
      { label: 'Refunds', color: 'two', counts: refundsPerDay.map(({ count }) => count) },
    ],
    // The first is drawn on top of the others: what failed is seen first.
    payments: [
      { label: 'Failed', color: 'critical', counts: payments('failed') },
      { label: 'Declined', color: 'warning', counts: payments('declined') },
      { label: 'Succeeded', color: 'good', counts: payments('succeeded') },
    ],
    errors: [
      {
        label: 'Failed requests',
        color: 'critical',
        values: history.map(({ errorRate }) => errorRate),
        total: percent(all.errorRate),
        isFilled: true,
      },
    ],
    times: [
      {
        label: days > 7 ? '95th percentile, worst hour' : '95th percentile',
        color: 'two',
        values: slow,
        total: milliseconds(days > 7 ? highest(slow) : all.p95ResponseTimeMs),
      },
      {
        label: 'Average',
        color: 'one',
        values: history.map(({ avgResponseTimeMs }) => avgResponseTimeMs),
        total: milliseconds(all.avgResponseTimeMs),
      },
    ],
  };
}

function highest(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function isSilent({ history }: MetricsPartsFragment): boolean {
  return history.every(({ requests }) => requests === 0);
}
