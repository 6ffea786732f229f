// Writes the types of the dashboard's GraphQL operations, src/dashboard/data/operations.ts, from the
// schema of the server and src/dashboard/data/operations.graphql. Run it after a change of either.
//
//   node generate.js            write it
//   node generate.js --check    only say whether it is what would be written

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { codegen } from '@graphql-codegen/core';
import * as add from '@graphql-codegen/add';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { parse, visit } from 'graphql';
import { format } from 'prettier';

const SCHEMA = process.env.STOCKROOM_SCHEMA ?? here('../schema.graphql');
const OPERATIONS = here('src/dashboard/data/operations.graphql');
const GENERATED = here('src/dashboard/data/operations.ts');

const BANNER = '// Generated from schema.graphql and operations.graphql by `npm run generate`.\n';

/** How scalars of the schema travel in JSON. */
const SCALARS = { BigInt: 'string', Date: 'string', DateTime: 'string', Decimal: 'string' };

const generated = await generate();
if (process.argv.includes('--check')) {
  const present = await readFile(GENERATED, 'utf8').catch(() => '');
  if (present !== generated) {
    console.error('src/dashboard/data/operations.ts is stale: npm run generate in web/');
    process.exit(1);
  }
} else {
  await writeFile(GENERATED, generated);
}

async function generate() {
  const text = await codegen({
    filename: GENERATED,
    schema: withoutWords(parse(await readFile(SCHEMA, 'utf8'))),
    documents: [{ location: OPERATIONS, document: parse(await readFile(OPERATIONS, 'utf8')) }],
    config: {
      scalars: SCALARS,
      strictScalars: false,
      defaultScalarType: 'unknown',
      enumType: 'string-literal',
      useTypeImports: true,
      skipTypename: true,
      dedupeFragments: true,
      inlineFragmentTypes: 'combine',
      optimizeDocumentNode: true,
    },
    plugins: [{ add: { content: BANNER } }, { operations: {} }, { documents: {} }],
    pluginMap: { add, operations: typescriptOperations, documents: typedDocumentNode },
  });
  return format(text, { parser: 'typescript', printWidth: 100, singleQuote: true });
}

/** Descriptions and the order of types belong to the schema: others change nothing here. */
function withoutWords(schema) {
  const bare = ({ description, ...rest }) => rest;
  const plain = visit(schema, { enter: (node) => (node.description ? bare(node) : undefined) });
  const name = (definition) => definition.name?.value ?? '';
  const definitions = plain.definitions.toSorted((one, other) =>
    name(one) < name(other) ? -1 : Number(name(one) > name(other)),
  );
  return { ...plain, definitions };
}

function here(path) {
  return fileURLToPath(new URL(path, import.meta.url));
}
