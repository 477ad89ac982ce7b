// SPDX-License-Identifier: Apache-2.0

/** The store could not do what was asked. */
export class StoreError extends Error {
  readonly code: string = 'STORE_FAILED';
  override readonly name: string = 'StoreError';
}

/** No room on the disk. Nothing of the batch was written; what was there before can still be read. */
export class StoreFullError extends StoreError {
  override readonly code = 'STORE_FULL' as const;
  override readonly name = 'StoreFullError' as const;
}
