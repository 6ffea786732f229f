/**
 * The tabs a first visitor finds. Each runs as it stands on the demo catalogue; the name of the
 * operation is the title of the tab.
 */

/** SKUs of the demo catalogue: the first product of Electronics and its neighbour. */
export const DEMO_SKUS = ['ELEC-001-BLK', 'ELEC-002-BLK'] as const;

const PRODUCTS = `# Welcome to Stockroom. Run this with Ctrl-Enter (Cmd-Enter on a Mac).
# Each tab is an example; "Documentation" on the left explains every field.

query Products {
  products(first: 5, orderBy: { field: NAME }) {
    totalCount
    nodes {
      name
      inStock
      priceRange {
        minimum { amount currency }
        maximum { amount currency }
      }
      variants(first: 3) {
        nodes {
          sku
          name
          price { amount currency }
          stock { available status }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;

const CATEGORIES = `# However deep and wide the answer: the number of SQL statements stays the same.

query Categories {
  categories(first: 10) {
    nodes {
      name
      slug
      products(first: 3) {
        totalCount
        nodes {
          name
          slug
          variants(first: 2) {
            nodes { sku stock { available } }
          }
        }
      }
    }
  }
}
`;

const SEARCH = `query Search($text: String!, $most: Decimal!) {
  products(
    first: 10
    search: $text
    where: { inStock: true, price: { lte: $most, currency: EUR } }
  ) {
    totalCount
    nodes {
      name
      description
      category { name }
      priceRange { minimum { amount currency } }
    }
  }
}
`;

const LIVE_STOCK = `# Start this, then run AdjustStock in a second window: the change appears here at once.
# It needs no account. (Switching to another tab of this page ends the subscription.)

subscription LiveStock($skus: [String!]) {
  stockChanged(skus: $skus) {
    sku
    stock { available status }
    version
    occurredAt
    variant {
      name
      product { name }
    }
  }
}
`;

const ADJUST_STOCK = `# For staff: open "Sign in" on the left first.

mutation AdjustStock($input: StockAdjustInput!) {
  stockAdjust(input: $input) {
    stockLevel {
      onHand
      reserved
      available
      version
      warehouse { name }
    }
    userErrors { code message path }
  }
}
`;

function variables(value: object): string {
  return JSON.stringify(value, null, 2);
}

export const EXAMPLE_TABS = [
  { query: PRODUCTS },
  { query: CATEGORIES },
  { query: SEARCH, variables: variables({ text: 'wireless', most: '500.00' }) },
  { query: LIVE_STOCK, variables: variables({ skus: DEMO_SKUS }) },
  {
    query: ADJUST_STOCK,
    variables: variables({
      input: { sku: DEMO_SKUS[0], delta: 5, type: 'RECEIPT', note: 'A delivery' },
    }),
  },
];
