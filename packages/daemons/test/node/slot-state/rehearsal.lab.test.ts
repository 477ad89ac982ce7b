// SPDX-License-Identifier: Apache-2.0
import { Conntrack } from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace } from '@vnfpool/platform/namespaces';
import { systemClock } from '@vnfpool/runtime/driver';
import { expect, test } from 'vitest';
import { rehearseTaking } from '../../../src/node/slot-state/rehearsal.ts';

function whyNoConntrack(): string {
  try {
    const namespace = createNamespace();
    try {
      inNamespace(namespace.fd, () => new Conntrack().close());
      return '';
    } finally {
      namespace.close();
    }
  } catch (error) {
    return `no connection tracking in a namespace: ${String(error)}`;
  }
}

const missing = whyNoConntrack();

test.skipIf(missing !== '')(
  `take-overs of connections are played to their end, in kernels of their own ${missing}`,
  async () => {
    expect(await rehearseTaking('conntrack', 5, systemClock())).toBe(5);
  },
);
