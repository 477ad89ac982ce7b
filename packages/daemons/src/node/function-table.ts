// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { FunctionId } from '@vnfpool/core';
import type { FunctionRecord } from '@vnfpool/core/agent';
import { isAlive } from '@vnfpool/platform/processes';
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';
import { ntpTimestamp } from '@vnfpool/wire/mobility';
import { type KeptFunction, type RunRecord, readKept, writeKept } from './kept-function.ts';
import { thisMachine } from './this-machine.ts';

export interface FunctionTableOptions {
  /** Folder of the agent, which it has locked. */
  readonly folder: string;
  readonly wallMs: () => number;
  /** Takes what an operator should know. */
  readonly warn: (message: string) => void;
  /** Tells one life of the machine, or of the container we are in, from the next; default of this one. */
  readonly machine?: string;
}

/** What is known of the table as a whole. */
interface Head {
  readonly v: 1;
  readonly bootTime: string;
  readonly machine: string;
  /** Where the folder was. */
  readonly path: string;
  /** Device and inode of the folder. */
  readonly inode: string;
  readonly label: string;
}

const AGAIN_MS = 1_000;

/**
 * What lasts of a node's functions when the agent ends: one file each, and one of the whole. A file is replaced whole; whether
 * it is on the disk does not matter, as no function outlives the machine. What cannot be written is tried again each second.
 */
export class FunctionTable {
  /** Moment at which this table began, as an NTP timestamp: the boot time of the service-mobility protocol. */
  readonly bootTime: bigint;
  /** Whether a former agent began it. */
  readonly isKept: boolean;
  /** Tells groups, links and the like of this node's functions from those of other agents. */
  readonly label: string;
  /** What a former agent kept and that may be adopted. */
  readonly left: readonly KeptFunction[];
  /** Their processes that are there as they were left. */
  readonly living: ReadonlyMap<FunctionId, RunRecord>;
  readonly #folder: string;
  readonly #warn: (message: string) => void;
  readonly #kept = new Map<FunctionId, { record: FunctionRecord | null; run: RunRecord | null }>();
  readonly #unwritten = new Set<FunctionId>();
  #again: NodeJS.Timeout | undefined;

  private constructor(
    folder: string,
    head: Head,
    isKept: boolean,
    left: readonly KeptFunction[],
    warn: (message: string) => void,
  ) {
    this.#folder = folder;
    this.#warn = warn;
    this.bootTime = BigInt(head.bootTime);
    this.label = head.label;
    this.left = left;
    this.isKept = isKept;
    this.living = new Map(
      left.flatMap(({ functionId, record, run }): [FunctionId, RunRecord][] =>
        run !== null && run.run === record.life.run && isAlive(run) ? [[functionId, run]] : [],
      ),
    );
    for (const { functionId, record, run } of left) this.#kept.set(functionId, { record, run });
  }

  /**
   * The table of a former agent of this folder, or a new one where there is none or its functions cannot live any more.
   * @throws Error that names a damaged file and says what to do
   */
  static open({ folder: state, wallMs, warn, machine = thisMachine() }: FunctionTableOptions): FunctionTable {
    const folder = `${state}/functions`;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = realpathSync(state);
    const { dev, ino } = statSync(path);
    const inode = `${dev}:${ino}`;
    const former = readHead(folder);
    const files = readdirSync(folder).filter((name) => /^\d+\.json$/.test(name));
    if (former !== null && former.machine === machine && former.path === path) {
      const left = files.map((name) => readKept(`${folder}/${name}`));
      return new FunctionTable(folder, former, true, left, warn);
    }
    let label = labelOf(path);
    if (former !== null && former.machine === machine) {
      // What was told to functions, such as the place of their socket, is of the former path.
      const isMoved = former.inode === inode;
      if (isMoved) ({ label } = former);
      warn(
        isMoved
          ? `${path} was ${former.path}: functions that still run are ended`
          : `${path} is a copy of ${former.path}: functions of that one are left alone`,
      );
    }
    for (const name of files) rmSync(`${folder}/${name}`);
    const head: Head = { v: 1, bootTime: String(ntpTimestamp(wallMs())), machine, path, inode, label };
    writeSecretFile(headFile(folder), `${JSON.stringify(head)}\n`);
    return new FunctionTable(folder, head, false, [], warn);
  }

  /** Replaces what the agent core wants kept of a function. */
  keep(functionId: FunctionId, record: FunctionRecord | null): void {
    const run = this.#kept.get(functionId)?.run ?? null;
    if (record === null) this.#kept.delete(functionId);
    else this.#kept.set(functionId, { record, run });
    this.#write(functionId);
  }

  /** Replaces what is kept of a function's process; of a function that is gone nothing is. */
  keepRun(functionId: FunctionId, run: RunRecord): void {
    const kept = this.#kept.get(functionId);
    if (kept === undefined) return;
    kept.run = run;
    this.#write(functionId);
  }

  /** All functions were ended: the next table is a new one. */
  end(): void {
    this.close();
    rmSync(headFile(this.#folder), { force: true });
  }

  close(): void {
    clearInterval(this.#again);
    this.#again = undefined;
  }

  #write(functionId: FunctionId): void {
    try {
      this.#writeNow(functionId);
      this.#unwritten.delete(functionId);
    } catch (error) {
      if (this.#unwritten.size === 0)
        this.#warn(`not kept for the next agent, tried again each second: ${(error as Error).message}`);
      this.#unwritten.add(functionId);
      this.#again ??= setInterval(() => this.#writeAgain(), AGAIN_MS).unref();
    }
  }

  #writeNow(functionId: FunctionId): void {
    const path = `${this.#folder}/${functionId}.json`;
    const { record = null, run = null } = this.#kept.get(functionId) ?? {};
    if (record === null) {
      rmSync(path, { force: true });
      return;
    }
    writeFileSync(`${path}.new`, writeKept({ record, run }), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  #writeAgain(): void {
    try {
      for (const functionId of this.#unwritten) {
        this.#writeNow(functionId);
        this.#unwritten.delete(functionId);
      }
      this.close();
      this.#warn('everything is kept for the next agent again');
    } catch {
      // Later.
    }
  }
}

function headFile(folder: string): string {
  return `${folder}/table`;
}

function readHead(folder: string): Head | null {
  const path = headFile(folder);
  const text = readOptionalFile(path);
  if (text === null) return null;
  try {
    const head = JSON.parse(text) as Head;
    const texts = [head.bootTime, head.machine, head.path, head.inode, head.label];
    if (head.v !== 1 || texts.some((each) => typeof each !== 'string')) throw new Error('no table');
    if (!/^\d+$/.test(head.bootTime) || !/^[0-9a-f]+$/.test(head.label)) throw new Error('no table');
    return head;
  } catch (error) {
    throw new Error(
      `${path} is damaged (${(error as Error).message}); remove the folder ${folder} to begin anew: what still runs of its functions is then ended`,
    );
  }
}

function labelOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 12);
}
