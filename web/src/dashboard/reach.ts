/** How far the page is from the server. */

import type { LinkState } from './data/link.ts';

/**
 * `unpushed`: questions are answered, but no news comes by itself. `away`: the server does not answer.
 * `offline`: this device has no network, which says nothing of the server.
 */
export type Reach = 'connecting' | 'live' | 'unpushed' | 'away' | 'offline';

interface Signs {
  link: LinkState;
  /** Since when the link is lost. */
  lostAt: number | null;
  /** When the server answered last. */
  answeredAt: number | null;
  /** Whether it did not answer what it was asked last. */
  isSilent: boolean;
}

/** Whoever has lost the link asks at once: the answer tells whether the server is there. */
export function reach({ link, lostAt, answeredAt, isSilent }: Signs): Reach {
  if (link !== 'lost') return link;
  if (!navigator.onLine) return 'offline';
  const hasAnswered = answeredAt !== null && lostAt !== null && answeredAt > lostAt;
  return hasAnswered && !isSilent ? 'unpushed' : 'away';
}
