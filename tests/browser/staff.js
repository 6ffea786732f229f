// The account that the tests sign in with.

import { setting } from './browser.js';

export const STAFF = {
  email: setting('STOCKROOM_ADMIN_EMAIL'),
  password: setting('STOCKROOM_ADMIN_PASSWORD'),
};
