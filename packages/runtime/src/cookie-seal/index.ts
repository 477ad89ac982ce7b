// SPDX-License-Identifier: Apache-2.0
export { CookieError, type CookieErrorCode } from './cookie-error.ts';
export {
  type CookieCounters,
  CookieSeal,
  type CookieSealOptions,
  type CookieSession,
  type OpenedCookie,
} from './cookie-seal.ts';
