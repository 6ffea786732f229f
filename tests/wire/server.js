// The server under test and what the tests ask of it over plain HTTP.
//   STOCKROOM_URL  a running server with the demo catalogue
//   STOCKROOM_ADMIN_EMAIL  STOCKROOM_ADMIN_PASSWORD  a staff account on it

import assert from 'node:assert/strict';

export const ENDPOINT = new URL('/graphql', setting('STOCKROOM_URL')).href;
export const SOCKET_ENDPOINT = ENDPOINT.replace(/^http/, 'ws');

export async function post(body, { token } = {}) {
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json',
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, ...(await response.json()) };
}

export async function get(parameters) {
  const url = new URL(ENDPOINT);
  for (const [name, value] of Object.entries(parameters)) {
    url.searchParams.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  const response = await fetch(url, { headers: { Accept: 'application/graphql-response+json' } });
  return { status: response.status, ...(await response.json()) };
}

export async function staffToken() {
  const { data } = await post({
    query: `mutation ($input: TokenCreateInput!) {
      tokenCreate(input: $input) { accessToken userErrors { code message } }
    }`,
    variables: {
      input: {
        email: setting('STOCKROOM_ADMIN_EMAIL'),
        password: setting('STOCKROOM_ADMIN_PASSWORD'),
      },
    },
  });
  assert.deepEqual(data.tokenCreate.userErrors, []);
  return data.tokenCreate.accessToken;
}

/** A SKU of the catalogue: the first of the second product. */
export async function anySku() {
  const { data } = await post({
    query: '{ products(first: 2) { nodes { variants(first: 1) { nodes { sku } } } } }',
  });
  return data.products.nodes[1].variants.nodes[0].sku;
}

export const STOCK_ADJUST = `mutation ($input: StockAdjustInput!) {
  stockAdjust(input: $input) { stockLevel { available version } userErrors { code message } }
}`;

/** Takes in `delta` pieces of a SKU. */
export async function receive(token, sku, delta) {
  const { data } = await post(
    { query: STOCK_ADJUST, variables: { input: { sku, delta, type: 'RECEIPT' } } },
    { token },
  );
  assert.deepEqual(data.stockAdjust.userErrors, []);
}

function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: see tests/wire/server.js`);
  return value;
}
