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
import type { Mechanism, Place, Standby } from '../mechanism.ts';

export const SLOT = '00000000000000e1';
export const HOST = '127.0.0.1';
export const STANDBY = 1;

export const copyTransport = (): TcpTransport =>
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

/** A holder's end, once its standby is listed. */
export function listedState(
  { happened }: Place,
  { host, port }: Standby,
  bound: ReplicationBound,
): Promise<ReplicatedState> {
  return new Promise((resolve) => {
    const onNotice = (notice: StateNotice): void => {
      if (notice.type === 'caught-up') {
        state.listed([STANDBY]);
        resolve(state);
      } else if (notice.type === 'unlist') {
        happened(`the standby left the list: ${notice.reason}`);
        state.listed([]);
      }
    };
    const state: ReplicatedState = new ReplicatedState({
      slot: SLOT,
      epoch: 1,
      store: new ReplicaStore(),
      history: [],
      bound,
      transport: copyTransport(),
      standbys: [{ standby: STANDBY, host, port }],
      onNotice,
    });
  });
}

/** What a store has. */
export function* entriesOf(store: ReplicaStore): Generator<readonly [key: string, value: Uint8Array]> {
  for (const { key, value } of store) if (value !== null) yield [key, value];
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
      const server = await CopyServer.listen({ transport: copyTransport(), host: HOST, port: 0 });
      server.add(copy);
      return {
        port: server.address.port,
        takeOver: async () => {
          await server.close();
          const { store } = await copy.takeOver();
          return entriesOf(store);
        },
      };
    },
    holder: async (place, [standby]) => {
      const state = await listedState(place, standby as Standby, bound);
      // Each change is one update of the stream, in this order.
      let position = 0;
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

/** A holder whose standby is silent goes on alone. */
export const withinASecond: ReplicationBound = {
  updates: UPDATES_MAX,
  ageMs: LAG_MS,
  acknowledgedBy: 0,
  overload: 'degrade',
};

export const bounded: Mechanism = replicate('bounded', withinASecond, {
  loses: 'bounded',
  sharing: 'method: [replicate]\nloss: 1s',
});

export const acknowledged: Mechanism = replicate(
  'acknowledged',
  { ...withinASecond, acknowledgedBy: 1, overload: 'block' },
  { loses: 'bounded', sharing: 'method: [replicate]\nloss: 1s\nacknowledged: 1\noverload: block' },
);

export const held: Mechanism = replicate(
  'held',
  { updates: 0, acknowledgedBy: 1, overload: 'block' },
  { loses: 'nothing', sharing: 'method: [replicate]\nloss: 0\nacknowledged: 1' },
);
