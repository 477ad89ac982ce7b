// SPDX-License-Identifier: Apache-2.0
import type { EffectHandlers } from '@vnfpool/runtime/driver';

/** The same handlers, with `between` after each effect: a place for a process to be killed. */
export function withFaults<Output extends { readonly type: string }>(
  handlers: EffectHandlers<Output>,
  between: () => void,
): EffectHandlers<Output> {
  const entries = Object.entries(handlers) as [string, (output: Output) => void][];
  return Object.fromEntries(
    entries.map(([type, handler]) => [
      type,
      (output: Output): void => {
        handler(output);
        between();
      },
    ]),
  ) as unknown as EffectHandlers<Output>;
}
