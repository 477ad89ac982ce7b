// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { ReplicaStore } from '@vnfpool/core/replication';
import { SharedStateWriter, takeSharedState } from '@vnfpool/runtime/shared-state';
import { openSharedStateStore } from '@vnfpool/store/shared-state';
import type { HolderEnd, Mechanism, Place } from '../mechanism.ts';
import { entriesOf, SLOT } from './replicate.ts';

const FOLDERS = ['/usr/bin', '/usr/local/bin', '/bin'];
/** What changes while a write is under way, as a pool has it by default. */
const WINDOW_OCTETS = 512 * 1024;
const HOLDER = { epoch: 1, node: 1 };
const NEXT = { epoch: 2, node: 2 };

const storeProgram = (): string | undefined => found('valkey-server') ?? found('redis-server');

function found(program: string): string | undefined {
  return FOLDERS.map((folder) => `${folder}/${program}`).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const addressIn = ({ folder }: Place): string => `redis+unix://${folder}/s`;

/** A store of this run, on a local socket; each change is on the disk before it is answered. It ends with the process that has it. */
async function startStore({ folder }: Place): Promise<void> {
  const settings = ['--port', '0', '--unixsocket', `${folder}/s`, '--dir', folder, '--save', ''];
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
  const command = ['--pdeathsig', 'KILL', storeProgram() ?? '', ...settings, ...durable];
  const server = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`the store did not start: ${said}`)));
    server.stdout.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-4_096);
      if (said.includes('ready to accept')) resolve();
    });
  });
  server.removeAllListeners('exit');
  server.stdout.removeAllListeners('data').resume();
}

/** One write after the other, with all that has changed meanwhile. */
async function holderAt(
  place: Place,
  isThrough: boolean,
  reached: (position: number) => void,
): Promise<HolderEnd> {
  const store = openSharedStateStore(addressIn(place));
  const state = new ReplicaStore();
  const writer = new SharedStateWriter({
    store,
    slot: SLOT,
    claim: HOLDER,
    state,
    windowOctets: WINDOW_OCTETS,
    base: '',
  });
  // From here on the store knows whose it is.
  await writer.write();
  const waiting: { readonly sequence: number; readonly done: () => void }[] = [];
  let isWriting = false;
  const write = async (): Promise<void> => {
    isWriting = true;
    while (!writer.isDone) {
      try {
        await writer.write();
      } catch (error) {
        place.happened(`the store failed: ${(error as Error).message}`);
      }
      reached(writer.sequence);
      while ((waiting[0]?.sequence ?? Number.POSITIVE_INFINITY) <= writer.sequence) waiting.shift()?.done();
    }
    isWriting = false;
  };
  return {
    carry: ({ key, value }) => {
      const sequence = state.update(key, value);
      writer.add([{ key, value, sequence }], performance.now());
      if (!isWriting) void write();
      return isThrough
        ? new Promise((resolve) => waiting.push({ sequence, done: () => resolve(undefined) }))
        : undefined;
    },
    get position() {
      return state.sequence;
    },
  };
}

function inStore(writes: 'through' | 'behind'): Mechanism {
  const isThrough = writes === 'through';
  return {
    name: `shared ${writes}`,
    method: 'shared',
    standbys: 1,
    loses: isThrough ? 'nothing' : 'bounded',
    survivesAll: true,
    needs: 'a Valkey, a Redis or an etcd that every node reaches',
    sharing: `method: [shared]\nstore: main\nloss: ${isThrough ? '0' : '1s'}`,
    whyNot: () => {
      if (storeProgram() === undefined) return 'there is no valkey-server and no redis-server here';
      return found('setpriv') === undefined ? 'there is no setpriv here, to end a store with its run' : null;
    },
    standby: async (place) => {
      await startStore(place);
      const store = openSharedStateStore(addressIn(place));
      return { takeOver: async () => entriesOf((await takeSharedState(store, SLOT, NEXT)).store) };
    },
    holder: (place, _standbys, reached) => holderAt(place, isThrough, reached),
  };
}

/** To a store that refuses what a stale holder writes; an answer waits for it. */
export const through: Mechanism = inStore('through');

/** The same, and answers run ahead of it. */
export const behind: Mechanism = inStore('behind');
