// SPDX-License-Identifier: Apache-2.0
import {
  type DestinationInput,
  type DestinationOptions,
  type DestinationOutput,
  type DestinationRecord,
  type SourceInput,
  type SourceOptions,
  type SourceOutput,
  type SourceRecord,
  TransferDestination,
  TransferSource,
} from '@vnfpool/core/state-transfer';
import type { StateMessage } from '@vnfpool/wire/state-channel';
import { orderOf } from './order.ts';

/** Outputs as a line each, short enough to compare. */
function told(output: SourceOutput | DestinationOutput): string {
  switch (output.type) {
    case 'send':
      return `> ${words(output.message)}`;
    case 'export':
      return `export ${output.part} ${output.kind}`;
    case 'import':
      return `import ${output.part} ${output.kind}`;
    case 'import-chunk':
      return `import-chunk ${output.octets.length}`;
    case 'persist':
      return `persist ${output.record?.phase ?? 'nothing'}`;
    case 'ended':
      return `ended ${output.outcome === 'committed' ? `committed ${output.sessions}` : output.reason}`;
    default:
      return output.type;
  }
}

function words(message: StateMessage): string {
  switch (message.type) {
    case 'begin':
      return `begin ${message.part} ${message.kind}`;
    case 'chunk':
      return `chunk ${message.octets.length}`;
    case 'mark':
      return `mark ${message.part}`;
    case 'marked':
      return `marked ${message.part}`;
    case 'credit':
      return `credit ${message.untilBytes}`;
    case 'cancel':
      return `cancel ${message.reason}`;
    case 'outcome':
      return `outcome ${message.outcome}`;
    default:
      return message.type;
  }
}

/** A source that is told one thing after the other; each answer is what it wants done. */
export class SourceUnderTest {
  readonly core: TransferSource;
  nowMs = 0;
  sent: StateMessage[] = [];
  record: SourceRecord | null = null;

  constructor(options: Partial<SourceOptions> = {}, restored: SourceRecord | null = null) {
    this.core = new TransferSource({ order: orderOf(), ...options }, restored);
  }

  tell(input: SourceInput): string[] {
    return this.#kept(this.core.handle(input, this.nowMs));
  }

  hear(message: StateMessage, connection = 1): string[] {
    return this.tell({ type: 'message', connection, message });
  }

  wait(ms: number): string[] {
    this.nowMs += ms;
    return this.#kept(this.core.expire(this.nowMs));
  }

  /** Up to the sending of `commit`, with ten octets and three sessions. */
  untilDoubt(): void {
    this.tell({ type: 'start' });
    this.tell({ type: 'connected', connection: 1 });
    this.hear({ type: 'welcome', windowBytes: 1024 });
    this.part(0, 10, 3);
    this.part(1, 0, 3);
    this.tell({ type: 'quiesced' });
    this.part(2, 0, 3);
  }

  /** The function gives a part, and the destination has it. */
  part(
    part: number,
    bytes: number,
    sessions: number | null = null,
    changePerSecond: number | null = null,
  ): string[] {
    if (bytes > 0) this.tell({ type: 'exported-chunk', part, octets: new Uint8Array(bytes).fill(part + 1) });
    const out = this.tell({ type: 'exported', part, sessions, changePerSecond });
    const mark = this.sent.findLast((message) => message.type === 'mark');
    if (mark?.type !== 'mark') return out;
    const { totalBytes, totalCrc } = mark;
    return [...out, ...this.hear({ type: 'marked', part, totalBytes, totalCrc })];
  }

  #kept(outputs: readonly SourceOutput[]): string[] {
    for (const output of outputs) {
      if (output.type === 'send') this.sent.push(output.message);
      if (output.type === 'persist') this.record = output.record;
    }
    return outputs.map(told);
  }
}

/** The same for a destination. */
export class DestinationUnderTest {
  readonly core: TransferDestination;
  nowMs = 0;
  sent: StateMessage[] = [];
  record: DestinationRecord | null = null;

  constructor(
    options: Partial<DestinationOptions> = {},
    restored: DestinationRecord | null = null,
    functionLives = false,
  ) {
    const order = orderOf();
    this.core = new TransferDestination({ order, tokenUntilMs: 30_000, ...options }, restored, functionLives);
  }

  tell(input: DestinationInput): string[] {
    return this.#kept(this.core.handle(input, this.nowMs));
  }

  hear(message: StateMessage, connection = 1): string[] {
    return this.tell({ type: 'message', connection, message });
  }

  wait(ms: number): string[] {
    this.nowMs += ms;
    return this.#kept(this.core.expire(this.nowMs));
  }

  hello(connection = 1): string[] {
    const { token, source, destination, functionId, targetFunctionId, mode } = orderOf();
    const pair = { token, source, destination, functionId };
    const message = { type: 'hello', ...pair, targetFunctionId, mode, selection: [] } as const;
    return this.tell({ type: 'opened', connection, peer: 10, message });
  }

  ask(connection: number): string[] {
    const { token, source, destination, functionId } = orderOf();
    const message = { type: 'ask', token, source, destination, functionId } as const;
    return this.tell({ type: 'opened', connection, peer: 10, message });
  }

  /** Open, and all state in: an empty snapshot and an empty last delta with three sessions. */
  untilReady(): void {
    this.tell({ type: 'start' });
    this.hello();
    for (const [part, kind] of [
      [0, 'snapshot'],
      [1, 'last'],
    ] as const) {
      this.hear({ type: 'begin', part, kind, bytesExpected: null });
      this.hear({ type: 'mark', part, bytes: 0, crc: 0, totalBytes: 0, totalCrc: 0, sessions: 3 });
      this.tell({ type: 'imported', part, sessions: 3 });
    }
  }

  #kept(outputs: readonly DestinationOutput[]): string[] {
    for (const output of outputs) {
      if (output.type === 'send') this.sent.push(output.message);
      if (output.type === 'persist') this.record = output.record;
    }
    return outputs.map(told);
  }
}
