// SPDX-License-Identifier: Apache-2.0

/** What a joiner must know, in one line that a person can copy. */
export interface JoinToken {
  /** Where the manager's join port is. */
  readonly address: string;
  readonly port: number;
  /** SHA-256 of the authority's certificate, lower-case hexadecimal. */
  readonly caFingerprint: string;
  readonly tokenId: string;
  readonly secret: string;
}

export type JoinErrorCode =
  /** The token's text cannot be read. */
  | 'token-malformed'
  /** The manager said no; `reason` has its word. */
  | 'refused'
  /** No answer, or a broken one: try again. */
  | 'unreachable'
  /** Whoever answers there is not the manager of the set. */
  | 'impostor'
  /** No credentials on disk and no token. */
  | 'no-token';

export class JoinError extends Error {
  override readonly name: string = 'JoinError';
  readonly code: JoinErrorCode;
  /** The manager's reason, see `RefusalReason`. */
  readonly reason: string | null;

  constructor(code: JoinErrorCode, message: string, details: { reason?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.reason = details.reason ?? null;
  }
}

const prefix = 'vnfpool1.';
const textMax = 2048;

export function formatToken(token: JoinToken): string {
  const { address, port, caFingerprint, tokenId, secret } = token;
  const json = JSON.stringify([address, port, caFingerprint, tokenId, secret]);
  return prefix + Buffer.from(json).toString('base64url');
}

/** @throws JoinError `token-malformed`; the text, which is secret, is not in the message */
export function parseToken(text: string): JoinToken {
  const trimmed = text.trim();
  if (!trimmed.startsWith(prefix)) throw malformed(`it does not begin with ${prefix}`);
  if (trimmed.length > textMax) throw malformed(`it is longer than ${textMax} characters`);
  let fields: unknown;
  try {
    fields = JSON.parse(Buffer.from(trimmed.slice(prefix.length), 'base64url').toString('utf8'));
  } catch {
    throw malformed('it is cut or changed');
  }
  if (!Array.isArray(fields) || fields.length !== 5) throw malformed('it has not five fields');
  const [address, port, caFingerprint, tokenId, secret] = fields as unknown[];
  if (typeof address !== 'string' || address === '') throw malformed('it has no address');
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw malformed('it has no port');
  }
  if (typeof caFingerprint !== 'string' || !/^[0-9a-f]{64}$/.test(caFingerprint)) {
    throw malformed('it has no fingerprint of the authority');
  }
  if (typeof tokenId !== 'string' || typeof secret !== 'string' || tokenId === '' || secret === '') {
    throw malformed('it has no secret');
  }
  return { address, port, caFingerprint, tokenId, secret };
}

function malformed(why: string): JoinError {
  return new JoinError('token-malformed', `the token cannot be read: ${why}`);
}
