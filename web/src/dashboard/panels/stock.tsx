/** The stock levels that are lowest, as they are at this moment. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useEvents, type Reading } from '../data/hooks.ts';
import { StockChangedDocument, type LowStockQuery } from '../data/operations.ts';
import { count } from '../format.ts';
import { Badge } from '../parts/badge.tsx';
import { Panel } from '../parts/panel.tsx';

type Level = NonNullable<LowStockQuery['lowStock']>['nodes'][number];

/** Many changes at once are one look at the levels. */
const SETTLE_MS = 400;

export function Stock({ reading }: { reading: Reading<LowStockQuery> }): JSX.Element {
  const levels = reading.data?.lowStock?.nodes ?? [];
  const hasMore = reading.data?.lowStock?.pageInfo.hasNextPage ?? false;
  useLiveStock(levels, reading);
  return (
    <Panel
      id="stock"
      title="Lowest stock"
      note={hasMore && `${levels.length} of them`}
      reading={reading}
    >
      {levels.length === 0 ? (
        <p class="placeholder">No level is at or below its reorder point.</p>
      ) : (
        <div class="scroll" role="region" aria-label="Lowest stock, table" tabIndex={0}>
          <table class="stock">
            <thead>
              <tr>
                <th scope="col">Variant</th>
                <th scope="col" class="number">
                  Available
                </th>
                <th scope="col" class="number">
                  Reorder at
                </th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {levels.map((level) => (
                <Row key={level.id} level={level} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

/** Events tell the stock of all warehouses together; the levels are read again after them. */
function useLiveStock(levels: Level[], { read }: Reading<LowStockQuery>): void {
  const skus = [...new Set(levels.map(({ variant }) => variant.sku))].sort();
  const versions = useRef(new Map<string, string>());
  for (const { variant } of levels) versions.current.set(variant.sku, variant.stock.version);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents(StockChangedDocument, skus.length > 0 ? { skus } : null, ({ stockChanged }) => {
    // The first event of a SKU is what was read already.
    if (versions.current.get(stockChanged.sku) === stockChanged.version) return;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(read, SETTLE_MS);
  });
}

function Row({ level }: { level: Level }): JSX.Element {
  const { available, reserved, incoming, reorderPoint, variant, warehouse } = level;
  const names = [variant.product.name, variant.name].filter(Boolean);
  const more = [
    reserved > 0 && `${count(reserved)} reserved`,
    incoming > 0 && `${count(incoming)} on the way`,
  ].filter(Boolean);
  return (
    <tr>
      <th scope="row">
        {names.join(', ')}
        <span class="secondary">
          <span class="sku">{variant.sku}</span> · {warehouse.name}
        </span>
      </th>
      <td class="number">
        <Live value={available} />
        {more.length > 0 && <span class="secondary">{more.join(', ')}</span>}
      </td>
      <td class="number">{count(reorderPoint)}</td>
      <td>
        {available === 0 ? <Badge tone="critical">Out</Badge> : <Badge tone="warning">Low</Badge>}
      </td>
    </tr>
  );
}

/** A number that lights up for a moment when it changes. */
function Live({ value }: { value: number }): JSX.Element {
  const before = useRef(value);
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    if (before.current !== value) setChanges((number) => number + 1);
    before.current = value;
  }, [value]);
  return (
    <strong key={changes} class={changes > 0 ? 'live' : ''}>
      {count(value)}
    </strong>
  );
}
