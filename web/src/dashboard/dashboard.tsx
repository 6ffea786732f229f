/** The page for the staff: what is wrong first, then the figures. */

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { hasCode } from './data/client.ts';
import { reason } from './parts/panel.tsx';
import { readAlerts } from './data/alerts.ts';
import { useEvents, useLink, useReading, type Reading } from './data/hooks.ts';
import {
  AlertRaisedDocument,
  ComponentsDocument,
  LowStockDocument,
  MetricsChangedDocument,
  MetricsDocument,
  SalesDocument,
  ScenariosDocument,
  type AlertPartsFragment,
} from './data/operations.ts';
import { Header } from './header.tsx';
import { Alerts, sorted, withAlert } from './panels/alerts.tsx';
import { Charts } from './panels/charts.tsx';
import { Components } from './panels/components.tsx';
import { Figures } from './panels/figures.tsx';
import { Headline } from './panels/headline.tsx';
import { Scenarios } from './panels/scenarios.tsx';
import { Stock } from './panels/stock.tsx';
import { problems } from './problems.ts';
import { reach as reachOf } from './reach.ts';
import { NotForYou } from './sign-in.tsx';
import { useWindow } from './window.ts';

/** What is pushed is read again now and then as well: a day passes without an event. */
const NOW_AND_THEN_MS = 60_000;
/** What is not pushed, or must not be missed. A fault is to be seen within a minute. */
const OFTEN_MS = 10_000;
const NOTHING = {};

export function Dashboard({ name }: { name: string }): JSX.Element {
  const [days, setDays] = useWindow();
  const [link, lostAt] = useLink();
  const metrics = useReading(MetricsDocument, { days }, NOW_AND_THEN_MS);
  const sales = useReading(SalesDocument, { days }, NOW_AND_THEN_MS);
  const alerts = useReading(readAlerts, NOTHING, OFTEN_MS);
  const components = useReading(ComponentsDocument, { days }, OFTEN_MS);
  const scenarios = useReading(ScenariosDocument, { days }, NOW_AND_THEN_MS);
  const stock = useReading(LowStockDocument, NOTHING, OFTEN_MS);
  const readings = [metrics, sales, alerts, components, scenarios, stock];

  useEvents(MetricsChangedDocument, { days }, ({ metricsChanged }) => {
    if (metricsChanged.days === days) metrics.change(() => ({ metrics: metricsChanged }));
  });
  const changeAlert = (alert: AlertPartsFragment) =>
    alerts.change((data) => withAlert(data, alert));
  useEvents(AlertRaisedDocument, NOTHING, ({ alertRaised }) => {
    changeAlert(alertRaised);
    if (alertRaised.rule === 'COMPONENT_DOWN') components.read();
    if (alertRaised.rule === 'CIRCUIT_OPEN') components.read();
    if (alertRaised.rule === 'LOW_STOCK') stock.read();
  });

  const found = metrics.data?.metrics ?? null;
  const traded = found && JSON.stringify([found.ordersPerDay, found.paymentsPerDay]);
  useEffect(() => {
    if (traded !== null) sales.read();
  }, [traded]);

  if (readings.some(({ error }) => hasCode(error ?? undefined, 'FORBIDDEN'))) {
    return <NotForYou name={name} />;
  }
  const { open, acknowledged } = sorted(alerts.data);
  const services = components.data?.services ?? [];
  const error = readings.find((reading) => reading.error)?.error ?? null;
  const isKnown =
    error !== null || [alerts, components, metrics].every(({ data }) => data !== null);
  const reach = reachOf({
    link,
    lostAt,
    answeredAt: newest(readings),
    isSilent: alerts.error !== null,
  });
  const isOld = reach === 'away' || reach === 'offline';
  return (
    <>
      <Header days={days} onDays={setDays} reach={reach} name={name} />
      <main id="main" class={isOld ? 'is-old' : ''} tabIndex={-1}>
        <Headline
          problems={
            isKnown
              ? problems({
                  alerts: [...open, ...acknowledged],
                  services,
                  scenarios: scenarios.data?.qualityScenarios ?? [],
                  metrics: found,
                  failure: isOld ? null : error && reason(error),
                })
              : null
          }
          reach={reach}
          at={newest(readings)}
        />
        <Alerts reading={alerts} onChange={changeAlert} />
        <Figures days={days} metrics={metrics} sales={sales} />
        <Charts metrics={metrics} />
        <Components days={days} reading={components} />
        <div class="columns">
          <Stock reading={stock} />
          <Scenarios reading={scenarios} />
        </div>
      </main>
      <footer class="foot">
        <a href="/licenses.md">Licences</a>
      </footer>
    </>
  );
}

function newest(readings: Reading<unknown>[]): number | null {
  const times = readings.flatMap(({ at }) => (at === null ? [] : [at]));
  return times.length > 0 ? Math.max(...times) : null;
}
