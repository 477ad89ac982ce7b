// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib';
import {
  type SourceInput,
  type SourceOutput,
  type TransferOrder,
  TransferSource,
} from '@vnfpool/core/state-transfer';
import { CoreDriver } from '@vnfpool/runtime/driver';
import { FunctionSource } from './function-source.ts';
import { orTold, type Sending, type SendOptions, type TransferParts } from './transfer.ts';
import { transferName } from './transfer-records.ts';

/**
 * The source's end of a transfer.
 * @param connect To the destination; its answer is an input
 * @param onOver It is of no more use
 */
export function startSending(
  { channels, records, clock, logger, onFault }: TransferParts,
  order: TransferOrder,
  options: SendOptions,
  connect: (submit: (input: SourceInput) => void) => void,
  onOver: () => void,
): Sending {
  const name = transferName(order.token);
  const { to, state, finish, onEnded, onInquire, ...rest } = options;
  const record = records.find(order.token);
  const core = new TransferSource(
    { order, checksum: crc32, ...rest },
    record?.end === 'source' ? record : null,
  );
  const submit = (input: SourceInput): void => void driver.submit(input);
  const hands = new FunctionSource(state, submit);
  let hasEnded = false;
  let channel = 0;
  const over = (): void => {
    hands.stop();
    driver.stop();
    onOver();
  };
  const driver = new CoreDriver<SourceInput, SourceOutput>({
    core,
    clock,
    onFault,
    effects: {
      connect: () => connect(submit),
      send: ({ connection, message }) => {
        channel = connection;
        channels.send(connection, message);
      },
      close: ({ connection, reason }) => channels.close(connection, reason),
      export: (output) => hands.export(output),
      // The next chunk takes the memory of the one before.
      pull: ({ part }) => channels.onDrained(channel, () => hands.pull(part)),
      quiesce: () => hands.quiesce(),
      resume: () => orTold(logger, 'the function does not resume', () => hands.resume()),
      finish: ({ mode, forward = null }) => {
        hands.stop();
        const finished = finish(mode, forward).then(
          () => submit({ type: 'finished' }),
          // It is written down: whoever comes back to it tries again.
          (error: Error) => logger.warn({ reason: error.message }, 'what was moved away does not end'),
        );
        // A function that goes on has forgotten them before it is told that it may be in the next transfer.
        return mode === 'sessions' ? finished : undefined;
      },
      persist: ({ record: next }) => {
        records.keep(order.token, next && { end: 'source', to, ...next });
        if (next === null && hasEnded) over();
      },
      inquire: onInquire,
      ended: (end) => {
        hasEnded = true;
        onEnded(end);
        // Of the others it is kept on disk that the source has to end.
        if (end.outcome === 'aborted' || order.mode === 'copy') over();
      },
    },
  });
  return {
    name,
    report: () => core.report(clock.nowMs()),
    cancel: () => submit({ type: 'cancel' }),
    verdict: (verdict) => submit({ type: 'verdict', verdict }),
    start: () => submit({ type: 'start' }),
    stop: over,
  };
}
