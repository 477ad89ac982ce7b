// SPDX-License-Identifier: Apache-2.0

/**
 * - `description`: what is said cannot be meant, or contradicts itself
 * - `file`: a file cannot be read, or others than its owner can
 */
export class ScopeSecurityError extends Error {
  override readonly name: string = 'ScopeSecurityError';
  readonly code: 'description' | 'file';

  constructor(code: 'description' | 'file', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
