// SPDX-License-Identifier: Apache-2.0
import { ValkeyLink, ValkeyRefusal, type ValkeyReply } from '../valkey/link.ts';
import { nextPageEntries, weightOf } from './page-size.ts';
import {
  type Claimed,
  checkSlot,
  checkWrite,
  type EntryPage,
  type Refused,
  SharedStateError,
  type SharedStateLimits,
  type SharedStateStore,
  type SlotClaim,
  type SlotHead,
  type SlotWrite,
  type Written,
} from './shared-state-store.ts';
import { CLAIM, READ, REMOVE, type ValkeyScript, WRITE } from './valkey-scripts.ts';

export interface ValkeySharedStateOptions {
  /** For one call, and for connecting, ms; default 5,000. */
  readonly answerMs?: number;
}

/** The store does nothing else meanwhile. */
const LIMITS: SharedStateLimits = { updates: 4_096, octets: 1024 ** 2, valueOctets: 1024 ** 2 };
const DONE: Written = { isRefused: false };

/**
 * Valkey, or a Redis, by a script for each operation. The keys of a slot are in one hash slot of a cluster: `vnfpool:{slot}:head`,
 * and `vnfpool:{slot}:1` and so on for the data, a hash for each generation.
 */
export class ValkeySharedState implements SharedStateStore {
  readonly limits: SharedStateLimits = LIMITS;
  readonly #link: ValkeyLink;

  constructor(url: URL, options: ValkeySharedStateOptions = {}) {
    this.#link = new ValkeyLink(url, {
      ...options,
      faultOf: (...fault) => new SharedStateError(...fault),
    });
  }

  async look(slot: string): Promise<SlotHead> {
    const fields = await this.#link.call('HMGET', headOf(slot), 'epoch', 'node', 'mark');
    return read(fields as readonly (Buffer | null)[]);
  }

  async claim(slot: string, { epoch, node }: SlotClaim): Promise<Claimed> {
    const [isDone, ...head] = await this.#run(CLAIM, [headOf(slot)], String(epoch), String(node));
    return { isClaimed: isDone === 1, ...read(head as readonly Buffer[]) };
  }

  async read(
    slot: string,
    { epoch, node }: SlotClaim,
    generation: number,
    cursor: string | null,
  ): Promise<EntryPage | Refused> {
    const [at = '0', count = String(nextPageEntries())] = cursor?.split('/') ?? [];
    const keys = [headOf(slot), dataOf(slot, generation)];
    const [isDone, ...rest] = await this.#run(READ, keys, String(epoch), String(node), at, count);
    if (isDone !== 1) return { isRefused: true, ...read(rest as readonly Buffer[]) };
    const [next, flat] = rest[0] as unknown as readonly [Buffer, readonly Buffer[]];
    const entries: (readonly [string, Uint8Array])[] = [];
    for (let index = 0; index + 1 < flat.length; index += 2)
      entries.push([(flat[index] as Buffer).toString('latin1'), flat[index + 1] as Buffer]);
    const more = String(next);
    const wanted = nextPageEntries(Number(count), weightOf(entries));
    return { isRefused: false, entries, cursor: more === '0' ? null : `${more}/${wanted}` };
  }

  async write(slot: string, claim: SlotClaim, write: SlotWrite): Promise<Written | Refused> {
    checkWrite(write, this.limits);
    const { generation, dropped, isAnew, from, to, updates } = write;
    const removed: Buffer[] = [];
    const set: Buffer[] = [];
    for (const { key, value } of updates)
      if (value === null) removed.push(Buffer.from(key, 'latin1'));
      else set.push(Buffer.from(key, 'latin1'), asBuffer(value));
    const [isDone, ...head] = await this.#run(
      WRITE,
      [headOf(slot), dataOf(slot, generation), dataOf(slot, dropped ?? generation)],
      String(claim.epoch),
      String(claim.node),
      from,
      to,
      isAnew === true ? '1' : '0',
      dropped === undefined ? '0' : '1',
      String(removed.length),
      ...removed,
      ...set,
    );
    return isDone === 1 ? DONE : { isRefused: true, ...read(head as readonly Buffer[]) };
  }

  async remove(
    slot: string,
    { epoch, node }: SlotClaim,
    generations: readonly number[],
  ): Promise<Written | Refused> {
    const keys = [headOf(slot), ...generations.map((each) => dataOf(slot, each))];
    const [isDone, ...head] = await this.#run(REMOVE, keys, String(epoch), String(node));
    return isDone === 1 ? DONE : { isRefused: true, ...read(head as readonly Buffer[]) };
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  /** By its hash; a store that was started anew does not know that yet. */
  async #run(
    { text, sha }: ValkeyScript,
    keys: readonly string[],
    ...values: readonly (string | Buffer)[]
  ): Promise<readonly ValkeyReply[]> {
    const rest = [String(keys.length), ...keys, ...values];
    try {
      return (await this.#link.ask('EVALSHA', sha, ...rest)) as readonly ValkeyReply[];
    } catch (error) {
      if (!(error instanceof ValkeyRefusal)) throw error;
      if (error.code === 'NOSCRIPT')
        return (await this.#link.call('EVAL', text, ...rest)) as readonly ValkeyReply[];
      throw this.#link.faultOf(error);
    }
  }
}

function headOf(slot: string): string {
  return `vnfpool:{${checkSlot(slot)}}:head`;
}

function dataOf(slot: string, generation: number): string {
  return `vnfpool:{${checkSlot(slot)}}:${generation}`;
}

function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** Epoch, node, mark. */
function read([epoch, node, mark]: readonly (Buffer | null)[]): SlotHead {
  const isClaimed = epoch && epoch.length > 0;
  return {
    claim: isClaimed ? { epoch: Number(String(epoch)), node: Number(String(node ?? '')) } : null,
    mark: mark?.toString('latin1') ?? '',
  };
}
