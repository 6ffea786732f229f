/** A state: its sign and its word. */

import type { JSX } from 'preact';
import type { Tone } from '../words.ts';
import { ToneIcon } from './icons.tsx';

export function Badge({ tone, children }: { tone: Tone; children: string }): JSX.Element {
  return (
    <span class={`badge tone-${tone}`}>
      <ToneIcon tone={tone} size={14} />
      {children}
    </span>
  );
}
