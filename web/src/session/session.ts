/**
 * Who is signed in to a page. The session is kept in the storage of the browser, so that it outlives a
 * reload and other windows of the page follow; its access token is renewed before it ends.
 */

import { createTokens, refreshTokens, revokeTokens, type Tokens } from './tokens.ts';

export interface Session {
  accessToken: string;
  /** RFC 3339: when the server stops taking the token. */
  expiresAt: string;
  /** Null: in a cookie that scripts cannot read. Left out: there is none, the session just ends. */
  refreshToken?: string | null;
  /** Whom to greet: the user's name, else the address signed in with. */
  name: string;
  role?: string;
}

export interface SessionState {
  session: Session | null;
  /** Why the last session ended, when it was not the user's wish. */
  notice: string | null;
}

const ENDED = 'Your session has ended. Please sign in again.';
/** So long before a token ends its successor is fetched. */
const AHEAD_MS = 60_000;
/** After a failed try, and the least time between two: a clock that is wrong must not ask on and on. */
const RETRY_MS = 10_000;
/** `setTimeout` counts in 32 bits; longer sessions are looked at again when it fires. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class SessionStore {
  readonly #key: string;
  readonly #listeners = new Set<() => void>();
  #state: SessionState;
  #isRemembered = true;
  #timer: number | undefined;
  #renewal: Promise<void> | null = null;
  #renewedAt = 0;

  /** `key` names the session in the storage of the browser. */
  constructor(key: string) {
    this.#key = key;
    this.#state = { session: this.#read(), notice: null };
    this.#watch();
    addEventListener('storage', (event) => {
      // Storage events come from other windows only; `key` is null when all was cleared.
      if (this.#isRemembered && (event.key === key || event.key === null)) {
        this.#update({ session: this.#read(), notice: null });
      }
    });
  }

  readonly state = (): SessionState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get session(): Session | null {
    return this.#state.session;
  }

  /** Starts a session, or tells in the user's words why there is none: nothing when there is. */
  async signIn(email: string, password: string): Promise<string[]> {
    try {
      const answer = await createTokens(email, password);
      if (Array.isArray(answer)) return answer;
      this.start(sessionOf(answer, email));
      return [];
    } catch (error) {
      const isSilent = error instanceof TypeError; // what fetch throws
      return [isSilent ? 'The server cannot be reached.' : String((error as Error).message)];
    }
  }

  start(session: Session): void {
    this.#update({ session, notice: null });
    this.#write();
  }

  /** Ends the session on this page; `notice` says why when the user did not ask for it. */
  end(notice: string | null = null): void {
    this.#update({ session: null, notice });
    this.#write();
  }

  /** Ends the session here and at the server, whose answer nobody waits for. */
  signOut(notice: string | null = null): void {
    const { session } = this;
    this.end(notice);
    if (session) void revokeTokens(session.accessToken).catch(() => undefined);
  }

  /** Whether the session outlives a reload. */
  remember(isRemembered: boolean): void {
    this.#isRemembered = isRemembered;
    this.#write();
  }

  isAboutToEnd(): boolean {
    const { session } = this;
    return session !== null && Date.parse(session.expiresAt) - Date.now() < AHEAD_MS / 2;
  }

  /**
   * Fetches the next tokens, once for all who ask meanwhile. The session ends when the server refuses;
   * it stays when the server cannot be reached.
   */
  renew(): Promise<void> {
    this.#renewal ??= this.#renewAlone().finally(() => {
      this.#renewal = null;
      this.#watch();
    });
    return this.#renewal;
  }

  async #renewAlone(): Promise<void> {
    const before = this.session;
    if (!before || Date.now() - this.#renewedAt < RETRY_MS) return;
    if (before.refreshToken === undefined) return this.end(ENDED);
    await this.#alone(async () => {
      // Another window may have been first: its tokens are as good.
      const stored = this.#isRemembered ? this.#read() : before;
      if (!stored) return this.end();
      if (stored.accessToken !== before.accessToken) {
        return this.#update({ session: stored, notice: null });
      }
      this.#renewedAt = Date.now();
      const next = await refreshTokens(before.refreshToken ?? null);
      // Whoever signed out or in meanwhile has the last word.
      if (this.session !== before) return;
      if (next) this.start(sessionOf(next, before.name));
      else this.end(ENDED);
    });
  }

  /** One window at a time: a refresh token is good for one use. */
  async #alone(work: () => Promise<void> | void): Promise<void> {
    if (!navigator.locks) return work(); // only pages served over HTTPS or from this machine have it
    await navigator.locks.request(this.#key, work);
  }

  #update(next: SessionState): void {
    this.#state = next;
    this.#watch();
    for (const listener of this.#listeners) listener();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    const { session } = this;
    if (!session) return;
    const ahead = session.refreshToken === undefined ? 0 : AHEAD_MS;
    const left = Date.parse(session.expiresAt) - ahead - Date.now();
    const rest = this.#renewedAt + RETRY_MS - Date.now();
    const wait = Math.min(Math.max(left, rest, 0), LONGEST_TIMER_MS);
    // Whoever cannot reach the server tries again: `renew` sets the next timer in any case.
    this.#timer = window.setTimeout(() => {
      if (left > LONGEST_TIMER_MS) this.#watch();
      else void this.renew().catch(() => undefined);
    }, wait);
  }

  #read(): Session | null {
    try {
      const stored: unknown = JSON.parse(localStorage.getItem(this.#key) ?? 'null');
      return isSession(stored) ? stored : null;
    } catch {
      return null; // storage switched off in this browser, or not ours
    }
  }

  #write(): void {
    const { session } = this;
    try {
      if (this.#isRemembered && session) {
        localStorage.setItem(this.#key, JSON.stringify(session));
      } else {
        localStorage.removeItem(this.#key);
      }
    } catch {
      // Storage is switched off or full: the session lasts as long as the page.
      this.#isRemembered = false;
    }
  }
}

function sessionOf(tokens: Tokens, name: string): Session {
  const { accessToken, expiresAt, refreshToken, user } = tokens;
  return {
    accessToken,
    expiresAt,
    refreshToken,
    name: user?.name || name,
    ...(user && { role: user.role }),
  };
}

function isSession(value: unknown): value is Session {
  if (typeof value !== 'object' || value === null) return false;
  const { accessToken, expiresAt, name } = value as Record<string, unknown>;
  return [accessToken, expiresAt, name].every((part) => typeof part === 'string');
}
