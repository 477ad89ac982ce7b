// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore, type ReplicationBound } from '@vnfpool/core/replication';
import {
  CopyServer,
  ReplicatedState,
  replicationRule,
  StateCopy,
  type StateNotice,
} from '@vnfpool/runtime/replication';
import type { Connection } from '@vnfpool/transport';
import { TcpTransport } from '@vnfpool/transport/tcp';
import type { ReplicaMessage } from '@vnfpool/wire/replication';
import type { Mechanism, Standby } from '../mechanism.ts';

const SLOT = '00000000000000e1';
const HOST = '127.0.0.1';
const STANDBY = 1;

const transportOf = (): TcpTransport =>
  new TcpTransport({ rule: replicationRule, limits: { sendQueueBytesMax: 8 * 2 ** 20 } });

/** A copy that tells how far it is after each message. */
class ToldCopy extends StateCopy {
  readonly #reached: (position: number) => void;

  constructor(reached: (position: number) => void) {
    super({ slot: SLOT });
    this.#reached = reached;
  }

  override read(connection: Connection, message: ReplicaMessage): void {
    super.read(connection, message);
    if (this.isWhole) this.#reached(this.position.sequence);
  }
}

/** To one standby, over the stream that node agents use, without its TLS. Whoever has the list is here too, and answers at once. */
function replicate(
  consistency: string,
  bound: ReplicationBound,
  rest: Pick<Mechanism, 'loses' | 'sharing'>,
): Mechanism {
  return {
    ...rest,
    name: `replicate ${consistency}`,
    method: 'replicate',
    standbys: 1,
    survivesAll: false,
    needs: null,
    standby: async (_place, reached) => {
      const copy = new ToldCopy(reached);
      const server = await CopyServer.listen({ transport: transportOf(), host: HOST, port: 0 });
      server.add(copy);
      return {
        port: server.address.port,
        takeOver: async () => {
          await server.close();
          const { store } = await copy.takeOver();
          return (function* () {
            for (const { key, value } of store) if (value !== null) yield [key, value] as const;
          })();
        },
      };
    },
    holder: async ({ happened }, [standby]) => {
      // Each change is one update of the stream, in this order.
      let position = 0;
      const { host, port } = standby as Standby;
      let state: ReplicatedState;
      await new Promise<void>((listed) => {
        const onNotice = (notice: StateNotice): void => {
          if (notice.type === 'caught-up') {
            state.listed([STANDBY]);
            listed();
          } else if (notice.type === 'unlist') {
            happened(`the standby left the list: ${notice.reason}`);
            state.listed([]);
          }
        };
        state = new ReplicatedState({
          slot: SLOT,
          epoch: 1,
          store: new ReplicaStore(),
          history: [],
          bound,
          transport: transportOf(),
          standbys: [{ standby: STANDBY, host, port }],
          onNotice,
        });
      });
      return {
        carry: async ({ key, value }) => {
          position += 1;
          await (value === null ? state.remove(key) : state.set(key, value));
          return undefined;
        },
        get position() {
          return position;
        },
      };
    },
  };
}

const LAG_MS = 1_000;
/** More than any rate brings about in that time: the bound is the time, as with node agents. */
const UPDATES_MAX = 1_000_000;

export const bounded: Mechanism = replicate(
  'bounded',
  { updates: UPDATES_MAX, ageMs: LAG_MS, acknowledgedBy: 0, overload: 'degrade' },
  { loses: 'bounded', sharing: 'method: [replicate]\nloss: 1s' },
);

export const acknowledged: Mechanism = replicate(
  'acknowledged',
  { updates: UPDATES_MAX, ageMs: LAG_MS, acknowledgedBy: 1, overload: 'block' },
  { loses: 'bounded', sharing: 'method: [replicate]\nloss: 1s\nacknowledged: 1\noverload: block' },
);

export const held: Mechanism = replicate(
  'held',
  { updates: 0, acknowledgedBy: 1, overload: 'block' },
  { loses: 'nothing', sharing: 'method: [replicate]\nloss: 0' },
);
