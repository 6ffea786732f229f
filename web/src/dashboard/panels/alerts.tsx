/** Alerts: those that are open first, those somebody has seen, those that are over. */

import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { useClient, type Reading } from '../data/hooks.ts';
import {
  AcknowledgeAlertDocument,
  type AlertPartsFragment,
  type AlertsQuery,
} from '../data/operations.ts';
import { plural } from '../format.ts';
import { Badge } from '../parts/badge.tsx';
import { ToneIcon } from '../parts/icons.tsx';
import { Panel } from '../parts/panel.tsx';
import { Ago, Moment } from '../parts/time.tsx';
import { alertDetail, alertTitle } from '../words.ts';

/** Before all are asked for; critical ones are shown in any case. */
const SHOWN = 4;

interface Props {
  reading: Reading<AlertsQuery>;
  onChange(alert: AlertPartsFragment): void;
}

export function Alerts({ reading, onChange }: Props): JSX.Element {
  const { open, acknowledged, resolved } = sorted(reading.data);
  const [isAll, setAll] = useState(false);
  // What somebody has seen stays near its like: it is not over.
  const present = [...open, ...acknowledged].sort((one, other) => severity(one) - severity(other));
  const critical = present.filter((alert) => severity(alert) === 0).length;
  const few = Math.max(SHOWN, critical);
  const shown = isAll ? present : present.slice(0, few);
  const hasMore = reading.data?.open?.pageInfo.hasNextPage ?? false;
  const note =
    present.length === 0
      ? 'None open'
      : `${open.length}${hasMore ? '+' : ''} open, ${acknowledged.length} acknowledged`;
  return (
    <Panel id="alerts" title="Alerts" note={reading.data && note} reading={reading}>
      {present.length > 0 && (
        <ul class="alerts">
          {shown.map((alert) => (
            <Alert key={alert.id} alert={alert} onChange={onChange} />
          ))}
        </ul>
      )}
      {present.length > few && (
        <button type="button" class="button quiet small more" onClick={() => setAll(!isAll)}>
          {isAll ? 'Show fewer' : `Show all ${present.length}`}
        </button>
      )}
      {resolved.length > 0 ? (
        <details class="more">
          <summary>{plural(resolved.length, 'alert', 'alerts')} resolved lately</summary>
          <ul class="alerts">
            {resolved.map((alert) => (
              <Resolved key={alert.id} alert={alert} />
            ))}
          </ul>
        </details>
      ) : (
        present.length === 0 && (
          <p class="placeholder">Nothing has been wrong. Alerts open and resolve by themselves.</p>
        )
      )}
    </Panel>
  );
}

function Alert({ alert, onChange }: { alert: AlertPartsFragment } & Pick<Props, 'onChange'>) {
  const { severity, status, measured, threshold, raisedAt } = alert;
  const detail = alertDetail(alert);
  const tone = severity === 'CRITICAL' ? 'critical' : 'warning';
  const [isAsking, setAsking] = useState(false);
  return (
    <li class={`alert alert-${status.toLowerCase()}`}>
      <ToneIcon tone={tone} size={18} />
      <div class="alert-main">
        <h3>{alertTitle(alert)}</h3>
        {detail && <p>{detail}</p>}
        <p class="facts">
          <span>
            Measured <strong>{measured}</strong>
          </span>
          <span>
            Threshold <strong>{threshold}</strong>
          </span>
          <span>
            Since <Ago at={raisedAt} />
          </span>
        </p>
        {status === 'ACKNOWLEDGED' && <Seen alert={alert} />}
        {isAsking && status === 'OPEN' && (
          <Acknowledge alert={alert} onChange={onChange} onClose={() => setAsking(false)} />
        )}
      </div>
      {status === 'OPEN' && !isAsking && (
        <button
          type="button"
          class="button small"
          aria-label={`Acknowledge: ${alertTitle(alert)}`}
          onClick={() => setAsking(true)}
        >
          Acknowledge
        </button>
      )}
      {status === 'ACKNOWLEDGED' && <Badge tone="good">Acknowledged</Badge>}
    </li>
  );
}

function Seen({ alert: { acknowledgedAt, acknowledgedBy, note } }: { alert: AlertPartsFragment }) {
  return (
    <p class="facts">
      <span>
        Acknowledged by {acknowledgedBy?.name ?? 'somebody'}{' '}
        {acknowledgedAt && <Ago at={acknowledgedAt} />}
      </span>
      {note && <q>{note}</q>}
    </p>
  );
}

interface AcknowledgeProps extends Pick<Props, 'onChange'> {
  alert: AlertPartsFragment;
  onClose(): void;
}

function Acknowledge({ alert, onChange, onClose }: AcknowledgeProps): JSX.Element {
  const client = useClient();
  const id = useId();
  const [note, setNote] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    const input = { alertId: alert.id, note: note.trim() || null };
    const { data, error } = await client.mutation(AcknowledgeAlertDocument, { input }).toPromise();
    setBusy(false);
    const payload = data?.alertAcknowledge;
    if (payload?.alert) {
      onChange(payload.alert);
      onClose();
    } else {
      setFailure(
        payload?.userErrors[0]?.message ?? error?.graphQLErrors[0]?.message ?? 'It did not work.',
      );
    }
  }

  return (
    <form class="acknowledge" onSubmit={(event) => void submit(event)}>
      <label for={id}>Note for the others, if you like</label>
      <input
        id={id}
        type="text"
        maxLength={500}
        value={note}
        ref={focus}
        onInput={(event) => setNote(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && onClose()}
      />
      <div class="actions">
        <button type="submit" class="button primary small" disabled={isBusy}>
          {isBusy ? 'Sending …' : 'Acknowledge'}
        </button>
        <button type="button" class="button quiet small" onClick={onClose}>
          Cancel
        </button>
      </div>
      {failure && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
    </form>
  );
}

function Resolved({ alert }: { alert: AlertPartsFragment }): JSX.Element {
  const { raisedAt, resolvedAt } = alert;
  const detail = alertDetail(alert);
  return (
    <li class="alert alert-resolved">
      <ToneIcon tone="good" size={18} />
      <div class="alert-main">
        <h3>{alertTitle(alert)}</h3>
        {detail && <p>{detail}</p>}
        <p class="facts">
          <span>
            <Moment at={raisedAt} /> to {resolvedAt ? <Moment at={resolvedAt} /> : 'now'}
          </span>
        </p>
      </div>
    </li>
  );
}

/** Where each alert stands now, whichever list it was read in. */
export function sorted(
  data: AlertsQuery | null,
): Record<'open' | 'acknowledged' | 'resolved', AlertPartsFragment[]> {
  const all = new Map<string, AlertPartsFragment>();
  for (const list of [data?.open, data?.acknowledged, data?.resolved]) {
    // Who is read twice has moved on between two pages.
    for (const alert of list?.nodes ?? []) all.set(alert.id, alert);
  }
  const of = (wanted: string) =>
    [...all.values()]
      .filter(({ status }) => status === wanted)
      .sort(
        (one, other) =>
          severity(one) - severity(other) || other.raisedAt.localeCompare(one.raisedAt),
      );
  return {
    open: of('OPEN'),
    acknowledged: of('ACKNOWLEDGED'),
    resolved: of('RESOLVED').sort((one, other) =>
      (other.resolvedAt ?? '').localeCompare(one.resolvedAt ?? ''),
    ),
  };
}

/** The data with the alert as it is now, unless they have a newer one. */
export function withAlert(data: AlertsQuery, alert: AlertPartsFragment): AlertsQuery {
  const lists = [data.open, data.acknowledged, data.resolved];
  const known = lists.flatMap((list) => list?.nodes ?? []).find(({ id }) => id === alert.id);
  if (known && Date.parse(known.updatedAt) > Date.parse(alert.updatedAt)) return data;
  const without = <T extends { nodes: AlertPartsFragment[] }>(list: T | null): T | null =>
    list && { ...list, nodes: list.nodes.filter(({ id }) => id !== alert.id) };
  const open = without(data.open) ?? {
    nodes: [],
    pageInfo: { hasNextPage: false, endCursor: null },
  };
  return {
    open: { ...open, nodes: [alert, ...open.nodes] },
    acknowledged: without(data.acknowledged),
    resolved: without(data.resolved),
  };
}

function severity({ severity }: AlertPartsFragment): number {
  return severity === 'CRITICAL' ? 0 : 1;
}

function focus(element: HTMLInputElement | null): void {
  element?.focus();
}
