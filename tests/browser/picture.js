// Takes the pictures of the README, of a server with the demo catalogue that has something to show.
//   STOCKROOM_URL=http://127.0.0.1:8000 node picture.js graphiql
//   STOCKROOM_ADMIN_EMAIL=… STOCKROOM_ADMIN_PASSWORD=… STOCKROOM_URL=… node picture.js dashboard

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, Visitor } from './browser.js';

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));
const DASHBOARD = { width: 1280, height: 1010 };

const PICTURES = {
  async graphiql(visitor) {
    const { GraphiQLPage } = await import('./graphiql-page.js');
    const graphiql = await GraphiQLPage.open(visitor);
    await graphiql.showTab('LiveStock');
    await graphiql.run();
    await graphiql.answer();
    // Off every button: no tooltip in the picture.
    await graphiql.page.mouse.move(640, 795);
    await graphiql.page.locator('.graphiql-spinner').waitFor({ state: 'detached' });
    return graphiql.page;
  },
  async dashboard(visitor) {
    const { DashboardPage } = await import('./dashboard-page.js');
    const { page } = await DashboardPage.open(visitor);
    await page.setViewportSize(DASHBOARD);
    return page;
  },
};

const [, , name] = process.argv;
const take = PICTURES[name];
if (!take) throw new Error(`which picture? ${Object.keys(PICTURES).join(', ')}`);

const browser = await launch();
try {
  const visitor = await Visitor.arrive(browser, { colorScheme: 'light', locale: 'en-GB' });
  const page = await take(visitor);
  await page.evaluate(() => document.activeElement.blur());
  await page.waitForTimeout(1500); // scroll bars fade
  await mkdir(DOCS, { recursive: true });
  await page.screenshot({ path: `${DOCS}${name}.png`, animations: 'disabled' });
} finally {
  await browser.close();
}
