/** Whether live news reach the page. */

export type LinkState = 'connecting' | 'live' | 'lost';

/** A connection that is back within this time is not worth a word. */
const PATIENCE_MS = 1_500;

export class Link {
  readonly #listeners = new Set<() => void>();
  #state: LinkState = 'connecting';
  #timer: number | undefined;
  #changes = 0;
  #lostAt: number | null = null;

  constructor() {
    addEventListener('offline', this.#lost);
  }

  readonly state = (): LinkState => this.#state;
  /** How often it was opened or lost: whoever reads again at each change has missed nothing. */
  readonly changes = (): number => this.#changes;
  /** Since when it is lost; null when it is not. */
  readonly lostAt = (): number | null => this.#lostAt;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  open(): void {
    this.#stopWaiting();
    this.#changes += 1;
    this.#lostAt = null;
    this.#state = 'live';
    this.#tell();
  }

  /** Also each time that opening it again fails. */
  lose(): void {
    this.#timer ??= window.setTimeout(this.#lost, PATIENCE_MS);
  }

  /** Nobody is signed in any more. */
  close(): void {
    this.#stopWaiting();
    this.#lostAt = null;
    this.#state = 'connecting';
    this.#tell();
  }

  readonly #lost = (): void => {
    if (this.#state === 'lost') return;
    this.#changes += 1;
    this.#lostAt = Date.now();
    this.#state = 'lost';
    this.#tell();
  };

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
