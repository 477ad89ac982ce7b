// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { guaranteeOf } from '../../src/node/guarantee.ts';

const fence = { guarantee: 'bpf: until the end of the lease' };

test.each([
  ['without virtual addresses', null],
  ['where the kernel ends connections', { socketDestroyMissing: undefined }],
])('%s the guarantee is that of the fence', (_, addresses) => {
  expect(guaranteeOf(fence, addresses)).toEqual({ guarantee: fence.guarantee, lacking: undefined });
});

test('a kernel that cannot end connections is told of, in the guarantee and by itself', () => {
  const { guarantee, lacking } = guaranteeOf(fence, { socketDestroyMissing: 'this kernel cannot do it' });
  expect(lacking).toContain('this kernel cannot do it');
  expect(guarantee).toBe(`${fence.guarantee}; ${lacking}`);
});
