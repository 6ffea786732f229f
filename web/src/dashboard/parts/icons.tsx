/** The signs of the page. They stand beside words and say nothing by themselves. */

import type { JSX } from 'preact';
import type { Tone } from '../words.ts';

const TONES: Record<Tone, JSX.Element> = {
  good: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="m5.2 8.2 2 2 3.6-4" />
    </>
  ),
  warning: (
    <>
      <path d="M8 2.2 14.4 13.4H1.6z" />
      <path d="M8 6.4v3.2M8 11.4v.1" />
    </>
  ),
  critical: (
    <>
      <path d="M5.4 1.75h5.2l3.65 3.65v5.2l-3.65 3.65H5.4L1.75 10.6V5.4z" />
      <path d="M8 4.8v3.7M8 10.9v.1" />
    </>
  ),
  unknown: (
    <>
      <circle cx="8" cy="8" r="6.25" stroke-dasharray="2.4 1.6" />
      <path d="M5.5 8h5" />
    </>
  ),
};

export function ToneIcon({ tone, size = 16 }: { tone: Tone; size?: number }): JSX.Element {
  return (
    <svg
      class={`icon tone-${tone}`}
      viewBox="0 0 16 16"
      width={size}
      height={size}
      aria-hidden="true"
    >
      {TONES[tone]}
    </svg>
  );
}

const THEMES = {
  system: <path d="M2 3h12v8H2zM5.5 13.5h5M8 11v2.5" />,
  light: (
    <>
      <circle cx="8" cy="8" r="3" />
      <path d="M8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1" />
    </>
  ),
  dark: <path d="M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1z" />,
};

export function ThemeIcon({ theme }: { theme: keyof typeof THEMES }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {THEMES[theme]}
    </svg>
  );
}
