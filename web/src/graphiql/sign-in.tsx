/** The plugin "Sign in": a small form that fetches a token for the headers of all tabs. */

import { Button, type GraphiQLPlugin } from '@graphiql/react';
import { useId, useState, type FormEvent, type ReactNode } from 'react';
import { sessions, useSession, type Session } from './session.ts';

export const SIGN_IN_PLUGIN: GraphiQLPlugin = {
  title: 'Sign in',
  icon: SignInIcon,
  content: SignInPanel,
};

function SignInIcon(): ReactNode {
  const { session } = useSession();
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <circle cx="12" cy="8" r="4" />
      <path d="M4 21c.6-4 3.8-6.5 8-6.5s7.4 2.5 8 6.5" />
      {session && <circle className="stockroom-signed-in" cx="19" cy="5" r="3.5" stroke="none" />}
    </svg>
  );
}

function SignInPanel(): ReactNode {
  const { session, notice } = useSession();
  return (
    <section className="stockroom-sign-in" aria-label="Sign in">
      <h1>{session ? 'Signed in' : 'Sign in'}</h1>
      {session ? <SignedIn session={session} /> : <SignInForm notice={notice} />}
    </section>
  );
}

function SignedIn({ session }: { session: Session }): ReactNode {
  return (
    <>
      <p role="status">
        You are <strong>{session.name}</strong>.
      </p>
      <p className="stockroom-hint">
        Your token is in the headers of every tab, new ones included, and renewed before it ends;
        subscriptions send it when they connect.
      </p>
      <Button type="button" onClick={() => sessions.signOut()}>
        Sign out
      </Button>
    </>
  );
}

function SignInForm({ notice }: { notice: string | null }): ReactNode {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [errors, setErrors] = useState<string[]>(notice ? [notice] : []);
  const id = useId();

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setErrors([]);
    const reasons = await sessions.signIn(email, password);
    setBusy(false);
    setErrors(reasons);
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <p className="stockroom-hint">
        Browsing needs no account. Staff operations, such as changing stock, do.
      </p>
      <label htmlFor={`${id}-email`}>E-mail</label>
      <input
        id={`${id}-email`}
        type="email"
        name="email"
        autoComplete="username"
        required
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <label htmlFor={`${id}-password`}>Password</label>
      <input
        id={`${id}-password`}
        type="password"
        name="password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <div role="alert">
        {errors.map((error) => (
          <p className="stockroom-error" key={error}>
            {error}
          </p>
        ))}
      </div>
      <Button type="submit" disabled={isBusy}>
        {isBusy ? 'Signing in …' : 'Sign in'}
      </Button>
    </form>
  );
}
