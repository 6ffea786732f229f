// Takes the picture of the README, docs/graphiql.png: live stock of the demo catalogue in GraphiQL.
//   STOCKROOM_URL=http://127.0.0.1:8000 node picture.js

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, Visitor } from './browser.js';
import { GraphiQLPage } from './graphiql-page.js';

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));

const browser = await launch();
try {
  const visitor = await Visitor.arrive(browser, { colorScheme: 'light' });
  const graphiql = await GraphiQLPage.open(visitor);
  await graphiql.showTab('LiveStock');
  await graphiql.run();
  await graphiql.answer();
  // Off every button: no tooltip and no focus ring in the picture.
  await graphiql.page.mouse.move(640, 795);
  await graphiql.page.evaluate(() => document.activeElement.blur());
  await graphiql.page.locator('.graphiql-spinner').waitFor({ state: 'detached' });
  await graphiql.page.waitForTimeout(1500); // scroll bars fade
  await mkdir(DOCS, { recursive: true });
  await graphiql.page.screenshot({ path: `${DOCS}graphiql.png`, animations: 'disabled' });
} finally {
  await browser.close();
}
