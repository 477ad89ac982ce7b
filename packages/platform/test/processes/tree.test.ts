// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { descendants, inNetworkNamespace, networkNamespaceOf, sendSignal } from '@vnfpool/platform/processes';
import { describe, expect, test } from 'vitest';

describe('the tree of processes', () => {
  test('holds children and grandchildren until a signal ends them', async () => {
    // The shell waits for its child, so both live until they are told to end.
    const child = spawn('sh', ['-c', 'sleep 600 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const pid = child.pid ?? 0;
    const grandchild = Number(line.toString());
    expect(descendants(process.pid)).toEqual(expect.arrayContaining([pid, grandchild]));
    expect(descendants(pid)).toEqual([grandchild]);
    expect(sendSignal(grandchild, 'SIGKILL')).toBe(true);
    await once(child, 'exit');
    expect(descendants(pid)).toEqual([]);
    expect(sendSignal(pid, 'SIGKILL')).toBe(false);
  });

  test.skipIf(process.platform !== 'linux')('tells who shares a network namespace', () => {
    const own = networkNamespaceOf(process.pid);
    expect(own).toMatch(/^net:\[\d+\]$/);
    expect(inNetworkNamespace(own ?? '')).toContain(process.pid);
    expect(networkNamespaceOf(0x7ffffffe)).toBeNull();
  });
});
