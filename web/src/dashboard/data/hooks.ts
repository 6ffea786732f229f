/** Reading from the server in components. */

import type { Client, CombinedError, TypedDocumentNode } from '@urql/core';
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks';
import { onEnd, pipe, subscribe } from 'wonka';
import { link, sessions } from './client.ts';
import type { LinkState } from './link.ts';
import type { SessionState } from '../../session/session.ts';

/** After a stream that the server ended. */
const AGAIN_MS = 1_000;
/** After a question that was not answered: whoever waits for the server sees it come back. */
const ASK_AGAIN_MS = 5_000;

export const ClientContext = createContext<Client | null>(null);

export function useClient(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error('there is no client here');
  return client;
}

interface Store<T> {
  subscribe(listener: () => void): () => void;
  state(): T;
}

function useStore<T>({ subscribe, state }: Store<T>): T {
  const [value, setValue] = useState(state);
  useEffect(() => {
    const look = () => setValue(() => state());
    look();
    return subscribe(look);
  }, [subscribe, state]);
  return value;
}

export function useSession(): SessionState {
  return useStore(sessions);
}

/** The link to the server, and since when it is lost. */
export function useLink(): [LinkState, number | null] {
  return [useStore(link), useStore(losses)];
}

const losses = { subscribe: link.subscribe, state: link.lostAt };

/** Opened anew or lost: either way the server is asked what there is to know. */
const changes = { subscribe: link.subscribe, state: link.changes };

/** What the server says to a question; without data there is an error. */
export interface Answer<T> {
  data?: T | undefined;
  error?: CombinedError | undefined;
}

/** A question that takes more than one document. */
type Ask<T, V> = (client: Client, variables: V) => Promise<Answer<T>>;

/** What was read last. Old data stay while they are read anew, and when that fails. */
export interface Reading<T> {
  data: T | null;
  /** Why the last try failed; null when it did not. */
  error: CombinedError | null;
  /** When the data came. */
  at: number | null;
  /** Whether the data belong to other variables, such as another window of days. */
  isOutdated: boolean;
  read(): void;
  /** Takes news into the data. */
  change(update: (data: T) => T): void;
}

interface Held<T> {
  key: string;
  data: T | null;
  error: CombinedError | null;
  at: number | null;
}

/**
 * Reads at once, every so often, when the connection is lost or back and when the page is looked at
 * again.
 */
export function useReading<T, V extends object>(
  question: TypedDocumentNode<T, V> | Ask<T, V>,
  variables: V,
  everyMs: number,
): Reading<T> {
  const client = useClient();
  const linked = useStore(changes);
  const key = JSON.stringify(variables);
  const [held, setHeld] = useState<Held<T>>({ key, data: null, error: null, at: null });
  const round = useRef(0);

  const read = useCallback(() => {
    const mine = (round.current += 1);
    const asked = JSON.parse(key) as V;
    const answer: Promise<Answer<T>> =
      typeof question === 'function'
        ? question(client, asked)
        : client.query(question, asked).toPromise();
    void answer.then(({ data, error }) => {
      // An earlier question that is answered after a later one says nothing new.
      if (mine !== round.current) return;
      setHeld((before) =>
        data && !error
          ? { key, data, error: null, at: Date.now() }
          : { ...before, error: error ?? null },
      );
    });
  }, [client, question, key]);

  const { error } = held;
  useEffect(() => {
    if (!error) return;
    const timer = setTimeout(read, ASK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [error, read]);

  useEffect(() => {
    read();
    const timer = setInterval(() => {
      if (!document.hidden) read();
    }, everyMs);
    const look = () => {
      if (!document.hidden) read();
    };
    document.addEventListener('visibilitychange', look);
    return () => {
      round.current += 1; // what is under way belongs to nobody
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [read, everyMs, linked]);

  const change = useCallback((update: (data: T) => T) => {
    setHeld((before) =>
      before.data === null ? before : { ...before, data: update(before.data), at: Date.now() },
    );
  }, []);

  return { ...held, isOutdated: held.data !== null && held.key !== key, read, change };
}

/**
 * Hands each event to `take` as long as the component is there, also when the server ends the stream
 * meanwhile, because it restarts. Null: nothing to subscribe to.
 */
export function useEvents<T, V extends object>(
  document: TypedDocumentNode<T, V>,
  variables: V | null,
  take: (event: T) => void,
): void {
  const client = useClient();
  const latest = useRef(take);
  latest.current = take;
  const key = variables && JSON.stringify(variables);
  useEffect(() => {
    if (key === null) return;
    let isOver = false;
    let timer: number | undefined;
    let stop = () => {};
    const begin = () => {
      const { unsubscribe } = pipe(
        client.subscription(document, JSON.parse(key) as V),
        onEnd(() => {
          if (!isOver) timer = window.setTimeout(begin, AGAIN_MS);
        }),
        subscribe(({ data }) => {
          if (data) latest.current(data);
        }),
      );
      stop = unsubscribe;
    };
    begin();
    return () => {
      isOver = true;
      clearTimeout(timer);
      stop();
    };
  }, [client, document, key]);
}

/** The present, as often as it is shown. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
