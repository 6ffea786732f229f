/** Reads all alerts that are not over, however many there are. */

import type { Client, CombinedError } from '@urql/core';
import type { Answer } from './hooks.ts';
import {
  AlertsDocument,
  MoreAlertsDocument,
  type AlertsQuery,
  type AlertStatus,
} from './operations.ts';

/** The server opens one for each of 1,000 SKUs that are low, and a few others. */
const MOST_PAGES = 20;

/** The server tells the newest first: a critical one may come after a thousand of low stock. */
export async function readAlerts(client: Client): Promise<Answer<AlertsQuery>> {
  const { data, error } = await client.query(AlertsDocument, {}).toPromise();
  if (!data || error) return { error };
  const open = await completed(client, 'OPEN', data.open);
  if (open.error) return { error: open.error };
  const acknowledged = await completed(client, 'ACKNOWLEDGED', data.acknowledged);
  if (acknowledged.error) return { error: acknowledged.error };
  return { data: { ...data, open: open.list, acknowledged: acknowledged.list } };
}

async function completed<T extends NonNullable<AlertsQuery['open']>>(
  client: Client,
  status: AlertStatus,
  list: T | null,
): Promise<{ list: T | null; error?: CombinedError }> {
  let whole = list;
  for (let pages = 1; whole?.pageInfo.hasNextPage && pages < MOST_PAGES; pages += 1) {
    const after = whole.pageInfo.endCursor;
    if (after === null) break;
    const { data, error } = await client.query(MoreAlertsDocument, { status, after }).toPromise();
    if (error) return { list: whole, error };
    if (!data?.alerts) break;
    const { nodes, pageInfo } = data.alerts;
    whole = { ...whole, nodes: [...whole.nodes, ...nodes], pageInfo };
  }
  return { list: whole };
}
