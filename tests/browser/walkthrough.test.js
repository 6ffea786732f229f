// The two ways that the README walks through, taken in GraphiQL as they are written there, one after the
// other as a reader does, on a shop of their own. tests/it/walkthrough.rs takes them over HTTP.
//   STOCKROOM_PROGRAM  the program, which is started
//   CHROMIUM           default /usr/bin/chromium
// A failed test leaves pictures of its windows in .testing/.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before } from 'node:test';
import { FirstStart } from './first-start.js';
import { GraphiQLPage } from './graphiql-page.js';
import { scenario } from './scenario.js';

const README = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
const SHOPPERS_WAY = steps("## A shopper's way");
const STAFFS_WAY = steps("## The staff's way");

/** Where an order of the staff's way stands after a step. */
const STANDS = {
  SendOne: 'PAID',
  SendTheRest: 'FULFILLED',
  TakeBack: 'FULFILLED',
  Through: 'COMPLETED',
  Buy: 'ORDERED',
  Receive: 'RECEIVED',
};

let shop;
before(async () => {
  shop = await FirstStart.begin();
});
after(() => shop?.end());

scenario(
  'both ways of the README lead through the page as they are written',
  async (visitor) => {
    const graphiql = await GraphiQLPage.open(visitor, shop.address);
    const walk = new Walk(visitor, graphiql);

    await walk.shoppersWay();
    assert.deepEqual(walk.taken, [
      ...['Browse', 'Fill', 'Register', 'SignIn', 'Merge', 'Deliver', 'CheckOut', 'Watch'],
      ...['CallOff', 'MyOrders'],
    ]);

    await walk.buysOnceMore();
    await walk.signsInAs(shop.admin);
    await walk.staffsWay();
    assert.deepEqual(walk.taken, [
      ...['ToSend', 'SendOne', 'SendTheRest', 'TakeBack', 'GiveBack', 'Through', 'Buy', 'Receive'],
      ...['PutOnSale', 'OnSale', 'EndSale', 'HowDidItGo'],
    ]);
  },
  { permissions: ['clipboard-read', 'clipboard-write'] },
);

/** A reader on the way: the page, and what the words in capitals stand for. */
class Walk {
  /** The names of the steps taken on this way. */
  taken = [];
  #visitor;
  #graphiql;
  #words = new Map();
  /** What the page sends: nothing for a guest. */
  #headers = {};
  /** The second page, in which the order is watched. */
  #watching;

  constructor(visitor, graphiql) {
    this.#visitor = visitor;
    this.#graphiql = graphiql;
  }

  async shoppersWay() {
    this.taken = [];
    for (const step of SHOPPERS_WAY) {
      if (step.name === 'SignIn') await this.#signIn(step);
      else if (step.name === 'Watch') await this.#watch(step);
      else await this.#shop(step);
      this.taken.push(step.name);
    }
  }

  /** Steps 2, 5 and 6 once more, as the staff's way asks for. */
  async buysOnceMore() {
    for (const step of SHOPPERS_WAY) {
      if (!['Fill', 'Deliver', 'CheckOut'].includes(step.name)) continue;
      await this.#shop(replaced(step, '"my first order"', '"my second order"'));
    }
  }

  async #shop(step) {
    const answer = await this.#take(step);
    switch (step.name) {
      case 'Browse':
        assert.notDeepEqual(answer.nodes, []);
        break;
      case 'Fill':
      case 'Merge':
        assert.equal(answer.cart.itemCount, 2);
        this.#words.set('CART', answer.cart.id);
        break;
      case 'Deliver':
        assert.equal(answer.cart.totalIsFinal, true);
        this.#words.set('TOTAL', answer.cart.total.amount);
        break;
      case 'CheckOut':
        assert.equal(answer.order.status, 'PAID');
        assert.equal(answer.order.total.amount, this.#words.get('TOTAL'));
        this.#words.set('ORDER', answer.order.id);
        await this.#sendItAgain();
        break;
      case 'CallOff':
        assert.equal(answer.order.status, 'CANCELLED');
        assert.equal(answer.order.refundedTotal.amount, this.#words.get('TOTAL'));
        await this.#seeItCalledOff();
        break;
      case 'MyOrders':
        assert.deepEqual(
          answer.nodes.map(({ status }) => status),
          ['CANCELLED'],
        );
        break;
    }
  }

  /** The README lets this be done by the form of the page, with what stands in the document. */
  async #signIn({ document }) {
    const [, email, password] = /email: "(.+?)", password: "(.+?)"/.exec(document);
    await this.#graphiql.showPanel('Sign in');
    await this.#enter({ email, password });
  }

  async signsInAs(somebodyElse) {
    await this.#graphiql.signOut();
    await this.#enter(somebodyElse);
  }

  async #enter({ email, password }) {
    await this.#graphiql.signIn(email, password);
    await this.#graphiql.page.getByRole('heading', { name: 'Signed in' }).waitFor();
    this.#headers = await this.#graphiql.headers();
    assert.match(this.#headers.Authorization, /^Bearer ./);
  }

  /** The second page, which GraphiQL opens with the tabs and the session of the first. */
  async #watch(step) {
    this.#watching = await GraphiQLPage.open(this.#visitor, shop.address);
    const { status, refundedTotal } = await this.#take(step, this.#watching);
    assert.equal(status, 'PAID');
    assert.equal(Number(refundedTotal.amount), 0);
  }

  async #sendItAgain() {
    await this.#graphiql.run();
    const isRepeated = ({ extensions }) => extensions?.idempotency?.replayed;
    const { data } = await this.#graphiql.answer(isRepeated);
    assert.equal(data.checkoutComplete.order.id, this.#words.get('ORDER'));
  }

  async #seeItCalledOff() {
    await this.#watching.page.bringToFront();
    const { data } = await this.#watching.answer(
      ({ data }) => data?.orderChanged.refundedTotal.amount === this.#words.get('TOTAL'),
    );
    assert.equal(data.orderChanged.status, 'CANCELLED');
    const shown = this.#watching.page.locator('.graphiql-response');
    await shown.getByText('CANCELLED').waitFor();
  }

  async staffsWay() {
    this.taken = [];
    for (const step of STAFFS_WAY) {
      this.#serve(step.name, await this.#take(step));
      this.taken.push(step.name);
    }
  }

  #serve(name, answer) {
    const stands = STANDS[name];
    if (stands) assert.equal(answer.order.status, stands, name);
    switch (name) {
      case 'ToSend': {
        const [order] = answer.nodes;
        assert.equal(order.id, this.#words.get('ORDER'));
        this.#words.set('LINE', order.lines[0].id);
        break;
      }
      case 'TakeBack':
        this.#words.set('PAYMENT', answer.order.payments[0].id);
        break;
      case 'GiveBack':
        assert.equal(answer.payment.status, 'PARTIALLY_REFUNDED');
        break;
      case 'Buy':
        this.#words.set('PURCHASE', answer.order.id);
        break;
      case 'PutOnSale':
        assert.equal(answer.flashSale.status, 'RUNNING');
        this.#words.set('SALE', answer.flashSale.id);
        break;
      case 'OnSale': {
        const [{ price, listPrice, flashSale }] = answer.variants.nodes;
        assert.ok(Number(price.amount) < Number(listPrice.amount));
        assert.equal(flashSale.limitPerCustomer, 2);
        break;
      }
      case 'EndSale':
        assert.equal(answer.flashSale.status, 'OVER');
        break;
      case 'HowDidItGo':
        // Of the shopper's way and of this one.
        assert.equal(answer.total.ordersPaid, 2);
        assert.equal(answer.total.refunds, 3);
        break;
    }
  }

  /** Takes a step in a tab of its own: what its one field answers, which has to be what was asked for. */
  async #take({ name, document }, graphiql = this.#graphiql) {
    // The reader turns to this page: the browser draws the others rarely.
    await graphiql.page.bringToFront();
    await graphiql.addTab();
    await graphiql.paste(name, this.#fill(document));
    assert.deepEqual(await graphiql.headers(), this.#headers, name);
    await graphiql.run();
    const answer = await graphiql.answer();
    const told = `${name}: ${JSON.stringify(answer)}`;
    assert.equal(answer.errors, undefined, told);
    const [value, ...others] = Object.values(answer.data);
    assert.deepEqual(others, [], told);
    assert.ok(value, told);
    assert.deepEqual(value.userErrors ?? [], [], told);
    return value;
  }

  #fill(document) {
    return [...this.#words].reduce((text, [word, value]) => text.replaceAll(word, value), document);
  }
}

/** The documents of a section of the README in their order, each with the name of its operation. */
function steps(heading) {
  const [, section] = README.split(`${heading}\n`);
  assert.ok(section, `the README has no ${heading}`);
  const [, ...blocks] = section.split('\n## ')[0].split('```graphql\n');
  return blocks.map((block) => {
    const [document] = block.split('```');
    const [, name] = /^\w+ (\w+)/.exec(document);
    return { name, document };
  });
}

function replaced({ name, document }, from, to) {
  assert.ok(!document.includes('idempotencyKey') || document.includes(from), name);
  return { name, document: document.replace(from, to) };
}
