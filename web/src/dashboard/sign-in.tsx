/** What is seen by whoever is not signed in, or may not see the dashboard. */

import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import logo from '../favicon.svg';
import { sessions } from './data/client.ts';

export function SignIn({ notice }: { notice: string | null }): JSX.Element {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [errors, setErrors] = useState<string[]>([]);
  const id = useId();

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setErrors([]);
    const reasons = await sessions.signIn(email, password);
    setBusy(false);
    setErrors(reasons);
  }

  return (
    <Card title="Stockroom dashboard">
      <p class="secondary">Sign in with an account of the staff.</p>
      <form onSubmit={(event) => void submit(event)}>
        <label for={`${id}-email`}>E-mail</label>
        <input
          id={`${id}-email`}
          type="email"
          name="email"
          autocomplete="username"
          required
          value={email}
          onInput={(event) => setEmail(event.currentTarget.value)}
        />
        <label for={`${id}-password`}>Password</label>
        <input
          id={`${id}-password`}
          type="password"
          name="password"
          autocomplete="current-password"
          required
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
        <div role="alert">
          {(errors.length > 0 ? errors : notice ? [notice] : []).map((error) => (
            <p class="failure" key={error}>
              {error}
            </p>
          ))}
        </div>
        <button type="submit" class="button primary" disabled={isBusy}>
          {isBusy ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
    </Card>
  );
}

/** For whoever is signed in and no member of the staff. */
export function NotForYou({ name }: { name: string }): JSX.Element {
  return (
    <Card title="This page is for the staff">
      <p role="alert">
        You are signed in as <strong>{name}</strong>, whose account may not see how the shop does.
        An administrator can give it the role it needs.
      </p>
      <button type="button" class="button primary" onClick={() => sessions.signOut()}>
        Sign in as somebody else
      </button>
    </Card>
  );
}

/** For a page that was opened before the server was renewed, and cannot show what it says now. */
export function TooOld(): JSX.Element {
  return (
    <Card title="This page cannot go on">
      <p role="alert">Most likely the server is newer than the page. Load it again.</p>
      <button type="button" class="button primary" onClick={() => location.reload()}>
        Load again
      </button>
    </Card>
  );
}

function Card({ title, children }: { title: string; children: (JSX.Element | null)[] }) {
  return (
    <main class="card">
      <img src={logo} alt="" width="36" height="36" />
      <h1>{title}</h1>
      {children}
    </main>
  );
}
