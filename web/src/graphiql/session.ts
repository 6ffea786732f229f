/**
 * Who is signed in to this page. The session lives in the storage area of GraphiQL, so that "Clear
 * data" in its settings forgets it too, and other windows of the page follow.
 */

import { useSyncExternalStore } from 'react';

export interface Session {
  accessToken: string;
  /** RFC 3339: when the server stops taking the token. */
  expiresAt: string;
  /** Whom to greet: the user's name, else the address signed in with. */
  name: string;
}

interface State {
  session: Session | null;
  /** Why the last session ended, when it was not the user's wish. */
  notice: string | null;
}

const STORAGE_KEY = 'graphiql:session';
/** `setTimeout` counts in 32 bits; longer sessions are looked at again when it fires. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const listeners = new Set<() => void>();
let remembered = true;
let timer: number | undefined;
let state: State = { session: read(), notice: null };

watchExpiry();
addEventListener('storage', (event) => {
  // Storage events come from other windows only; `key` is null when all was cleared.
  if (remembered && (event.key === STORAGE_KEY || event.key === null)) {
    update({ session: read(), notice: null });
  }
});

export function startSession(session: Session): void {
  update({ session, notice: null });
  write();
}

/** Ends the session; `notice` says why when the user did not ask for it. */
export function endSession(notice: string | null = null): void {
  update({ session: null, notice });
  write();
}

/** Whether the session outlives a reload. It follows GraphiQL's own setting "Persist headers". */
export function rememberSession(remember: boolean): void {
  remembered = remember;
  write();
}

export function currentSession(): Session | null {
  return state.session;
}

export function useSession(): State {
  return useSyncExternalStore(subscribe, () => state);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function update(next: State): void {
  state = next;
  watchExpiry();
  for (const listener of listeners) listener();
}

function watchExpiry(): void {
  clearTimeout(timer);
  if (!state.session) return;
  const left = Date.parse(state.session.expiresAt) - Date.now();
  timer = window.setTimeout(
    () => {
      if (left > LONGEST_TIMER_MS) watchExpiry();
      else endSession('Your session has ended. Please sign in again.');
    },
    Math.min(Math.max(left, 0), LONGEST_TIMER_MS),
  );
}

function read(): Session | null {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? 'null');
    return isSession(stored) ? stored : null;
  } catch {
    return null; // storage switched off in this browser, or not ours
  }
}

function write(): void {
  try {
    if (remembered && state.session) {
      localStorage.setItem(STORAGE_KEY, JSON.stringify(state.session));
    } else {
      localStorage.removeItem(STORAGE_KEY);
    }
  } catch {
    // Storage is switched off or full: the session lasts as long as the page.
  }
}

function isSession(value: unknown): value is Session {
  if (typeof value !== 'object' || value === null) return false;
  const { accessToken, expiresAt, name } = value as Record<string, unknown>;
  return [accessToken, expiresAt, name].every((part) => typeof part === 'string');
}
