// Automatic persisted queries, by hand and as Apollo's client speaks them; urql beside it.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import { ENDPOINT, get, post } from './server.js';

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

function persisted(hash) {
  return { persistedQuery: { version: 1, sha256Hash: hash } };
}

/** A document that no server has seen yet. */
function freshQuery() {
  return `query Fresh${randomUUID().replaceAll('-', '')} { products(first: 1) { nodes { name } } }`;
}

test('an unknown hash is a miss that says so', async () => {
  const extensions = persisted(sha256(freshQuery()));

  for (const answer of [await post({ extensions }), await get({ extensions })]) {
    assert.equal(answer.errors[0].extensions.code, 'PERSISTED_QUERY_NOT_FOUND');
    assert.equal(answer.errors[0].message, 'PersistedQueryNotFound');
    assert.equal('data' in answer, false);
  }
});

test('a registered hash answers by POST and by GET', async () => {
  const query = freshQuery();
  const extensions = persisted(sha256(query));

  const registered = await post({ query, extensions });
  const posted = await post({ extensions });
  const got = await get({ extensions });

  assert.equal(registered.data.products.nodes.length, 1);
  assert.deepEqual(posted.data, registered.data);
  assert.deepEqual(got.data, registered.data);
});

test('a hash of another text is refused and registers nothing', async () => {
  const query = freshQuery();
  const extensions = persisted(sha256(`${query} `));

  const refused = await post({ query, extensions });
  const later = await post({ extensions });

  assert.equal(refused.status, 400);
  assert.equal('data' in refused, false);
  assert.equal(later.errors[0].extensions.code, 'PERSISTED_QUERY_NOT_FOUND');
});

test('a persisted mutation does not run by GET', async () => {
  const query = `mutation Fresh${randomUUID().replaceAll('-', '')} {
    stockAdjust(input: { sku: "NO-SUCH-SKU", delta: 1, type: RECEIPT }) { userErrors { code } }
  }`;
  const extensions = persisted(sha256(query));
  await post({ query, extensions });

  const { status } = await get({ extensions });

  assert.equal(status, 405);
});

test("Apollo's client registers what was missed and then asks by hash alone", async () => {
  const requests = [];
  const client = () =>
    new ApolloClient({
      cache: new InMemoryCache(),
      link: new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(
        new HttpLink({
          uri: ENDPOINT,
          fetch: (uri, options) => {
            const sent = options.body ? JSON.parse(options.body) : {};
            const inAddress = new URL(uri).searchParams.has('query');
            requests.push([options.method, 'query' in sent || inAddress ? 'text' : 'hash']);
            return fetch(uri, options);
          },
        }),
      ),
    });
  const query = gql(freshQuery());

  const first = await client().query({ query });
  const second = await client().query({ query });

  assert.ok(first.data.products.nodes[0].name);
  assert.deepEqual(second.data, first.data);
  assert.deepEqual(requests, [
    ['GET', 'hash'],
    ['POST', 'text'],
    ['GET', 'hash'],
  ]);
});

test("urql's client is answered by POST and by GET", async () => {
  const query = freshQuery();
  for (const preferGetMethod of [false, 'force']) {
    const client = new Client({ url: ENDPOINT, exchanges: [fetchExchange], preferGetMethod });

    const { data, error } = await client.query(query, {}).toPromise();

    assert.equal(error, undefined);
    assert.equal(data.products.nodes.length, 1);
  }
});
