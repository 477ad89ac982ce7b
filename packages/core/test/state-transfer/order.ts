// SPDX-License-Identifier: Apache-2.0
import type { TransferOrder } from '@vnfpool/core/state-transfer';
import { fromHex } from '@vnfpool/wire/bytes';
import type { TransferMode } from '@vnfpool/wire/state-channel';

/** One order, as both ends have it from the manager. */
export function orderOf(mode: TransferMode = 'move'): TransferOrder {
  return {
    token: fromHex('00112233445566778899aabbccddeeff'),
    source: 10,
    destination: 11,
    functionId: 101,
    targetFunctionId: mode === 'move' ? 101 : 102,
    mode,
  };
}
