// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import type { TransferEnd, TransferOrder } from '@vnfpool/core/state-transfer';
import { parseIdentity } from '@vnfpool/runtime/certificates';
import { systemClock } from '@vnfpool/runtime/driver';
import { silentLogger } from '@vnfpool/runtime/logging';
import { type TestSet, testSet } from '@vnfpool/testkit/certificates';
import type { StreamTransport } from '@vnfpool/transport/stream';
import { TlsTransport } from '@vnfpool/transport/tls';
import { onTestFinished } from 'vitest';
import type { FunctionState, MovedState } from '../../../src/node/function-state/index.ts';
import {
  type ReceiveOptions,
  type SendOptions,
  StateMover,
  stateRule,
  type Transfer,
} from '../../../src/node/state-mover/index.ts';
import { temporaryFolder } from '../function-state/fake-function.ts';

export const SOURCE = 10;
export const DESTINATION = 11;

/** Credentials of one set, made once for all tests of a file. */
const sets = new Map<string, Promise<TestSet>>();
function theSet(): Promise<TestSet> {
  const known = sets.get('test') ?? testSet();
  sets.set('test', known);
  return known;
}

export interface Site {
  readonly mover: StateMover;
  readonly folder: string;
  close(): Promise<void>;
}

/** The state channel of a node, over TLS on loopback. */
export async function site(
  id: number,
  { folder = temporaryFolder(), wrap = (transport: StreamTransport): StreamTransport => transport } = {},
): Promise<Site> {
  const set = await theSet();
  const credentials = await set.credentials({ role: 'node', name: `node-${id}`, id });
  const judgePeer = (names: Parameters<typeof parseIdentity>[0]): string | null =>
    parseIdentity(names).role === 'node' ? null : 'no node';
  const transport = wrap(
    new TlsTransport({ rule: stateRule, credentials, judgePeer, limits: { sendQueueBytesMax: 4_194_304 } }),
  );
  const mover = await StateMover.open({
    transport,
    peerOf: ({ peer }) => (peer.identity === null ? null : (parseIdentity(peer.identity).id ?? null)),
    listen: { host: '127.0.0.1', port: 0 },
    folder: `${folder}/transfers`,
    clock: systemClock(),
    logger: silentLogger,
    onFault: ({ error }) => {
      throw error;
    },
  });
  let closed: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closed ??= mover.close();
    return closed;
  };
  onTestFinished(close);
  return { mover, folder, close };
}

export function order(change: Partial<TransferOrder> = {}): TransferOrder {
  return {
    token: new Uint8Array(randomBytes(16)),
    source: SOURCE,
    destination: DESTINATION,
    functionId: 101,
    targetFunctionId: 101,
    mode: 'move',
    ...change,
  };
}

export interface Told {
  readonly transfer: Transfer;
  readonly ended: Promise<TransferEnd>;
  /** `finish`, `activate` and questions to the manager, in order. */
  readonly did: string[];
}

/** Gives a function's state away. */
export function send(
  { mover }: Site,
  to: Site,
  given: TransferOrder,
  state: MovedState & Partial<Pick<FunctionState, 'role'>>,
  options: Partial<SendOptions> = {},
): Told {
  const did: string[] = [];
  const { ended, onEnded } = ending();
  const transfer = mover.send(given, {
    to: { address: '127.0.0.1', port: to.mover.port },
    state,
    finish: async (mode) => void did.push(`finish ${mode}`),
    onInquire: () => void did.push('inquire'),
    onEnded,
    ...options,
  });
  return { transfer, ended, did };
}

/** Waits for it. */
export function receive(
  { mover }: Site,
  given: TransferOrder,
  state: MovedState & Partial<Pick<FunctionState, 'role'>>,
  options: Partial<ReceiveOptions> = {},
): Told {
  const did: string[] = [];
  const { ended, onEnded } = ending();
  const transfer = mover.receive(given, {
    tokenUntilMs: systemClock().nowMs() + 30_000,
    state,
    activate: async () => {
      did.push('activate');
      await state.role?.('active', '2');
    },
    onInquire: () => void did.push('inquire'),
    onEnded,
    ...options,
  });
  return { transfer, ended, did };
}

function ending() {
  let onEnded: (end: TransferEnd) => void = () => undefined;
  const ended = new Promise<TransferEnd>((resolve) => {
    onEnded = resolve;
  });
  return { ended, onEnded: (end: TransferEnd): void => onEnded(end) };
}
