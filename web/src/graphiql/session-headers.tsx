/** Keeps the headers of all tabs in step with the session: what is sent is what is seen. */

import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef } from 'react';
import { withoutToken, withToken } from './headers.ts';
import { sessions, useSession, type Session } from './session.ts';

export function SessionHeaders(): null {
  const { session } = useSession();
  const { moveTab, updateActiveTabValues } = useGraphiQLActions();
  const { tabs, activeTabIndex, headerEditor, shouldPersistHeaders } = useGraphiQL(
    pick('tabs', 'activeTabIndex', 'headerEditor', 'shouldPersistHeaders'),
  );
  const applied = useRef<Session | null>(null);
  const tabCount = useRef(tabs.length);

  /** The editor tells the tab what it holds after a pause; by then another tab may be open. */
  function write(headers: string): void {
    updateActiveTabValues({ headers });
    headerEditor?.setValue(headers);
  }

  useEffect(() => sessions.remember(shouldPersistHeaders), [shouldPersistHeaders]);

  useEffect(() => {
    const previous = applied.current;
    if (!headerEditor || previous === session) return;
    const change = (text: string): string => {
      if (session) return withToken(text, session.accessToken);
      return previous ? withoutToken(text, previous.accessToken) : text;
    };
    applied.current = session;
    // The open tab is the editor's, the others are what GraphiQL would put there. Moving tabs is its
    // only public way to write them; it knows the open one by identity.
    moveTab(
      tabs.map((tab, index) =>
        index === activeTabIndex ? tab : { ...tab, headers: change(tab.headers ?? '') },
      ),
    );
    write(change(headerEditor.getValue()));
  }, [session, headerEditor, tabs, activeTabIndex, moveTab]);

  useEffect(() => {
    const isNewTab = tabs.length > tabCount.current;
    tabCount.current = tabs.length;
    if (isNewTab && session && headerEditor) {
      write(withToken(headerEditor.getValue(), session.accessToken));
    }
  }, [session, headerEditor, tabs]);

  return null;
}
