// Another client of the same server: buys, pays and counts stock while a page looks on.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { eventually, SERVER } from './browser.js';
import { STAFF } from './staff.js';

const A_MINUTE_MS = 60_000;
/** Between tries to pay: a crowd at the provider is not what is tested. */
const PAUSE_MS = 100;
const ADDRESS = {
  name: 'A Shopper',
  line1: 'Long Street 1',
  city: 'Berlin',
  postalCode: '10115',
  country: 'DE',
};

export class Shop {
  #token;

  static async staff() {
    const shop = new Shop();
    const { tokenCreate } = await shop.#ask(
      `mutation ($input: TokenCreateInput!) {
        tokenCreate(input: $input) { accessToken userErrors { message } }
      }`,
      { input: STAFF },
    );
    assert.deepEqual(tokenCreate.userErrors, []);
    shop.#token = tokenCreate.accessToken;
    return shop;
  }

  /** Makes an account that is none of the staff's. */
  async registerCustomer() {
    const account = {
      email: `customer-${randomUUID()}@example.com`,
      password: 'four unlikely words together',
      name: 'Some Customer',
    };
    const { accountRegister } = await this.#ask(
      `mutation ($input: AccountRegisterInput!) {
        accountRegister(input: $input) { userErrors { message } }
      }`,
      { input: account },
    );
    assert.deepEqual(accountRegister.userErrors, []);
    return account;
  }

  /** A SKU that can be bought, `nth` of those. */
  async sku(nth) {
    const { products } = await this.#ask(`{
      products(first: 20, where: { inStock: true }) {
        nodes { variants(first: 1) { nodes { sku stock { available } } } }
      }
    }`);
    const variants = products.nodes.flatMap(({ variants }) => variants.nodes);
    return variants.filter(({ stock }) => stock.available >= 10)[nth].sku;
  }

  /** Orders a piece of a SKU and pays by a method of the sandbox. */
  async order(sku, method) {
    const { cartCreate } = await this.#ask(
      `mutation ($input: CartCreateInput!) {
        cartCreate(input: $input) { cart { id } userErrors { message } }
      }`,
      { input: { lines: [{ sku, quantity: 1 }] } },
    );
    assert.deepEqual(cartCreate.userErrors, []);
    const { checkoutComplete } = await this.#ask(
      `mutation ($input: CheckoutCompleteInput!) {
        checkoutComplete(input: $input) {
          order { id total { amount currency } }
          guestAccessToken
          userErrors { code message }
        }
      }`,
      {
        input: {
          cartId: cartCreate.cart.id,
          email: 'shopper@example.com',
          shippingAddress: ADDRESS,
          payment: { provider: 'sandbox', method },
          idempotencyKey: randomUUID(),
        },
      },
    );
    assert.ok(checkoutComplete.order, JSON.stringify(checkoutComplete.userErrors));
    return checkoutComplete.order;
  }

  /** Tries to pay an order; says whether that worked. */
  async pays(order, method) {
    const { orderPay } = await this.#ask(
      `mutation ($input: OrderPayInput!) {
        orderPay(input: $input) { order { status } userErrors { code } }
      }`,
      {
        input: {
          orderId: order.id,
          payment: { provider: 'sandbox', method },
          idempotencyKey: randomUUID(),
        },
      },
    );
    return orderPay.userErrors.length === 0;
  }

  /** The breaker of the payment provider: CLOSED, HALF_OPEN or OPEN. */
  async circuit() {
    const { metrics } = await this.#ask('{ metrics(days: 1) { circuitBreakerState } }');
    return metrics.circuitBreakerState;
  }

  /** An order that waits for its payment, because the provider failed. */
  unpaidOrder(sku) {
    return this.order(sku, 'card_error');
  }

  /** Lets the provider fail, so that nobody asks it any more, for as long as `story` takes. */
  async whileProviderFails(order, story) {
    let isOver = false;
    const told = story().finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await this.pays(order, 'card_error');
      await setTimeout(PAUSE_MS);
    }
    return told;
  }

  /** Pays with a provider that is well again, until it is asked as before. */
  async mendProvider(order, sku) {
    let isPaid = false;
    const isMended = await eventually(async () => {
      if (isPaid) await this.order(sku, 'card_approved');
      else isPaid = await this.pays(order, 'card_approved');
      await setTimeout(PAUSE_MS);
      return (await this.circuit()) === 'CLOSED' ? true : undefined;
    }, A_MINUTE_MS);
    assert.ok(isMended, 'the circuit breaker did not close');
  }

  /** How many pieces of a SKU its level has, and from which number on that is low. */
  async level(sku) {
    const { stockLevels } = await this.#ask(
      `query ($sku: String!) {
        stockLevels(first: 1, where: { sku: { eq: $sku } }) {
          nodes { available reorderPoint warehouse { id } }
        }
      }`,
      { sku },
    );
    return stockLevels.nodes[0];
  }

  async setReorderPoint(sku, reorderPoint) {
    const { warehouse } = await this.level(sku);
    const { stockSet } = await this.#ask(
      `mutation ($input: StockSetInput!) { stockSet(input: $input) { userErrors { message } } }`,
      { input: { sku, warehouseId: warehouse.id, reorderPoint } },
    );
    assert.deepEqual(stockSet.userErrors, []);
  }

  async adjust(sku, delta) {
    const { warehouse } = await this.level(sku);
    const { stockAdjust } = await this.#ask(
      `mutation ($input: StockAdjustInput!) {
        stockAdjust(input: $input) { userErrors { message } }
      }`,
      { input: { sku, warehouseId: warehouse.id, delta, type: 'ADJUSTMENT' } },
    );
    assert.deepEqual(stockAdjust.userErrors, []);
  }

  /** Whether the server still takes an access token. */
  async takes(token) {
    const answer = await post('{ me { id } }', {}, token);
    return !answer.errors;
  }

  /** Ends the session that an access token belongs to, as another device does. */
  async endSession(token) {
    const { errors } = await post(
      'mutation { tokenRevoke(input: {}) { revokedSessions } }',
      {},
      token,
    );
    assert.equal(errors, undefined);
  }

  async #ask(query, variables = {}) {
    const { data, errors } = await post(query, variables, this.#token);
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  }
}

async function post(query, variables, token) {
  const response = await fetch(new URL('/graphql', SERVER), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}
