/** The components that the shop runs on: how they are, how they were. */

import type { JSX } from 'preact';
import { Course } from '../charts/course.tsx';
import { Sparkline } from '../charts/sparkline.tsx';
import { useNow, type Reading } from '../data/hooks.ts';
import type { ComponentsQuery } from '../data/operations.ts';
import { milliseconds, NO_DATA, percent } from '../format.ts';
import { Badge } from '../parts/badge.tsx';
import { Panel } from '../parts/panel.tsx';
import { Ago, Moment } from '../parts/time.tsx';
import { COMPONENT, days as daysInWords, STATUS } from '../words.ts';

type Component = NonNullable<ComponentsQuery['services']>[number];

const STEP_MS = 30_000;

interface Props {
  days: number;
  reading: Reading<ComponentsQuery>;
}

export function Components({ days, reading }: Props): JSX.Element {
  const services = reading.data?.services ?? [];
  return (
    <Panel
      id="components"
      title="Components"
      note={`Availability in ${days === 1 ? 'the last day' : daysInWords(days)}`}
      reading={reading}
    >
      <ul class="components">
        {services.map((service) => (
          <Row key={service.name} service={service} days={days} />
        ))}
      </ul>
    </Panel>
  );
}

function Row({ service, days }: { service: Component; days: number }): JSX.Element {
  const { name, status, message, latencyMs, availability, since, changes, latency } = service;
  const { word, tone } = STATUS[status];
  const now = useNow(STEP_MS);
  return (
    <li class="component">
      <div class="component-head">
        <h3>{COMPONENT[name]}</h3>
        <Badge tone={tone}>{word}</Badge>
        {since && (
          <span class="secondary">
            since <Ago at={since} />
          </span>
        )}
      </div>
      {message && <p class="component-message">{message}</p>}
      <div class="component-figures">
        <span class="component-latency">
          <Sparkline points={latency} />
          {latencyMs !== null && <span class="number">{milliseconds(latencyMs)}</span>}
        </span>
        <span class="component-availability">
          <span class={availability === null ? 'is-none' : 'number'}>
            {availability === null ? NO_DATA : percent(availability)}
          </span>
          <span class="visually-hidden"> available</span>
        </span>
      </div>
      <Course changes={changes} days={days} now={now} />
      {changes.length > 0 && (
        <details class="history">
          <summary aria-label={`History of ${COMPONENT[name]}`}>History</summary>
          <ol>
            {changes.map((change) => (
              <li key={change.at}>
                <Moment at={change.at} />
                <Badge tone={STATUS[change.status].tone}>{STATUS[change.status].word}</Badge>
                {change.message && <span class="secondary">{change.message}</span>}
              </li>
            ))}
          </ol>
        </details>
      )}
    </li>
  );
}
