/** Light or dark: as the system has it, or as the reader chose. */

import { useEffect, useState } from 'preact/hooks';

export type Theme = 'system' | 'light' | 'dark';

const STORAGE_KEY = 'stockroom:theme';
const CHOICES: Theme[] = ['system', 'light', 'dark'];
const dark = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();
let theme: Theme = read();
apply();
dark.addEventListener('change', tell);

export interface Colors {
  text: string;
  muted: string;
  grid: string;
  one: string;
  two: string;
  good: string;
  warning: string;
  critical: string;
}

export function useTheme(): [Theme, () => void] {
  const [shown, setShown] = useState(theme);
  useEffect(() => listen(() => setShown(theme)), []);
  return [shown, next];
}

/** The colours of the charts, as the style sheet has them now. */
export function useColors(): Colors {
  const [colors, setColors] = useState(present);
  useEffect(() => listen(() => setColors(present())), []);
  return colors;
}

export function nextTheme(current: Theme): Theme {
  return CHOICES[(CHOICES.indexOf(current) + 1) % CHOICES.length] ?? 'system';
}

function next(): void {
  theme = nextTheme(theme);
  apply();
  try {
    localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  tell();
}

function apply(): void {
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset['theme'];
  else dataset['theme'] = theme;
}

function read(): Theme {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return CHOICES.find((choice) => choice === stored) ?? 'system';
  } catch {
    return 'system';
  }
}

function present(): Colors {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of('text'),
    muted: of('muted'),
    grid: of('line'),
    one: of('data-1'),
    two: of('data-2'),
    good: of('data-good'),
    warning: of('data-warning'),
    critical: of('data-critical'),
  };
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(): void {
  for (const listener of listeners) listener();
}
