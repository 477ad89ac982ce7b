// SPDX-License-Identifier: Apache-2.0
import {
  aborted,
  type DestinationInput,
  type DestinationOutput,
  type SourceInput,
  type SourceOutput,
  TransferDestination,
  type TransferEnd,
  type TransferOrder,
  type TransferReport,
  TransferSource,
} from '@vnfpool/core/state-transfer';
import { CoreDriver } from '@vnfpool/runtime/driver';
import { withFaults } from './effects.ts';
import type { Machine } from './machine.ts';
import { CounterDestination, CounterSource, type FindCounter } from './movable-counter.ts';
import type { SimProcess } from './process.ts';
import type { StateChannels } from './state-channels.ts';
import { type SimReceiving, type SimTransfer, tokenKey } from './transfer-types.ts';
import type { World } from './world.ts';

/** What both ends need of their node. */
export interface EndParts {
  readonly world: World;
  readonly process: SimProcess;
  readonly machine: Machine;
  readonly channels: StateChannels;
  readonly maybeFault: () => void;
}

interface EndOptions {
  readonly isLeased: boolean;
  readonly find: FindCounter;
  readonly onEnded: (end: TransferEnd) => void;
  readonly onInquire: () => void;
}

export interface SimSendOptions extends EndOptions {
  readonly toHost: number;
  /** Calls back when the function that was moved away has ended. */
  readonly finish: (done: () => void) => void;
}

export interface SimReceiveOptions extends EndOptions {
  readonly tokenUntilMs: number;
}

/** Given up sooner than by a real one, so that a run sees the end of it. */
const SILENCE = { aliveMs: 500, silenceMs: 2_500, inquireMs: 1_000 } as const;

const NOTHING_YET: TransferReport = {
  phase: 'prepared',
  bytes: 0,
  bytesTotal: null,
  bytesPerSecond: 0,
  changePerSecond: 0,
  expectedPauseMs: null,
  expectedEndMs: null,
};

/** The source's end of a transfer, wired as the node daemon wires it. */
export function startSending(
  { channels, machine, maybeFault, process, world }: EndParts,
  order: TransferOrder,
  options: SimSendOptions,
): SimTransfer {
  const key = tokenKey(order.token);
  const record = machine.transfers.get(key);
  const core = new TransferSource(
    { order, isLeased: options.isLeased, ...SILENCE },
    record?.end === 'source' ? record : null,
  );
  const submit = (input: SourceInput): void => void driver.submit(input);
  const hands = new CounterSource(world, process, options.find, submit);
  let hasEnded = false;
  const over = (): void => {
    hands.stop();
    driver.stop();
  };
  const driver = new CoreDriver<SourceInput, SourceOutput>({
    core,
    clock: process.driverClock,
    onFault: ({ error }) => world.fail(`${machine.name}, source: ${String(error)}`),
    effects: withFaults<SourceOutput>(
      {
        connect: () => channels.connect(options.toHost, submit),
        send: ({ connection, message }) => channels.send(connection, message),
        close: ({ connection, reason }) => channels.close(connection, reason),
        export: (output) => hands.export(output),
        pull: ({ part }) => hands.pull(part),
        quiesce: () => hands.quiesce(),
        resume: () => hands.resume(),
        finish: () => {
          hands.stop();
          options.finish(() => submit({ type: 'finished' }));
          if (world.mutation === 'a source goes on before its slot has left') hands.resume();
        },
        persist: ({ record: next }) => {
          if (next === null) machine.transfers.delete(key);
          else machine.transfers.set(key, { end: 'source', toHost: options.toHost, ...next });
          if (next === null && hasEnded) over();
        },
        inquire: options.onInquire,
        ended: (end) => {
          hasEnded = true;
          options.onEnded(end);
          if (end.outcome === 'aborted') over();
        },
      },
      maybeFault,
    ),
  });
  submit({ type: 'start' });
  return {
    report: () => core.report(process.nowMs()),
    cancel: () => submit({ type: 'cancel' }),
    verdict: (verdict) => submit({ type: 'verdict', verdict }),
    stop: over,
  };
}

/** A destination: waits for its source, as the node daemon does. @param onOver it is of no more use */
export function startReceiving(
  { channels, machine, maybeFault, process, world }: EndParts,
  order: TransferOrder,
  options: SimReceiveOptions,
  onOver: () => void,
): SimReceiving {
  const key = tokenKey(order.token);
  const found = machine.transfers.get(key);
  const record = found?.end === 'destination' ? found : null;
  const { tokenUntilMs, onEnded, onInquire } = options;
  let driver: CoreDriver<DestinationInput, DestinationOutput> | null = null;
  let core: TransferDestination | null = null;
  let isOver = false;
  const submit = (input: DestinationInput): void => void driver?.submit(input);
  const hands = new CounterDestination(world, process, options.find, submit);
  const stop = (): void => {
    isOver = true;
    hands.stop();
    driver?.stop();
    onOver();
  };
  const giveUp = (reason: 'cancelled' | 'timeout' | 'function', text: string): void => {
    stop();
    onEnded(aborted(reason, text));
  };
  const begin = (): void => {
    core = new TransferDestination({ order, tokenUntilMs, ...SILENCE }, record, false);
    driver = new CoreDriver<DestinationInput, DestinationOutput>({
      core,
      clock: process.driverClock,
      onFault: ({ error }) => world.fail(`${machine.name}, destination: ${String(error)}`),
      effects: withFaults<DestinationOutput>(
        {
          send: ({ connection, message }) => channels.send(connection, message),
          close: ({ connection, reason }) => channels.close(connection, reason),
          import: () => hands.begin(),
          'import-chunk': (output) => hands.chunk(output),
          'import-end': ({ part }) => hands.end(part),
          // Its lease says when it is active.
          activate: () => process.after(world.random.between(0, 1), () => submit({ type: 'activated' })),
          discard: () => hands.discard(() => submit({ type: 'discarded' })),
          persist: ({ record: next }) => {
            if (next === null) machine.transfers.delete(key);
            else machine.transfers.set(key, { end: 'destination', ...next });
          },
          inquire: onInquire,
          ended: onEnded,
          forgotten: stop,
        },
        maybeFault,
      ),
    });
    submit({ type: 'start' });
  };
  if (record) begin();
  else
    process.after(Math.max(0, tokenUntilMs - process.nowMs()), () => {
      if (!core && !isOver) giveUp('timeout', 'nobody came with the token in time');
    });
  return {
    report: () => core?.report(process.nowMs()) ?? NOTHING_YET,
    cancel: () => (core ? submit({ type: 'cancel' }) : giveUp('cancelled', 'cancelled by the manager')),
    verdict: (verdict) => submit({ type: 'verdict', verdict }),
    gone: () => (core ? submit({ type: 'gone' }) : giveUp('function', 'the function has ended')),
    open: (connection, peer, message) => {
      if (isOver || (message.type !== 'hello' && message.type !== 'ask')) return false;
      if (!core) {
        if (message.type === 'ask' || (peer !== null && peer !== order.source)) return false;
        begin();
      }
      submit({ type: 'opened', connection, peer, message });
      channels.redirect(connection, submit);
      return true;
    },
    stop,
  };
}
