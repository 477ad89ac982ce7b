// SPDX-License-Identifier: Apache-2.0
import { tmpdir } from 'node:os';
import { decodeMobility, encodeMobility, type MobilityMessage } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { nodeInformation } from '../../src/node/node-information.ts';

test('what the host has fits into a REGISTRATION and comes back', () => {
  const information = nodeInformation(tmpdir());
  expect(information.memoryBytes).toBeGreaterThan(information.memoryFreeBytes ?? 0n);
  expect(information.storageBytes).toBeGreaterThanOrEqual(information.storageFreeBytes ?? 0n);
  const message: MobilityMessage = { type: 'registration', sequence: 1, nodes: [{ id: 7, information }] };
  expect(decodeMobility(encodeMobility(message)).nodes[0]?.information).toEqual(information);
});
