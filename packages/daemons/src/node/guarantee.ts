// SPDX-License-Identifier: Apache-2.0
import type { Fence } from '@vnfpool/platform';
import type { LinuxVirtualAddresses } from '@vnfpool/platform/addresses';

/** What is promised at this node, in one sentence for people, and what of it the kernel lacks besides the fence. */
export function guaranteeOf(
  { guarantee }: Pick<Fence, 'guarantee'>,
  addresses: Pick<LinuxVirtualAddresses, 'socketDestroyMissing'> | null,
): { readonly guarantee: string; readonly lacking: string | undefined } {
  const missing = addresses?.socketDestroyMissing;
  if (missing === undefined) return { guarantee, lacking: undefined };
  const lacking = `connections to an address that is lost are not ended here, and may wake up when it comes back: ${missing}`;
  return { guarantee: `${guarantee}; ${lacking}`, lacking };
}
