// SPDX-License-Identifier: Apache-2.0
import { SctpTransport, sctpAvailable } from '@vnfpool/transport/sctp';
import { expect, test } from 'vitest';

const rule = { headerBytes: 4, frameBytesMax: 65_536, frameLength: (): number => 4 } as const;

test.skipIf(sctpAvailable())(
  'without SCTP in the kernel: which connection, why, and how to get it',
  async () => {
    const transport = new SctpTransport({ rule });
    await expect(transport.connect({ host: '127.0.0.1', port: 9 })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/^connecting to 127\.0\.0\.1:9: .*SCTP.*/) as unknown,
    });
  },
);
