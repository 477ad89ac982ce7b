// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '../bytes/index.ts';
import { cookies } from './document-shapes.ts';
import type { CookieSecrets } from './documents.ts';
import { parseStrictJson } from './json.ts';
import { object, oneOf, type Shape, text, versioned } from './shape.ts';

/** Environment variable that names the file to a function; it is replaced as a whole when something of it changes. */
export const COOKIE_SECRETS_VARIABLE = 'VNFPOOL_COOKIE_SECRETS';

/** What a node hands a function of a pool whose sessions leave cookies with their users: a file of JSON. */
export interface HandedCookies extends CookieSecrets {
  readonly v: 1;
  /** Its pool handle. */
  readonly pool: string;
}

const handed: Shape<HandedCookies> = versioned((value, path) => ({
  ...object({ v: oneOf(1), pool: text })(value, path),
  ...cookies(value, path),
}));

export function encodeHandedCookies(value: HandedCookies): Uint8Array {
  return encodeUtf8(`${JSON.stringify(handed(value, 'cookies'))}\n`);
}

/** @throws DocumentError, WireError */
export function parseHandedCookies(octets: Uint8Array): HandedCookies {
  return handed(parseStrictJson(octets), 'cookies');
}
