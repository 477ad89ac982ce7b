// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';
import { LinkAddress } from '@vnfpool/platform/addresses';
import type { Logger } from '@vnfpool/runtime/logging';

/** A node has another address than before. */
export interface AddressChange {
  readonly address: string;
  readonly former: string;
}

/** Where a node is. */
export interface OwnAddress {
  readonly current: string;
  /** What changes from now on. */
  onChange(listener: (change: AddressChange) => void): void;
  close(): void;
}

/**
 * @param listen An address, which stays; or a link, whose IPv4 address is followed as it changes
 * @throws PlatformError `ENODEV`, `NO_ADDRESS` for a link; Error where links cannot be followed
 */
export function openOwnAddress(listen: string, logger: Logger): OwnAddress {
  if (isIP(listen) !== 0) return { current: listen, onChange: () => {}, close: () => {} };
  if (process.platform !== 'linux')
    throw new Error(`${listen} is no address; those of links are followed on Linux only`);
  const listeners: ((change: AddressChange) => void)[] = [];
  const followed = new LinkAddress(listen, {
    changed: (address, former) => {
      logger.warn({ link: listen, address, former }, 'this node has another address');
      for (const listener of listeners) listener({ address, former });
    },
    failed: (error) => logger.error({ err: error, link: listen }, 'the address is not followed any more'),
  });
  return {
    get current() {
      return followed.current;
    },
    onChange: (listener) => void listeners.push(listener),
    close: () => followed.close(),
  };
}
