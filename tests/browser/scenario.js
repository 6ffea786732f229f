// Tests with a visitor each, in one Chromium for a file of tests.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Visitor } from './browser.js';

export let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/**
 * A test with a visitor of its own, who must leave without stray requests and console errors.
 * `options` are those of the browser, such as its colour scheme.
 */
export function scenario(title, story, { mayComplain = false, ...options } = {}) {
  test(title, async () => {
    const visitor = await Visitor.arrive(browser, options);
    try {
      await story(visitor);
      assert.deepEqual(visitor.strayRequests, []);
      if (!mayComplain) assert.deepEqual(visitor.errors, []);
    } catch (error) {
      await visitor.keepPictures(title);
      throw error;
    } finally {
      await visitor.leave();
    }
  });
}

export function parsePolicy(header) {
  return new Map(
    header.split(';').map((directive) => {
      const [name, ...values] = directive.trim().split(/\s+/);
      return [name, values.join(' ')];
    }),
  );
}
