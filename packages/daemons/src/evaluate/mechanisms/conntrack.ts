// SPDX-License-Identifier: Apache-2.0
import {
  Conntrack,
  type ConntrackEntry,
  IPS_ASSURED,
  IPS_SEEN_REPLY,
  writeConntrackSetting,
} from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace } from '@vnfpool/platform/namespaces';
import { commitFlows, type FlowKernel, FlowUpdates, flowKernel } from '@vnfpool/runtime/flow-sharing';
import { CopyServer, StateCopy } from '@vnfpool/runtime/replication';
import type { Connection } from '@vnfpool/transport';
import { flowOfBody, readSharedFlowKey, sharedFlowParts } from '@vnfpool/wire/flow-state';
import type { ReplicaMessage } from '@vnfpool/wire/replication';
import { machineMs } from '../clock.ts';
import { numberOf } from '../frames.ts';
import type { Mechanism, Standby } from '../mechanism.ts';
import { copyTransport, entriesOf, HOST, listedState, SLOT, withinASecond } from './replicate.ts';

/* Keys of this workload are connections of a kernel's table: its number names its client, and its mark the request that made it so. */

/** An established connection behind a gateway, one of 2^24. */
function connectionOf(key: string, mark: number): ConntrackEntry {
  const number = Number.parseInt(key.slice(1), 36);
  const client = Uint8Array.of(10, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff);
  const server = Uint8Array.of(198, 51, 100, 80);
  const gateway = Uint8Array.of(192, 0, 2 + ((number >> 20) & 0x0f), 1 + (Math.floor(number / 40_000) % 250));
  const ports = (source: number, destination: number) => ({ kind: 'ports' as const, source, destination });
  return {
    original: { source: client, destination: server, protocol: 6, layer4: ports(40_000, 443) },
    reply: {
      source: server,
      destination: gateway,
      protocol: 6,
      layer4: ports(443, 20_000 + (number % 40_000)),
    },
    status: IPS_SEEN_REPLY | IPS_ASSURED,
    timeoutSeconds: 432_000,
    zone: 0,
    zoneDirection: 'both',
    mark,
    tcp: { state: 3, originalScale: 7, replyScale: 7, originalFlags: 3, replyFlags: 3 },
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
  };
}

function keyOf({ original }: Pick<ConntrackEntry, 'original'>): string {
  const [, high = 0, middle = 0, low = 0] = original.source;
  return `k${((high << 16) | (middle << 8) | low).toString(36)}`;
}

/** A table of its own, in a namespace that goes with this process. */
function openTable(): { readonly table: Conntrack; readonly kernel: FlowKernel; readonly fd: number } {
  const { fd } = createNamespace();
  return inNamespace(fd, () => {
    writeConntrackSetting('nf_conntrack_events', 1);
    return { table: new Conntrack(), kernel: flowKernel({ within: (work) => inNamespace(fd, work) }), fd };
  });
}

/** A copy that keeps what came, and when: it is looked into when the run is over. */
class NotedCopy extends StateCopy {
  readonly came: { readonly atMs: number; readonly key: string; readonly value: Uint8Array }[] = [];

  override read(connection: Connection, message: ReplicaMessage): void {
    super.read(connection, message);
    if (message.type !== 'updates') return;
    const atMs = machineMs();
    for (const { key, value } of message.updates) if (value !== null) this.came.push({ atMs, key, value });
  }
}

/** Connections of one kernel, followed by its events and put into another one's table. */
export const conntrack: Mechanism = {
  name: 'conntrack',
  method: 'conntrack',
  standbys: 1,
  loses: 'bounded',
  survivesAll: false,
  needs: 'state that is connections of the kernel',
  sharing: 'method: [conntrack]\nloss: 1s',
  whyNot: (workload) => {
    if (workload !== 'nat') return 'it is of connections in the kernel, which only nat has';
    try {
      const { table, kernel } = openTable();
      table.close();
      kernel.close();
      return null;
    } catch (error) {
      return `a network namespace with a table of connections cannot be had: ${(error as Error).message}`;
    }
  },
  standby: async () => {
    const copy = new NotedCopy({ slot: SLOT });
    const server = await CopyServer.listen({ transport: copyTransport(), host: HOST, port: 0 });
    server.add(copy);
    const { table } = openTable();
    return {
      port: server.address.port,
      takeOver: async () => {
        await server.close();
        const { store } = await copy.takeOver();
        await commitFlows(table, entriesOf(store));
        return [];
      },
      state: function* () {
        for (const piece of table.dump())
          for (const entry of piece) yield [keyOf(entry), entry.mark] as const;
      },
      safe: function* () {
        for (const { atMs, key, value } of copy.came)
          yield [flowOfBody(readSharedFlowKey(key), sharedFlowParts(value).body, 0).mark, atMs] as const;
      },
    };
  },
  holder: async (place, [standby]) => {
    const { table, kernel, fd } = openTable();
    const state = await listedState(place, standby as Standby, withinASecond);
    const followed = inNamespace(
      fd,
      () =>
        new FlowUpdates({
          kernel,
          change: async (changes) => {
            await Promise.all(
              changes.map(({ key, value }) => (value === null ? state.remove(key) : state.set(key, value))),
            );
          },
          onOverrun: () => place.happened('the kernel dropped events'),
          onKernel: (error) => place.happened(error?.message ?? 'the kernel answers again'),
          onFault: (error) => place.happened(error.message),
        }),
    );
    await followed.settle();
    let position = 0;
    return {
      carry: ({ key, value }) => {
        position += 1;
        const entry = connectionOf(key, value === null ? 0 : numberOf(value));
        const [failure] =
          value === null ? table.remove([entry]) : table.insert([entry], { ifExists: 'replace' });
        if (failure !== undefined) throw failure.error;
        return undefined;
      },
      get position() {
        return position;
      },
    };
  },
};
