// SPDX-License-Identifier: Apache-2.0
import {
  ids,
  number,
  numberOf,
  type PlainMessage,
  type PlainOption,
  readPlain,
  text,
  textOf,
  writePlain,
} from './plain-codec.ts';

interface PlainFunction {
  readonly name: string;
  readonly state: string;
}

/** Where a plain node reaches another: 16 octets of IPv6 address and a port. */
export type Reach = (address: string, port: number) => PlainNode | undefined;

/**
 * An execution node that knows the draft and nothing of ours: it chooses programs by name from its own catalogue,
 * and gives a function to whoever is behind the address that MOVE names.
 */
export class PlainNode {
  readonly id: number;
  readonly functions = new Map<number, PlainFunction>();
  /** Operations carried out, as `sub-type function`. */
  readonly done: string[] = [];
  /** Messages and codes that came as ACK. */
  readonly acknowledged: { readonly sequence: number; readonly code: number }[] = [];
  send: (octets: Uint8Array) => void = () => {};
  /** Whether REGISTRATION tells since when it has its functions. */
  tellsBootTime = true;
  readonly #catalogue: readonly string[];
  readonly #reach: Reach;
  /** Answers given, by number: what is asked again is not done again. */
  readonly #answers = new Map<number, Uint8Array>();
  #sequence = 0;

  constructor(id: number, catalogue: readonly string[], reach: Reach = () => undefined) {
    this.id = id;
    this.#catalogue = catalogue;
    this.#reach = reach;
  }

  register(): void {
    const bootTime = { type: 6, sub: 40, value: Uint8Array.of(0xed, 0, 0x37, 0x80, 0x80, 0, 0, this.id) };
    const address = { type: 1, sub: 0, value: Uint8Array.of(192, 0, 2, this.id) };
    this.#tell(1, this.tellsBootTime ? [address, bootTime] : [address]);
  }

  leave(): void {
    this.#tell(5, []);
  }

  error(reason: string): void {
    this.#tell(7, [text(9, 1, reason)]);
  }

  take(octets: Uint8Array): void {
    const message = readPlain(octets);
    const { sequence, sub, type } = message;
    if (type === 6) {
      this.acknowledged.push({ sequence, code: message.code });
      return;
    }
    const known = this.#answers.get(sequence);
    if (known) return this.send(known);
    const after: (() => void)[] = [];
    const [code, options] = this.#carryOut(message, after);
    const nodes = options[0]?.type === 4 ? [] : [number(4, this.id)];
    const ack = writePlain({
      type: 6,
      sub: type === 3 ? sub : 0,
      code,
      sequence,
      options: [...nodes, ...options],
    });
    this.#answers.set(sequence, ack);
    this.send(ack);
    for (const then of after) then();
  }

  /** Takes a function from another node. */
  receive(id: number, name: string): void {
    this.#set(id, name, 'Running');
  }

  #carryOut(message: PlainMessage, after: (() => void)[]): [number, PlainOption[]] {
    if (ids(message, 4)[0] !== this.id) return [130, []];
    if (message.type !== 3) return [0, message.type === 2 ? this.#wanted(message) : []];
    const id = ids(message, 5)[0] ?? 0;
    const known = this.functions.get(id);
    switch (message.sub) {
      case 1:
        return [known || id === 0 ? 0 : 131, [number(5, id), ...this.#wanted(message).slice(1)]];
      case 2:
        return this.#add(id, textOf(message.options.find(({ type, sub }) => type === 7 && sub === 1)), after);
      case 3:
        this.done.push(`delete ${id}`);
        after.push(() => this.#set(id, known?.name ?? '', 'Unknown', 'terminated'));
        return [0, [number(5, id), text(7, 50, known ? 'Terminating' : 'Unknown')]];
      case 4:
        return this.#move(message, id, after);
      default:
        return [128, [text(9, 1, 'not available')]];
    }
  }

  #add(id: number, name: string, after: (() => void)[]): [number, PlainOption[]] {
    if (!this.#catalogue.includes(name)) return [128, [number(5, id), text(9, 1, `no program ${name}`)]];
    this.done.push(`add ${id}`);
    this.functions.set(id, { name, state: 'Starting' });
    after.push(() => this.#set(id, name, 'Running'));
    return [0, [number(5, id), text(7, 50, 'Starting')]];
  }

  #move(message: PlainMessage, id: number, after: (() => void)[]): [number, PlainOption[]] {
    const [source = 0, destination = 0] = ids(message, 4);
    const address = message.options.find(({ type }) => type === 2)?.value ?? [];
    const port = numberOf(message.options.find(({ type }) => type === 3));
    const known = this.functions.get(id);
    const to = this.#reach([...address].join('.'), port);
    const both = [number(4, source), number(4, destination), number(5, id)];
    if (known === undefined || to?.id !== destination) return [128, [...both, text(9, 1, 'cannot move it')]];
    this.done.push(`move ${id}`);
    after.push(() => {
      to.receive(id, known.name);
      this.#set(id, known.name, 'Terminating');
      this.#set(id, known.name, 'Unknown', 'moved');
    });
    return [0, [...both, text(7, 50, 'Running')]];
  }

  /** Values of the options that were asked for, as far as known: name and status of functions. */
  #wanted(message: PlainMessage): PlainOption[] {
    let id = 0;
    return message.options.flatMap((option) => {
      if (option.type === 5) id = numberOf(option);
      const known = this.functions.get(id);
      if (option.type === 5) return [option];
      if (option.type !== 7 || known === undefined) return [];
      if (option.sub === 1) return [text(7, 1, known.name)];
      return option.sub === 50 ? [text(7, 50, known.state)] : [];
    });
  }

  #set(id: number, name: string, state: string, reason = ''): void {
    if (state === 'Unknown') this.functions.delete(id);
    else this.functions.set(id, { name, state });
    this.#tell(4, [number(5, id), text(7, 50, state), ...(reason === '' ? [] : [text(9, 1, reason)])]);
  }

  #tell(type: number, options: PlainOption[]): void {
    this.#sequence++;
    const message = { type, sub: 0, code: 0, sequence: this.#sequence };
    this.send(writePlain({ ...message, options: [number(4, this.id), ...options] }));
  }
}
