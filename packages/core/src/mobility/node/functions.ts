// SPDX-License-Identifier: Apache-2.0
import {
  type FunctionInformation,
  type FunctionPart,
  type FunctionReport,
  type RunningStatus,
} from '@vnfpool/wire/mobility';
import { cutText } from '../answer.ts';
import { fitFunctionReport } from '../fit-reports.ts';

/** Functions in one STATUS-UPDATE: each report has at most 16 KiB, a message 64. */
const FUNCTIONS_PER_UPDATE = 3;

interface Entry {
  status: RunningStatus;
  report: FunctionReport | null;
  information: FunctionInformation;
  reason: string;
  /** `now`: tell at once; `soon`: with the next loads; `told`: the manager knows or is being told. */
  due: 'now' | 'soon' | 'told';
  /** Counts changes, so that an ACK for an older one does not forget a newer. */
  version: number;
}

/** What a STATUS-UPDATE told of functions that are gone, to be forgotten with its ACK. */
export interface ToldGone {
  readonly functionId: number;
  readonly version: number;
}

/** The node endpoint's picture of its functions, and what of it the manager has not been told. */
export class NodeFunctions {
  readonly #entries = new Map<number, Entry>();

  get hasUrgent(): boolean {
    return this.#has('now');
  }

  get hasLazy(): boolean {
    return this.#has('soon');
  }

  change(
    functionId: number,
    change: {
      readonly status: RunningStatus;
      readonly report: FunctionReport | null;
      readonly information?: FunctionInformation;
      readonly reason?: string;
      readonly urgent?: boolean;
    },
  ): void {
    const before = this.#entries.get(functionId);
    const isUrgent = change.urgent === true || before?.status !== change.status || before.due === 'now';
    this.#entries.set(functionId, {
      status: change.status,
      report: change.report,
      information: change.information ?? before?.information ?? {},
      reason: change.reason ?? '',
      due: isUrgent ? 'now' : 'soon',
      version: (before?.version ?? 0) + 1,
    });
  }

  /** Takes the next functions to tell, a few at a time; empty when there are none. */
  take(due: 'now' | 'soon', knowsExtensions: boolean): { parts: FunctionPart[]; gone: ToldGone[] } {
    const parts: FunctionPart[] = [];
    const gone: ToldGone[] = [];
    for (const [functionId, entry] of this.#entries) {
      if (entry.due !== due) continue;
      if (parts.length === FUNCTIONS_PER_UPDATE) break;
      entry.due = 'told';
      parts.push(this.#part(functionId, entry, knowsExtensions, true));
      if (entry.status === 'Unknown') gone.push({ functionId, version: entry.version });
    }
    return { parts, gone };
  }

  forget(gone: readonly ToldGone[]): void {
    for (const { functionId, version } of gone) {
      if (this.#entries.get(functionId)?.version === version) this.#entries.delete(functionId);
    }
  }

  /** To a manager that knows nothing everything is news. */
  tellAll(): void {
    for (const entry of this.#entries.values()) entry.due = 'now';
  }

  /** Function IDs that are there, gone ones left out. */
  present(): number[] {
    return [...this.#entries]
      .filter(([, entry]) => entry.status !== 'Unknown')
      .map(([functionId]) => functionId);
  }

  /** What is known of one function; undefined when it is not there. */
  describe(functionId: number, knowsExtensions: boolean): FunctionPart | undefined {
    const entry = this.#entries.get(functionId);
    if (entry === undefined || entry.status === 'Unknown') return undefined;
    return this.#part(functionId, entry, knowsExtensions, false);
  }

  #part(id: number, entry: Entry, knowsExtensions: boolean, withOutput: boolean): FunctionPart {
    const { status, report, information, reason } = entry;
    const functionReport = report && fitFunctionReport(withOutput ? report : { ...report, output: [] });
    const extensions = {
      ...(status === 'Unknown' ? { functionGone: id } : {}),
      ...(functionReport ? { functionReport } : {}),
    };
    return {
      id,
      information: { ...information, status },
      ...(reason === '' ? {} : { text: cutText(reason) }),
      ...(knowsExtensions && Object.keys(extensions).length > 0 ? { extensions } : {}),
    };
  }

  #has(due: Entry['due']): boolean {
    for (const entry of this.#entries.values()) if (entry.due === due) return true;
    return false;
  }
}
