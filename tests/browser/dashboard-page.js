// The dashboard as its user sees it: the headline, the panels, the charts.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { SERVER } from './browser.js';
import { STAFF } from './staff.js';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** A fault is to be seen within this time. */
const A_MINUTE_MS = 60_000;

export const SESSION = 'stockroom:dashboard:session';

export class DashboardPage {
  constructor(page) {
    this.page = page;
  }

  /** Opens the page, as it is for whoever is not signed in. */
  static async visit(visitor, { days } = {}) {
    const page = await visitor.newWindow();
    const address = new URL('/dashboard', SERVER);
    if (days) address.searchParams.set('days', String(days));
    const response = await page.goto(address.href);
    const dashboard = new DashboardPage(page);
    dashboard.policy = response.headers()['content-security-policy'];
    return dashboard;
  }

  /** Opens the page and signs in to it. */
  static async open(visitor, { account = STAFF, ...options } = {}) {
    const dashboard = await DashboardPage.visit(visitor, options);
    await dashboard.signIn(account.email, account.password);
    await dashboard.ready();
    return dashboard;
  }

  async signIn(email, password) {
    await this.page.getByLabel('E-mail').fill(email);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** Ready when every panel has its data and news come in. */
  async ready() {
    await this.page.locator('.link-live').waitFor();
    await this.page.locator('.scenario').first().waitFor();
    await this.page.locator('.component').first().waitFor();
    await this.page.locator('.chart').first().waitFor();
    await this.settled();
  }

  /** No panel waits for its data any more. */
  async settled() {
    await this.page.waitForFunction(() => !document.querySelector('.panel[aria-busy="true"]'));
  }

  get headline() {
    return this.page.getByRole('region', { name: 'How it is' });
  }

  panel(name) {
    return this.page.getByRole('region', { name, exact: true });
  }

  /** The value of a key figure, as it is written. */
  figure(name) {
    return this.page.locator('.figure', { hasText: name }).locator('.figure-value');
  }

  async figureIs(name, value) {
    await this.figure(name).getByText(value, { exact: true }).waitFor({ timeout: A_MINUTE_MS });
  }

  async number(name) {
    return Number((await this.figure(name).innerText()).replaceAll(/\D/g, ''));
  }

  alert(title) {
    return this.panel('Alerts').locator('.alert:not(.alert-resolved)', { hasText: title });
  }

  async shows(locator) {
    await locator.first().waitFor({ timeout: A_MINUTE_MS });
  }

  async hides(locator) {
    await locator.first().waitFor({ state: 'detached', timeout: A_MINUTE_MS });
  }

  async show(days) {
    await this.page.getByRole('radio', { name: `${days} day` }).press('Space');
    await this.settled();
  }

  /** The rows of a chart's table, the newest first: cells as text. */
  async table(chart) {
    const button = this.page.getByRole('button', { name: `Table: ${chart}` });
    if ((await button.getAttribute('aria-expanded')) === 'false') await button.click();
    const table = this.page.getByRole('region', { name: `${chart}, table` });
    await table.waitFor();
    return table
      .locator('tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) => Array.from(row.cells, (cell) => cell.textContent.trim())),
      );
  }

  /** What an axe check finds wrong, one line each. */
  async complaints() {
    // The policy of the page lets no foreign script in, but the debugger's.
    await this.page.evaluate(await readFile(axe, 'utf8'));
    const { violations } = await this.page.evaluate(() =>
      globalThis.axe.run({
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      }),
    );
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  }

  /** By how many pixels the page is wider than the window. */
  overhang() {
    return this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  }
}
