// SPDX-License-Identifier: Apache-2.0
import type { EtcdAddress } from '../addresses.ts';
import { EtcdLink, type EtcdLinkOptions } from './etcd-link.ts';
import { nextPageEntries, weightOf } from './page-size.ts';
import {
  type Claimed,
  checkSlot,
  checkWrite,
  type EntryPage,
  isSameClaim,
  type Refused,
  SharedStateError,
  type SharedStateLimits,
  type SharedStateStore,
  type SlotClaim,
  type SlotHead,
  type SlotWrite,
  type Written,
} from './shared-state-store.ts';

export interface EtcdSharedStateOptions extends EtcdLinkOptions {
  /** `--max-txn-ops` of the store; default 128. */
  readonly operationsMax?: number;
}

const OPERATIONS_MAX = 128;
/** The mark, and two ranges that may go. */
const OWN_OPERATIONS = 3;
/** Somebody else may claim between a look and a claim, each time a higher epoch. */
const TRIES = 8;
const DONE: Written = { isRefused: false };

interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision?: string;
}

interface RangeAnswer {
  readonly kvs?: readonly KeyValue[];
  readonly more?: boolean;
}

interface TransactionAnswer {
  readonly succeeded?: boolean;
  readonly responses?: readonly { readonly response_range?: RangeAnswer }[];
}

/**
 * etcd, by a transaction for each operation, which compares the claim. Keys: `vnfpool/<slot>/claim`, `vnfpool/<slot>/mark`, and
 * `vnfpool/<slot>/<generation>/<key>` for the data.
 */
export class EtcdSharedState implements SharedStateStore {
  readonly limits: SharedStateLimits;
  readonly #link: EtcdLink;

  constructor(
    address: EtcdAddress,
    { operationsMax = OPERATIONS_MAX, ...link }: EtcdSharedStateOptions = {},
  ) {
    this.#link = new EtcdLink(address, link);
    // Less than the 1.5 MiB of a request.
    this.limits = { updates: operationsMax - OWN_OPERATIONS, octets: 1024 ** 2, valueOctets: 1024 ** 2 };
  }

  async look(slot: string): Promise<SlotHead> {
    return (await this.#look(slot)).head;
  }

  async claim(slot: string, claim: SlotClaim): Promise<Claimed> {
    for (let tries = 0; tries < TRIES; tries++) {
      const { head, revision } = await this.#look(slot);
      const had = head.claim;
      if (isSameClaim(had, claim)) return { isClaimed: true, ...head };
      if (had !== null && had.epoch >= claim.epoch) return { isClaimed: false, ...head };
      const key = claimOf(slot);
      const { succeeded, responses } = await this.#transact({
        compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: revision }],
        success: [put(key, Buffer.from(`${claim.epoch} ${claim.node}`)), range(markOf(slot))],
      });
      // What was written under the former claim until now is told with it.
      if (succeeded === true)
        return { isClaimed: true, claim, mark: valueIn(responses?.[1]?.response_range) };
    }
    throw new SharedStateError('unavailable', 'others claim the slot all the time');
  }

  async read(
    slot: string,
    claim: SlotClaim,
    generation: number,
    cursor: string | null,
  ): Promise<EntryPage | Refused> {
    const [count = String(nextPageEntries()), last] = cursor?.split('/') ?? [];
    const { from, to, prefix } = dataOf(slot, generation);
    const start =
      last === undefined ? from : Buffer.concat([from, Buffer.from(last, 'base64url'), Buffer.of(0)]);
    const { succeeded, responses } = await this.#transact({
      compare: [isOwn(slot, claim)],
      success: [range(base64(start), base64(to), Number(count))],
      failure: lookAt(slot),
    });
    if (succeeded !== true) return { isRefused: true, ...headIn(responses).head };
    const { kvs = [], more = false } = responses?.[0]?.response_range ?? {};
    const entries = kvs.map(({ key, value = '' }) => {
      const name = Buffer.from(key, 'base64').subarray(prefix).toString('latin1');
      return [name, Buffer.from(value, 'base64')] as const;
    });
    const end = Buffer.from(entries.at(-1)?.[0] ?? '', 'latin1').toString('base64url');
    const wanted = nextPageEntries(Number(count), weightOf(entries));
    return { isRefused: false, entries, cursor: more ? `${wanted}/${end}` : null };
  }

  async write(slot: string, claim: SlotClaim, write: SlotWrite): Promise<Written | Refused> {
    checkWrite(write, this.limits);
    const { generation, updates, isAnew, dropped, to } = write;
    const { from: data } = dataOf(slot, generation);
    const keyOf = (key: string): string => base64(Buffer.concat([data, Buffer.from(key, 'latin1')]));
    // A transaction changes no key twice: what is removed before is removed by one of its own.
    if (isAnew === true && updates.length > 0) {
      const emptied = await this.#write(slot, claim, write.from, write.from, [removed(slot, generation)]);
      if (emptied.isRefused && emptied.mark !== to) return emptied;
    }
    return this.#write(slot, claim, write.from, to, [
      ...(isAnew === true && updates.length === 0 ? [removed(slot, generation)] : []),
      ...(dropped === undefined ? [] : [removed(slot, dropped)]),
      ...updates.map(({ key, value }) =>
        value === null ? { request_delete_range: { key: keyOf(key) } } : put(keyOf(key), value),
      ),
    ]);
  }

  async remove(slot: string, claim: SlotClaim, generations: readonly number[]): Promise<Written | Refused> {
    const { succeeded, responses } = await this.#transact({
      compare: [isOwn(slot, claim)],
      success: [
        { request_delete_range: { key: markOf(slot) } },
        ...generations.map((each) => removed(slot, each)),
      ],
      failure: lookAt(slot),
    });
    return succeeded === true ? DONE : { isRefused: true, ...headIn(responses).head };
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async #write(
    slot: string,
    claim: SlotClaim,
    from: string,
    to: string,
    operations: readonly unknown[],
  ): Promise<Written | Refused> {
    const key = markOf(slot);
    const isAfter =
      from === ''
        ? { key, target: 'VERSION', result: 'EQUAL', version: '0' }
        : { key, target: 'VALUE', result: 'EQUAL', value: base64(Buffer.from(from, 'latin1')) };
    const { succeeded, responses } = await this.#transact({
      compare: [isOwn(slot, claim), isAfter],
      success: [...(from === to ? [] : [put(key, Buffer.from(to, 'latin1'))]), ...operations],
      failure: lookAt(slot),
    });
    if (succeeded === true) return DONE;
    const { head } = headIn(responses);
    // It was told before, and the answer was lost.
    const isRepeated = isSameClaim(head.claim, claim) && head.mark === to;
    return isRepeated ? DONE : { isRefused: true, ...head };
  }

  async #look(slot: string): Promise<{ readonly head: SlotHead; readonly revision: string }> {
    const { responses } = await this.#transact({ compare: [], success: lookAt(slot) });
    return headIn(responses);
  }

  #transact(body: {
    readonly compare: readonly unknown[];
    readonly success: readonly unknown[];
    readonly failure?: readonly unknown[];
  }): Promise<TransactionAnswer> {
    return this.#link.call('/v3/kv/txn', body);
  }
}

function isOwn(slot: string, { epoch, node }: SlotClaim): unknown {
  const value = base64(Buffer.from(`${epoch} ${node}`));
  return { key: claimOf(slot), target: 'VALUE', result: 'EQUAL', value };
}

function lookAt(slot: string): readonly unknown[] {
  return [range(claimOf(slot)), range(markOf(slot))];
}

/** As `lookAt` asks for it. */
function headIn(responses: TransactionAnswer['responses']): {
  readonly head: SlotHead;
  readonly revision: string;
} {
  const [claim, mark] = (responses ?? []).map((each) => each.response_range);
  const [epoch = '', node = ''] = valueIn(claim).split(' ', 2);
  const isClaimed = epoch !== '';
  return {
    head: { claim: isClaimed ? { epoch: Number(epoch), node: Number(node) } : null, mark: valueIn(mark) },
    revision: claim?.kvs?.[0]?.mod_revision ?? '0',
  };
}

function valueIn(answer: RangeAnswer | undefined): string {
  return Buffer.from(answer?.kvs?.[0]?.value ?? '', 'base64').toString('latin1');
}

function put(key: string, value: Uint8Array): unknown {
  return { request_put: { key, value: base64(value) } };
}

/** @param key in base64, as the end */
function range(key: string, end?: string, limit?: number): unknown {
  return {
    request_range: {
      key,
      ...(end === undefined ? {} : { range_end: end }),
      ...(limit === undefined ? {} : { limit: String(limit) }),
    },
  };
}

function removed(slot: string, generation: number): unknown {
  const { from, to } = dataOf(slot, generation);
  return { request_delete_range: { key: base64(from), range_end: base64(to) } };
}

/** Keys of a generation: from the first to before the last; and how long what is before each is. */
function dataOf(
  slot: string,
  generation: number,
): {
  readonly from: Buffer;
  readonly to: Buffer;
  readonly prefix: number;
} {
  const folder = `vnfpool/${checkSlot(slot)}/${generation}`;
  // What follows a slash.
  return { from: Buffer.from(`${folder}/`), to: Buffer.from(`${folder}0`), prefix: folder.length + 1 };
}

function claimOf(slot: string): string {
  return base64(Buffer.from(`vnfpool/${checkSlot(slot)}/claim`));
}

function markOf(slot: string): string {
  return base64(Buffer.from(`vnfpool/${checkSlot(slot)}/mark`));
}

function base64({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64');
}
