// The dashboard, embedded in the server, in a real Chromium with no internet. Needs what the tests of
// GraphiQL need, and a server that takes payments with the sandbox.

import assert from 'node:assert/strict';
import { eventually } from './browser.js';
import { DashboardPage, SESSION } from './dashboard-page.js';
import { parsePolicy, scenario } from './scenario.js';
import { Shop } from './shop.js';
import { STAFF } from './staff.js';

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const PROVIDER_CUT = 'Payment provider is cut off';

scenario('the page loads under a strict content security policy', async (visitor) => {
  const dashboard = await DashboardPage.visit(visitor);

  const policy = parsePolicy(dashboard.policy);
  assert.equal(policy.get('default-src'), "'none'");
  assert.equal(policy.get('script-src'), "'self'");
  assert.equal(policy.get('connect-src'), "'self'");
  assert.match(await dashboard.page.title(), /Stockroom/);
  await dashboard.page.getByRole('heading', { name: 'Stockroom dashboard' }).waitFor();
});

scenario('a wrong password is answered beside the form', async (visitor) => {
  const dashboard = await DashboardPage.visit(visitor);

  await dashboard.signIn(STAFF.email, 'not the password');

  await dashboard.page.locator('.failure').waitFor();
  assert.equal(await dashboard.page.getByLabel('Password').count(), 1);
});

scenario('a customer is told that the page is for the staff', async (visitor) => {
  const { email, password } = await (await Shop.staff()).registerCustomer();
  const dashboard = await DashboardPage.visit(visitor);

  await dashboard.signIn(email, password);
  await dashboard.page.getByRole('heading', { name: 'This page is for the staff' }).waitFor();
  assert.equal(await dashboard.page.locator('.panel').count(), 0);

  await dashboard.page.getByRole('button', { name: 'Sign in as somebody else' }).click();
  await dashboard.signIn(STAFF.email, STAFF.password);
  await dashboard.ready();
});

scenario('a role that ends is told where the page believed in it', async (visitor) => {
  const account = await (await Shop.staff()).registerCustomer();
  const dashboard = await DashboardPage.visit(visitor);
  await dashboard.signIn(account.email, account.password);
  await dashboard.page.getByRole('heading', { name: 'This page is for the staff' }).waitFor();

  // What a page remembers of somebody who was staff when they signed in.
  await dashboard.page.evaluate((key) => {
    const session = JSON.parse(localStorage.getItem(key));
    localStorage.setItem(key, JSON.stringify({ ...session, role: 'STAFF' }));
  }, SESSION);
  await dashboard.page.reload();

  await dashboard.page.getByRole('heading', { name: 'This page is for the staff' }).waitFor();
  assert.equal(await dashboard.page.locator('.panel').count(), 0);
});

scenario('a session outlives a reload and its token; signing out ends it', async (visitor) => {
  const shop = await Shop.staff();
  const dashboard = await DashboardPage.open(visitor);
  const other = await DashboardPage.visit(visitor);
  await other.ready();
  const session = () =>
    dashboard.page.evaluate((key) => JSON.parse(localStorage.getItem(key)), SESSION);

  // As it is a moment before the token ends.
  const { accessToken: first } = await session();
  await dashboard.page.evaluate((key) => {
    const session = JSON.parse(localStorage.getItem(key));
    const expiresAt = new Date(Date.now() + 20_000).toISOString();
    localStorage.setItem(key, JSON.stringify({ ...session, expiresAt }));
  }, SESSION);
  await dashboard.page.reload();
  await dashboard.ready();
  const renewed = await eventually(async () => {
    const { accessToken } = await session();
    return accessToken === first ? undefined : accessToken;
  });
  assert.ok(renewed, 'the token was not renewed');
  assert.equal(await shop.takes(renewed), true);

  await dashboard.page.getByRole('button', { name: 'Sign out' }).click();
  await dashboard.page.getByLabel('Password').waitFor();
  await other.page.getByLabel('Password').waitFor();
  const isEnded = await eventually(async () => ((await shop.takes(renewed)) ? undefined : true));
  assert.ok(isEnded, 'the server still takes the token');
});

scenario(
  'a session that is ended elsewhere ends here, and says why',
  async (visitor) => {
    const shop = await Shop.staff();
    const dashboard = await DashboardPage.open(visitor);
    const { accessToken } = await dashboard.page.evaluate(
      (key) => JSON.parse(localStorage.getItem(key)),
      SESSION,
    );

    await shop.endSession(accessToken);

    await dashboard.page.getByText('Your session has ended').waitFor();
    assert.equal(await dashboard.page.locator('.panel').count(), 0);
  },
  { mayComplain: true }, // Chromium writes a refused request to the console
);

scenario('figures follow orders that are made elsewhere', async (visitor) => {
  const shop = await Shop.staff();
  const sku = await shop.sku(0);
  const dashboard = await DashboardPage.open(visitor, { days: 1 });
  const before = await dashboard.number('Orders');

  await shop.order(sku, 'card_approved');
  await shop.order(sku, 'card_declined');

  await dashboard.figureIs('Orders', String(before + 2));
  const [today, ...others] = await dashboard.table('Orders and refunds a day');
  assert.equal(today[1], String(before + 2));
  assert.deepEqual(others, []);
  const [payments] = await dashboard.table('Payment outcomes a day');
  assert.ok(Number(payments[2]) > 0, 'a decline is counted apart');
  assert.ok(Number(payments[3]) > 0, 'the payment is counted');
  assert.match(await dashboard.figure('Revenue').innerText(), /\d/);
});

scenario('an alert comes with a fault, is acknowledged, and goes with it', async (visitor) => {
  const shop = await Shop.staff();
  const sku = await shop.sku(1);
  const dashboard = await DashboardPage.open(visitor);
  assert.equal(await dashboard.alert(PROVIDER_CUT).count(), 0);

  const order = await shop.unpaidOrder(sku);
  await shop.whileProviderFails(order, async () => {
    await dashboard.shows(dashboard.headline.getByText(PROVIDER_CUT));
    await dashboard.shows(dashboard.alert(PROVIDER_CUT));
    assert.match(await dashboard.page.title(), /^\(\d+\) /);
    await acknowledgeByKeyboard(dashboard, PROVIDER_CUT, 'Known: a test');
    await dashboard.alert(PROVIDER_CUT).getByText('Known: a test').waitFor();
    await dashboard.alert(PROVIDER_CUT).getByText('Acknowledged by').waitFor();
  });
  await shop.mendProvider(order, sku);

  await dashboard.hides(dashboard.alert(PROVIDER_CUT));
  await dashboard.hides(dashboard.headline.getByText(PROVIDER_CUT));
  await dashboard.figureIs('Circuit breaker', 'Closed');
});

scenario(
  'the stock of the lowest SKUs is live, and moves nobody who wants no motion',
  async (visitor) => {
    const shop = await Shop.staff();
    const sku = await shop.sku(2);
    const { available, reorderPoint } = await shop.level(sku);
    await shop.setReorderPoint(sku, 100_000);
    try {
      await shop.adjust(sku, 1 - available);
      const dashboard = await DashboardPage.open(visitor);
      const row = dashboard.panel('Lowest stock').getByRole('row', { name: sku });
      await row.getByText('1', { exact: true }).waitFor();
      await dashboard.shows(dashboard.headline.getByText(/low on stock|Low stock/));

      await shop.adjust(sku, 2);

      const number = row.getByText('3', { exact: true });
      await number.waitFor();
      const animation = await number.evaluate((node) => getComputedStyle(node).animationName);
      assert.equal(animation, 'none');
    } finally {
      const { available: present } = await shop.level(sku);
      await shop.adjust(sku, available - present);
      await shop.setReorderPoint(sku, reorderPoint);
    }
  },
  { reducedMotion: 'reduce' },
);

scenario('each window has its days, its points and its place in the address', async (visitor) => {
  const dashboard = await DashboardPage.open(visitor);

  for (const [days, aDay] of [
    [1, 288],
    [7, 24],
    [30, 4],
    [90, 1],
  ]) {
    await dashboard.show(days);
    assert.equal((await dashboard.table('Orders and refunds a day')).length, days);
    assert.equal((await dashboard.table('Payment outcomes a day')).length, days);
    const history = await dashboard.table('Response times');
    // Today has as many as there were so far.
    const isComplete = history.length > (days - 1) * aDay && history.length <= days * aDay + 1;
    assert.ok(isComplete, `${days} days: ${history.length} points`);
    assert.equal(new URL(dashboard.page.url()).searchParams.get('days'), String(days));
    assert.equal(await dashboard.overhang(), 0);
  }
  await dashboard.page.reload();
  await dashboard.ready();
  assert.equal(await dashboard.page.getByRole('radio', { name: '90 days' }).isChecked(), true);
});

scenario('where nothing has happened there is no data, and not 0 %', async (visitor) => {
  const dashboard = await DashboardPage.visit(visitor);
  await stage(dashboard.page, { Metrics: ({ days }) => ({ metrics: silence(days) }) });

  await dashboard.signIn(STAFF.email, STAFF.password);
  await dashboard.page.locator('.figure').first().waitFor();

  for (const name of ['Payment success', 'Error rate', 'Response time', 'Cache hits']) {
    assert.equal(await dashboard.figure(name).innerText(), 'no data', name);
  }
  await dashboard.page.getByText('No orders in this time').waitFor();
  await dashboard.page.getByText('No payments in this time').waitFor();
  assert.equal(await dashboard.page.getByText('No requests in this time').count(), 2);
  const history = await dashboard.table('Error rate');
  assert.deepEqual(new Set(history.map(([, rate]) => rate)), new Set(['no data']));
});

scenario('the headline names each fault, the worst first', async (visitor) => {
  const dashboard = await DashboardPage.visit(visitor);
  await stage(dashboard.page, {
    Metrics: ({ days }) => ({ metrics: { ...silence(days), circuitBreakerState: 'HALF_OPEN' } }),
    Alerts: () => ({
      open: page([alert('LOW_STOCK', 'B-2'), alert('LOW_STOCK', 'A-1'), alert('ERROR_RATE', null)]),
      acknowledged: page([alert('COMPONENT_DOWN', 'MAIL', 'ACKNOWLEDGED')]),
      resolved: { nodes: [] },
    }),
    Components: () => ({
      services: [
        component('DATABASE', 'UNHEALTHY', 'No answer within 2 s'),
        component('MAIL', 'DEGRADED', 'Connection refused'),
        component('WORKER', 'UNKNOWN', null),
      ],
    }),
    Scenarios: () => ({
      qualityScenarios: [
        {
          id: 'A1',
          title: 'Nothing is sold twice',
          status: 'FAIL',
          target: '0 incidents',
          measured: '1 incident',
          evidence: [],
        },
      ],
    }),
  });

  await dashboard.signIn(STAFF.email, STAFF.password);
  await dashboard.headline.getByText('6 problems').waitFor();

  assert.deepEqual(await dashboard.headline.getByRole('link').allInnerTexts(), [
    'Many requests fail',
    'Database: down',
    'Scenario A1 fails: Nothing is sold twice',
    'Not known: Worker',
    'Payment provider is being tried',
    '2 SKUs are low on stock',
    'and 1 more',
  ]);
  assert.match(await dashboard.page.title(), /^\(6\) /);
});

scenario('an alert about a component names it once', async (visitor) => {
  const dashboard = await DashboardPage.visit(visitor);
  const down = { ...alert('COMPONENT_DOWN', 'CACHE'), message: 'CACHE is not well: it is away' };
  const back = {
    ...alert('COMPONENT_DOWN', 'DATABASE'),
    message: 'DATABASE is down. It was away for 9 s, and is back.',
  };
  await stage(dashboard.page, {
    Alerts: () => ({
      open: page([down, back]),
      acknowledged: page([]),
      resolved: { nodes: [] },
    }),
  });

  await dashboard.signIn(STAFF.email, STAFF.password);

  const cache = dashboard.alert('Cache is not well');
  await cache.getByText('It is away', { exact: true }).waitFor();
  const database = dashboard.alert('Database is not well');
  await database.getByText('It was away for 9 s, and is back.', { exact: true }).waitFor();
  assert.equal(await dashboard.page.getByText(/CACHE is/).count(), 0);
});

scenario('a component that nobody tells of is no reason to be calm', async (visitor) => {
  const dashboard = await DashboardPage.visit(visitor);
  await stage(dashboard.page, {
    Metrics: ({ days }) => ({ metrics: silence(days) }),
    Alerts: () => ({ open: page([]), acknowledged: page([]), resolved: { nodes: [] } }),
    Components: () => ({
      services: [
        component('DATABASE', 'HEALTHY', null),
        component('MAIL', 'UNKNOWN', null),
        component('WORKER', 'UNKNOWN', null),
      ],
    }),
    Scenarios: () => ({ qualityScenarios: [] }),
  });

  await dashboard.signIn(STAFF.email, STAFF.password);

  await dashboard.headline.getByText('Not known: Mail, Worker').waitFor();
  assert.match(await dashboard.headline.getAttribute('class'), /headline-warning/);
  assert.equal(await dashboard.headline.getByText('All is well').count(), 0);
});

scenario(
  'a page that is older than its server asks to be loaded again',
  async (visitor) => {
    const dashboard = await DashboardPage.visit(visitor);
    await stage(dashboard.page, {
      Components: () => ({ services: [component('DATABASE', 'A_NEW_STATE', null)] }),
    });

    await dashboard.signIn(STAFF.email, STAFF.password);
    await dashboard.page.getByText('the server is newer than the page').waitFor();

    await dashboard.page.unroute('**/graphql');
    await dashboard.page.getByRole('button', { name: 'Load again' }).click();
    await dashboard.page.locator('.component').first().waitFor();
  },
  { mayComplain: true }, // it tells the console why
);

scenario('a critical alert is seen however many SKUs are low after it', async (visitor) => {
  const dashboard = await DashboardPage.visit(visitor);
  const pages = Array.from({ length: 4 }, (_, nth) =>
    Array.from({ length: 100 }, (_, index) => alert('LOW_STOCK', `S-${nth}-${index}`)),
  );
  const seen = Array.from({ length: 100 }, (_, index) =>
    alert('LOW_STOCK', `A-${index}`, 'ACKNOWLEDGED'),
  );
  await stage(dashboard.page, {
    Alerts: () => ({
      open: page(pages[0], '1'),
      acknowledged: page(seen, 'a'),
      resolved: { nodes: [] },
    }),
    MoreAlerts: ({ status, after }) => {
      if (status === 'ACKNOWLEDGED') {
        return { alerts: page([alert('STOCK_CONFLICTS', null, status)]) };
      }
      const nth = Number(after);
      return {
        alerts: pages[nth] ? page(pages[nth], String(nth + 1)) : page([alert('ERROR_RATE', null)]),
      };
    },
  });

  await dashboard.signIn(STAFF.email, STAFF.password);

  await dashboard.headline.getByRole('link', { name: 'Many requests fail' }).waitFor();
  await dashboard.headline.getByRole('link', { name: '500 SKUs are low on stock' }).waitFor();
  await dashboard.headline.getByRole('link', { name: 'Stock conflicts' }).waitFor();
  await dashboard.panel('Alerts').getByText('401 open, 101 acknowledged').waitFor();
  const first = dashboard.panel('Alerts').locator('.alert').first();
  await first.getByText('Many requests fail').waitFor();
});

scenario('a server that cannot say how it is is not well', async (visitor) => {
  const dashboard = await DashboardPage.open(visitor);

  const errors = [
    { message: 'The database does not answer.', extensions: { code: 'SERVICE_UNAVAILABLE' } },
  ];
  await dashboard.page.route('**/graphql', (route) =>
    route.fulfill({ json: { data: null, errors } }),
  );
  await dashboard.shows(dashboard.headline.getByText('The server cannot say how it is'));
  await dashboard.shows(dashboard.headline.getByText('The database does not answer.'));

  await dashboard.page.unroute('**/graphql');
  await dashboard.hides(dashboard.headline.getByText('The server cannot say how it is'));
});

scenario(
  'what answers in place of the server is told in plain words',
  async (visitor) => {
    const dashboard = await DashboardPage.visit(visitor);
    const answer = { status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' };
    await dashboard.page.route('**/graphql', (route) => route.fulfill(answer));

    await dashboard.signIn(STAFF.email, STAFF.password);
    await dashboard.page
      .getByText('The server cannot be reached: the answer was an error 502.')
      .waitFor();

    await dashboard.page.unroute('**/graphql');
    await dashboard.signIn(STAFF.email, STAFF.password);
    await dashboard.ready();
    await dashboard.page.route('**/graphql', (route) => route.fulfill(answer));
    await dashboard.shows(dashboard.headline.getByText('The server cannot say how it is'));
    await dashboard.shows(dashboard.headline.getByText('an error 502 in place of figures'));
  },
  { mayComplain: true }, // Chromium writes requests that failed to the console
);

scenario(
  'a server that is gone is told; what was known stays, and it is back by itself',
  async (visitor) => {
    const dashboard = await DashboardPage.visit(visitor);
    let isGone = false;
    const sockets = new Set();
    await dashboard.page.routeWebSocket('**/graphql', (socket) => {
      if (isGone) return void socket.close();
      sockets.add(socket);
      socket.connectToServer();
    });
    await dashboard.page.route('**/graphql', (route) =>
      isGone ? route.abort('connectionrefused') : route.continue(),
    );
    await dashboard.signIn(STAFF.email, STAFF.password);
    await dashboard.ready();

    isGone = true;
    for (const socket of sockets) await socket.close();
    await dashboard.shows(dashboard.headline.getByText('No connection to the server'));
    await dashboard.headline.getByText('This is from').waitFor();
    await dashboard.page.getByText('Not connected', { exact: true }).waitFor();
    assert.match(await dashboard.headline.getAttribute('class'), /headline-critical/);
    assert.match(await dashboard.page.title(), /^\(!\) /);
    assert.equal(await dashboard.panel('Key figures').locator('.figure').count(), 10);

    isGone = false;
    await dashboard.shows(dashboard.page.locator('.link-live'));
    await dashboard.hides(dashboard.headline.getByText('No connection to the server'));
  },
  { mayComplain: true }, // Chromium writes requests that failed to the console
);

scenario(
  'without its socket the page is not live, and still knows how the shop does',
  async (visitor) => {
    const dashboard = await DashboardPage.visit(visitor);
    await dashboard.page.routeWebSocket('**/graphql', (socket) => socket.close());

    await dashboard.signIn(STAFF.email, STAFF.password);

    await dashboard.page.getByText('Not live', { exact: true }).waitFor();
    await dashboard.headline.getByText('without live news').waitFor();
    assert.equal(await dashboard.headline.getByText('No connection').count(), 0);
  },
  { mayComplain: true }, // Chromium writes sockets that failed to the console
);

scenario(
  'a connection that is lost is told, and what is shown is old until it is back',
  async (visitor) => {
    const dashboard = await DashboardPage.open(visitor);

    await visitor.goOffline(true);
    await dashboard.page.getByText('Offline', { exact: true }).waitFor();
    await dashboard.headline.getByText('This device is offline').waitFor();
    await dashboard.headline.getByText('This is from').waitFor();

    await visitor.goOffline(false);
    await dashboard.ready();
    await dashboard.hides(dashboard.headline.getByText('This device is offline'));
  },
  { mayComplain: true }, // Chromium writes requests that failed to the console
);

scenario('all of it can be reached with the keyboard', async (visitor) => {
  const dashboard = await DashboardPage.open(visitor);
  const { page } = dashboard;
  const focused = () =>
    page.evaluate(() => {
      const { activeElement: at } = document;
      return at.getAttribute('aria-label') || at.value || at.textContent.trim();
    });
  await page.reload();
  await dashboard.ready();

  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Skip to the figures');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), '7');
  await page.keyboard.press('ArrowRight');
  await dashboard.settled();
  assert.equal(new URL(page.url()).searchParams.get('days'), '30');
  await page.keyboard.press('Tab');
  assert.match(await focused(), /^Colours: system/);
  await page.keyboard.press('Enter');
  await page.locator(':root[data-theme="light"]').waitFor({ state: 'attached' });
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Sign out');

  const reached = new Set();
  for (let stop = await tab(page, focused); !reached.has(stop); stop = await tab(page, focused)) {
    reached.add(stop);
  }
  for (const chart of ['Orders and refunds a day', 'Response times']) {
    assert.ok(reached.has(`Table: ${chart}`), [...reached].join('; '));
  }
});

scenario('the choice of colours is kept', async (visitor) => {
  const dashboard = await DashboardPage.open(visitor);
  const page = () => getComputedStyle(document.body).backgroundColor;
  const bySystem = await dashboard.page.evaluate(page);

  await dashboard.page.getByRole('button', { name: 'Colours: system' }).click();
  await dashboard.page.getByRole('button', { name: 'Colours: light' }).click();
  await dashboard.page.getByRole('button', { name: 'Colours: dark' }).waitFor();
  const chosen = await dashboard.page.evaluate(page);
  assert.notEqual(chosen, bySystem);

  await dashboard.page.reload();
  await dashboard.ready();
  assert.equal(await dashboard.page.evaluate(page), chosen);
});

for (const colorScheme of ['light', 'dark']) {
  for (const [device, options] of [
    ['a desktop', {}],
    ['a phone', PHONE],
  ]) {
    scenario(
      `axe finds nothing on ${device} in ${colorScheme}`,
      async (visitor) => {
        const dashboard = await DashboardPage.visit(visitor);
        await dashboard.page.getByLabel('Password').waitFor();
        assert.deepEqual(await dashboard.complaints(), []);

        await dashboard.signIn(STAFF.email, STAFF.password);
        await dashboard.ready();
        await dashboard.table('Response times');
        for (const summary of await dashboard.page.locator('summary').all()) await summary.click();

        assert.deepEqual(await dashboard.complaints(), []);
        assert.equal(await dashboard.overhang(), 0);
      },
      { colorScheme, ...options },
    );
  }
}

async function acknowledgeByKeyboard({ page }, title, words) {
  const name = new RegExp(`^Acknowledge: ${title}`);
  await page.getByRole('button', { name }).press('Enter');
  const note = page.getByLabel('Note for the others');
  await note.waitFor();
  await page.waitForFunction(() => document.activeElement.matches('.acknowledge input'));
  await page.keyboard.type(words);
  await page.keyboard.press('Enter');
}

async function tab(page, focused) {
  await page.keyboard.press('Tab');
  return focused();
}

/** Answers some operations in place of the server, by their names, and lets no news through. */
async function stage(page, answers) {
  await page.routeWebSocket('**/graphql', (socket) => {
    socket.onMessage((text) => {
      const { type } = JSON.parse(text);
      if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
      if (type === 'ping') socket.send('{"type":"pong"}');
    });
  });
  await page.route('**/graphql', (route) => {
    const { operationName, variables } = route.request().postDataJSON();
    const answer = answers[operationName];
    return answer ? route.fulfill({ json: { data: answer(variables) } }) : route.continue();
  });
}

/** The figures of a server on its first day, before the first request. */
function silence(days) {
  const dates = Array.from({ length: days }, (_, index) => {
    const at = new Date(Date.now() - (days - 1 - index) * 86_400_000);
    return at.toISOString().slice(0, 10);
  });
  const nothing = {
    errorRate: null,
    avgResponseTimeMs: null,
    p95ResponseTimeMs: null,
  };
  const counts = dates.map((date) => ({ date, count: 0 }));
  return {
    days,
    ordersPerDay: counts,
    refundsPerDay: counts,
    paymentsPerDay: dates.map((date) => ({ date, succeeded: 0, declined: 0, failed: 0 })),
    requests: '0',
    ...nothing,
    paymentSuccessRate: null,
    circuitBreakerState: 'CLOSED',
    stockConflicts: 0,
    stockRejections: 0,
    throttledRequests: 0,
    cacheHitRate: null,
    history: dates.map((date) => ({ at: `${date}T00:00:00Z`, requests: 0, ...nothing })),
  };
}

/** A part of a list of alerts; `next` is where the rest of it begins. */
function page(nodes, next = null) {
  return { nodes, pageInfo: { hasNextPage: next !== null, endCursor: next } };
}

function alert(rule, subject, status = 'OPEN') {
  const at = new Date().toISOString();
  return {
    id: `${rule}-${subject}`,
    rule,
    severity: ['ERROR_RATE', 'STOCK_CONFLICTS'].includes(rule) ? 'CRITICAL' : 'WARNING',
    status,
    subject,
    message: 'What is the matter.',
    threshold: 'the line',
    measured: 'what was measured',
    raisedAt: at,
    updatedAt: at,
    acknowledgedAt: status === 'OPEN' ? null : at,
    acknowledgedBy: status === 'OPEN' ? null : { name: 'Somebody' },
    note: null,
    resolvedAt: null,
  };
}

function component(name, status, message) {
  const at = new Date().toISOString();
  return {
    name,
    status,
    message,
    latencyMs: null,
    checkedAt: at,
    since: at,
    availability: null,
    changes: [{ status, at, message }],
    latency: [],
  };
}
