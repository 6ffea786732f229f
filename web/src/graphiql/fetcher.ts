/** How this page reaches the server: HTTP and WebSocket on the same path, `/graphql`. */

import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { ENDPOINT, SOCKET } from '../session/tokens.ts';
import { authorization, bearer } from './headers.ts';
import { sessions } from './session.ts';

interface GraphQLError {
  extensions?: { code?: string };
}

// The headers pane goes into the payload of `connection_init`, so a subscription is signed in as well.
const send = createGraphiQLFetcher({
  url: ENDPOINT,
  subscriptionUrl: SOCKET,
  enableIncrementalDelivery: false,
});

/** GraphiQL's fetcher. It ends the session when the server no longer takes its token. */
export const fetcher: Fetcher = async (params, options) => {
  const result = await send(params, options);
  const { session } = sessions;
  if (
    session &&
    isRefused(result) &&
    authorization(options?.headers ?? {}) === bearer(session.accessToken)
  ) {
    sessions.end('The server no longer accepts your session. Please sign in again.');
  }
  return result;
};

function isRefused(result: unknown): boolean {
  const { errors } = (result ?? {}) as { errors?: GraphQLError[] };
  return errors?.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED') ?? false;
}
