/**
 * Who is signed in to this page. The session lives in the storage area of GraphiQL, so that "Clear
 * data" in its settings forgets it too.
 */

import { useSyncExternalStore } from 'react';
import { SessionStore, type SessionState } from '../session/session.ts';

export type { Session } from '../session/session.ts';

export const sessions = new SessionStore('graphiql:session');

export function useSession(): SessionState {
  return useSyncExternalStore(sessions.subscribe, sessions.state);
}
