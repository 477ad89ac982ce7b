// SPDX-License-Identifier: Apache-2.0
import type { AddressClaim } from '../interfaces.ts';
import { ipBytes } from '../netlink/ip.ts';
import type { CarrierLink } from './carrier-links.ts';
import { claimFilter, hardwareText, readSaid } from './claim.ts';
import { ETHERTYPE_ALL, ETHERTYPE_ARP, ETHERTYPE_IPV6, PacketSocket } from './packet-socket.ts';
import { probeFrame } from './solicitation.ts';

/*
 * Our own duplicate address detection. The kernel's would fail at a fenced standby. Its times are shorter than those of RFC 5227
 * §1.1 (1 to 2 s between probes, 2 s at the end): a slot waits for it.
 */
const PROBES = 3;
const EVERY_MS = 100;
/** Claims told of one probing. */
const CLAIMS_MAX = 16;

/** Questions at a time; further ones wait. */
const QUESTIONS_MAX = 16;

const ALL_NODES = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);

/**
 * Asks on a link whether somebody has one of these addresses, three times in 0.3 s. Somebody who asks for one meanwhile, as we
 * do, counts as well. It also hears what rules of the kernel drop.
 * @param answered called once, unless it is ended before
 * @returns ends it
 * @throws PlatformError when nothing can be sent
 */
export function probeLink(
  link: CarrierLink,
  addresses: readonly string[],
  answered: (claims: readonly AddressClaim[]) => void,
): () => void {
  const claims = new Map<string, AddressClaim>();
  const asked = new Set(addresses);
  const own = hardwareText(link.hardwareAddress);
  const socket = new PacketSocket((frame) => {
    const said = readSaid(frame);
    if (said === undefined || !asked.has(said.address) || said.hardwareAddress === own) return;
    const { address, hardwareAddress } = said;
    if (claims.size < CLAIMS_MAX)
      claims.set(`${address} ${hardwareAddress}`, { address, hardwareAddress, link: link.name });
  });
  let left = PROBES;
  const ask = (): void => {
    for (const address of addresses)
      socket.send(
        probeFrame(address, link.hardwareAddress),
        address.includes(':') ? ETHERTYPE_IPV6 : ETHERTYPE_ARP,
      );
    left -= 1;
  };
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearInterval(timer);
    socket.close();
  };
  try {
    socket.hear(link.index, ETHERTYPE_ALL, claimFilter(addresses, true));
    for (const address of addresses.filter((each) => each.includes(':'))) {
      socket.join(ALL_NODES);
      // Others that ask for it do so there.
      socket.join(Uint8Array.of(0x33, 0x33, 0xff, ...ipBytes(address).subarray(13)));
    }
    ask();
  } catch (error) {
    end();
    throw error;
  }
  timer = setInterval(() => {
    if (left > 0) {
      try {
        ask();
        return;
      } catch {
        // The link went down meanwhile: what was heard so far has to do.
      }
    }
    end();
    answered([...claims.values()]);
  }, EVERY_MS);
  return end;
}

/** Links with the addresses to ask for on each. */
export type Question = readonly { readonly link: CarrierLink; readonly addresses: readonly string[] }[];

/** Questions over several links, some at a time. */
export class Prober {
  readonly #ends = new Set<() => void>();
  readonly #waiting: (() => void)[] = [];

  /** `answered` is called once, later, unless the prober is closed. */
  ask(question: Question, answered: (claims: readonly AddressClaim[]) => void): void {
    if (this.#ends.size >= QUESTIONS_MAX) {
      this.#waiting.push(() => this.ask(question, answered));
      return;
    }
    const claims: AddressClaim[] = [];
    const ends: (() => void)[] = [];
    // One more for the question itself, so that nothing is answered while it is still asked.
    let left = question.length + 1;
    const end = (): void => {
      for (const each of ends) each();
    };
    const done = (found: readonly AddressClaim[]): void => {
      claims.push(...found);
      if (--left > 0) return;
      this.#ends.delete(end);
      this.#waiting.shift()?.();
      answered(claims);
    };
    this.#ends.add(end);
    for (const { link, addresses } of question) {
      try {
        ends.push(probeLink(link, addresses, done));
      } catch {
        // The link is down, or gone: nobody on it can be asked, and whoever follows links has it told.
        done([]);
      }
    }
    const last = setImmediate(() => done([]));
    ends.push(() => clearImmediate(last));
  }

  close(): void {
    this.#waiting.length = 0;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }
}
