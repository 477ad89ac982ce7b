// SPDX-License-Identifier: Apache-2.0

/*
 * An instruction of eBPF, 8 bytes in the host's order:
 *
 *  0        8     12    16               32                                64
 *  +--------+-----+-----+----------------+--------------------------------+
 *  | opcode | dst | src | offset         | immediate                      |
 *  +--------+-----+-----+----------------+--------------------------------+
 * @see RFC 9669
 */

/** Registers: 0 result, 1–5 arguments (lost in a call), 6–9 kept, 10 end of the stack of 512 bytes. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** Width of an access in bytes. */
export type Width = 1 | 2 | 4 | 8;

/** Comparisons of 64 bits, without sign. */
export type Comparison = '==' | '!=' | '>=';

const MEMORY_WIDTH: Readonly<Record<Width, number>> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };
const JUMP: Readonly<Record<Comparison, number>> = { '==': 0x10, '!=': 0x50, '>=': 0x30 };
const PSEUDO_MAP_FD = 1;

interface Instruction {
  readonly opcode: number;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  readonly immediate: number;
  /** Where a jump goes. */
  readonly to?: string;
}

/** Puts a program together, one line an instruction; jumps go forward to labels. */
export class Assembler {
  readonly #instructions: Instruction[] = [];
  readonly #labels = new Map<string, number>();
  #names = 0;

  /** A label that is not taken yet. */
  name(about: string): string {
    return `${about} ${++this.#names}`;
  }

  /** What a jump to `name` finds next. */
  label(name: string): this {
    this.#labels.set(name, this.#instructions.length);
    return this;
  }

  /** dst = source */
  move(dst: Register, source: Register): this {
    return this.#add({ opcode: 0xbf, dst, src: source });
  }

  /** dst = value */
  set(dst: Register, value: number): this {
    return this.#add({ opcode: 0xb7, dst, immediate: value });
  }

  /** dst += value */
  add(dst: Register, value: number): this {
    return this.#add({ opcode: 0x07, dst, immediate: value });
  }

  /** dst = the map of this descriptor */
  setMap(dst: Register, fd: number): this {
    this.#add({ opcode: 0x18, dst, src: PSEUDO_MAP_FD, immediate: fd });
    // Such a constant takes two places.
    return this.#add({ opcode: 0 });
  }

  /** dst = memory at base + offset */
  load(width: Width, dst: Register, base: Register, offset: number): this {
    return this.#add({ opcode: 0x61 | MEMORY_WIDTH[width], dst, src: base, offset });
  }

  /** memory at base + offset = source */
  store(width: Width, base: Register, offset: number, source: Register): this {
    return this.#add({ opcode: 0x63 | MEMORY_WIDTH[width], dst: base, src: source, offset });
  }

  /** memory at base + offset = value */
  storeValue(width: Width, base: Register, offset: number, value: number): this {
    return this.#add({ opcode: 0x62 | MEMORY_WIDTH[width], dst: base, offset, immediate: value });
  }

  /** Calls a helper of the kernel by its number. */
  call(helper: number): this {
    return this.#add({ opcode: 0x85, immediate: helper });
  }

  jump(to: string): this {
    return this.#add({ opcode: 0x05, to });
  }

  /** Jumps when a register compares so to a value. */
  jumpIf(left: Register, comparison: Comparison, value: number, to: string): this {
    return this.#add({ opcode: 0x05 | JUMP[comparison], dst: left, immediate: value, to });
  }

  /** Jumps when a register compares so to another one. */
  jumpIfRegister(left: Register, comparison: Comparison, right: Register, to: string): this {
    return this.#add({ opcode: 0x0d | JUMP[comparison], dst: left, src: right, to });
  }

  /** Ends the program with register 0. */
  exit(): this {
    return this.#add({ opcode: 0x95 });
  }

  /** @throws Error for a jump to a label that is nowhere, or behind */
  assemble(): Uint8Array {
    const bytes = new Uint8Array(this.#instructions.length * 8);
    const view = new DataView(bytes.buffer);
    for (const [at, { opcode, dst, src, offset, immediate, to }] of this.#instructions.entries()) {
      view.setUint8(at * 8, opcode);
      view.setUint8(at * 8 + 1, (src << 4) | dst);
      view.setInt16(at * 8 + 2, to === undefined ? offset : this.#distance(at, to), true);
      view.setInt32(at * 8 + 4, immediate, true);
    }
    return bytes;
  }

  #distance(from: number, to: string): number {
    const target = this.#labels.get(to);
    if (target === undefined || target <= from) throw new Error(`no label ${to} ahead of ${from}`);
    return target - from - 1;
  }

  #add(instruction: Partial<Instruction>): this {
    this.#instructions.push({ opcode: 0, dst: 0, src: 0, offset: 0, immediate: 0, ...instruction });
    return this;
  }
}
