// What the README shows beside its two ways, run as it is written there. tests/it/walkthrough.rs takes the
// ways themselves, tests/it/*/manual.rs the documents of docs/.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { parse } from 'graphql';
import WebSocket from 'ws';
import { ENDPOINT, post, SOCKET_ENDPOINT, staffToken } from './server.js';

const README = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
const WAYS = ["## A shopper's way\n", "## The staff's way\n"];
const SIGN_IN = {
  email: process.env.STOCKROOM_ADMIN_EMAIL,
  password: process.env.STOCKROOM_ADMIN_PASSWORD,
};
/** What the documents ask for beside what stands in them. */
const VARIABLES = { SignIn: { input: SIGN_IN } };

/** The blocks of a language in the sections that are no way. */
function blocks(language) {
  const sections = README.split(/^(?=## )/m).filter(
    (text) => !WAYS.some((way) => text.startsWith(way)),
  );
  return [...sections.join('').matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text]) => text,
  );
}

function operation(document) {
  const [{ operation: kind, name, selectionSet }] = parse(document).definitions;
  const [{ name: field }] = selectionSet.selections;
  return { kind, name: name?.value, field: field.value };
}

let token;
before(async () => {
  token = await staffToken();
});

test('the README has documents beside its ways', () => {
  assert.deepEqual(
    blocks('graphql').map((document) => operation(document).field),
    ['products', 'stockChanged', 'cartCreate', 'tokenCreate', 'apiTokenCreate'],
  );
});

for (const document of blocks('graphql')) {
  const { kind, name, field } = operation(document);
  test(`the README's ${kind} of ${field} runs`, async (t) => {
    const data = kind === 'subscription' ? await first(t, document) : await answer(document, name);

    assert.notEqual(data[field], null);
    assert.deepEqual(data[field].userErrors ?? [], []);
    if (field === 'apiTokenCreate') await revoke(data[field].apiToken.id);
  });
}

test('the command of the README that signs in does', () => {
  const [command] = blocks('sh').filter((text) => text.startsWith('curl'));
  const asked = command
    .replace('http://127.0.0.1:8000/graphql', ENDPOINT)
    .replace('admin@stockroom.example', SIGN_IN.email)
    .replace('"password": "…"', `"password": ${JSON.stringify(SIGN_IN.password)}`);

  const { stdout, status } = spawnSync('sh', ['-c', asked], { encoding: 'utf8' });

  assert.equal(status, 0);
  const { tokenCreate } = JSON.parse(stdout).data;
  assert.deepEqual(tokenCreate.userErrors, []);
  assert.match(tokenCreate.accessToken, /^ey/);
});

async function answer(query, operationName) {
  const variables = VARIABLES[operationName] ?? {};
  const { data, errors } = await post({ query, variables }, { token });
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

async function first(t, query) {
  const client = createClient({ url: SOCKET_ENDPOINT, webSocketImpl: WebSocket, retryAttempts: 0 });
  t.after(() => client.dispose());
  for await (const { data, errors } of client.iterate({ query })) {
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  }
  return assert.fail('the subscription ended without an event');
}

async function revoke(id) {
  const query = `mutation ($id: ID!) { apiTokenRevoke(input: { id: $id }) { userErrors { message } } }`;
  const { data, errors } = await post({ query, variables: { id } }, { token });
  assert.equal(errors, undefined, JSON.stringify(errors));
  assert.deepEqual(data.apiTokenRevoke.userErrors, []);
}
