// SPDX-License-Identifier: Apache-2.0
import type {
  DestinationInput,
  DestinationOutput,
  SourceInput,
  SourceOutput,
} from '@vnfpool/core/state-transfer';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

const LATE_LOOK_MS = 5;
const STATE_BYTES = 8;
const FILLER_BYTES = 200;

/** What a simulated function has of state: how many writes it has acknowledged since somebody began to count. */
export class Counter {
  /** Who began to count; null: its state has still to come from another node. */
  origin: number | null;
  count = 0;
  isQuiesced = false;
  /** As its agent told it. */
  isActive = false;

  constructor(origin: number | null) {
    this.origin = origin;
  }
}

/** Finds the counter of the program that runs now; undefined: none does. */
export type FindCounter = () => Counter | undefined;

/** The function at the source of a transfer: gives its state chunk by chunk, and stands still when it is told to. */
export class CounterSource {
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #find: FindCounter;
  readonly #give: (input: SourceInput) => void;
  /** Of the program that the transfer began with. */
  readonly #counter: Counter | undefined;
  readonly #snapshotChunks: number;
  #chunksLeft = 0;
  /** What was begun before this changed is called off. */
  #work = 0;

  constructor(world: World, process: SimProcess, find: FindCounter, give: (input: SourceInput) => void) {
    this.#world = world;
    this.#process = process;
    this.#find = find;
    this.#give = give;
    this.#counter = find();
    this.#snapshotChunks = world.random.pick([0, 20, 300, 1_000]);
  }

  export({ part, kind }: SourceOutput & { readonly type: 'export' }): void {
    this.#chunksLeft = (kind === 'snapshot' ? this.#snapshotChunks : 0) + 1;
    this.#work += 1;
    this.pull(part);
  }

  pull(part: number): void {
    this.#after((counter) => {
      this.#chunksLeft -= 1;
      if (this.#chunksLeft > 0)
        this.#give({ type: 'exported-chunk', part, octets: new Uint8Array(FILLER_BYTES) });
      else if (this.#chunksLeft === 0)
        this.#give({ type: 'exported-chunk', part, octets: encodeCounter(counter) });
      else this.#give({ type: 'exported', part, sessions: null, changePerSecond: null });
    });
  }

  quiesce(): void {
    this.#after((counter) => {
      counter.isQuiesced = true;
      this.#give({ type: 'quiesced' });
    });
  }

  /** It serves again, whatever was under way. */
  resume(): void {
    this.stop();
    if (this.#counter) this.#counter.isQuiesced = false;
  }

  /** Ends what is under way, and tells nothing more of it. */
  stop(): void {
    this.#work += 1;
  }

  #after(run: (counter: Counter) => void): void {
    const work = this.#work;
    const { isCalm, random } = this.#world;
    const fails = !isCalm && random.chance(0.000_3);
    this.#process.after(random.between(0.1, 2), () => {
      if (work !== this.#work) return;
      const counter = this.#counter;
      if (fails || !counter || this.#find() !== counter)
        this.#give({ type: 'failed', reason: fails ? 'the function cannot' : 'the function has ended' });
      else run(counter);
    });
  }
}

/** The function at the destination of a transfer: takes its state in as soon as it runs. */
export class CounterDestination {
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #find: FindCounter;
  readonly #give: (input: DestinationInput) => void;
  /** Last octets of the part that comes in. */
  #tail: readonly number[] = [];
  /** It works in order: the next step begins when the one before is done. */
  #queue: ((counter: Counter) => void)[] = [];
  #isBusy = false;
  #work = 0;

  constructor(world: World, process: SimProcess, find: FindCounter, give: (input: DestinationInput) => void) {
    this.#world = world;
    this.#process = process;
    this.#find = find;
    this.#give = give;
  }

  begin(): void {
    this.#tail = [];
  }

  chunk({ octets }: DestinationOutput & { readonly type: 'import-chunk' }): void {
    const arrived = octets.slice();
    this.#enqueue(() => {
      this.#tail = [...this.#tail, ...arrived].slice(-STATE_BYTES);
      this.#give({ type: 'consumed', bytes: arrived.length });
    });
  }

  end(part: number): void {
    this.#enqueue((counter) => {
      decodeCounter(Uint8Array.from(this.#tail), counter);
      this.#give({ type: 'imported', part, sessions: null });
    });
  }

  discard(done: () => void): void {
    this.stop();
    const counter = this.#find();
    if (counter) counter.origin = null;
    this.#process.after(this.#world.random.between(0.1, 2), done);
  }

  stop(): void {
    this.#work += 1;
    this.#queue = [];
    this.#isBusy = false;
  }

  #enqueue(run: (counter: Counter) => void): void {
    this.#queue.push(run);
    this.#next();
  }

  #next(): void {
    if (this.#isBusy || this.#queue.length === 0) return;
    this.#isBusy = true;
    const work = this.#work;
    const counter = this.#find();
    const delayMs = counter ? this.#world.random.between(0.05, 1) : LATE_LOOK_MS;
    this.#process.after(delayMs, () => {
      if (work !== this.#work) return;
      this.#isBusy = false;
      const found = this.#find();
      if (found) this.#queue.shift()?.(found);
      this.#next();
    });
  }
}

function encodeCounter({ origin, count }: Counter): Uint8Array {
  const octets = new Uint8Array(STATE_BYTES);
  const view = new DataView(octets.buffer);
  view.setUint32(0, origin ?? 0);
  view.setUint32(4, count);
  return octets;
}

function decodeCounter(octets: Uint8Array, counter: Counter): void {
  const view = new DataView(octets.buffer);
  counter.origin = view.getUint32(0);
  counter.count = view.getUint32(4);
}
