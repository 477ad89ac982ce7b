// SPDX-License-Identifier: Apache-2.0
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from './api-error.ts';

/** Who may speak over one listener: over a Unix socket whoever could open it, over TCP whoever knows the token. */
export type Access =
  | { readonly kind: 'unix' }
  | {
      readonly kind: 'tcp';
      readonly bearerToken: string;
      /** Host names under which the page and the API may be reached, lower case, without port. */
      readonly hostNames: ReadonlySet<string>;
    };

/**
 * Checks the name by which a caller reached us, and the page that made it call, and its token.
 *
 * A page of a stranger can make its own name resolve to 127.0.0.1 and then talk to us as "same origin"; the
 * Host header still carries that name, so only known names are answered.
 *
 * @throws ApiError 403 for a strange Host or Origin, 401 for a missing or wrong token
 */
export function checkAccess(access: Access, headers: IncomingHttpHeaders, needsToken: boolean): void {
  if (access.kind === 'unix') return;
  const host = headers.host ?? '';
  const name = hostName(host);
  if (name === undefined || !access.hostNames.has(name)) {
    throw new ApiError(
      403,
      'host-refused',
      `this API is not reached by the name ${JSON.stringify(host.slice(0, 100))}`,
    );
  }
  const origin = headers.origin;
  if (origin !== undefined && originHost(origin) !== host.toLowerCase()) {
    throw new ApiError(
      403,
      'origin-refused',
      `pages of ${JSON.stringify(origin.slice(0, 100))} may not call this API`,
    );
  }
  if (needsToken && !tokenMatches(headers.authorization, access.bearerToken)) {
    throw new ApiError(401, 'unauthorized', 'a bearer token is needed: Authorization: Bearer <token>');
  }
}

/** Compares digests, so that neither the content nor the length of the token shows in the time taken. */
export function tokenMatches(authorization: string | undefined, token: string): boolean {
  const match = /^Bearer ([^\s]{1,1024})$/i.exec(authorization ?? '');
  return timingSafeEqual(digest(match?.[1] ?? ''), digest(token)) && match !== null;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** `name`, `name:80`, `127.0.0.1:80`, `[::1]:80` → the name; undefined when it is none of these. */
export function hostName(host: string): string | undefined {
  return /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(host)?.[1]?.toLowerCase();
}

function originHost(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/.exec(origin)?.[1]?.toLowerCase();
}
