// SPDX-License-Identifier: Apache-2.0
import type { MovableState } from '@vnfpool/client/stateful';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { RelayError } from './relay-error.ts';
import type { TcpService } from './tcp-service.ts';

export const TCP_RELAY_FORMAT = 'relay-tcp/1';

/** What a relay of connections can give away: nothing but itself. With connections open it does so only if they may be cut. */
export class TcpState implements MovableState {
  readonly format: string = TCP_RELAY_FORMAT;
  readonly #service: TcpService;
  readonly #mayCut: boolean;

  constructor(service: TcpService, mayCut: boolean) {
    this.#service = service;
    this.#mayCut = mayCut;
  }

  *export(): Generator<Uint8Array, void> {
    const { open } = this.#service;
    if (open > 0 && !this.#mayCut)
      throw new RelayError('refused', `${open} TCP connections end here, which cannot be moved`);
    yield encodeUtf8('["clear"]\n');
  }

  async import(_kind: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    // There is nothing in it; but it must be there, to its end.
    for await (const _chunk of chunks) continue;
  }

  discard(): void {}
}
