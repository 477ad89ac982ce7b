// SPDX-License-Identifier: Apache-2.0
import type { RegistrarInput } from '@vnfpool/core/registrar';
import type { Logger } from '@vnfpool/runtime/logging';
import { decodeAsap, encodeAsap, type ServerAnnounce } from '@vnfpool/wire/asap';
import { WireError } from '@vnfpool/wire/bytes';
import { decodeEnrp, encodeEnrp, type Presence } from '@vnfpool/wire/enrp';
import { Multicast } from './multicast.ts';

export interface GroupAddress {
  readonly group: string;
  readonly port: number;
}

export interface AnnounceOptions {
  /** Where elements and users listen for registrars; null: not announced. */
  readonly asap: GroupAddress | null;
  /** Where registrars tell their presence; null: to each peer only. */
  readonly enrp: GroupAddress | null;
  readonly ttl: number;
  /** Address of the interface to use. */
  readonly interface?: string;
}

/** What a registrar says to everybody, and hears from others, by multicast. Nothing of it is authenticated: hints only. */
export class Announcements {
  readonly #asap: Multicast | null;
  readonly #enrp: Multicast | null;

  private constructor(asap: Multicast | null, enrp: Multicast | null) {
    this.#asap = asap;
    this.#enrp = enrp;
  }

  /** A group that cannot be joined is logged and done without. */
  static async open(
    options: AnnounceOptions,
    submit: (input: RegistrarInput) => boolean,
    logger: Logger,
  ): Promise<Announcements> {
    const join = async (
      at: GroupAddress | null,
      read: (bytes: Uint8Array, address: string) => RegistrarInput | undefined,
    ): Promise<Multicast | null> => {
      if (at === null) return null;
      const onTrouble = (error: Error): void =>
        logger.warn({ group: `${at.group}:${at.port}`, reason: error.message }, 'multicast does not work');
      const { ttl } = options;
      const onDatagram = (bytes: Uint8Array, source: { address: string }): void => {
        try {
          const input = read(bytes, source.address);
          // At the bound a hint is lost, and comes again.
          if (input !== undefined) submit(input);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
          logger.debug({ source: source.address, reason: error.message }, 'malformed announcement');
        }
      };
      const from = options.interface === undefined ? {} : { interface: options.interface };
      return await Multicast.join({ ...at, ttl, ...from, onDatagram, onTrouble }).catch((error: unknown) => {
        onTrouble(error instanceof Error ? error : new Error(String(error)));
        return null;
      });
    };
    return new Announcements(
      await join(options.asap, (bytes) => {
        const { message } = decodeAsap(bytes.slice());
        return message.type === 'server-announce' ? { type: 'announcement-heard', message } : undefined;
      }),
      await join(options.enrp, (bytes, address) => {
        const { message } = decodeEnrp(bytes.slice());
        return message.type === 'presence' ? { type: 'presence-heard', message, address } : undefined;
      }),
    );
  }

  announce(message: ServerAnnounce): void {
    this.#asap?.send(encodeAsap(message));
  }

  tellPresence(message: Presence): void {
    this.#enrp?.send(encodeEnrp(message));
  }

  close(): void {
    this.#asap?.close();
    this.#enrp?.close();
  }
}
