/** The key figures of the window. */

import type { ComponentChildren, JSX } from 'preact';
import type { Reading } from '../data/hooks.ts';
import type { MetricsQuery, SalesQuery } from '../data/operations.ts';
import { count, milliseconds, money, NO_DATA, percent, plural } from '../format.ts';
import { ToneIcon } from '../parts/icons.tsx';
import { Panel } from '../parts/panel.tsx';
import { CIRCUIT, days as daysInWords, type Tone } from '../words.ts';

/** From here on a figure is marked; the default rules of the alerts have the same limits. */
const MOST_ERRORS = 5;
const LEAST_SUCCESS = 95;

interface Props {
  days: number;
  metrics: Reading<MetricsQuery>;
  sales: Reading<SalesQuery>;
}

export function Figures({ days, metrics, sales }: Props): JSX.Element {
  const found = metrics.data?.metrics;
  return (
    <Panel id="figures" title="Key figures" note={sentence(daysInWords(days))} reading={metrics}>
      {found && (
        <dl class="figures">
          <Figure name="Revenue" value={<Revenue sales={sales} />} note="taken, before refunds" />
          <Figure
            name="Orders"
            value={count(sum(found.ordersPerDay))}
            note={orderNote(sales.data)}
          />
          <Figure
            name="Refunds"
            value={count(sum(found.refundsPerDay))}
            note={amounts(sales.data?.orderStats?.total.refundedTotals) ?? 'nothing went back'}
          />
          <Figure
            name="Payment success"
            value={percent(found.paymentSuccessRate)}
            tone={below(found.paymentSuccessRate, LEAST_SUCCESS)}
            note={paymentNote(found.paymentsPerDay)}
          />
          <Figure
            name="Error rate"
            value={percent(found.errorRate)}
            tone={above(found.errorRate, MOST_ERRORS)}
            note={`of ${plural(Number(found.requests), 'request', 'requests')}`}
          />
          <Figure
            name="Response time"
            value={milliseconds(found.p95ResponseTimeMs)}
            note={timeNote(found.avgResponseTimeMs)}
          />
          <Figure
            name="Circuit breaker"
            value={CIRCUIT[found.circuitBreakerState].word}
            tone={quiet(CIRCUIT[found.circuitBreakerState].tone)}
            note="of payment providers"
          />
          <Figure
            name="Stock conflicts"
            value={count(found.stockConflicts)}
            tone={above(found.stockConflicts, 0)}
            note={`${plural(found.stockRejections, 'buyer', 'buyers')} told “not enough”`}
          />
          <Figure
            name="Cache hits"
            value={percent(found.cacheHitRate)}
            note="of what was looked for"
          />
          <Figure
            name="Throttled"
            value={count(found.throttledRequests)}
            note="requests over their limit"
          />
        </dl>
      )}
    </Panel>
  );
}

interface FigureProps {
  name: string;
  value: ComponentChildren;
  note?: string;
  tone?: Tone | undefined;
}

function Figure({ name, value, note, tone }: FigureProps): JSX.Element {
  const isNone = value === NO_DATA;
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class={`figure-value ${tone ? `tone-${tone}` : ''} ${isNone ? 'is-none' : ''}`}>
        {tone && <ToneIcon tone={tone} />}
        {value}
      </dd>
      {note && <dd class="figure-note">{note}</dd>}
    </div>
  );
}

function Revenue({ sales: { data, error } }: { sales: Reading<SalesQuery> }): JSX.Element {
  const totals = data?.orderStats?.total.paidTotals;
  if (!totals) return <>{error ? 'not known' : '…'}</>;
  if (totals.length === 0) return <span class="is-none">{NO_DATA}</span>;
  return (
    <>
      {totals.map(({ amount, currency }) => (
        <span class="amount" key={currency}>
          {money(amount, currency)}
        </span>
      ))}
    </>
  );
}

function amounts(totals: { amount: string; currency: string }[] | undefined): string | null {
  if (!totals || totals.length === 0) return null;
  return totals.map(({ amount, currency }) => money(amount, currency)).join(', ');
}

function orderNote(data: SalesQuery | null): string {
  const total = data?.orderStats?.total;
  return total ? `${count(total.ordersPaid)} paid, ${count(total.ordersCancelled)} cancelled` : '';
}

function timeNote(mean: number | null): string {
  return mean === null ? '95th percentile' : `95th percentile; ${milliseconds(mean)} on average`;
}

function paymentNote(days: { succeeded: number; declined: number; failed: number }[]): string {
  const of = (part: 'declined' | 'failed') => days.reduce((total, day) => total + day[part], 0);
  return `${count(of('failed'))} failed, ${count(of('declined'))} declined`;
}

function sum(days: { count: number }[]): number {
  return days.reduce((total, { count }) => total + count, 0);
}

function above(value: number | null, limit: number): Tone | undefined {
  return value !== null && value > limit ? 'critical' : undefined;
}

function below(value: number | null, limit: number): Tone | undefined {
  return value !== null && value < limit ? 'critical' : undefined;
}

function quiet(tone: Tone): Tone | undefined {
  return tone === 'good' ? undefined : tone;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
