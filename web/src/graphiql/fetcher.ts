/** How this page reaches the server: HTTP and WebSocket on the same path, `/graphql`. */

import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { authorization, bearer } from './headers.ts';
import { currentSession, endSession } from './session.ts';

const ENDPOINT = '/graphql';

const SIGN_IN = `mutation SignIn($input: TokenCreateInput!) {
  tokenCreate(input: $input) {
    accessToken
    expiresAt
    user { name }
    userErrors { code message path }
  }
}`;

export interface UserError {
  code: string;
  message: string;
  path: string[];
}

export interface SignInPayload {
  accessToken: string | null;
  expiresAt: string | null;
  user: { name: string } | null;
  userErrors: UserError[];
}

interface GraphQLError {
  message: string;
  extensions?: { code?: string };
}

// The headers pane goes into the payload of `connection_init`, so a subscription is signed in as well.
const send = createGraphiQLFetcher({
  url: ENDPOINT,
  subscriptionUrl: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${ENDPOINT}`,
  enableIncrementalDelivery: false,
});

/** GraphiQL's fetcher. It ends the session when the server no longer takes its token. */
export const fetcher: Fetcher = async (params, options) => {
  const result = await send(params, options);
  const session = currentSession();
  if (
    session &&
    isRefused(result) &&
    authorization(options?.headers ?? {}) === bearer(session.accessToken)
  ) {
    endSession('The server no longer accepts your session. Please sign in again.');
  }
  return result;
};

export async function signIn(email: string, password: string): Promise<SignInPayload> {
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json, application/json;q=0.9',
    },
    body: JSON.stringify({ query: SIGN_IN, variables: { input: { email, password } } }),
  });
  const { data, errors } = (await response.json()) as {
    data?: { tokenCreate: SignInPayload | null } | null;
    errors?: GraphQLError[];
  };
  if (!data?.tokenCreate) {
    throw new Error(errors?.[0]?.message ?? `The server answered ${response.status}.`);
  }
  return data.tokenCreate;
}

function isRefused(result: unknown): boolean {
  const { errors } = (result ?? {}) as { errors?: GraphQLError[] };
  return errors?.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED') ?? false;
}
