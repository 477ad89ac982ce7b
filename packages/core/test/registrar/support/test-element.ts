// SPDX-License-Identifier: Apache-2.0
import type { RegistrarTransport } from '@vnfpool/core/registrar';
import type { AsapMessage } from '@vnfpool/wire/asap';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { PoolElement } from '@vnfpool/wire/parameters';

/** The least of a pool element: registers, answers keep-alives, remembers who wants to be its home. */
export class TestElement {
  readonly id: number;
  readonly pool: string;
  readonly poolHandle: Uint8Array;
  readonly name: string;
  readonly asap: RegistrarTransport;
  /** Its ends of associations, by number. */
  readonly ends: Map<number, { readonly id: number }> = new Map<number, { readonly id: number }>();
  readonly heard: AsapMessage[] = [];
  change: Partial<PoolElement> = {};
  /** The association over which it registers. */
  home: number | undefined;
  homeRegistrar: number | undefined;
  isUp = true;
  /** Whether it answers keep-alives. */
  answers = true;

  constructor(id: number, pool: string) {
    this.id = id;
    this.pool = pool;
    this.poolHandle = encodeUtf8(pool);
    this.name = `${pool}-${id}`;
    this.asap = { type: 'tcp', port: 4000, address: `10.2.${id >> 8}.${id & 255}` };
  }

  registration(): AsapMessage {
    const element: PoolElement = {
      id: this.id,
      homeRegistrar: 0,
      registrationLife: 600,
      userTransport: { type: 'tcp', port: 80, address: `10.2.${this.id >> 8}.${this.id & 255}` },
      policy: { type: 'round-robin' },
      ...this.change,
    };
    return { type: 'registration', poolHandle: this.poolHandle, element };
  }

  /** What it answers at once. */
  hear(message: AsapMessage, association: number): AsapMessage | undefined {
    this.heard.push(message);
    if (message.type !== 'endpoint-keep-alive' || !this.answers) return undefined;
    if (message.becomeHome) {
      this.home = association;
      this.homeRegistrar = message.registrarId;
    }
    return { type: 'endpoint-keep-alive-ack', poolHandle: this.poolHandle, elementId: this.id };
  }
}
