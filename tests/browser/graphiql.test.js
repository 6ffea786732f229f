// GraphiQL, embedded in the server, in a real Chromium with no internet. Needs a running server with the
// demo catalogue and a staff account:
//   STOCKROOM_URL  STOCKROOM_ADMIN_EMAIL  STOCKROOM_ADMIN_PASSWORD
//   CHROMIUM       default /usr/bin/chromium
// A failed test leaves pictures of its windows in .testing/.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, Visitor } from './browser.js';
import { GraphiQLPage } from './graphiql-page.js';
import { browser, parsePolicy, scenario } from './scenario.js';
import { STAFF } from './staff.js';

scenario('the page loads under a strict content security policy', async (visitor) => {
  const graphiql = await GraphiQLPage.open(visitor);

  const policy = parsePolicy(graphiql.policy);
  assert.equal(policy.get('default-src'), "'none'");
  assert.equal(policy.get('script-src'), "'self'");
  assert.equal(policy.get('worker-src'), "'self'");
  assert.equal(policy.get('connect-src'), "'self'");
  assert.match(await graphiql.page.title(), /Stockroom/);
  assert.deepEqual(await graphiql.tabTitles(), [
    'Products',
    'Categories',
    'Search',
    'LiveStock',
    'AdjustStock',
  ]);
});

scenario(
  'an inline script does not run, and is noticed',
  async (visitor) => {
    const graphiql = await GraphiQLPage.open(visitor);

    const ran = await graphiql.page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'globalThis.planted = true';
      document.head.append(script);
      return globalThis.planted === true;
    });

    assert.equal(ran, false);
    const complaint = await eventually(() =>
      visitor.errors.find((error) => error.startsWith('content security policy: script-src-elem')),
    );
    assert.ok(complaint);
  },
  { mayComplain: true },
);

test('a request to another machine is stopped and noticed', async () => {
  const visitor = await Visitor.arrive(browser);
  const page = await visitor.newWindow();

  const outcome = await page.evaluate(() =>
    fetch('https://stray.example/').then(
      () => 'answered',
      () => 'refused',
    ),
  );

  assert.equal(outcome, 'refused');
  assert.deepEqual(visitor.strayRequests, ['https://stray.example/']);
  await visitor.leave();
});

scenario('a guest reads the demo catalogue', async (visitor) => {
  const graphiql = await GraphiQLPage.open(visitor);

  await graphiql.run();

  const { data, errors } = await graphiql.answer();
  assert.equal(errors, undefined);
  const products = data.products.nodes;
  assert.ok(products.length > 0);
  assert.ok(products.every(({ variants }) => variants.nodes.length > 0));
  await graphiql.page.locator('.graphiql-response').getByText(products[0].name).first().waitFor();
});

for (const tab of ['Categories', 'Search']) {
  scenario(`the example ${tab} finds something`, async (visitor) => {
    const graphiql = await GraphiQLPage.open(visitor);

    await graphiql.showTab(tab);
    await graphiql.run();

    const { data, errors } = await graphiql.answer();
    assert.equal(errors, undefined);
    const [connection] = Object.values(data);
    assert.ok(connection.nodes.length > 0);
  });
}

scenario('the explorer builds a query', async (visitor) => {
  const graphiql = await GraphiQLPage.open(visitor);
  const explorer = graphiql.page.locator('.graphiql-explorer-root');

  await graphiql.addTab();
  await graphiql.showPanel('GraphiQL Explorer');
  await explorer.getByText('products', { exact: true }).click();
  await explorer.getByText('totalCount', { exact: true }).click();
  await graphiql.run();

  assert.ok((await graphiql.answer()).data.products.totalCount > 0);
});

scenario('a wrong password is answered beside the form', async (visitor) => {
  const graphiql = await GraphiQLPage.open(visitor);

  await graphiql.showPanel('Sign in');
  await graphiql.signIn(STAFF.email, 'not the password');

  await graphiql.page.locator('.stockroom-error').waitFor();
  assert.deepEqual(await graphiql.headers(), {});
});

scenario('signing in reaches every tab, signing out leaves none', async (visitor) => {
  const graphiql = await GraphiQLPage.open(visitor);
  await graphiql.showPanel('Sign in');

  await graphiql.signIn(STAFF.email, STAFF.password);
  await graphiql.page.getByRole('heading', { name: 'Signed in' }).waitFor();

  const { Authorization } = await graphiql.headers();
  assert.match(Authorization, /^Bearer ./);
  for (const tab of ['LiveStock', 'AdjustStock']) {
    await graphiql.showTab(tab);
    assert.deepEqual(await graphiql.headers(), { Authorization });
  }
  await graphiql.addTab();
  assert.deepEqual(await graphiql.headers(), { Authorization });

  await graphiql.page.getByRole('button', { name: 'Sign out' }).click();
  await graphiql.page.getByRole('heading', { name: 'Sign in' }).waitFor();

  assert.deepEqual(await graphiql.headers(), {});
  await graphiql.showTab('AdjustStock');
  assert.deepEqual(await graphiql.headers(), {});
});

scenario('a session outlives a reload', async (visitor) => {
  const graphiql = await GraphiQLPage.open(visitor);
  await graphiql.showPanel('Sign in');
  await graphiql.signIn(STAFF.email, STAFF.password);
  await graphiql.page.getByRole('heading', { name: 'Signed in' }).waitFor();
  const { Authorization } = await graphiql.headers();
  await graphiql.hidePanel('Sign in');

  await graphiql.page.reload();
  await graphiql.ready();

  assert.deepEqual(await graphiql.headers(), { Authorization });
});

scenario(
  'a token that the server refuses ends the session',
  async (visitor) => {
    const graphiql = await GraphiQLPage.open(visitor);
    await graphiql.page.evaluate(() => {
      const expiresAt = new Date(Date.now() + 60_000).toISOString();
      const session = { accessToken: 'spent', expiresAt, name: 'Nobody' };
      localStorage.setItem('graphiql:session', JSON.stringify(session));
    });
    await graphiql.page.reload();
    await graphiql.ready();
    assert.deepEqual(await graphiql.headers(), { Authorization: 'Bearer spent' });

    await graphiql.run();
    await graphiql.answer(({ errors }) => errors?.[0].extensions.code === 'UNAUTHENTICATED');
    await graphiql.showPanel('Sign in');

    await graphiql.page.getByText('no longer accepts your session').waitFor();
    assert.deepEqual(await graphiql.headers(), {});
  },
  { mayComplain: true }, // Chromium writes a refused request to the console
);

scenario('live stock shows what another window changes', async (visitor) => {
  const watching = await GraphiQLPage.open(visitor);
  await watching.showTab('LiveStock');
  await watching.run();
  const present = (await watching.answer()).data.stockChanged;

  const changing = await GraphiQLPage.open(visitor);
  await changing.showPanel('Sign in');
  await changing.signIn(STAFF.email, STAFF.password);
  await changing.page.getByRole('heading', { name: 'Signed in' }).waitFor();
  await changing.showTab('AdjustStock');
  await changing.run();
  const { stockAdjust } = (await changing.answer()).data;
  assert.deepEqual(stockAdjust.userErrors, []);

  const isNewer = ({ data }) => BigInt(data.stockChanged.version) > BigInt(present.version);
  const changed = (await watching.answer(isNewer)).data.stockChanged;
  assert.equal(changed.sku, present.sku);
  assert.equal(changed.stock.available, present.stock.available + 5);
});
