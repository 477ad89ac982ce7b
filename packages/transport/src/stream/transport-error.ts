// SPDX-License-Identifier: Apache-2.0

/**
 * Why a transport could not do what it was asked, or why a connection ended other than by the wish of an end.
 *
 * - `refused`: nobody listens there, or a listener at its cap dropped us
 * - `unreachable`: no way to the address, or the connection broke
 * - `timeout`: connecting or the handshake took too long
 * - `aborted`: the caller's signal fired
 * - `authentication`: one end did not accept the other's certificate
 * - `address-in-use`: the listener's address is taken
 * - `failed`: anything else; see `cause`
 */
export type TransportErrorCode =
  | 'refused'
  | 'unreachable'
  | 'timeout'
  | 'aborted'
  | 'authentication'
  | 'address-in-use'
  | 'failed';

export class TransportError extends Error {
  override readonly name: string = 'TransportError';
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

const codes: Readonly<Record<string, TransportErrorCode>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'unreachable',
  EPIPE: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ENOTFOUND: 'unreachable',
  ETIMEDOUT: 'timeout',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  ABORT_ERR: 'aborted',
  EADDRINUSE: 'address-in-use',
};

/** Puts a Node error into our terms; the original stays as `cause`. */
export function transportError(what: string, error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const detail = error instanceof Error ? error.message : String(error);
  return new TransportError(codes[code] ?? tlsCode(code), `${what}: ${detail}`, error);
}

/** OpenSSL names its refusals by many codes; all of them mean that the peers did not agree on who is who. */
function tlsCode(code: string): TransportErrorCode {
  const refusal =
    code.startsWith('ERR_SSL') ||
    code.startsWith('ERR_TLS') ||
    code.startsWith('CERT_') ||
    code.endsWith('_CERT') ||
    code.includes('SELF_SIGNED') ||
    code.includes('UNABLE_TO_');
  return refusal ? 'authentication' : 'failed';
}
