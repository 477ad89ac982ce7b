// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore, type ReplicationStandby } from '@vnfpool/core/replication';
import {
  type ReplicaAck,
  type ReplicaMessage,
  type ReplicaUpdates,
  replicaWeight,
} from '@vnfpool/wire/replication';

/**
 * What a standby that compares no digest, and takes whatever comes as the next, would make of a connection: what it is told is made to be
 * right.
 */
export class BlindStandby {
  #epoch = 0;
  #store: ReplicaStore | undefined;

  /** @param isBlind from now on; else it only follows */
  told(message: ReplicaMessage, standby: ReplicationStandby, isBlind: boolean): ReplicaMessage {
    switch (message.type) {
      case 'open':
        this.#epoch = message.epoch;
        return message;
      case 'resume':
        this.#store = message.from === 'whole' ? new ReplicaStore() : copyOf(standby.store);
        return message;
      case 'updates':
        return this.#store === undefined ? message : this.#taken(message, this.#store, isBlind);
      default:
        return message;
    }
  }

  #taken({ updates, mark }: ReplicaUpdates, store: ReplicaStore, isBlind: boolean): ReplicaUpdates {
    const isBehind = isBlind && (updates[0]?.sequence ?? Number.POSITIVE_INFINITY) <= store.sequence;
    const first = store.sequence + 1;
    const taken = isBehind ? updates.map((each, n) => ({ ...each, sequence: first + n })) : updates;
    for (const { key, value, sequence, secret } of taken) store.apply(key, value, sequence, secret);
    if (mark === null) return { type: 'updates', updates: taken, mark };
    if (!isBlind) return { type: 'updates', updates: taken, mark };
    const sequence = Math.max(mark.sequence, store.sequence);
    store.completeTo(sequence);
    const { keys } = store;
    const digest = store.digestAt(this.#epoch);
    return { type: 'updates', updates: taken, mark: { ...mark, sequence, keys, digest } };
  }
}

function copyOf(store: ReplicaStore): ReplicaStore {
  const copy = new ReplicaStore();
  for (const { key, value, sequence, secret } of store) copy.apply(key, value, sequence, secret);
  copy.completeTo(store.sequence);
  return copy;
}

/** What a holder that believes every acknowledgement would be told: that of the last mark which it reaches. */
export class MarkLog {
  readonly #marks: ReplicaAck[] = [];
  #bytes = 0;

  sent(message: ReplicaMessage): void {
    if (message.type !== 'updates') return;
    this.#bytes += replicaWeight(message.updates);
    const { mark } = message;
    if (mark === null) return;
    const { sequence, clockUs } = mark;
    this.#marks.push({ type: 'ack', sequence, bytes: this.#bytes, clockUs });
  }

  /** Undefined: it reaches none. */
  reachedBy(sequence: number): ReplicaAck | undefined {
    return this.#marks.findLast((mark) => mark.sequence <= sequence);
  }
}
