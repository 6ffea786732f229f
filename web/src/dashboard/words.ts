/** What the names of the schema are called on the page. */

import type {
  AlertPartsFragment,
  AlertRule,
  CircuitBreakerState,
  ScenarioStatus,
  ServiceName,
  ServiceStatus,
} from './data/operations.ts';

/** How bad something is. Each has a colour, a sign and a word: never a colour alone. */
export type Tone = 'good' | 'warning' | 'critical' | 'unknown';

export const COMPONENT: Record<ServiceName, string> = {
  DATABASE: 'Database',
  CACHE: 'Cache',
  EVENTS: 'Events',
  MAIL: 'Mail',
  WORKER: 'Worker',
  PAYMENTS: 'Payments',
};

export const STATUS: Record<ServiceStatus, { word: string; tone: Tone }> = {
  HEALTHY: { word: 'Healthy', tone: 'good' },
  DEGRADED: { word: 'Degraded', tone: 'warning' },
  UNHEALTHY: { word: 'Down', tone: 'critical' },
  UNKNOWN: { word: 'Not known', tone: 'unknown' },
};

export const SCENARIO: Record<ScenarioStatus, { word: string; tone: Tone }> = {
  PASS: { word: 'Pass', tone: 'good' },
  FAIL: { word: 'Fail', tone: 'critical' },
  INSUFFICIENT_DATA: { word: 'Not enough data', tone: 'unknown' },
};

export const CIRCUIT: Record<CircuitBreakerState, { word: string; tone: Tone }> = {
  CLOSED: { word: 'Closed', tone: 'good' },
  HALF_OPEN: { word: 'Half open', tone: 'warning' },
  OPEN: { word: 'Open', tone: 'critical' },
};

const RULE: Record<AlertRule, string> = {
  ERROR_RATE: 'Many requests fail',
  PAYMENT_SUCCESS_RATE: 'Payments fail',
  STOCK_CONFLICTS: 'Stock conflicts',
  CIRCUIT_OPEN: 'Payment provider is cut off',
  LOW_STOCK: 'Low stock',
  COMPONENT_DOWN: 'Component down',
};

/** The name of an alert, with what it is about. */
export function alertTitle({ rule, subject, severity }: AlertPartsFragment): string {
  if (!subject) return RULE[rule];
  if (rule !== 'COMPONENT_DOWN') return `${RULE[rule]}: ${subject}`;
  const name = componentName(subject);
  return `${name} ${name.endsWith('s') ? 'are' : 'is'} ${severity === 'CRITICAL' ? 'down' : 'not well'}`;
}

/** What an alert says. Its title names the component already. */
export function alertDetail({ rule, subject, message }: AlertPartsFragment): string {
  if (rule !== 'COMPONENT_DOWN' || !subject) return message;
  const [named = ''] = new RegExp(`^${subject} is [^:.]*[:.] *`).exec(message) ?? [];
  const said = message.slice(named.length);
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/** A component by the subject of its alert, however it is written. */
export function componentName(subject: string): string {
  const known = COMPONENT[subject.toUpperCase() as ServiceName] as string | undefined;
  return known ?? subject;
}

export function days(number: number): string {
  return number === 1 ? 'today' : `the last ${number} days`;
}
