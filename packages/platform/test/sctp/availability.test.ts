// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { SctpSocket, sctpAvailable, sctpMissing } from '../../src/sctp/index.ts';

test('says that SCTP is here, or why not and what to do', () => {
  const missing = sctpMissing();
  expect(sctpAvailable()).toBe(missing === null);
  const open = (): void => SctpSocket.open(['127.0.0.1'], { sharesPort: true }).close();
  if (missing === null) expect(open).not.toThrow();
  else expect(missing).toMatch(/modprobe sctp|cookie_hmac_alg|cannot be used here|64-bit/);
  expect(sctpMissing()).toBe(missing);
});
