// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '@vnfpool/runtime/logging';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';

test('writes one JSON object a line to its file, without secrets', () => {
  const path = join(temporaryFolder(), 'log', 'registrar.log');
  const logger = createLogger({ component: 'registrar', to: path });
  logger.child({ registrarId: 7 }).info({ token: 'vnfpool1.x', join: { secret: 'y' }, port: 3864 }, 'joined');
  logger.debug('not written');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'info',
    component: 'registrar',
    registrarId: 7,
    token: '(cut out)',
    join: { secret: '(cut out)' },
    port: 3864,
    msg: 'joined',
  });
});
