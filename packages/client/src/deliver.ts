// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@vnfpool/runtime/driver';
import type { PoolElement as FoundElement } from '@vnfpool/wire/parameters';
import { DataChannel } from './channel/data-channel.ts';
import { type ChannelTransports, codecFor, defaultMessageBytesMax } from './channel/open-channel.ts';
import type { CallOptions } from './client-options.ts';
import { PoolError } from './pool-error.ts';

/** The send options of RFC 5352 §6.5.1, but for `unordered`: every session of ours keeps the order. */
export interface DeliverOptions extends CallOptions {
  /**
   * `policy` (default): whom the pool's policy chooses; `last`: the element used last, the policy's choice when there
   * was none; `all`: everybody whom a registrar names
   */
  readonly to?: 'policy' | 'last' | 'all';
  /** Whether another element gets the message when the one chosen cannot be reached. Default true; not for `all`. */
  readonly failover?: boolean;
  /** With `all`: not to this one, ourselves say. */
  readonly except?: number;
}

export interface Delivery {
  readonly delivered: readonly FoundElement[];
  readonly failed: readonly { readonly element: FoundElement; readonly reason: string }[];
}

export interface DeliverParts {
  readonly transports: ChannelTransports;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** `everybody`: ask for all of the pool. */
  readonly resolve: (everybody: boolean) => Promise<readonly FoundElement[]>;
  readonly last: FoundElement | undefined;
  readonly unreachable: (elementId: number) => void;
  readonly used: (element: FoundElement) => void;
}

/** @throws PoolError when nobody got it; RangeError for a message that elements do not take */
export async function deliver(
  parts: DeliverParts,
  data: Uint8Array,
  options: DeliverOptions,
): Promise<Delivery> {
  const { to = 'policy', failover = true, except } = options;
  if (data.length > defaultMessageBytesMax)
    throw new RangeError(`a message of ${data.length} octets, at most ${defaultMessageBytesMax} are sent`);
  const delivered: FoundElement[] = [];
  const failed: { readonly element: FoundElement; readonly reason: string }[] = [];
  const attempt = async (element: FoundElement): Promise<boolean> => {
    try {
      await once(parts, element, data);
    } catch (error) {
      parts.signal.throwIfAborted();
      failed.push({ element, reason: (error as Error).message });
      parts.unreachable(element.id);
      return false;
    }
    parts.used(element);
    delivered.push(element);
    return true;
  };
  if (to === 'all') {
    const everybody = (await parts.resolve(true)).filter(({ id }) => id !== except);
    await Promise.all(everybody.map(attempt));
  } else {
    const first = to === 'last' ? parts.last : undefined;
    const others = async (): Promise<readonly FoundElement[]> =>
      (await parts.resolve(false)).filter(({ id }) => id !== first?.id);
    const isDone = first !== undefined && (await attempt(first));
    if (!isDone && (failover || first === undefined)) {
      for (const element of await others()) if ((await attempt(element)) || !failover) break;
    }
  }
  if (delivered.length > 0) return { delivered, failed };
  throw new PoolError('unreachable', `nobody got it: ${failed.at(-1)?.reason ?? 'there is nobody'}`);
}

async function once(parts: DeliverParts, element: FoundElement, data: Uint8Array): Promise<void> {
  const codec = codecFor(element.userTransport, defaultMessageBytesMax);
  const connection = await parts.transports.connect(element, codec, parts.signal);
  let lost: string | null = null;
  const channel = new DataChannel(connection, {
    codec,
    clock: parts.clock,
    heartbeatMs: 60_000,
    onHeard: () => {},
    onEnd: (_, reason) => {
      lost = reason;
    },
  });
  channel.send(data);
  await channel.drained();
  if (lost !== null) throw new PoolError('unreachable', lost);
  channel.close(true);
}
