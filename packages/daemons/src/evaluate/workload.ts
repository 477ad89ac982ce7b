// SPDX-License-Identifier: Apache-2.0
import { SeededRandom } from './seeded-random.ts';

/** What a client asks of the function next. */
export interface Step {
  /** Since the start of the workload. */
  readonly atMs: number;
  /** 1 to 1,024 characters U+0000 to U+00FF. */
  readonly key: string;
  /** `read` asks for a key that is there and changes nothing; `remove` is of one that is there. */
  readonly op: 'write' | 'remove' | 'read';
  /** Of a `write`, else empty. */
  readonly value: Uint8Array;
}

/** The same steps every time that it is asked for them. */
export interface Workload {
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  /** Of the longest value. */
  readonly octetsMax: number;
  /** Keys that are there at the start. */
  fill(): Step[];
  /** What follows, without an end. */
  steps(): Generator<Step, void>;
}

export const WORKLOAD_NAMES = ['nat', 'sip', 'http', 'counters'] as const;
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

export interface WorkloadOptions {
  readonly seed: number;
  /** Requests a second. */
  readonly rate: number;
  /** Octets of a value, on the average; default: of the workload. */
  readonly size?: number;
  /** Pieces of state at a time; default: of the workload. */
  readonly keys?: number;
}

interface Shape {
  readonly what: string;
  readonly keys: number;
  readonly size: number;
  /** Values have from half to one and a half of it. */
  readonly varies: boolean;
  /** Changes between birth and end; null: keys stay for ever. */
  readonly changes: readonly [least: number, most: number] | null;
  /** Part of the requests that only read. */
  readonly reads: number;
  /** Requests that come at once. */
  readonly burst: number;
  /** 1: all keys alike; more: the first ones are asked for far more often. */
  readonly skew: number;
}

const SHAPES: Readonly<Record<WorkloadName, Shape>> = {
  nat: {
    what: 'flows of a translator: born, established, closing, gone',
    keys: 10_000,
    size: 64,
    varies: false,
    changes: [1, 3],
    reads: 0,
    burst: 1,
    skew: 1,
  },
  sip: {
    what: 'dialogs of calls: early, confirmed, now and then changed, gone',
    keys: 1_000,
    size: 400,
    varies: true,
    changes: [1, 4],
    reads: 0,
    burst: 1,
    skew: 1,
  },
  http: {
    what: 'sessions that are mostly read, in bursts',
    keys: 2_000,
    size: 200,
    varies: true,
    changes: [2, 8],
    reads: 0.8,
    burst: 20,
    skew: 1,
  },
  counters: {
    what: 'counters, some of them far more often than others',
    keys: 100,
    size: 16,
    varies: false,
    changes: null,
    reads: 0,
    burst: 1,
    skew: 3,
  },
};

/** A seeded workload. */
export function workloadOf(name: WorkloadName, options: WorkloadOptions): Workload {
  const given = SHAPES[name];
  const shape = { ...given, keys: options.keys ?? given.keys, size: options.size ?? given.size };
  return {
    name,
    summary: `${name}: ${shape.what}; ${shape.keys} at a time, ${shape.size} octets each, ${options.rate} requests a second`,
    octetsMax: mostOctets(shape),
    fill: () => new Population(shape, options.seed).fill(),
    steps: () => {
      const population = new Population(shape, options.seed);
      population.fill();
      return population.steps(options.rate);
    },
  };
}

function mostOctets({ size, varies }: Shape): number {
  return varies ? Math.floor(size * 1.5) : size;
}

interface Living {
  readonly key: string;
  /** Changes before its end. */
  left: number;
}

/** Keys that are born, change and go. */
class Population {
  readonly #shape: Shape;
  readonly #random: SeededRandom;
  readonly #living: Living[] = [];
  #born = 0;

  constructor(shape: Shape, seed: number) {
    this.#shape = shape;
    this.#random = new SeededRandom(seed);
  }

  fill(): Step[] {
    const steps: Step[] = [];
    for (let n = 0; n < this.#shape.keys; n++) {
      const step = this.#birth(0);
      steps.push(step);
      // Those that are there already are of all ages.
      const newest = this.#living.at(-1);
      if (newest !== undefined && this.#shape.changes !== null)
        newest.left = this.#random.between(0, newest.left);
    }
    return steps;
  }

  *steps(rate: number): Generator<Step, void> {
    const { burst, reads } = this.#shape;
    const gapMs = (burst * 1_000) / rate;
    for (let atMs = 0; ; atMs += this.#random.exponential(gapMs))
      for (let n = 0; n < burst; n++) {
        if (this.#living.length < this.#shape.keys) yield this.#birth(atMs);
        else if (this.#random.fraction() < reads) yield this.#read(atMs);
        else yield this.#next(atMs);
      }
  }

  #birth(atMs: number): Step {
    const { changes } = this.#shape;
    const key = `k${this.#born.toString(36)}`;
    this.#born += 1;
    const left = changes === null ? Number.POSITIVE_INFINITY : this.#random.between(...changes);
    this.#living.push({ key, left });
    return { atMs, key, op: 'write', value: this.#value() };
  }

  #read(atMs: number): Step {
    const { key } = this.#living[this.#place()] as Living;
    return { atMs, key, op: 'read', value: NOTHING };
  }

  #next(atMs: number): Step {
    const place = this.#place();
    const chosen = this.#living[place] as Living;
    if (chosen.left > 0) {
      chosen.left -= 1;
      return { atMs, key: chosen.key, op: 'write', value: this.#value() };
    }
    const last = this.#living.pop() as Living;
    if (place < this.#living.length) this.#living[place] = last;
    return { atMs, key: chosen.key, op: 'remove', value: NOTHING };
  }

  #place(): number {
    return Math.floor(this.#living.length * this.#random.fraction() ** this.#shape.skew);
  }

  #value(): Uint8Array {
    const { size, varies } = this.#shape;
    const octets = varies
      ? this.#random.between(Math.ceil(size / 2), mostOctets(this.#shape))
      : mostOctets(this.#shape);
    return new Uint8Array(octets).fill(this.#random.u32());
  }
}

const NOTHING = new Uint8Array(0);
