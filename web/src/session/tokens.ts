/** Signing in, staying signed in and signing out, as the server knows them. */

export const ENDPOINT = '/graphql';
/** The same path, as a WebSocket. */
export const SOCKET = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${ENDPOINT}`;

const PAIR =
  'accessToken expiresAt refreshToken user { name role } userErrors { code message path }';
const CREATE = `mutation SignIn($input: TokenCreateInput!) { tokens: tokenCreate(input: $input) { ${PAIR} } }`;
const REFRESH = `mutation StaySignedIn($input: TokenRefreshInput!) { tokens: tokenRefresh(input: $input) { ${PAIR} } }`;
const REVOKE = `mutation SignOut { tokenRevoke(input: {}) { revokedSessions } }`;

export interface UserError {
  code: string;
  message: string;
  path: string[];
}

export interface Tokens {
  accessToken: string;
  expiresAt: string;
  /** Null when it is in a cookie. */
  refreshToken: string | null;
  user: { name: string; role: string } | null;
}

interface Payload {
  accessToken: string | null;
  expiresAt: string | null;
  refreshToken: string | null;
  user: { name: string; role: string } | null;
  userErrors: UserError[];
}

/** Tokens, or in the user's words why not. Throws when there was no answer. */
export async function createTokens(email: string, password: string): Promise<Tokens | string[]> {
  const payload = await ask(CREATE, { email, password });
  return tokensOf(payload) ?? payload.userErrors.map(describe);
}

/** The next tokens, or null when the server refuses. Throws when there was no answer. */
export async function refreshTokens(refreshToken: string | null): Promise<Tokens | null> {
  return tokensOf(await ask(REFRESH, refreshToken === null ? {} : { refreshToken }));
}

export async function revokeTokens(accessToken: string): Promise<void> {
  await post({ query: REVOKE }, { Authorization: `Bearer ${accessToken}` });
}

function tokensOf({ accessToken, expiresAt, refreshToken, user }: Payload): Tokens | null {
  return accessToken && expiresAt ? { accessToken, expiresAt, refreshToken, user } : null;
}

async function ask(query: string, input: object): Promise<Payload> {
  const response = await post({ query, variables: { input } });
  // What is no JSON is from a proxy that has nobody to ask.
  const { data, errors } = (await response.json().catch(() => ({}))) as {
    data?: { tokens: Payload | null } | null;
    errors?: { message: string }[];
  };
  if (!data?.tokens) {
    throw new Error(
      errors?.[0]?.message ??
        `The server cannot be reached: the answer was an error ${response.status}.`,
    );
  }
  return data.tokens;
}

function post(body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(ENDPOINT, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json, application/json;q=0.9',
      ...headers,
    },
    body: JSON.stringify(body),
  });
}

function describe({ code, message, path }: UserError): string {
  const field = path.at(-1);
  return code === 'INVALID_CREDENTIALS' || !field ? message : `${field}: ${message}`;
}
