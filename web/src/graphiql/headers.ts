/** The text of a headers pane (JSON with comments) with and without a token in it. */

import { tryParseJSONC } from '@graphiql/react';

export function withToken(text: string, token: string): string {
  const headers = parse(text);
  return headers ? print({ ...without(headers), Authorization: bearer(token) }) : text;
}

/** Removes `token` and nothing else: what was written there by hand stays. */
export function withoutToken(text: string, token: string): string {
  const headers = parse(text);
  if (!headers || authorization(headers) !== bearer(token)) return text;
  const rest = without(headers);
  return Object.keys(rest).length > 0 ? print(rest) : '';
}

/** The value of the `Authorization` header, whatever its case. */
export function authorization(headers: Record<string, unknown>): unknown {
  return Object.entries(headers).find(([name]) => isAuthorization(name))?.[1];
}

export function bearer(token: string): string {
  return `Bearer ${token}`;
}

/** Null when the pane holds something unfinished: it is then left as it is. */
function parse(text: string): Record<string, unknown> | null {
  try {
    return (tryParseJSONC(text) as Record<string, unknown> | undefined) ?? {};
  } catch {
    return null;
  }
}

function print(headers: Record<string, unknown>): string {
  return JSON.stringify(headers, null, 2);
}

function without(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isAuthorization(name)));
}

function isAuthorization(name: string): boolean {
  return name.toLowerCase() === 'authorization';
}
