// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ENTER_COMMAND, probeNamespaces } from '../../src/capabilities/index.ts';
import { labMissing } from '../support/lab.ts';

const NOBODY = ['setpriv', '--reuid', '65534', '--clear-groups'] as const;
const userNamespaces = spawnSync(NOBODY[0], [...NOBODY.slice(1), ...ENTER_COMMAND.user, 'true']);
const noUser = userNamespaces.status === 0 ? '' : '(unprivileged user namespaces are refused here)';
/** Elsewhere a path without it is easily made. */
const nftInBin = existsSync('/usr/bin/nft') || existsSync('/bin/nft');

describe.skipIf(labMissing !== '')(`the probe ${labMissing}`, () => {
  test('finds everything as root', () => {
    expect(probeNamespaces({ privileges: ['root'] })).toEqual({
      mode: 'full',
      privilege: 'root',
      enter: ENTER_COMMAND.root,
      hasEgress: true,
    });
  });

  test.skipIf(noUser !== '')(`finds everything in a user namespace ${noUser}`, () => {
    expect(probeNamespaces({ privileges: ['user'], prefix: NOBODY })).toEqual({
      mode: 'full',
      privilege: 'user',
      enter: ENTER_COMMAND.user,
      hasEgress: true,
    });
  });

  test('says what to do when the kernel refuses', () => {
    const found = probeNamespaces({ privileges: ['root'], prefix: NOBODY });
    expect(found).toMatchObject({ mode: 'none', remedy: 'run with sudo' });
    expect(found).toHaveProperty('reason', expect.stringContaining('unshare'));
  });

  test.skipIf(nftInBin)('says what to do when nft is missing', () => {
    const found = probeNamespaces({ privileges: ['root'], prefix: ['env', 'PATH=/usr/bin:/bin'] });
    expect(found).toMatchObject({ mode: 'none', remedy: 'apt install nftables' });
  });

  test('namespaces granted without their rights are no namespaces', () => {
    const prefix = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
    expect(probeNamespaces({ privileges: ['root'], prefix })).toMatchObject({
      mode: 'none',
      reason: expect.stringContaining('EPERM') as string,
    });
  });

  test.each(['root', 'user'] as const)(
    'the %s form puts a command into namespaces of its own',
    (privilege) => {
      const script =
        'id -u; readlink /proc/self/ns/net; echo $$; ls /sys/class/net >/dev/null; cat /proc/net/route | wc -l';
      const [program = '', ...rest] = ENTER_COMMAND[privilege];
      const run = spawnSync(program, [...rest, 'sh', '-c', script], { encoding: 'utf8' });
      const [uid, namespace, pid] = run.stdout.split('\n');
      expect(uid).toBe('0');
      expect(pid).toBe('1');
      expect(namespace).toMatch(/^net:/);
      expect(namespace).not.toBe(
        spawnSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).stdout.trim(),
      );
    },
  );
});
