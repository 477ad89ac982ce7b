// SPDX-License-Identifier: Apache-2.0
import {
  type FunctionInformation,
  type FunctionPart,
  type FunctionReport,
  type RunningStatus,
  TEXT_BYTES_MAX,
} from '@vnfpool/wire/mobility';
import { cutText } from '../answer.ts';
import { fitFunctionReport } from '../fit-reports.ts';

/** Octets of functions in one STATUS-UPDATE; the message has at most 65,539. */
const UPDATE_BYTES_MAX = 60_000;
/** Function ID, all values of OP-Type 7, extension headers: more than they can take. */
const VALUES_BYTES = 1024;

interface Entry {
  status: RunningStatus;
  report: FunctionReport | null;
  information: FunctionInformation;
  reason: string;
  /** `now`: tell at once; `soon`: with the next loads; `told`: the manager knows or is being told. */
  due: 'now' | 'soon' | 'told';
  /** The report without its output, as it travels; made when it is first asked for. */
  octets?: Uint8Array;
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

  /** Takes the next functions to tell, as many as fit one message; empty when there are none. */
  take(due: 'now' | 'soon', knowsExtensions: boolean): { parts: FunctionPart[]; gone: ToldGone[] } {
    const parts: FunctionPart[] = [];
    const gone: ToldGone[] = [];
    let bytes = 0;
    for (const [functionId, entry] of this.#entries) {
      if (entry.due !== due) continue;
      const part = this.#part(functionId, entry, knowsExtensions, true);
      bytes += VALUES_BYTES + TEXT_BYTES_MAX + (part.extensions?.functionReport?.length ?? 0);
      if (bytes > UPDATE_BYTES_MAX && parts.length > 0) break;
      entry.due = 'told';
      parts.push(part);
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
  presentIds(): number[] {
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

  /** What is to be said of one function, there or not. */
  present(functionId: number, knowsExtensions: boolean): FunctionPart {
    return (
      this.describe(functionId, knowsExtensions) ?? {
        id: functionId,
        information: { status: 'Unknown' },
        ...(knowsExtensions ? { extensions: { functionGone: functionId } } : {}),
      }
    );
  }

  #part(id: number, entry: Entry, knowsExtensions: boolean, withOutput: boolean): FunctionPart {
    const { status, report, information, reason } = entry;
    let functionReport: Uint8Array | undefined;
    if (report && withOutput) functionReport = fitFunctionReport(report);
    else if (report) functionReport = entry.octets ??= fitFunctionReport({ ...report, output: [] });
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
