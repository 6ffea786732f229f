/**
 * The tabs a first visitor finds. Each runs as it stands on the demo catalogue; the name of the
 * operation is the title of the tab.
 */

/** A SKU of the demo catalogue: the first product of Electronics. */
const DEMO_SKU = 'ELEC-001-BLK';

const PRODUCTS = `# Welcome to Stockroom. Run this with the pink
# button or Ctrl-Enter; each tab is an example.
# The book on the left explains every field.

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

const CATEGORIES = `# However many rows: the number of SQL
# statements stays the same (extensions.sql).

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

const SEARCH = `# Full-text search with a filter. Try other
# words in the variables below.

query Search($text: String!, $most: MoneyInput!) {
  products(
    first: 10
    search: $text
    where: { inStock: true, price: { lte: $most } }
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

const LIVE_STOCK = `# Start this, then run AdjustStock in a second
# browser window: the change shows here at once.
# (Leaving this tab ends the subscription.)

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

const ADJUST_STOCK = `# For staff: sign in first, on the left.

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
  {
    query: SEARCH,
    variables: variables({ text: 'wireless', most: { amount: '500.00', currency: 'EUR' } }),
  },
  { query: LIVE_STOCK, variables: variables({ skus: [DEMO_SKU] }) },
  {
    query: ADJUST_STOCK,
    variables: variables({
      input: { sku: DEMO_SKU, delta: 5, type: 'RECEIPT', note: 'A delivery' },
    }),
  },
];
