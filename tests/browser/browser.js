// A real Chromium that reaches nothing but this machine, and remembers whatever it tried to reach, every
// error on its console and every violation of the content security policy.

import { mkdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const SERVER = setting('STOCKROOM_URL');

const FAILURES = fileURLToPath(new URL('../../.testing/', import.meta.url));
const TIME_LIMIT_MS = 15_000;
const WINDOW = { width: 1280, height: 800 };

export function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: see tests/browser/graphiql.test.js`);
  return value;
}

/** What `probe` gives as soon as it gives something, or undefined after the time limit. */
export async function eventually(probe, limitMs = TIME_LIMIT_MS) {
  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline) {
    const found = await probe();
    if (found !== undefined) return found;
    await setTimeout(50);
  }
  return undefined;
}

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // The second wall, should something get past the route below: no other name resolves.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE [::1]',
    ],
  });
}

/** One visitor: storage of its own, shared by all its windows. */
export class Visitor {
  /** Addresses beyond this machine that a window tried to reach. */
  strayRequests = [];
  /** What a window wrote to its console as an error, uncaught exceptions included. */
  errors = [];
  #context;

  static async arrive(browser, options = {}) {
    const visitor = new Visitor();
    visitor.#context = await browser.newContext({ viewport: WINDOW, ...options });
    await visitor.#guard();
    return visitor;
  }

  async #guard() {
    const context = this.#context;
    context.setDefaultTimeout(TIME_LIMIT_MS);
    context.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
    context.on('weberror', (error) => this.errors.push(String(error.error())));
    context.on('page', (page) => {
      page.on('websocket', (socket) => this.#record(socket.url()));
    });
    await context.route('**/*', (route) => {
      const isHere = this.#record(route.request().url());
      return isHere ? route.continue() : route.abort();
    });
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        console.error(`content security policy: ${violatedDirective} refused ${blockedURI}`);
      });
    });
  }

  /** Says whether an address is on this machine, and remembers it when not. */
  #record(address) {
    const { protocol, hostname } = new URL(address);
    const isHere =
      ['data:', 'blob:'].includes(protocol) ||
      ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
    if (!isHere) this.strayRequests.push(address);
    return isHere;
  }

  newWindow() {
    return this.#context.newPage();
  }

  /** Takes the network away from all windows, or gives it back. */
  async goOffline(isOffline) {
    await this.#context.setOffline(isOffline);
  }

  async leave() {
    await this.#context.close();
  }

  async keepPictures(title) {
    await mkdir(FAILURES, { recursive: true });
    const name = title.replaceAll(/\W+/g, '-');
    for (const [index, page] of this.#context.pages().entries()) {
      await page.screenshot({ path: `${FAILURES}browser-${name}-${index + 1}.png` });
    }
  }
}
