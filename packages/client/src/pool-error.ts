// SPDX-License-Identifier: Apache-2.0

/**
 * - `unknown-pool`: no registrar knows a pool of this handle with an element in it
 * - `refused`: the registrar said no to a resolution, or the node agent to a function
 * - `rejected`: the registrar said no to a registration
 * - `not-answered`: no registrar answered in time
 * - `unreachable`: elements were found, and none could be reached; `cause` is the last failure
 * - `moved`: the session is served by another instance of the function
 * - `overloaded`: too many requests at once
 * - `timeout`, `aborted`: the caller's bound
 * - `not-handed`: the node agent hands this process no secrets, or they cannot be read
 * - `closed`: the client was closed
 * - `internal`: a fault of this library, or of the node agent
 */
export type PoolErrorCode =
  | 'unknown-pool'
  | 'refused'
  | 'rejected'
  | 'not-answered'
  | 'unreachable'
  | 'moved'
  | 'overloaded'
  | 'timeout'
  | 'aborted'
  | 'not-handed'
  | 'closed'
  | 'internal';

export class PoolError extends Error {
  override readonly name: string = 'PoolError';
  readonly code: PoolErrorCode;

  constructor(code: PoolErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
