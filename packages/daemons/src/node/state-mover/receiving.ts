// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib';
import {
  aborted,
  type DestinationInput,
  type DestinationOutput,
  type DestinationRecord,
  TransferDestination,
  type TransferOrder,
  type TransferReport,
} from '@vnfpool/core/state-transfer';
import { CoreDriver } from '@vnfpool/runtime/driver';
import { FunctionDestination } from './function-destination.ts';
import {
  type ExpectedTransfer,
  orTold,
  type ReceiveOptions,
  type Receiving,
  type TransferParts,
} from './transfer.ts';
import { transferName } from './transfer-records.ts';

const NOTHING_YET: TransferReport = {
  phase: 'prepared',
  bytes: 0,
  bytesTotal: null,
  bytesPerSecond: 0,
  changePerSecond: 0,
  expectedPauseMs: null,
  expectedEndMs: null,
};

/**
 * A destination that waits for its source, which says what kind of transfer it is, and of which function there.
 * @param onOver It is of no more use
 */
export function awaitSource(
  parts: TransferParts,
  expected: ExpectedTransfer,
  options: ReceiveOptions,
  onOver: () => void,
): Receiving {
  const { records, clock, logger } = parts;
  const name = transferName(expected.token);
  const record = records.find(expected.token);
  let begun: Receiving | null = null;
  const { ofSessions = false } = options;
  const giveUp = (reason: 'cancelled' | 'timeout' | 'function', text: string): void => {
    stop();
    // It goes on, and expects nothing any more.
    if (ofSessions) void orTold(logger, 'the function does not discard', () => options.state.discard());
    options.onEnded(aborted(reason, text));
  };
  const untilMs = Math.max(options.tokenUntilMs, clock.nowMs());
  const forget = clock.at(untilMs, () => giveUp('timeout', 'nobody came with the token in time'));
  const begin = (order: TransferOrder): Receiving => {
    forget();
    const restored = record?.end === 'destination' ? record : null;
    begun = startReceiving(parts, order, options, restored, onOver);
    begun.start();
    return begun;
  };
  const stop = (): void => {
    forget();
    onOver();
    begun?.stop();
  };
  const receiving: Receiving = {
    name,
    report: () => begun?.report() ?? NOTHING_YET,
    cancel: () => (begun ? begun.cancel() : giveUp('cancelled', 'cancelled by the manager')),
    verdict: (verdict) => begun?.verdict(verdict),
    gone: () => (begun ? begun.gone() : giveUp('function', 'the function has ended')),
    open: (connection, peer, message) => {
      if (message.type !== 'hello' && message.type !== 'ask') return false;
      if (begun) return begun.open(connection, peer, message);
      if (message.type === 'ask' || (peer !== null && peer !== expected.source)) return false;
      const { mode, functionId } = message;
      // All of a state would take the place of what the function has.
      if ((mode === 'sessions') !== ofSessions) return false;
      return begin({ ...expected, mode, functionId }).open(connection, peer, message);
    },
    start: () => {
      if (record?.end === 'destination') begin(record);
    },
    stop,
  };
  return receiving;
}

/** The destination's end of a transfer, once it is known of what. */
function startReceiving(
  { channels, records, clock, logger, onFault }: TransferParts,
  order: TransferOrder,
  { state, activate, functionLives, onEnded, onInquire, ...rest }: ReceiveOptions,
  restored: DestinationRecord | null,
  onOver: () => void,
): Receiving {
  const name = transferName(order.token);
  const core = new TransferDestination({ order, checksum: crc32, ...rest }, restored, functionLives);
  const submit = (input: DestinationInput): void => void driver.submit(input);
  const hands = new FunctionDestination(state, submit);
  const over = (): void => {
    hands.stop();
    driver.stop();
    onOver();
  };
  const driver = new CoreDriver<DestinationInput, DestinationOutput>({
    core,
    clock,
    onFault,
    effects: {
      send: ({ connection, message }) => channels.send(connection, message),
      close: ({ connection, reason }) => channels.close(connection, reason),
      import: (output) => hands.begin(output),
      'import-chunk': (output) => hands.chunk(output),
      'import-end': ({ part }) => hands.end(part),
      activate: () => {
        activate().then(
          () => submit({ type: 'activated' }),
          (error: Error) => submit({ type: 'failed', reason: error.message }),
        );
      },
      discard: async () => {
        await orTold(logger, 'the function does not discard', () => hands.discard());
        submit({ type: 'discarded' });
      },
      persist: ({ record: next }) => records.keep(order.token, next && { end: 'destination', ...next }),
      inquire: onInquire,
      ended: (end) => onEnded(end),
      forgotten: over,
    },
  });
  return {
    name,
    report: () => core.report(clock.nowMs()),
    cancel: () => submit({ type: 'cancel' }),
    verdict: (verdict) => submit({ type: 'verdict', verdict }),
    gone: () => submit({ type: 'gone' }),
    open: (connection, peer, message) => {
      if (message.type !== 'hello' && message.type !== 'ask') return false;
      submit({ type: 'opened', connection, peer, message });
      channels.redirect(connection, submit);
      return true;
    },
    start: () => submit({ type: 'start' }),
    stop: over,
  };
}
