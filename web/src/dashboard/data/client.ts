/** The one way to the server: GraphQL over HTTP, subscriptions over one WebSocket, signed in. */

import {
  Client,
  fetchExchange,
  subscriptionExchange,
  type CombinedError,
  type ExecutionResult,
} from '@urql/core';
import { authExchange } from '@urql/exchange-auth';
import { createClient, type Client as SocketClient } from 'graphql-ws';
import { SessionStore } from '../../session/session.ts';
import { ENDPOINT, SOCKET } from '../../session/tokens.ts';
import { Link } from './link.ts';

/** The server closes sockets with this code when a token has ended or is not taken. */
const FORBIDDEN = 4403;
const LONGEST_PAUSE_MS = 8_000;
/** So long after the last sign of life the server is asked for one, and given up without an answer. */
const ASK_AFTER_MS = 10_000;
const ANSWER_WITHIN_MS = 5_000;
/** So long a question waits for its answer: a server that hangs is one that does not answer. */
const PATIENCE_MS = 15_000;

export const sessions = new SessionStore('stockroom:dashboard:session');
export const link = new Link();

export interface Connection {
  client: Client;
  dispose(): void;
}

/** A connection for the session that is there now. */
export function connect(): Connection {
  const socket = openSocket();
  // A session of hours keeps its socket: the server takes the next token in a ping.
  const stopRenewing = sessions.subscribe(() => socket.sendToken());
  // Of a socket that was there before nobody knows whether it still reaches anyone.
  const reconnect = () => socket.client.terminate();
  addEventListener('online', reconnect);
  const client = new Client({
    url: ENDPOINT,
    requestPolicy: 'network-only',
    fetch: (to, options) => fetch(to, { ...options, signal: withLimit(options?.signal) }),
    preferGetMethod: false,
    exchanges: [
      authExchange(async (utils) => ({
        addAuthToOperation(operation) {
          const { session } = sessions;
          if (!session) return operation;
          return utils.appendHeaders(operation, { Authorization: bearer(session.accessToken) });
        },
        willAuthError: () => sessions.isAboutToEnd(),
        didAuthError: (error) => hasCode(error, 'UNAUTHENTICATED'),
        refreshAuth: () => sessions.renew().catch(() => undefined),
      })),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: ({ next, error, complete }) => ({
            unsubscribe: socket.client.subscribe(
              { query: query ?? '', variables },
              { next: (result) => next(result as ExecutionResult), error, complete },
            ),
          }),
        }),
      }),
    ],
  });
  return {
    client,
    dispose() {
      stopRenewing();
      removeEventListener('online', reconnect);
      socket.close();
    },
  };
}

export function hasCode(error: CombinedError | undefined, code: string): boolean {
  return error?.graphQLErrors.some(({ extensions }) => extensions?.['code'] === code) ?? false;
}

interface Socket {
  client: SocketClient;
  /** Sends the token of the session, if it is a new one. */
  sendToken(): void;
  close(): void;
}

function openSocket(): Socket {
  let isOver = false;
  let open: WebSocket | null = null;
  let sent: string | null = null;
  let answer: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url: SOCKET,
    connectionParams: async () => {
      if (sessions.isAboutToEnd()) await sessions.renew().catch(() => undefined);
      sent = sessions.session?.accessToken ?? null;
      return sent ? { authorization: bearer(sent) } : {};
    },
    retryAttempts: Infinity,
    shouldRetry: () => true,
    retryWait: async (tries) => {
      const pause = Math.min(250 * 2 ** tries, LONGEST_PAUSE_MS);
      // Not all at once when a server comes back.
      await Promise.race([wait(pause * (0.5 + Math.random() / 2)), backOnline()]);
    },
    keepAlive: ASK_AFTER_MS,
    on: {
      // A connection that died without a word does not answer.
      ping: (received) => {
        if (!received) answer = setTimeout(() => client.terminate(), ANSWER_WITHIN_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(answer);
      },
      connected: (opened) => {
        open = opened as WebSocket;
        link.open();
      },
      closed: (event) => {
        open = null;
        clearTimeout(answer);
        if (isOver) return;
        link.lose();
        if ((event as CloseEvent).code === FORBIDDEN) void sessions.renew().catch(() => undefined);
      },
    },
  });
  return {
    client,
    sendToken() {
      const token = sessions.session?.accessToken;
      if (!token || token === sent || open?.readyState !== WebSocket.OPEN) return;
      sent = token;
      open.send(JSON.stringify({ type: 'ping', payload: { authorization: bearer(token) } }));
    },
    close() {
      isOver = true;
      void client.dispose();
      link.close();
    },
  };
}

function withLimit(signal: AbortSignal | null | undefined): AbortSignal {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

function bearer(token: string): string {
  return `Bearer ${token}`;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function backOnline(): Promise<void> {
  return new Promise((resolve) => addEventListener('online', () => resolve(), { once: true }));
}
