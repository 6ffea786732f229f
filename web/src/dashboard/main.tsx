/** The page at `/dashboard`: how the shop does, for its staff. */

import '@fontsource-variable/inter/wght.css';
import { Component, render, type ComponentChildren, type JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { connect, type Connection } from './data/client.ts';
import { ClientContext, useSession } from './data/hooks.ts';
import { Dashboard } from './dashboard.tsx';
import { NotForYou, SignIn, TooOld } from './sign-in.tsx';

function Page(): JSX.Element {
  const { session, notice } = useSession();
  if (!session) return <SignIn notice={notice} />;
  if (session.role === 'CUSTOMER') return <NotForYou name={session.name} />;
  return <SignedIn name={session.name} />;
}

/** What a newer server says may be more than an open page knows: better no page than a wrong one. */
class Watched extends Component<{ children: ComponentChildren }, { isBroken: boolean }> {
  override state = { isBroken: false };

  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ isBroken: true });
  }

  override render(): ComponentChildren {
    return this.state.isBroken ? <TooOld /> : this.props.children;
  }
}

/** One connection for one session: it ends with it. */
function SignedIn({ name }: { name: string }): JSX.Element | null {
  const [connection, setConnection] = useState<Connection | null>(null);
  useEffect(() => {
    const opened = connect();
    setConnection(opened);
    return () => opened.dispose();
  }, []);
  if (!connection) return null;
  return (
    <ClientContext.Provider value={connection.client}>
      <Dashboard name={name} />
    </ClientContext.Provider>
  );
}

const app = document.getElementById('app');
if (!app) throw new Error('dashboard.html has no #app');
app.replaceChildren();
render(
  <Watched>
    <Page />
  </Watched>,
  app,
);
