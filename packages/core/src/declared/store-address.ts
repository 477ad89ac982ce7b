// SPDX-License-Identifier: Apache-2.0

/** As whoever reads may see it: plans, events and logs have no passwords. @param address of a store, or a text that has one */
export function withoutPassword(address: string): string {
  return address.replace(/([a-z+]+:\/\/[^/:@?#\s]*):[^/?#\s]*@/, '$1:…@');
}
