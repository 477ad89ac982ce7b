// SPDX-License-Identifier: Apache-2.0
import { type ManagerAddress, type ManagerSource, managerKey } from './manager-address.ts';

/** An address to try, and where it came from. */
export interface ManagerCandidate extends ManagerAddress {
  readonly source: string;
}

export interface ManagerSearchOptions {
  /** In order of preference. */
  readonly sources: readonly ManagerSource[];
  /** A source that gave nothing, or less than it had; the next one is asked all the same. */
  readonly onFault: (fault: { readonly source: string; readonly reason: string }) => void;
  /** For one source, default 5000. */
  readonly findMs?: number;
}

/** Addresses of one source tried in one attempt; the rest are left out, and that is told. */
const ADDRESSES_MAX = 16;
/** Addresses remembered as no use; the one that was so first is forgotten. */
const PASSED_MAX = 64;

/** How a node looks for its manager: every attempt goes through all sources, in order. */
export class ManagerSearch {
  readonly #options: ManagerSearchOptions;
  readonly #passed = new Set<string>();

  constructor(options: ManagerSearchOptions) {
    this.#options = options;
  }

  /**
   * Addresses to try, each once. A source is asked only when what came before it was of no use; addresses that were
   * passed over come last. Ends early when `signal` is aborted.
   */
  async *attempt(signal: AbortSignal): AsyncGenerator<ManagerCandidate, void, undefined> {
    const { sources, onFault } = this.#options;
    const seen = new Set<string>();
    const last: ManagerCandidate[] = [];
    for (const source of sources) {
      if (signal.aborted) return;
      for (const address of await this.#ask(source, signal)) {
        const key = managerKey(address);
        if (seen.has(key)) continue;
        seen.add(key);
        const candidate = { ...address, source: source.name };
        if (this.#passed.has(key)) last.push(candidate);
        else if (signal.aborted) return;
        else yield candidate;
      }
    }
    for (const candidate of last) {
      if (signal.aborted) return;
      onFault({
        source: candidate.source,
        reason: `${managerKey(candidate)} was of no use before; once more`,
      });
      yield candidate;
    }
  }

  /** Whoever answers there did not become our manager: an old term, or it did not want us. Others come first now. */
  passOver(address: ManagerAddress): void {
    const key = managerKey(address);
    this.#passed.delete(key);
    const [oldest] = this.#passed;
    if (oldest !== undefined && this.#passed.size >= PASSED_MAX) this.#passed.delete(oldest);
    this.#passed.add(key);
  }

  /** There is a manager: the next search begins without prejudice. */
  found(): void {
    this.#passed.clear();
  }

  async #ask(source: ManagerSource, signal: AbortSignal): Promise<readonly ManagerAddress[]> {
    const { onFault, findMs = 5_000 } = this.#options;
    const tell = (reason: string): void => {
      if (!signal.aborted) onFault({ source: source.name, reason });
    };
    const bound = AbortSignal.any([signal, AbortSignal.timeout(findMs)]);
    try {
      const { addresses, faults } = await Promise.race([source.find(bound), never(bound, findMs)]);
      for (const fault of faults) tell(fault);
      if (addresses.length === 0 && faults.length === 0) tell('it knows no manager');
      if (addresses.length > ADDRESSES_MAX)
        tell(`${addresses.length} addresses; only the first ${ADDRESSES_MAX} are tried`);
      return addresses.slice(0, ADDRESSES_MAX);
    } catch (error) {
      tell((error as Error).message);
      return [];
    }
  }
}

/** Rejects when the signal is aborted, for sources that do not look at it. */
function never(signal: AbortSignal, findMs: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(new Error(`no answer within ${findMs} ms`));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
