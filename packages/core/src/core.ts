// SPDX-License-Identifier: Apache-2.0

/**
 * What every protocol core looks like from outside.
 *
 * A core never performs I/O. It is given an input and the time and returns outputs, in the order in which
 * they must be carried out: whatever follows a `persist` may only happen once that record is durable.
 * It asks for the clock by `nextDeadline()`; its driver arms one timer and calls `expire(now)`.
 *
 * Time is in milliseconds (fractions allowed) of a monotonic clock chosen by the driver: CLOCK_BOOTTIME in
 * the agent, virtual time in the simulation. Two cores never compare their clocks.
 */
export interface Core<Input, Output> {
  /** Takes one input at `nowMs` and returns what has to be done about it, in order. */
  handle(input: Input, nowMs: number): Output[];
  /** Runs every timer that is due at `nowMs`. */
  expire(nowMs: number): Output[];
  /** When `expire` wants to be called next; undefined when nothing is pending. */
  nextDeadline(): number | undefined;
}

/** Randomness handed in: a seeded generator in simulations, the system's in daemons. */
export interface Random {
  /** An unsigned 32-bit integer. */
  u32(): number;
  /** An unsigned 64-bit integer. */
  u64(): bigint;
  /** A fraction in [0, 1). */
  fraction(): number;
}
