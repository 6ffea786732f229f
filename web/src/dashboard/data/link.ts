/** Whether live news reach the page. */

export type LinkState = 'connecting' | 'live' | 'lost';

/** A connection that is back within this time is not worth a word. */
const PATIENCE_MS = 1_500;

export class Link {
  readonly #listeners = new Set<() => void>();
  #state: LinkState = 'connecting';
  #timer: number | undefined;
  #opened = 0;

  constructor() {
    addEventListener('offline', () => this.#become('lost'));
  }

  readonly state = (): LinkState => this.#state;
  /** How often it was opened: whoever reads again at each change has missed nothing. */
  readonly opened = (): number => this.#opened;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  open(): void {
    this.#stopWaiting();
    this.#opened += 1;
    this.#state = 'live';
    this.#tell();
  }

  /** Also each time that opening it again fails. */
  lose(): void {
    this.#timer ??= window.setTimeout(() => this.#become('lost'), PATIENCE_MS);
  }

  /** Nobody is signed in any more. */
  close(): void {
    this.#stopWaiting();
    this.#become('connecting');
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #become(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
