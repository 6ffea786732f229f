// The protocol graphql-transport-ws, spoken by its reference client.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { anySku, receive, SOCKET_ENDPOINT, staffToken, STOCK_ADJUST } from './server.js';

const STOCK_CHANGED = `subscription ($skus: [String!]) {
  stockChanged(skus: $skus) {
    sku
    version
    stock { available version }
    variant { sku stock { available } }
  }
}`;

let token;
let sku;
before(async () => {
  [token, sku] = await Promise.all([staffToken(), anySku()]);
});

/** A client with one open socket; `closings` has the codes with which the server closed it. */
function connect(t, { connectionParams } = {}) {
  const closings = [];
  const client = createClient({
    url: SOCKET_ENDPOINT,
    webSocketImpl: WebSocket,
    connectionParams,
    lazy: false,
    retryAttempts: 0,
    onNonLazyError: () => {},
    on: { closed: ({ code }) => closings.push(code) },
  });
  t.after(() => client.dispose());
  return { client, closings };
}

async function only(results) {
  const all = [];
  for await (const result of results) all.push(result);
  assert.equal(all.length, 1);
  return all[0];
}

test('a subscriber has the present level, then each change in rising versions', async (t) => {
  const { client, closings } = connect(t);
  const changes = client.iterate({ query: STOCK_CHANGED, variables: { skus: [sku] } });

  const { value: snapshot } = await changes.next();
  const seen = [snapshot.data.stockChanged];
  const present = seen[0].stock.available;
  await receive(token, sku, 3);
  await receive(token, sku, 4);
  while (seen.at(-1).stock.available !== present + 7) {
    const { value } = await changes.next();
    assert.equal(value.errors, undefined);
    seen.push(value.data.stockChanged);
  }

  for (const [index, change] of seen.entries()) {
    assert.equal(change.sku, sku);
    assert.equal(change.version, change.stock.version);
    assert.equal(change.variant.stock.available, change.stock.available);
    if (index > 0) assert.ok(BigInt(change.version) > BigInt(seen[index - 1].version));
  }

  assert.deepEqual(await changes.return(), { value: undefined, done: true });
  assert.ok((await only(client.iterate({ query: '{ __typename }' }))).data);
  assert.deepEqual(closings, []);
});

test('an unknown SKU ends the subscription with an error that names it', async (t) => {
  const { client, closings } = connect(t);

  const changes = client.iterate({ query: STOCK_CHANGED, variables: { skus: ['NO-SUCH-SKU'] } });

  const errors = await changes.next().then(
    ({ value }) => value.errors,
    (errors) => errors,
  );
  assert.match(errors[0].message, /NO-SUCH-SKU/);
  assert.deepEqual(closings, []);
});

test('a query is answered once and completed', async (t) => {
  const { client } = connect(t);

  const { data } = await only(
    client.iterate({
      query: 'query ($sku: String!) { product(by: { sku: $sku }) { name } }',
      variables: { sku },
    }),
  );

  assert.ok(data.product.name);
});

test('a mutation needs the token of connection_init', async (t) => {
  const operation = {
    query: STOCK_ADJUST,
    variables: { input: { sku, delta: 1, type: 'RECEIPT' } },
  };
  const guest = connect(t);
  const staff = connect(t, { connectionParams: { Authorization: `Bearer ${token}` } });

  const refused = await only(guest.client.iterate(operation));
  const accepted = await only(staff.client.iterate(operation));

  assert.equal(refused.data.stockAdjust, null);
  assert.equal(refused.errors[0].extensions.code, 'UNAUTHENTICATED');
  assert.deepEqual(accepted.data.stockAdjust.userErrors, []);
});

test('a refused token closes the socket with 4403', async (t) => {
  const { client, closings } = connect(t, {
    connectionParams: { Authorization: 'Bearer not-a-token' },
  });

  await assert.rejects(only(client.iterate({ query: '{ __typename }' })));

  assert.deepEqual(closings, [4403]);
});

for (const [what, query, code] of [
  ['a syntax error', '{ products(', 'GRAPHQL_PARSE_FAILED'],
  ['an unknown field', '{ noSuchField }', 'GRAPHQL_VALIDATION_FAILED'],
]) {
  test(`${what} is an error message, and the socket stays open`, async (t) => {
    const { client, closings } = connect(t);

    // The client rejects with the list of an `error` message, or with the event of a closed socket.
    await assert.rejects(only(client.iterate({ query })), (errors) => {
      assert.ok(Array.isArray(errors), `not an error message: ${errors}`);
      assert.equal(errors[0].extensions.code, code);
      return true;
    });

    assert.ok((await only(client.iterate({ query: '{ __typename }' }))).data);
    assert.deepEqual(closings, []);
  });
}
