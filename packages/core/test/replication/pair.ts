// SPDX-License-Identifier: Apache-2.0
import {
  type HolderInit,
  type HolderInput,
  type HolderOutput,
  ReplicaStore,
  type ReplicationBound,
  ReplicationHolder,
  ReplicationStandby,
  type StandbyInit,
  type StandbyInput,
  type StandbyOutput,
} from '@vnfpool/core/replication';
import { decodeReplica, encodeReplica, type ReplicaMessage } from '@vnfpool/wire/replication';

export const SLOT = '00000000000000a1';
export const BOUND: ReplicationBound = { updates: 10, overload: 'block' };

export const octets = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** A holder and standbys 1, 2, …; what one says arrives at once through the codec, unless the standby is held up. */
export class Pair {
  nowMs = 1_000;
  readonly holder: ReplicationHolder;
  readonly standbys = new Map<number, ReplicationStandby>();
  /** All that was put out but messages, `holder` or the number of the standby before it. */
  readonly told: [who: number | 'holder', output: HolderOutput | StandbyOutput][] = [];
  /** What was sent to standbys. */
  readonly sent: ReplicaMessage[] = [];
  /** Standbys that what is sent to waits for. */
  readonly heldUp = new Set<number>();
  readonly #waiting: [standby: number, message: ReplicaMessage][] = [];

  constructor(init: Partial<HolderInit> = {}, standbys: Partial<StandbyInit>[] = [{}]) {
    this.holder = new ReplicationHolder({
      slot: SLOT,
      epoch: 1,
      store: new ReplicaStore(),
      history: [],
      bound: BOUND,
      startedAtMs: this.nowMs,
      ...init,
    });
    standbys.forEach((each, index) => {
      this.standbys.set(index + 1, new ReplicationStandby({ slot: SLOT, ...each }, this.nowMs));
    });
  }

  standby(number = 1): ReplicationStandby {
    const standby = this.standbys.get(number);
    if (standby === undefined) throw new Error(`no standby ${number}`);
    return standby;
  }

  attach(standby = 1): void {
    this.atStandby(standby, { type: 'attach' });
    this.give({ type: 'attach', standby });
  }

  detach(standby = 1): void {
    this.give({ type: 'detach', standby });
    this.atStandby(standby, { type: 'detach' });
  }

  update(key: string, ...value: number[]): void {
    this.give({ type: 'update', updates: [{ key, value: octets(...value) }] });
  }

  remove(key: string): void {
    this.give({ type: 'update', updates: [{ key, value: null }] });
  }

  give(input: HolderInput): void {
    this.#carryOut(this.holder.handle(input, this.nowMs));
  }

  atStandby(number: number, input: StandbyInput): void {
    this.#carryOutAt(number, this.standby(number).handle(input, this.nowMs));
  }

  /** Lets time pass in steps of 10 ms. */
  pass(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      this.nowMs = Math.min(end, this.nowMs + 10);
      this.#carryOut(this.holder.expire(this.nowMs));
      for (const [number, standby] of this.standbys) this.#carryOutAt(number, standby.expire(this.nowMs));
    }
  }

  /** What waits for it arrives. */
  release(standby: number): void {
    this.heldUp.delete(standby);
    const mine = this.#waiting.filter(([to]) => to === standby);
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter(([to]) => to !== standby));
    for (const [, message] of mine) this.atStandby(standby, { type: 'message', message });
  }

  /** The first that waits for it arrives; the rest waits on. */
  releaseOne(standby: number): void {
    const at = this.#waiting.findIndex(([to]) => to === standby);
    const [first] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (first !== undefined) this.atStandby(standby, { type: 'message', message: first[1] });
  }

  /** What waits for it never arrives. */
  lose(standby: number): void {
    this.heldUp.delete(standby);
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter(([to]) => to !== standby));
  }

  /** What was told of one type, and forgotten by that. */
  take<Type extends (HolderOutput | StandbyOutput)['type']>(
    type: Type,
  ): Extract<HolderOutput | StandbyOutput, { type: Type }>[] {
    const found = this.told.filter(([, output]) => output.type === type).map(([, output]) => output);
    this.told.splice(0, this.told.length, ...this.told.filter(([, output]) => output.type !== type));
    return found as Extract<HolderOutput | StandbyOutput, { type: Type }>[];
  }

  #carryOut(outputs: readonly HolderOutput[]): void {
    for (const output of outputs) {
      if (output.type !== 'send') this.told.push(['holder', output]);
      else {
        const message = decodeReplica(encodeReplica(output.message));
        this.sent.push(message);
        if (this.heldUp.has(output.standby)) this.#waiting.push([output.standby, message]);
        else this.atStandby(output.standby, { type: 'message', message });
      }
    }
  }

  #carryOutAt(number: number, outputs: readonly StandbyOutput[]): void {
    for (const output of outputs) {
      if (output.type !== 'send') this.told.push([number, output]);
      else
        this.give({
          type: 'message',
          standby: number,
          message: decodeReplica(encodeReplica(output.message)),
        });
    }
  }
}
