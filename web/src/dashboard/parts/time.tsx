/** A moment, in local time or as how long ago; pointing at it tells it in UTC. */

import type { JSX } from 'preact';
import { useNow } from '../data/hooks.ts';
import { ago, localTime, utcTime } from '../format.ts';

const STEP_MS = 10_000;

export function Ago({ at }: { at: string }): JSX.Element {
  const now = useNow(STEP_MS);
  return (
    <time dateTime={at} title={`${localTime(at)} · ${utcTime(at)}`}>
      {ago(at, now)}
    </time>
  );
}

export function Moment({ at }: { at: string }): JSX.Element {
  return (
    <time dateTime={at} title={utcTime(at)}>
      {localTime(at)}
    </time>
  );
}
