// SPDX-License-Identifier: Apache-2.0

const storageKey = 'vnfpool.token';

/** The token in a fragment such as `#token=abc`, or null. */
export function tokenFromHash(hash: string): string | null {
  const token = new URLSearchParams(hash.replace(/^#/, '')).get('token')?.trim();
  return token === undefined || token === '' ? null : token;
}

/**
 * Takes the token from the address bar into the session's storage and clears it there, so that it does not
 * end up in a screenshot, a bookmark or the history. Without one in the address, gives the stored one.
 */
export function takeToken(page: Window): string | null {
  const found = tokenFromHash(page.location.hash);
  if (found === null) return page.sessionStorage.getItem(storageKey);
  storeToken(page, found);
  page.history.replaceState(null, '', page.location.pathname + page.location.search);
  return found;
}

export function storeToken(page: Window, token: string): void {
  page.sessionStorage.setItem(storageKey, token);
}
