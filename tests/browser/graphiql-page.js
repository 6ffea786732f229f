// GraphiQL as its user sees it: tabs, panels, the run button, the answer.

import assert from 'node:assert/strict';
import { eventually, SERVER } from './browser.js';

export class GraphiQLPage {
  constructor(page) {
    this.page = page;
  }

  static async open(visitor, server = SERVER) {
    const page = await visitor.newWindow();
    const response = await page.goto(server);
    const graphiql = new GraphiQLPage(page);
    graphiql.policy = response.headers()['content-security-policy'];
    await graphiql.ready();
    return graphiql;
  }

  /** Ready when the schema has arrived: the first root type stands in the documentation. */
  async ready() {
    await this.page.locator('.graphiql-query-editor .view-line').first().waitFor();
    await this.showPanel('Documentation Explorer');
    await this.page.getByRole('link', { name: 'Query', exact: true }).waitFor();
    await this.hidePanel('Documentation Explorer');
  }

  async showPanel(title) {
    await this.page.getByRole('button', { name: `Show ${title}` }).click();
  }

  async hidePanel(title) {
    await this.page.getByRole('button', { name: `Hide ${title}` }).click();
  }

  async showTab(title) {
    await this.page.getByRole('tab', { name: title }).click();
    // GraphiQL takes note of the operation in the tab after 100 ms; timers of one page fire in order.
    await this.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 200)));
  }

  async addTab() {
    const tabs = this.page.getByRole('tab');
    const present = await tabs.count();
    await this.page.getByRole('button', { name: 'New tab' }).click();
    await tabs.nth(present).waitFor();
  }

  tabTitles() {
    return this.page.getByRole('tab').allInnerTexts();
  }

  /**
   * Pastes a document over what the open tab has. Needs a visitor with permission for the clipboard.
   * What is run is settled when the tab bears the name of the operation.
   */
  async paste(name, document) {
    await this.page.evaluate((text) => navigator.clipboard.writeText(text), document);
    await this.page.locator('.graphiql-query-editor').getByRole('textbox').focus();
    await this.page.keyboard.press('ControlOrMeta+A');
    await this.page.keyboard.press('ControlOrMeta+V');
    const tab = this.page.getByRole('tab', { selected: true });
    await tab.getByRole('button', { name, exact: true }).waitFor();
    assert.equal(await this.#text('operation.graphql'), document);
  }

  async run() {
    await this.page.getByRole('button', { name: /^Execute/ }).click();
  }

  /** The headers that the open tab sends. */
  async headers() {
    const text = await this.#text('request-headers.json');
    return text === '' ? {} : JSON.parse(text);
  }

  /** Waits for an answer that `accept` takes, and returns it. */
  async answer(accept = () => true) {
    let text = '';
    const found = await eventually(async () => {
      text = await this.#text('response.json');
      if (text === '') return undefined;
      const answer = JSON.parse(text);
      return accept(answer) ? answer : undefined;
    });
    if (found === undefined) throw new Error(`the last answer was ${text}`);
    return found;
  }

  async signIn(email, password) {
    await this.page.getByLabel('E-mail').fill(email);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  }

  async signOut() {
    await this.page.getByRole('button', { name: 'Sign out' }).click();
    await this.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  }

  // The editors draw only the lines in view; their models hold the whole text.
  #text(name) {
    return this.page.evaluate((wanted) => {
      const models = globalThis.__MONACO.editor.getModels();
      return models.find(({ uri }) => uri.path.endsWith(wanted))?.getValue() ?? '';
    }, name);
  }
}
