// GraphQL over HTTP: the audit suite of the reference implementation. What it says MUST or SHOULD be is
// required here as well; a MAY is our choice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { ENDPOINT } from './server.js';

const audits = serverAudits({ url: ENDPOINT }).filter(({ name }) =>
  /^(MUST|SHOULD|MAY NOT) /.test(name),
);

test('the audit suite has its requirements', () => {
  assert.ok(audits.length >= 37, `only ${audits.length} audits`);
});

for (const { id, name, fn } of audits) {
  test(`${id} ${name}`, async () => {
    const { status, reason } = await fn();
    assert.equal(status, 'ok', reason);
  });
}
