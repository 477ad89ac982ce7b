// SPDX-License-Identifier: Apache-2.0
import type { FaultView } from '@vnfpool/core/management';

/** 0 done, 1 refused or failed, 2 said wrongly, 3 nobody answers. */
export type ExitCode = 0 | 1 | 2 | 3;

/** Ends a command with a message and an exit code. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The API refused: its own words. */
export class RefusedError extends CliError {
  override readonly name = 'RefusedError';
  readonly status: number;
  readonly code: string;
  readonly faults: readonly FaultView[];

  constructor(status: number, code: string, message: string, faults: readonly FaultView[]) {
    super(1, message);
    this.status = status;
    this.code = code;
    this.faults = faults;
  }
}

/** Nobody answers at the API's address. */
export class NotReachableError extends CliError {
  override readonly name = 'NotReachableError';

  constructor(message: string) {
    super(3, message);
  }
}
