// SPDX-License-Identifier: Apache-2.0
import { GossipCore, type GossipInput, type GossipOutput, nameOf } from '@vnfpool/core/gossip';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { systemRandom } from '@vnfpool/runtime/random';
import type { Connection } from '@vnfpool/transport';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { ByteWriter } from '@vnfpool/wire/bytes';
import { decodeGossip, encodeGossip } from '@vnfpool/wire/gossip';
import { lengthRule } from '../frames.ts';
import type { Mechanism, Standby } from '../mechanism.ts';

const HOST = '127.0.0.1';
/** Origins: 1 is the holder, those behind are the others. */
const HOLDER = 1;
const INCARNATION = 1n;
const VALUE_OCTETS_MAX = 1_024;
const LENGTH_OCTETS = 4;

/** One instance: a core over streams, each peer by one connection that either end has opened. */
class Member {
  readonly core: GossipCore;
  readonly driver: CoreDriver<GossipInput, GossipOutput>;
  /** Why the update that was given last was not made. */
  refusal: string | undefined;
  readonly #origin: number;
  readonly #onMessage: () => void;
  readonly #transport = new TcpTransport({ rule: lengthRule, limits: { sendQueueBytesMax: 8 * 2 ** 20 } });
  readonly #connections = new Map<number, Connection>();

  constructor(origin: number, happened: (what: string) => void, onMessage: () => void = () => {}) {
    this.#origin = origin;
    this.#onMessage = onMessage;
    this.core = new GossipCore({ origin, incarnation: INCARNATION, random: systemRandom() });
    this.driver = new CoreDriver<GossipInput, GossipOutput>({
      core: this.core,
      clock: systemClock(),
      inputsMax: 65_536,
      effects: {
        send: ({ to, message }) => {
          this.#connections.get(to)?.send(framed(encodeGossip(message)));
        },
        changed: () => {},
        event: ({ event }) => {
          if (event.type === 'refused') this.refusal = event.reason;
          else if (event.type !== 'peer-began') happened(event.type);
        },
      },
      onFault: ({ error }) => {
        throw error;
      },
    });
  }

  async listen(): Promise<number> {
    const { address } = await this.#transport.listen({
      host: HOST,
      port: 0,
      onConnection: (connection) => this.#hear(connection),
    });
    return address.port;
  }

  /** @throws TransportError */
  async connect({ host, port }: Standby, origin: number): Promise<void> {
    const connection = await this.#transport.connect({ host, port });
    this.#hear(connection);
    this.#connections.set(origin, connection);
    // The other end learns who is there before it has anything to say itself.
    const knowledge = this.core.state.tellKnowledge();
    const sender = { origin: this.#origin, incarnation: INCARNATION };
    const hello = { type: 'digest' as const, sender, ...knowledge, digest: null, wantsAnswer: false };
    connection.send(framed(encodeGossip(hello)));
  }

  meet(origins: readonly number[]): void {
    this.driver.submit({ type: 'peers', origins });
  }

  #hear(connection: Connection): void {
    connection.onFrame((frame) => {
      const message = decodeGossip(frame.slice(LENGTH_OCTETS));
      this.#connections.set(message.sender.origin, connection);
      this.driver.submit({ type: 'message', from: message.sender.origin, message });
      this.#onMessage();
    });
  }
}

function framed(message: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(LENGTH_OCTETS + message.length);
  writer.bytes(message);
  return writer.finish();
}

const octetsOf = (key: string): Uint8Array => new Uint8Array(Buffer.from(key, 'latin1'));

/** Three instances; one takes the requests, and both others hear of it by anti-entropy. Each key is a register. */
export const gossip: Mechanism = {
  name: 'gossip',
  method: 'gossip',
  standbys: 2,
  loses: 'unbounded',
  survivesAll: false,
  needs: 'state that merges, and several active instances',
  sharing: 'method: [gossip]',
  valueOctetsMax: VALUE_OCTETS_MAX,
  standby: async ({ happened, number }, reached) => {
    const name = nameOf({ origin: HOLDER, incarnation: INCARNATION });
    const origin = HOLDER + number;
    let position = 0;
    const member: Member = new Member(origin, happened, () => {
      const now = member.core.state.vector.get(name) ?? 0;
      if (now > position) reached((position = now));
    });
    const port = await member.listen();
    member.meet([1, 2, 3].filter((each) => each !== origin));
    return {
      port,
      meet: async (others) => {
        // Of two standbys the second calls the first.
        const [first] = others;
        if (number === 2 && first !== undefined) await member.connect(first, HOLDER + 1);
      },
      takeOver: async () => {
        const { state } = member.core;
        member.driver.stop();
        return state
          .keys()
          .map(
            (key) => [Buffer.from(key).toString('latin1'), state.register(key) ?? new Uint8Array(4)] as const,
          );
      },
    };
  },
  holder: async ({ happened }, standbys) => {
    const member = new Member(HOLDER, happened);
    await Promise.all(standbys.map((standby, at) => member.connect(standby, HOLDER + 1 + at)));
    member.meet([HOLDER + 1, HOLDER + 2]);
    const name = nameOf({ origin: HOLDER, incarnation: INCARNATION });
    return {
      carry: ({ key, value }) => {
        const octets = octetsOf(key);
        const update =
          value === null
            ? ({ type: 'remove', key: octets } as const)
            : ({ type: 'write', key: octets, value } as const);
        member.refusal = undefined;
        member.driver.submit({ type: 'update', update, wallMs: Date.now() });
        if (member.refusal !== undefined) throw new Error(`refused: ${member.refusal as string}`);
        return undefined;
      },
      get position() {
        return member.core.state.vector.get(name) ?? 0;
      },
    };
  },
};
