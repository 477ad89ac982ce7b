// SPDX-License-Identifier: Apache-2.0
import type { ServerAnnounce } from '@vnfpool/wire/asap';
import type { IpText } from '@vnfpool/wire/parameters';
import { addressKey, type RegistrarAddress, type RegistrarTransport } from './registrar-address.ts';

/** ASAP over SCTP or TCP. @see RFC 5352 §8.2 */
const ASAP_PORT = 3863;

export interface CandidatesOptions {
  /** Stay for ever. */
  readonly registrars: readonly RegistrarAddress[];
  /** T7-ENRPoutdate: how long an announced address is believed. */
  readonly outdateMs: number;
  /** Announced addresses at most; more are ignored until one runs out. */
  readonly announcedMax: number;
  /** What can be connected over; announcements of others are ignored. */
  readonly transports: readonly RegistrarTransport[];
}

export interface Candidate {
  readonly key: string;
  readonly address: RegistrarAddress;
  /** Infinity: configured. */
  untilMs: number;
  /** The higher, the later it was tried; 0: never. */
  tried: number;
}

/**
 * Where a registrar may be: configured addresses, and announced ones, which are hints that anyone on the network
 * can give and that live only so long.
 * @see RFC 5352 §3.6
 */
export class Candidates {
  readonly #options: CandidatesOptions;
  readonly #candidates = new Map<string, Candidate>();
  #announced = 0;
  #tries = 0;

  constructor(options: CandidatesOptions) {
    this.#options = options;
    for (const address of options.registrars) {
      const key = addressKey(address);
      this.#candidates.set(key, { key, address, untilMs: Number.POSITIVE_INFINITY, tried: 0 });
    }
  }

  /** Configured and announced. */
  get size(): number {
    return this.#candidates.size;
  }

  /** Takes the addresses of an announcement; without any it is SCTP at `source`, the port of ASAP. */
  announced(message: ServerAnnounce, source: IpText, nowMs: number): void {
    const { outdateMs, announcedMax, transports } = this.#options;
    this.#outdate(nowMs);
    for (const address of addressesOf(message, source)) {
      if (address.transport !== undefined && !transports.includes(address.transport)) continue;
      const key = addressKey(address);
      const known = this.#candidates.get(key);
      if (known !== undefined) {
        if (known.untilMs !== Number.POSITIVE_INFINITY) known.untilMs = nowMs + outdateMs;
      } else if (this.#announced < announcedMax) {
        this.#announced += 1;
        this.#candidates.set(key, { key, address, untilMs: nowMs + outdateMs, tried: 0 });
      }
    }
  }

  /** The one to try next, that tried longest ago; `except` are the keys of those that will not do. */
  next(nowMs: number, except: (key: string) => boolean): Candidate | undefined {
    this.#outdate(nowMs);
    let best: Candidate | undefined;
    for (const candidate of this.#candidates.values()) {
      if (except(candidate.key)) continue;
      if (best === undefined || candidate.tried < best.tried) best = candidate;
    }
    return best;
  }

  /** Others go before it from now on. */
  used(candidate: Candidate): void {
    this.#tries += 1;
    candidate.tried = this.#tries;
  }

  #outdate(nowMs: number): void {
    if (this.#announced === 0) return;
    for (const { key, untilMs } of this.#candidates.values()) {
      if (untilMs > nowMs) continue;
      this.#candidates.delete(key);
      this.#announced -= 1;
    }
  }
}

function addressesOf(message: ServerAnnounce, source: IpText): RegistrarAddress[] {
  if (message.transports.length === 0) return [{ host: source, port: ASAP_PORT, transport: 'sctp' }];
  return message.transports.flatMap((transport): RegistrarAddress[] => {
    if (transport.type === 'tcp')
      return [{ host: transport.address, port: transport.port, transport: 'tcp' }];
    const [host] = transport.addresses;
    const { port, addresses } = transport;
    return host === undefined ? [] : [{ host, port, transport: 'sctp', addresses }];
  });
}
