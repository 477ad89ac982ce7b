// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { libc } from '../../src/libc/index.ts';
import { createNamespace, inNamespace } from '../../src/namespaces/index.ts';
import { openMptcp } from '../../src/tcp/index.ts';
import { labMissing } from '../support/lab.ts';

const SETTING = '/proc/sys/net/mptcp/enabled';
const missing = labMissing || (existsSync(SETTING) ? '' : 'no MPTCP in this kernel');

test.skipIf(missing !== '')(`a host that has MPTCP switched off gives no socket ${missing}`, () => {
  const namespace = createNamespace();
  inNamespace(namespace.fd, () => {
    writeFileSync(SETTING, '1');
    const fd = openMptcp('127.0.0.1');
    expect(fd).not.toBeNull();
    if (fd !== null) libc().close(fd);
    writeFileSync(SETTING, '0');
    expect(openMptcp('127.0.0.1')).toBeNull();
    expect(openMptcp('::1')).toBeNull();
    expect(readFileSync(SETTING, 'utf8').trim()).toBe('0');
  });
  namespace.close();
});
