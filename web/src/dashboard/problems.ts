/** What is wrong, in the order in which one would look at it. */

import type {
  AlertPartsFragment,
  ComponentsQuery,
  MetricsPartsFragment,
  ScenariosQuery,
} from './data/operations.ts';
import { alertDetail, alertTitle, COMPONENT, STATUS, type Tone } from './words.ts';

export interface Problem {
  key: string;
  tone: Exclude<Tone, 'good' | 'unknown'>;
  title: string;
  detail: string;
  /** Where on the page it is shown. */
  at: string;
  /** Since when, as RFC 3339. */
  since: string | null;
  isAcknowledged: boolean;
}

export interface Findings {
  alerts: AlertPartsFragment[];
  services: NonNullable<ComponentsQuery['services']>;
  scenarios: NonNullable<ScenariosQuery['qualityScenarios']>;
  metrics: MetricsPartsFragment | null;
  /** Why the server did not say how it is; null: it did. */
  failure: string | null;
}

/** So many SKUs are named in the line about low stock. */
const NAMED_SKUS = 3;

export function problems(findings: Findings): Problem[] {
  const found = [
    ...ofServer(findings),
    ...ofAlerts(findings.alerts),
    ...ofServices(findings),
    ...ofUnknown(findings),
    ...ofCircuit(findings),
    ...ofScenarios(findings),
  ];
  return found.sort((one, other) => rank(one) - rank(other));
}

/** Of what is as bad, goods that run low come last: that is the shop's daily bread. */
function rank({ tone, at, isAcknowledged }: Problem): number {
  return (tone === 'critical' ? 0 : 2) + (at === '#stock' ? 1 : 0) + (isAcknowledged ? 4 : 0);
}

/** A server that cannot say how it is is not well, whatever was read before. */
function ofServer({ failure }: Findings): Problem[] {
  if (failure === null) return [];
  return [
    {
      key: 'server',
      tone: 'critical',
      title: 'The server cannot say how it is',
      detail: failure,
      at: '#components',
      since: null,
      isAcknowledged: false,
    },
  ];
}

function ofAlerts(alerts: AlertPartsFragment[]): Problem[] {
  const isLow = ({ rule }: AlertPartsFragment) => rule === 'LOW_STOCK';
  const low = alerts.filter(isLow);
  const single = low.length > 1 ? alerts.filter((alert) => !isLow(alert)) : alerts;
  const found = single.map((alert): Problem => ({
    key: alert.id,
    tone: alert.severity === 'CRITICAL' ? 'critical' : 'warning',
    title: alertTitle(alert),
    detail: alertDetail(alert),
    at: isLow(alert) ? '#stock' : '#alerts',
    since: alert.raisedAt,
    isAcknowledged: alert.status === 'ACKNOWLEDGED',
  }));
  return low.length > 1 ? [...found, together(low)] : found;
}

/** Fifty SKUs that run low are one line, not fifty. */
function together(low: AlertPartsFragment[]): Problem {
  const named = low.slice(0, NAMED_SKUS).map(({ subject }) => subject ?? 'a SKU');
  const others = low.length - named.length;
  return {
    key: 'low-stock',
    tone: low.some(({ severity }) => severity === 'CRITICAL') ? 'critical' : 'warning',
    title: `${low.length} SKUs are low on stock`,
    detail: named.join(', ') + (others > 0 ? ` and ${others} more` : ''),
    at: '#stock',
    since: low.map(({ raisedAt }) => raisedAt).sort()[0] ?? null,
    isAcknowledged: low.every(({ status }) => status === 'ACKNOWLEDGED'),
  };
}

function has(alerts: AlertPartsFragment[], rule: string, subject?: string): boolean {
  return alerts.some(
    (alert) =>
      alert.rule === rule && (!subject || alert.subject?.toUpperCase() === subject.toUpperCase()),
  );
}

/** Components that are not well and have no alert (yet). */
function ofServices({ services, alerts }: Findings): Problem[] {
  const unwell = services.filter(
    ({ name, status }) =>
      (status === 'DEGRADED' || status === 'UNHEALTHY') &&
      !has(alerts, 'COMPONENT_DOWN', name) &&
      // Payments are degraded because of the circuit: that is one problem.
      !(name === 'PAYMENTS' && has(alerts, 'CIRCUIT_OPEN')),
  );
  return unwell.map(({ name, status, message, since }) => ({
    key: `component-${name}`,
    tone: status === 'UNHEALTHY' ? 'critical' : 'warning',
    title: `${COMPONENT[name]}: ${STATUS[status].word.toLowerCase()}`,
    detail: message ?? '',
    at: '#components',
    since,
    isAcknowledged: false,
  }));
}

/** What nobody watches may be well or not: it is no reason to be calm. */
function ofUnknown({ services, alerts }: Findings): Problem[] {
  const unknown = services.filter(
    ({ name, status }) => status === 'UNKNOWN' && !has(alerts, 'COMPONENT_DOWN', name),
  );
  if (unknown.length === 0) return [];
  const names = unknown.map(({ name }) => COMPONENT[name]).join(', ');
  return [
    {
      key: 'unknown',
      tone: 'warning',
      title: `Not known: ${names}`,
      detail: 'No process of the server tells how this is.',
      at: '#components',
      since: null,
      isAcknowledged: false,
    },
  ];
}

function ofCircuit({ metrics, services, alerts }: Findings): Problem[] {
  const state = metrics?.circuitBreakerState ?? 'CLOSED';
  const isToldOtherwise =
    has(alerts, 'CIRCUIT_OPEN') ||
    services.some(
      ({ name, status }) => name === 'PAYMENTS' && status !== 'HEALTHY' && status !== 'UNKNOWN',
    );
  if (state === 'CLOSED' || isToldOtherwise) return [];
  return [
    {
      key: 'circuit',
      tone: state === 'OPEN' ? 'critical' : 'warning',
      title: state === 'OPEN' ? 'Payment provider is cut off' : 'Payment provider is being tried',
      detail:
        state === 'OPEN'
          ? 'The circuit breaker is open: payments are refused at once.'
          : 'The circuit breaker is half open: a few payments try the provider.',
      at: '#figures',
      since: null,
      isAcknowledged: false,
    },
  ];
}

function ofScenarios({ scenarios }: Findings): Problem[] {
  const failed = scenarios.filter(({ status }) => status === 'FAIL');
  return failed.map(({ id, title, measured }) => ({
    key: `scenario-${id}`,
    tone: 'critical',
    title: `Scenario ${id} fails: ${title}`,
    detail: measured,
    at: '#scenarios',
    since: null,
    isAcknowledged: false,
  }));
}
