/** The window of days that is looked at. It is in the address, so that it can be sent to others. */

import { useState } from 'preact/hooks';

export const WINDOWS = [1, 7, 30, 90] as const;
export type Window = (typeof WINDOWS)[number];

const USUAL: Window = 7;

export function useWindow(): [Window, (days: Window) => void] {
  const [days, setDays] = useState(read);
  return [
    days,
    (next) => {
      const address = new URL(location.href);
      address.searchParams.set('days', String(next));
      history.replaceState(null, '', address);
      setDays(next);
    },
  ];
}

function read(): Window {
  const wanted = Number(new URL(location.href).searchParams.get('days'));
  return WINDOWS.find((days) => days === wanted) ?? USUAL;
}
