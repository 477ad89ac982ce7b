// SPDX-License-Identifier: Apache-2.0
import type { FunctionId } from '@vnfpool/core';
import type { AgentOutput } from '@vnfpool/core/agent';
import type { MobilityNodeInput } from '@vnfpool/core/mobility';
import type { FunctionInformation } from '@vnfpool/wire/mobility';

type Changed = Omit<Extract<AgentOutput, { type: 'function-changed' }>, 'type'>;

/** Tells the mobility endpoint what functions are and use: changes as they come, figures whenever `refresh` is called. */
export class FunctionNews {
  readonly #information: (functionId: FunctionId) => FunctionInformation;
  readonly #give: (input: MobilityNodeInput) => void;
  /** The last that was told of each function that is there. */
  readonly #last = new Map<FunctionId, Changed>();

  /** @param information what a function uses now */
  constructor(
    information: (functionId: FunctionId) => FunctionInformation,
    give: (input: MobilityNodeInput) => void,
  ) {
    this.#information = information;
    this.#give = give;
  }

  changed({ functionId, status, report, reason }: Changed): void {
    const change = { functionId, status, report, reason };
    if (status === 'Unknown') this.#last.delete(functionId);
    else this.#last.set(functionId, change);
    // What somebody may be waiting for; the rest may be told once a second.
    this.#tell(change, !report.healthy);
  }

  /** Figures are news of no hurry. */
  refresh(): void {
    for (const change of this.#last.values()) this.#tell(change, false);
  }

  #tell(change: Changed, urgent: boolean): void {
    const information = this.#information(change.functionId);
    this.#give({ type: 'function-changed', ...change, information, urgent });
  }
}
