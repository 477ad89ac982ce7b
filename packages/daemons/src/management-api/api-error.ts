// SPDX-License-Identifier: Apache-2.0
import type { ErrorView, FaultView } from '@vnfpool/core/management';

/** A request refused: becomes the answer's status and `ErrorView`. Anything else that is thrown becomes a 500 without its text. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status from 400. */
  readonly status: number;
  /** Stable, for programs: `not-found`, `declaration-invalid`. */
  readonly code: string;
  readonly faults: readonly FaultView[] | undefined;

  constructor(status: number, code: string, message: string, faults?: readonly FaultView[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.faults = faults;
  }

  toView(): ErrorView {
    const faults = this.faults === undefined ? {} : { faults: this.faults };
    return { error: { code: this.code, message: this.message, ...faults } };
  }
}
