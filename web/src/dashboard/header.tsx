/** The bar at the top: which days, whether live, which colours, who. */

import type { JSX } from 'preact';
import logo from '../favicon.svg';
import { sessions } from './data/client.ts';
import { ThemeIcon } from './parts/icons.tsx';
import type { Reach } from './reach.ts';
import { nextTheme, useTheme } from './theme.ts';
import { WINDOWS, type Window } from './window.ts';

interface Props {
  days: Window;
  onDays(days: Window): void;
  reach: Reach;
  name: string;
}

const REACH: Record<Reach, string> = {
  connecting: 'Connecting',
  live: 'Live',
  unpushed: 'Not live',
  away: 'Not connected',
  offline: 'Offline',
};

export function Header({ days, onDays, reach, name }: Props): JSX.Element {
  const [theme, changeTheme] = useTheme();
  return (
    <header class="bar">
      <a class="skip" href="#main">
        Skip to the figures
      </a>
      <h1 class="brand">
        <img src={logo} alt="" width="24" height="24" />
        Stockroom <span class="visually-hidden">dashboard</span>
      </h1>
      <p class={`link link-${reach}`}>
        <span class="dot" aria-hidden="true" />
        {REACH[reach]}
      </p>
      <fieldset class="windows">
        <legend class="visually-hidden">Window</legend>
        {WINDOWS.map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="days"
              value={each}
              checked={each === days}
              onChange={() => onDays(each)}
            />
            <span>
              {each}
              <span class="window-unit">{each === 1 ? ' day' : ' days'}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="bar-end">
        <button
          type="button"
          class="button quiet icon-button"
          aria-label={`Colours: ${theme}. Change to ${nextTheme(theme)}`}
          title={`Colours: ${theme}`}
          onClick={changeTheme}
        >
          <ThemeIcon theme={theme} />
        </button>
        <span class="who" title={name}>
          {name}
        </span>
        <button type="button" class="button small" onClick={() => sessions.signOut()}>
          Sign out
        </button>
      </div>
    </header>
  );
}
