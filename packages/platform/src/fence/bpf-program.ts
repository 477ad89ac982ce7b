// SPDX-License-Identifier: Apache-2.0
import { Assembler, type Direction } from '../bpf/index.ts';

/*
 * The program that stands on a link, one for each direction. It finds the slot of what a frame names, and drops the
 * frame unless CLOCK_BOOTTIME is before the slot's deadline:
 *
 *   guarded:   { kind 4, address 4 or 16, or index of a link 4, zeros } → number of a slot 4
 *   deadlines: number of a slot 4 → nanoseconds of CLOCK_BOOTTIME 8; 0: closed
 */

export const GUARDED_KEY_BYTES = 20;

/** The kinds of keys, in the host's order. */
export const KEY_KIND = { link: 1, forwarding: 2, ipv4: 4, ipv6: 6 } as const;

/** Let the next program, and then the stack, have the frame: TCX_NEXT. */
export const PASS = -1;
/** TCX_DROP. */
export const DROP = 2;

const HELPER = { mapLookup: 1, loadBytes: 26, boottimeNs: 125 } as const;
/** Places in struct __sk_buff. */
const FRAME = { protocol: 16, ingressLink: 36, link: 40 } as const;
/** Ethertypes as a 2-byte load of network order gives them to a little-endian host. */
const IPV4 = 0x0008;
const ARP = 0x0608;
const IPV6 = 0xdd86;
const VLAN = 0x0081;
const SERVICE_VLAN = 0xa888;
const ARP_REQUEST = 0x0100;
const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const VLAN_TAGS_MAX = 2;

/** Places on the stack, below register 10. */
const STACK = { key: -24, address: -20, slot: -28, word: -36 } as const;

export interface FenceProgramOptions {
  readonly direction: Direction;
  /** What stands before the network header: 14 on Ethernet, 0 on a link that carries bare packets. */
  readonly headerBytes: number;
  /** Descriptors of the maps. */
  readonly guardedFd: number;
  readonly deadlinesFd: number;
}

/** The instructions, from the frame's link to its neighbour discovery. */
export function fenceProgram(options: FenceProgramOptions): Uint8Array {
  const program = new FenceProgram(options);
  return options.direction === 'in' ? program.incoming() : program.outgoing();
}

/** Register 6: the frame. 7: a deadline. 8: where the network header begins. 9: ethertype. */
class FenceProgram {
  readonly #code = new Assembler();
  readonly #options: FenceProgramOptions;

  constructor(options: FenceProgramOptions) {
    this.#options = options;
  }

  incoming(): Uint8Array {
    const code = this.#begin();
    this.#guardLink();
    this.#findNetwork();
    this.#onEthertype(IPV4, () => this.#guardAddress4(16));
    this.#onEthertype(ARP, () => {
      this.#loadBytes(6, 2, STACK.word);
      code.load(2, 1, 10, STACK.word).jumpIf(1, '!=', ARP_REQUEST, 'pass');
      // Somebody announces an address that is guarded here too: our neighbour table is to follow its holder.
      this.#loadAddress4(14);
      this.#lookUp();
      code.jumpIf(0, '!=', 0, 'pass');
      this.#guardAddress4(24);
    });
    this.#onEthertype(IPV6, () => {
      this.#guardAddress6(24);
      this.#guardNeighbourDiscovery(SOLICITATION);
    });
    return this.#end();
  }

  outgoing(): Uint8Array {
    this.#begin();
    this.#guardLink();
    this.#guardForwarding();
    this.#findNetwork();
    this.#onEthertype(IPV4, () => this.#guardAddress4(12));
    this.#onEthertype(ARP, () => this.#guardAddress4(14));
    this.#onEthertype(IPV6, () => {
      this.#guardAddress6(8);
      this.#guardNeighbourDiscovery(ADVERTISEMENT);
    });
    return this.#end();
  }

  #begin(): Assembler {
    this.#code.move(6, 1);
    return this.#code;
  }

  #end(): Uint8Array {
    return this.#code.label('pass').set(0, PASS).exit().label('drop').set(0, DROP).exit().assemble();
  }

  #guardLink(): void {
    this.#emptyKey(KEY_KIND.link);
    this.#code.load(4, 1, 6, FRAME.link).store(4, 10, STACK.address, 1);
    this.#guard();
  }

  /** A frame that came in by some link is being forwarded; one that the host itself sends came in by none. */
  #guardForwarding(): void {
    const own = this.#code.name('own');
    this.#code.load(4, 1, 6, FRAME.ingressLink).jumpIf(1, '==', 0, own);
    this.#emptyKey(KEY_KIND.forwarding);
    this.#code.store(4, 10, STACK.address, 1);
    this.#guard();
    this.#code.load(4, 1, 6, FRAME.link).store(4, 10, STACK.address, 1);
    this.#guard();
    this.#code.label(own);
  }

  /** Ethertype and network header behind what tags the frame has within. */
  #findNetwork(): void {
    const code = this.#code.load(4, 9, 6, FRAME.protocol).set(8, this.#options.headerBytes);
    for (let tag = 0; tag < VLAN_TAGS_MAX; tag++) {
      const [tagged, plain] = [code.name('tagged'), code.name('plain')];
      code.jumpIf(9, '==', VLAN, tagged).jumpIf(9, '==', SERVICE_VLAN, tagged).jump(plain).label(tagged);
      this.#loadBytes(2, 2, STACK.word);
      code.load(2, 9, 10, STACK.word).add(8, 4).label(plain);
    }
  }

  #onEthertype(type: number, body: () => void): void {
    const other = this.#code.name('other');
    this.#code.jumpIf(9, '!=', type, other);
    body();
    this.#code.jump('pass').label(other);
  }

  #guardAddress4(offset: number): void {
    this.#loadAddress4(offset);
    this.#guard();
  }

  #loadAddress4(offset: number): void {
    this.#emptyKey(KEY_KIND.ipv4);
    this.#loadBytes(offset, 4, STACK.address);
  }

  #guardAddress6(offset: number): void {
    this.#emptyKey(KEY_KIND.ipv6);
    this.#loadBytes(offset, 16, STACK.address);
    this.#guard();
  }

  /** Messages of it have no headers between. @see RFC 4861 §4 */
  #guardNeighbourDiscovery(type: number): void {
    this.#loadBytes(6, 1, STACK.word);
    this.#code.load(1, 1, 10, STACK.word).jumpIf(1, '!=', ICMPV6, 'pass');
    this.#loadBytes(40, 1, STACK.word);
    this.#code.load(1, 1, 10, STACK.word).jumpIf(1, '!=', type, 'pass');
    this.#guardAddress6(48);
  }

  #emptyKey(kind: number): void {
    this.#code.storeValue(4, 10, STACK.key, kind);
    for (let at = 0; at < 16; at += 4) this.#code.storeValue(4, 10, STACK.address + at, 0);
  }

  /** What ends before is no packet of an address. */
  #loadBytes(offset: number, bytes: number, place: number): void {
    this.#code
      .move(1, 6)
      .move(2, 8)
      .add(2, offset)
      .move(3, 10)
      .add(3, place)
      .set(4, bytes)
      .call(HELPER.loadBytes)
      .jumpIf(0, '!=', 0, 'pass');
  }

  /** Register 0: the slot's number in the map, or 0. */
  #lookUp(): void {
    this.#code.setMap(1, this.#options.guardedFd).move(2, 10).add(2, STACK.key).call(HELPER.mapLookup);
  }

  /** Drops the frame when the key on the stack is guarded and its slot's deadline has come. */
  #guard(): void {
    const free = this.#code.name('free');
    this.#lookUp();
    this.#code
      .jumpIf(0, '==', 0, free)
      .load(4, 1, 0, 0)
      .store(4, 10, STACK.slot, 1)
      .setMap(1, this.#options.deadlinesFd)
      .move(2, 10)
      .add(2, STACK.slot)
      .call(HELPER.mapLookup)
      .jumpIf(0, '==', 0, 'drop')
      .load(8, 7, 0, 0)
      .call(HELPER.boottimeNs)
      .jumpIfRegister(0, '>=', 7, 'drop')
      .label(free);
  }
}
